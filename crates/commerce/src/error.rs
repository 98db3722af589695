//! What no caller can act on: the database, a provider or a bug. Logged with its chain, never shown.

use std::error::Error;
use std::fmt;

/// An error of ours, with what was being done when it happened.
#[derive(Debug)]
pub struct Internal {
    doing: Option<String>,
    source: Box<dyn Error + Send + Sync>,
}

impl Internal {
    /// Something that cannot be, said in words.
    pub fn bug(what: impl Into<String>) -> Self {
        Self {
            doing: None,
            source: what.into().into(),
        }
    }

    /// The same error with what was being done: `capturing pay_…`.
    #[must_use]
    pub fn doing(mut self, what: impl Into<String>) -> Self {
        self.doing = Some(what.into());
        self
    }

    /// The database's error, if it was one.
    pub fn database(&self) -> Option<&db::DbError> {
        self.source.downcast_ref()
    }
}

impl fmt::Display for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.doing {
            Some(doing) => write!(f, "{doing}: {}", self.source),
            None => self.source.fmt(f),
        }
    }
}

impl Error for Internal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.source()
    }
}

macro_rules! sources {
    ($($source:ty),+ $(,)?) => {$(
        impl From<$source> for Internal {
            fn from(source: $source) -> Self { Self { doing: None, source: Box::new(source) } }
        }
    )+};
}

sources!(
    db::DbError,
    kernel::MoneyError,
    kernel::TextError,
    kernel::stored::StoredError,
    serde_json::Error,
    templates::RenderError
);

impl kernel::Coded for Internal {
    /// A database that is full, busy or away for a moment has written nothing: whoever asked may try again soon.
    fn code(&self) -> kernel::Code {
        match self.database() {
            Some(error) if error.is_temporary() => kernel::Code::Busy,
            Some(_) | None => kernel::Code::Internal,
        }
    }
}

/// Lets `?` turn what a building block can meet into the `Internal` variant of an operation's error.
#[macro_export]
macro_rules! internal_from {
    ($error:ty: $($source:ty),+ $(,)?) => {$(
        impl From<$source> for $error {
            fn from(source: $source) -> Self { Self::Internal($crate::Internal::from(source)) }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use db::DbError;
    use kernel::{Code, Coded};

    use super::Internal;

    #[test]
    fn what_passes_by_itself_asks_for_another_try_and_all_else_is_our_fault() {
        let away = DbError::Unavailable("connection refused".to_owned());
        for error in [
            DbError::Full,
            DbError::Busy,
            DbError::TimedOut,
            DbError::Conflict,
            away,
        ] {
            assert_eq!(
                Internal::from(error).doing("placing an order").code(),
                Code::Busy
            );
        }
        let unknown = DbError::UnknownCommit("the line was cut".to_owned());
        for error in [DbError::ForeignKey, unknown] {
            assert_eq!(Internal::from(error).code(), Code::Internal);
        }
        assert_eq!(
            Internal::bug("a cart without a currency").code(),
            Code::Internal
        );
    }
}
