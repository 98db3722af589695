//! Countries by their two-letter code. Their names are words for readers and live in `locales/countries.*.json`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::TextError;

mod codes;

/// A country or territory of ISO 3166-1, or Kosovo (`XK`, which post and carriers use).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Country(&'static str);

impl Country {
    /// Reads a two-letter code, upper or lower case.
    pub fn parse(code: &str) -> Result<Self, TextError> {
        let code = code.trim().to_ascii_uppercase();
        let place = codes::CODES
            .binary_search(&code.as_str())
            .ok()
            .ok_or(TextError::NotACountry)?;
        codes::CODES
            .get(place)
            .copied()
            .map(Self)
            .ok_or(TextError::NotACountry)
    }

    /// The two-letter code, in capitals.
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// Every country, ordered by code.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        codes::CODES.iter().copied().map(Self)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for Country {
    type Err = TextError;
    fn from_str(code: &str) -> Result<Self, TextError> {
        Self::parse(code)
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

crate::stored_as_text!(Country);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::{FromValue, ToValue};

    #[test]
    fn a_country_is_known_by_its_two_letters_and_nothing_else() {
        assert_eq!(Country::parse(" nl ").unwrap().code(), "NL");
        for bad in ["", "N", "NLD", "ZZ", "XX", "UK", "EU", "N\u{0141}", "528"] {
            assert_eq!(Country::parse(bad), Err(TextError::NotACountry), "{bad}");
        }
    }

    #[test]
    fn every_country_is_found_again_and_comes_back_from_its_column() {
        assert_eq!(Country::all().len(), 250);
        assert!(Country::all().is_sorted());
        for country in Country::all() {
            assert_eq!(country.code().parse(), Ok(country));
            assert_eq!(Country::from_value(country.to_value()), Ok(country));
        }
    }
}
