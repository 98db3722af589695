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
    fn code(&self) -> kernel::Code {
        kernel::Code::Internal
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
