//! Short texts and counts with rules: parsed once at the edge, trusted inside.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::stored::{FromValue, StoredError, ToValue, Value};

/// Why a short text was refused. The message says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but space was given.
    #[error("fill this in")]
    Empty,
    /// Longer than this many characters.
    #[error("use at most {0} characters")]
    TooLong(usize),
    /// A control or invisible character.
    #[error("remove the invisible or control characters")]
    Unprintable,
    /// Not an e-mail address.
    #[error("enter an e-mail address like name@example.com")]
    NotAnEmail,
    /// Not a slug.
    #[error("use lower-case letters, digits and single hyphens")]
    NotASlug,
    /// Not an id of this kind.
    #[error("this is not an id of the right kind")]
    NotAnId,
    /// Not one of the words allowed here.
    #[error("this is not one of the allowed words")]
    UnknownWord,
    /// A quantity outside 1 to 9,999.
    #[error("enter a whole number from 1 to 9999")]
    NotAQuantity,
    /// Not a country code.
    #[error("choose a country")]
    NotACountry,
}

/// Trims, folds inner white space to single spaces, and refuses what does not belong into one line of text.
///
/// Length is counted in characters. Zero-width and bidirectional control characters are refused with the control
/// characters: they make two different names look alike.
pub fn one_line(text: &str, max: usize) -> Result<String, TextError> {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if folded.is_empty() {
        return Err(TextError::Empty);
    }
    if folded.chars().count() > max {
        return Err(TextError::TooLong(max));
    }
    if folded.chars().any(is_invisible) {
        return Err(TextError::Unprintable);
    }
    Ok(folded)
}

/// Whether a character shows nothing, or changes how others are shown.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// An article number: what the merchant, the shelf and the supplier call a variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Sku(String);

impl Sku {
    /// Up to 64 printable characters, trimmed.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        one_line(text, 64).map(Self)
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The part of an address that names a product, category or collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// Lower-case ASCII letters and digits, single hyphens between them, at most 120 characters.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let fits = !text.is_empty()
            && text.len() <= 120
            && text.split('-').all(|part| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            });
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError::NotASlug)
        }
    }

    /// The slug a title suggests: letters and digits kept, all else one hyphen; `item` where nothing is left.
    pub fn from_title(title: &str) -> Self {
        let mut slug = String::new();
        for c in title.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= 100 {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        Self(if slug.is_empty() {
            "item".to_owned()
        } else {
            slug.to_owned()
        })
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address, its domain in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Accepts what mail servers accept in practice: one `@`, a local part without spaces, a domain with a dot, at most 254
    /// characters (RFC 5321, 4.5.3.1). Whether the mailbox exists only a mail can tell.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(TextError::NotAnEmail)?;
        // What is kept is what was looked at: some capitals become letters that no domain has.
        let domain = domain.to_lowercase();
        let local_fits = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local
                .chars()
                .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
        let domain_fits = domain.contains('.')
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            });
        let address = format!("{local}@{domain}");
        if local_fits && domain_fits && address.len() <= 254 {
            Ok(Self(address))
        } else {
            Err(TextError::NotAnEmail)
        }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form two spellings of one mailbox share: everything in lower case.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

/// How many pieces: from 1 to 9,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    /// One piece.
    pub const ONE: Self = Self(1);
    /// The most of one thing a line can hold.
    pub const MAX: u32 = 9_999;

    /// A count that is in range.
    pub fn new(count: u32) -> Result<Self, TextError> {
        if (1..=Self::MAX).contains(&count) {
            Ok(Self(count))
        } else {
            Err(TextError::NotAQuantity)
        }
    }

    /// The count.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The count, for sums of money and stock.
    pub fn as_i64(self) -> i64 {
        i64::from(self.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Quantity {
    type Err = TextError;
    /// Plain digits only: no sign, point or exponent.
    fn from_str(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() || text.len() > 9 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(TextError::NotAQuantity);
        }
        text.parse()
            .ok()
            .ok_or(TextError::NotAQuantity)
            .and_then(Self::new)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(u32::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

impl ToValue for Quantity {
    fn to_value(&self) -> Value {
        Value::Int(self.as_i64())
    }
}

impl FromValue for Quantity {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        let count = u32::from_value(value)?;
        Self::new(count)
            .ok()
            .ok_or_else(|| StoredError::new("a quantity", &Value::Int(i64::from(count))))
    }
}

macro_rules! parsed_texts {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> { Self::parse(text) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
        crate::stored_as_text!($name);
    )+};
}

parsed_texts!(Sku, Slug, Email);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_whole_and_between_one_and_9999() {
        for good in ["1", " 7 ", "9999"] {
            assert!(good.parse::<Quantity>().is_ok(), "{good}");
        }
        for bad in [
            "0",
            "-1",
            "10000",
            "1e3",
            "0.5",
            "NaN",
            "",
            "+1",
            "99999999999999999999",
            "[1]",
            "\u{0661}",
        ] {
            assert_eq!(
                bad.parse::<Quantity>(),
                Err(TextError::NotAQuantity),
                "{bad}"
            );
        }
    }

    #[test]
    fn ordinary_addresses_pass_and_broken_ones_do_not() {
        for good in [
            "noor@example.com",
            "a.b+c@sub.example.co",
            "o'neil@Example.COM",
            "jörg@müller.de",
        ] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "noor",
            "noor@",
            "@example.com",
            "a b@example.com",
            "a@b",
            "a@-b.com",
            "a..b@c.de",
            "a@b.c\r\nBcc: x@y.z",
        ] {
            assert_eq!(Email::parse(bad), Err(TextError::NotAnEmail), "{bad}");
        }
        assert_eq!(
            Email::parse("Noor@Example.COM").unwrap().as_str(),
            "Noor@example.com"
        );
    }

    #[test]
    fn a_title_suggests_its_slug() {
        assert_eq!(
            Slug::from_title("Tarn vase, dipped").as_str(),
            "tarn-vase-dipped"
        );
        assert_eq!(Slug::from_title("!!!").as_str(), "item");
        assert!(
            Slug::parse("Tarn").is_err()
                && Slug::parse("a--b").is_err()
                && Slug::parse("../x").is_err()
        );
    }

    #[test]
    fn lines_of_text_are_folded_and_invisible_characters_refused() {
        assert_eq!(one_line("  Noor   de Wit ", 20).unwrap(), "Noor de Wit");
        assert_eq!(one_line("pay\u{202e}lap", 20), Err(TextError::Unprintable));
        assert_eq!(one_line("abcdef", 5), Err(TextError::TooLong(5)));
    }

    #[test]
    fn an_address_that_is_kept_can_be_read_again() {
        // This capital becomes a letter and a mark above it, and no domain has marks.
        assert_eq!(Email::parse("a@b.\u{130}"), Err(TextError::NotAnEmail));
        let long = format!("{}@{}.de", "a".repeat(60), "b.".repeat(95) + "c");
        assert!(Email::parse(&long).is_err());
    }
}
