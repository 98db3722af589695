//! What a page says about what was just done, with the way to undo it. It travels in the address, sealed for the session:
//! nobody else can make a page say something or offer a form.

use serde::{Deserialize, Serialize};
use templates::Say;
use web::Problem;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    key: String,
    #[serde(default)]
    arguments: Vec<(String, String)>,
    #[serde(default)]
    count: Option<i64>,
    #[serde(default)]
    undo: Option<Undo>,
}

/// The form that takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Where it is sent.
    pub action: String,
    /// Its hidden fields.
    pub fields: Vec<(String, String)>,
}

/// What a page says, ready to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldView {
    /// The sentence.
    pub text: String,
    /// How to take it back.
    pub undo: Option<Undo>,
}

impl Told {
    /// Says the text of this key.
    pub(crate) fn new(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            arguments: Vec::new(),
            count: None,
            undo: None,
        }
    }

    /// With an argument of the text.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.arguments.push((name.to_owned(), value.into()));
        self
    }

    /// For so many: the text has a form for one and one for others.
    pub(crate) fn count(self, count: i64) -> Self {
        Self {
            count: Some(count),
            ..self
        }
    }

    /// With a form that takes it back.
    pub(crate) fn undo(self, action: &str, fields: &[(&str, &str)]) -> Self {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            undo: Some(Undo {
                action: action.to_owned(),
                fields: fields.collect(),
            }),
            ..self
        }
    }

    pub(crate) fn to_text(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(|error| Problem::internal(&error))
    }

    /// What `to_text` wrote; `None` for what an earlier release may have written otherwise.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match serde_json::from_str(text) {
            Ok(told) => Some(told),
            Err(error) => {
                tracing::debug!("A page cannot say what was done: {error}");
                None
            }
        }
    }

    pub(crate) fn view(self, say: &Say) -> ToldView {
        let arguments: Vec<(&str, String)> = self
            .arguments
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        ToldView {
            text: match self.count {
                Some(count) => say.count_with(&self.key, count, &arguments),
                None => say.with(&self.key, &arguments),
            },
            undo: self.undo,
        }
    }
}

/// A note is understood or left out; one that is understood is written as it was meant.
#[cfg(feature = "testing")]
pub fn notes(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some(told) = Told::parse(text) else {
        return;
    };
    let written = told.to_text();
    assert!(written.is_ok_and(|text| Told::parse(&text) == Some(told)));
}
