//! The one template environment: loader, escaping, filters for money, dates and words.
//!
//! Every page and every mail of the shop is rendered by [`Templates`]: from typed contexts ([`Page`], [`Mail`]), in a
//! [`Voice`] (locale and time zone), with the merchant's theme folder over the default theme.
//!
//! Invariants:
//! - everything printed is HTML-escaped unless it is marked safe; only `mail/*.txt` is plain text;
//! - a page has a budget of work, so that no theme can hang the shop;
//! - amounts, dates and plurals are written by [`format`](mod@format) alone.
//!
//! Not here: what the pages are (crate `storefront`), what the mails are (crate `commerce`), sending them.

pub mod assets;
mod check;
mod engine;
pub mod format;
mod functions;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzzing;
mod lint;
mod page;
mod say;
pub mod theme;
pub mod words;

pub use check::{Fault, Frames};
pub use engine::{RenderError, Settings, Templates, Voice};
pub use lint::{lint, lint_words};
pub use page::{Mail, MailText, Page, Samples};
pub use say::Say;
