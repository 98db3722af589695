//! Forms and queries: read strictly, so that nobody is surprised by what was understood.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use kernel::Code;
use serde::de::DeserializeOwned;

use crate::asked::Asked;
use crate::body;
use crate::problem::Problem;
use crate::site::Site;

/// The hidden field every posting form carries; checked before the handler, never seen by it.
pub(crate) const CSRF_FIELD: &str = "csrf";

/// The fields of a form, each once, without `csrf`.
///
/// For forms whose fields are not known before (`option.<slug>`). Where they are, use [`Form`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    /// The value of a field, as typed. `None` if the form did not have it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All fields whose name starts with `prefix`, without it, in order of name.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| {
            name.strip_prefix(prefix).map(|rest| (rest, value.as_str()))
        })
    }

    /// All fields, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads `application/x-www-form-urlencoded`: UTF-8 only, no field twice, no NUL.
    pub(crate) fn parse(text: &[u8], most: usize) -> Result<Self, Problem> {
        let mut fields = BTreeMap::new();
        for pair in text.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|b| *b == b'=') {
                Some(at) => (
                    pair.get(..at).unwrap_or_default(),
                    pair.get(at + 1..).unwrap_or_default(),
                ),
                None => (pair, &[][..]),
            };
            let (name, value) = (decoded(name)?, decoded(value)?);
            if fields.len() >= most {
                return Err(Problem::with_detail(
                    Code::TooLarge,
                    format!("use at most {most} fields"),
                ));
            }
            if fields.insert(name, value).is_some() {
                return Err(Problem::with_detail(
                    Code::BadRequest,
                    "a field was sent twice",
                ));
            }
        }
        Ok(Self(fields))
    }

    /// Reads a query: as a form, but of a field that is there twice the last one counts.
    pub(crate) fn of_query(query: &str, most: usize) -> Result<Self, Problem> {
        let mut last = Self::default();
        for pair in query.split('&') {
            last.0.extend(Self::parse(pair.as_bytes(), 1)?.0);
        }
        if last.0.len() > most {
            return Err(Problem::new(Code::TooLarge));
        }
        Ok(last)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// The fields as a typed struct. Unknown fields are the struct's own matter (`deny_unknown_fields`).
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let encoded =
            serde_urlencoded::to_string(&self.0).map_err(|error| Problem::internal(&error))?;
        serde_urlencoded::from_str(&encoded)
            .map_err(|error| Problem::with_detail(Code::BadRequest, error.to_string()))
    }
}

/// `+` and `%XX` undone. What is then not UTF-8, or holds a NUL that no keyboard makes, is refused.
fn decoded(text: &[u8]) -> Result<String, Problem> {
    let refused = || Problem::with_detail(Code::BadRequest, "the form is not UTF-8 text");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (high, low, after) = match tail {
                    [high, low, after @ ..] => (*high, *low, after),
                    _ => return Err(refused()),
                };
                let digit = |b: u8| {
                    char::from(b)
                        .to_digit(16)
                        .and_then(|digit| u8::try_from(digit).ok())
                        .ok_or_else(refused)
                };
                bytes.push(digit(high)? << 4 | digit(low)?);
                rest = after;
            }
            0 => return Err(refused()),
            other => bytes.push(*other),
        }
    }
    if bytes.contains(&0) {
        return Err(refused());
    }
    String::from_utf8(bytes).map_err(|_not_utf8| refused())
}

/// A posted form as a typed struct. `csrf` has been checked and taken out, so `deny_unknown_fields` can be used.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

/// A query as a typed struct. Unknown fields are ignored (links from elsewhere carry their own); of a field that is there
/// twice the last one counts; what is not UTF-8 is refused.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let content_type = request
            .headers()
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        if !is_form(content_type) {
            return Err(Problem::new(Code::UnsupportedMedia));
        }
        let most = most_fields(request.extensions());
        let mut fields = Self::parse(&body::read(request.into_body()).await?, most)?;
        fields.take(CSRF_FIELD);
        Ok(fields)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Fields::from_request(request, state).await?.read().map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let fields = Fields::of_query(query, most_fields(&parts.extensions))?;
        fields.read().map(Self)
    }
}

/// Whether a content type is that of a plain HTML form.
pub(crate) fn is_form(content_type: Option<&str>) -> bool {
    let kind = content_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn most_fields(extensions: &http::Extensions) -> usize {
    let (site, asked) = (extensions.get::<Site>(), extensions.get::<Asked>());
    site.zip(asked)
        .map_or(500, |(site, asked)| site.config().limits.fields_at(asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn parse(text: &str) -> Result<Fields, u16> {
        Fields::parse(text.as_bytes(), 3).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn what_a_browser_sends_is_read_back() {
        let fields = parse("a=1+%2B+2&option.glaze=%C3%A9t%C3%A9&empty").unwrap();
        assert_eq!(fields.get("a"), Some("1 + 2"));
        assert_eq!(
            fields.with_prefix("option.").collect::<Vec<_>>(),
            [("glaze", "été")]
        );
        assert_eq!((fields.get("empty"), fields.get("none")), (Some(""), None));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for bad in [
            "a=1&a=2",
            "a=%ff",
            "a=%C3",
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%00",
            "a=\0",
            "%ff=1",
            "a=%ed%a0%80",
            "a=%c0%80",
        ] {
            assert_eq!(parse(bad).unwrap_err(), 400, "{bad}");
        }
        assert!(parse("a&b&c").is_ok());
        assert_eq!(parse("a&b&c&d").unwrap_err(), 413);
    }

    #[test]
    fn a_typed_form_refuses_fields_it_does_not_know() {
        #[derive(Debug, Deserialize, PartialEq)]
        #[serde(deny_unknown_fields)]
        struct Change {
            quantity: u32,
            remove: Option<String>,
        }
        assert_eq!(
            parse("quantity=2").unwrap().read::<Change>().unwrap(),
            Change {
                quantity: 2,
                remove: None
            }
        );
        for bad in [
            "quantity=two",
            "quantity=-1",
            "quantity=1e3",
            "quantity=99999999999",
            "quantity=1&price=0",
            "",
        ] {
            assert_eq!(
                parse(bad)
                    .unwrap()
                    .read::<Change>()
                    .unwrap_err()
                    .status()
                    .as_u16(),
                400,
                "{bad}"
            );
        }
    }
}
