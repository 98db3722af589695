//! Typed pages: what a template receives, and samples to try it with.

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

/// A page of the theme. The type's fields are the template's variables.
///
/// Write optional fields as `Option` without `skip_serializing_if`: the template then sees `none`, and a misspelt name
/// stays an error.
pub trait Page: Serialize + Sized {
    /// The template, such as `pages/cart.html`.
    const TEMPLATE: &'static str;

    /// States worth looking at, each with a name: empty, ordinary, full, refused. The theme is checked with them.
    fn samples() -> Vec<(&'static str, Self)>;
}

/// A mail of the theme: `mail/NAME.subject.txt`, `mail/NAME.html` and `mail/NAME.txt`.
pub trait Mail: Serialize + Sized {
    /// The templates' common name, such as `order_confirmation`.
    const NAME: &'static str;

    /// As [`Page::samples`].
    fn samples() -> Vec<(&'static str, Self)>;
}

/// A rendered mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailText {
    /// One line.
    pub subject: String,
    /// The body for mail programs that show HTML.
    pub html: String,
    /// The body for all others.
    pub text: String,
}

/// The samples of one page or mail, without its type: what [`crate::Templates::check`] takes.
#[derive(Debug)]
pub struct Samples {
    pub(crate) templates: Vec<String>,
    pub(crate) contexts: Vec<(&'static str, Value)>,
}

impl Samples {
    /// Those of a page.
    pub fn of_page<P: Page>() -> Self {
        let contexts = P::samples()
            .into_iter()
            .map(|(name, page)| (name, Value::from(Serde(page))))
            .collect();
        Self {
            templates: vec![P::TEMPLATE.to_owned()],
            contexts,
        }
    }

    /// Those of a mail.
    pub fn of_mail<M: Mail>() -> Self {
        let contexts = M::samples()
            .into_iter()
            .map(|(name, mail)| (name, Value::from(Serde(mail))))
            .collect();
        Self {
            templates: mail_parts(M::NAME).into(),
            contexts,
        }
    }
}

/// Subject, HTML and text template of a mail.
pub(crate) fn mail_parts(name: &str) -> [String; 3] {
    [
        format!("mail/{name}.subject.txt"),
        format!("mail/{name}.html"),
        format!("mail/{name}.txt"),
    ]
}
