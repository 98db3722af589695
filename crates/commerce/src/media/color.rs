//! Colours as people and CSS write them.

use serde::Serialize;

/// A colour as `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Color(String);

impl Color {
    /// Reads `#rrggbb`, upper or lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        let fits = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(format!("#{}", digits.to_ascii_lowercase())))
    }

    /// The colour of these three parts.
    pub fn from_rgb(red: u8, green: u8, blue: u8) -> Self {
        Self(format!("#{red:02x}{green:02x}{blue:02x}"))
    }

    /// `#rrggbb`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Color {
    type Err = kernel::TextError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(kernel::TextError::UnknownWord)
    }
}

kernel::stored_as_text!(Color);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits_and_nothing_else() {
        assert_eq!(Color::parse(" #E2B49A ").unwrap().as_str(), "#e2b49a");
        assert_eq!(Color::from_rgb(47, 93, 78).as_str(), "#2f5d4e");
        for bad in ["", "#fff", "red", "e2b49a", "#e2b49a;", "#gggggg", "#12345"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }
}
