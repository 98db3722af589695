//! What went wrong with a request, on its way from a handler to the visitor.
//!
//! A handler returns [`Problem`] (any [`Coded`] error becomes one by `?`). The pipeline turns it into an error page or into
//! problem+json (RFC 9457), by what was asked for. Internal errors are logged once, with their chain and the request's id;
//! the visitor sees the id and no more.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use kernel::{Code, Coded};
use serde::Serialize;

/// When to come back if something of ours is busy or away for a moment, in seconds.
const SOON: u32 = 3;

/// An error on its way to the visitor.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    status: StatusCode,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<u32>,
    allow: Option<HeaderValue>,
    cause: Option<Arc<str>>,
    at_the_door: bool,
}

impl Problem {
    /// A problem of which only the code matters.
    pub fn new(code: Code) -> Self {
        let status =
            StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            code,
            status,
            detail: None,
            retry_after: None,
            allow: None,
            cause: None,
            at_the_door: false,
        }
    }

    /// A problem with a sentence the visitor may read: what to do about it.
    pub fn with_detail(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::new(code)
        }
    }

    /// Our fault: logged with its chain, shown as an id only.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        Self {
            cause: Some(chain(error).into()),
            ..Self::new(Code::Internal)
        }
    }

    /// Asks the visitor to come back after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Says that the request was not even let in: there is no time to draw a page for it.
    pub(crate) fn at_the_door(mut self) -> Self {
        self.at_the_door = true;
        self
    }

    /// Whether the request was let in.
    pub(crate) fn is_at_the_door(&self) -> bool {
        self.at_the_door
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The seconds to wait, if it was said.
    pub fn seconds_to_wait(&self) -> Option<u32> {
        self.retry_after
    }

    /// What the visitor may read. Never anything about a fault of ours.
    pub fn detail(&self) -> Option<&str> {
        if self.status.is_server_error() {
            None
        } else {
            self.detail.as_deref()
        }
    }

    /// The chain of errors behind it, for the log.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The problem that a bare answer of someone else's (a rejection of axum, a missing route) stands for.
    pub(crate) fn of_bare(response: &Response) -> Self {
        let status = response.status();
        let code = match status {
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMedia,
            StatusCode::FORBIDDEN => Code::Forbidden,
            StatusCode::GONE => Code::Gone,
            StatusCode::TOO_MANY_REQUESTS => Code::TooManyRequests,
            StatusCode::REQUEST_TIMEOUT => Code::Timeout,
            StatusCode::UNPROCESSABLE_ENTITY => Code::Invalid,
            StatusCode::SERVICE_UNAVAILABLE => Code::Busy,
            other if other.is_server_error() => Code::Internal,
            _ => Code::BadRequest,
        };
        let allow = response.headers().get(http::header::ALLOW).cloned();
        Self {
            status,
            allow,
            ..Self::new(code)
        }
    }

    /// RFC 9457, with our code and the request's id beside the standard members.
    pub(crate) fn to_json(&self, request_id: &str) -> String {
        #[derive(Serialize)]
        struct Json<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            code: Code,
            #[serde(skip_serializing_if = "Option::is_none")]
            detail: Option<&'a str>,
            request_id: &'a str,
        }
        let json = Json {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail(),
            request_id,
        };
        serde_json::to_string(&json)
            .unwrap_or_else(|_| format!("{{\"status\":{}}}", self.status.as_u16()))
    }

    /// The headers that belong to the status.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let retry = self
            .retry_after
            .map(|seconds| (http::header::RETRY_AFTER, HeaderValue::from(seconds)));
        let allow = self.allow.clone().map(|allow| (http::header::ALLOW, allow));
        retry.into_iter().chain(allow)
    }
}

impl<E: Coded + 'static> From<E> for Problem {
    fn from(error: E) -> Self {
        let mut problem = Self::new(error.code());
        if problem.status.is_server_error() {
            problem.cause = Some(chain(&error).into());
            problem.retry_after = (problem.code == Code::Busy).then_some(SOON);
        } else {
            problem.detail = Some(error.to_string().into());
        }
        problem
    }
}

impl IntoResponse for Problem {
    /// A bare answer that carries the problem; the pipeline dresses it for the visitor.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An error with everything that caused it, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // Transparent wrappers repeat their cause; once is enough.
        if !text.ends_with(&said) && write!(text, ": {said}").is_err() {
            break;
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Sale {
        #[error("only {0} left")]
        OutOfStock(u32),
        #[error("reading the cart")]
        Database(#[source] std::io::Error),
    }

    impl Coded for Sale {
        fn code(&self) -> Code {
            match self {
                Self::OutOfStock(_) => Code::OutOfStock,
                Self::Database(_) => Code::Internal,
            }
        }
    }

    #[test]
    fn what_the_visitor_can_act_on_is_told_and_what_is_ours_is_not() {
        let told = Problem::from(Sale::OutOfStock(2));
        assert_eq!(
            (told.status().as_u16(), told.detail()),
            (409, Some("only 2 left"))
        );
        let ours = Problem::from(Sale::Database(std::io::Error::other(
            "disk /dev/sda1 is gone",
        )));
        assert_eq!((ours.status().as_u16(), ours.detail()), (500, None));
        assert_eq!(
            ours.cause(),
            Some("reading the cart: disk /dev/sda1 is gone")
        );
        assert!(!ours.to_json("r1").contains("sda1"));
        let careless = Problem::with_detail(Code::Internal, "disk /dev/sda1 is gone");
        assert_eq!(careless.detail(), None);
    }

    #[test]
    fn what_is_busy_asks_to_come_back_soon() {
        #[derive(Debug, thiserror::Error)]
        #[error("the disk is full")]
        struct Full;
        impl Coded for Full {
            fn code(&self) -> Code {
                Code::Busy
            }
        }
        let told = Problem::from(Full);
        assert_eq!(
            (told.status().as_u16(), told.seconds_to_wait()),
            (503, Some(3))
        );
        assert_eq!(
            (told.detail(), told.cause()),
            (None, Some("the disk is full"))
        );
    }

    #[test]
    fn programs_get_problem_json_with_our_code() {
        let json: serde_json::Value =
            serde_json::from_str(&Problem::from(Sale::OutOfStock(2)).to_json("r1")).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"type": "about:blank", "title": "Conflict", "status": 409, "code": "out_of_stock", "detail": "only 2 left", "request_id": "r1"})
        );
    }
}
