//! How a small type is written to and read from a column: the five kinds of value both databases share.

/// One column's value. Text, whole number, truth, bytes, or nothing: no other kind exists in our tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// `TEXT`.
    Text(String),
    /// `BIGINT`.
    Int(i64),
    /// `BOOLEAN`; SQLite hands it back as 0 or 1.
    Bool(bool),
    /// `BYTEA`.
    Bytes(Vec<u8>),
}

/// A stored value that is not what the reader expected: a bug or a damaged row, never a user's mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored value cannot be read as {wanted}: {found}")]
pub struct StoredError {
    /// The type that was wanted.
    pub wanted: &'static str,
    /// What was found, shortened.
    pub found: String,
}

impl StoredError {
    /// An error for `wanted`, quoting at most 60 characters of what was found.
    pub fn new(wanted: &'static str, found: &Value) -> Self {
        let mut found = format!("{found:?}");
        if let Some((cut, _)) = found.char_indices().nth(60) {
            found.truncate(cut);
        }
        Self { wanted, found }
    }
}

/// What can be a statement's parameter.
pub trait ToValue {
    /// The value as a column holds it.
    fn to_value(&self) -> Value;
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// Reads the value; an unexpected kind or content is an error.
    fn from_value(value: Value) -> Result<Self, StoredError>;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        match value {
            Value::Null => Ok(None),
            Value::Text(_) | Value::Int(_) | Value::Bool(_) | Value::Bytes(_) => {
                T::from_value(value).map(Some)
            }
        }
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        Ok(value)
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        if let Value::Text(text) = value {
            Ok(text)
        } else {
            Err(StoredError::new("text", &value))
        }
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value {
        Value::Int(*self)
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        if let Value::Int(number) = value {
            Ok(number)
        } else {
            Err(StoredError::new("a whole number", &value))
        }
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }
}

impl FromValue for u32 {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        let number = i64::from_value(value)?;
        Self::try_from(number)
            .ok()
            .ok_or_else(|| StoredError::new("a number from 0 to 4294967295", &Value::Int(number)))
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        match value {
            Value::Bool(truth) => Ok(truth),
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            Value::Null | Value::Text(_) | Value::Int(_) | Value::Bytes(_) => {
                Err(StoredError::new("true or false", &value))
            }
        }
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Value {
        Value::Bytes(self.clone())
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        if let Value::Bytes(bytes) = value {
            Ok(bytes)
        } else {
            Err(StoredError::new("bytes", &value))
        }
    }
}

/// Stores a type as the text its `Display` writes and its `FromStr` reads.
#[macro_export]
macro_rules! stored_as_text {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::stored::ToValue for $name {
            fn to_value(&self) -> $crate::stored::Value {
                $crate::stored::Value::Text(self.to_string())
            }
        }
        impl $crate::stored::FromValue for $name {
            fn from_value(value: $crate::stored::Value) -> Result<Self, $crate::stored::StoredError> {
                let $crate::stored::Value::Text(text) = &value else {
                    return Err($crate::stored::StoredError::new(stringify!($name), &value));
                };
                text.parse().map_err(|_| $crate::stored::StoredError::new(stringify!($name), &value))
            }
        }
    )+};
}

/// Declares an enum whose variants have one `snake_case` word each: in columns, JSON, logs and templates alike.
///
/// ```
/// kernel::words! {
///     /// What a cook says.
///     pub enum Doneness { Rare = "rare", WellDone = "well_done" }
/// }
/// assert_eq!("well_done".parse::<Doneness>().unwrap(), Doneness::WellDone);
/// assert_eq!(Doneness::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The variant's word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result { f.write_str(self.as_str()) }
        }
        impl ::std::str::FromStr for $name {
            type Err = $crate::text::TextError;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s { $($word => Ok(Self::$variant),)+ _ => Err($crate::text::TextError::UnknownWord) }
            }
        }
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.as_str()) }
        }
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let word = <::std::borrow::Cow<'de, str> as $crate::serde::Deserialize>::deserialize(d)?;
                word.parse().map_err($crate::serde::de::Error::custom)
            }
        }
        $crate::stored_as_text!($name);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_truth_is_read_as_truth_and_two_is_not() {
        assert_eq!(bool::from_value(Value::Int(1)), Ok(true));
        assert!(bool::from_value(Value::Int(2)).is_err());
    }

    #[test]
    fn nothing_is_read_only_where_nothing_is_allowed() {
        assert_eq!(Option::<i64>::from_value(Value::Null), Ok(None));
        assert!(i64::from_value(Value::Null).is_err());
    }
}
