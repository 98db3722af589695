//! Small shapes that several pages' templates share.

pub(crate) mod listing;
pub mod shelf;

use http::StatusCode;
use serde::Serialize;

/// What is wrong with a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormError {
    /// The id of the field it stands at; `None` if it is about the form as a whole.
    pub field: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl FormError {
    /// At a field.
    pub fn at(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            message: message.into(),
        }
    }

    /// About the form as a whole.
    pub fn of_form(message: impl Into<String>) -> Self {
        Self {
            field: None,
            message: message.into(),
        }
    }

    /// The status of a page that shows these.
    pub(crate) fn status(errors: &[Self]) -> StatusCode {
        if errors.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

/// An entry of a select box or a group of radio buttons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is the present one.
    pub chosen: bool,
}

/// A tab that leads to a view of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tab {
    /// What is read.
    pub label: String,
    /// Where it leads.
    pub url: String,
    /// Whether it is the present one.
    pub current: bool,
    /// How many there are, if that is known.
    pub count: Option<String>,
}

/// Where a long list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pages {
    /// This page's number, from 1.
    pub number: u32,
    /// The page before.
    pub previous_url: Option<String>,
    /// The page after.
    pub next_url: Option<String>,
    /// How many there are in all, in words: `214`, `more than 1,000`.
    pub total: String,
    /// The first and last of those shown, from 1; both 0 for an empty list.
    pub first: u32,
    /// See `first`.
    pub last: u32,
}
