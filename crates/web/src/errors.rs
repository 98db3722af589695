//! Error pages: what a [`Problem`] becomes on its way out.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use kernel::Code;
use serde::Serialize;
use templates::Page;

use crate::asked::Asked;
use crate::problem::Problem;
use crate::run::panic_text;
use crate::site::Site;

/// Draws error pages in the shop's own frame.
pub trait ErrorPages: Send + Sync {
    /// The page as HTML, or `None` if it cannot be drawn either. Must not fail because the database does: it is asked
    /// exactly then.
    fn draw<'a>(&'a self, asked: &'a Asked, page: &'a ErrorPage) -> BoxFuture<'a, Option<String>>;
}

/// The error pages of both houses, each drawn by its own.
pub struct BothHouses {
    /// For shoppers.
    pub shop: std::sync::Arc<dyn ErrorPages>,
    /// For staff.
    pub office: std::sync::Arc<dyn ErrorPages>,
}

impl ErrorPages for BothHouses {
    fn draw<'a>(&'a self, asked: &'a Asked, page: &'a ErrorPage) -> BoxFuture<'a, Option<String>> {
        if asked.is_office() {
            self.office.draw(asked, page)
        } else {
            self.shop.draw(asked, page)
        }
    }
}

/// No error pages but the last resort: for tests and for tools without a theme.
#[derive(Debug, Clone, Copy)]
pub struct PlainErrors;

impl ErrorPages for PlainErrors {
    fn draw<'a>(
        &'a self,
        _asked: &'a Asked,
        _page: &'a ErrorPage,
    ) -> BoxFuture<'a, Option<String>> {
        Box::pin(async { None })
    }
}

/// `pages/error.html`.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    /// What went wrong.
    pub error: Told,
}

/// What an error page tells.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// The HTTP status.
    pub status: u16,
    /// What the visitor may read about it: what to do.
    pub detail: Option<String>,
    /// Whether the theme has words of its own for this status.
    pub known: bool,
    /// The request's id, where the fault is ours.
    pub reference: Option<String>,
    /// Seconds to wait.
    pub retry_after: Option<u32>,
    /// Words of the address, for the search field of a 404.
    pub search: Option<String>,
    /// A few places to go; filled in by the face that draws the page.
    pub links: Vec<Place>,
}

/// A place to go.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// The statuses with words of their own.
const KNOWN: &[u16] = &[401, 403, 404, 410, 429, 500, 503];

impl ErrorPage {
    /// The page for a problem.
    pub fn of(problem: &Problem, asked: &Asked) -> Self {
        let status = problem.status().as_u16();
        Self {
            error: Told {
                status,
                detail: problem.detail().map(str::to_owned),
                known: KNOWN.contains(&status),
                reference: problem
                    .status()
                    .is_server_error()
                    .then(|| asked.id.as_str().to_owned()),
                retry_after: problem.seconds_to_wait(),
                search: if status == 404 {
                    words_of(asked.uri.path())
                } else {
                    None
                },
                links: Vec::new(),
            },
        }
    }
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "pages/error.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let told = |status, known| Told {
            status,
            detail: None,
            known,
            reference: None,
            retry_after: None,
            search: None,
            links: Vec::new(),
        };
        let place = Place {
            name: "Vases".to_owned(),
            url: "/c/vases".to_owned(),
        };
        let page = |error| Self { error };
        vec![
            (
                "not found",
                page(Told {
                    search: Some("blue vase".to_owned()),
                    links: vec![place],
                    ..told(404, true)
                }),
            ),
            (
                "ours",
                page(Told {
                    reference: Some("019ab3f2c4d5".to_owned()),
                    ..told(500, true)
                }),
            ),
            (
                "busy",
                page(Told {
                    retry_after: Some(30),
                    ..told(503, true)
                }),
            ),
            (
                "too many",
                page(Told {
                    retry_after: Some(1),
                    ..told(429, true)
                }),
            ),
            ("forbidden", page(told(403, true))),
            ("gone", page(told(410, true))),
            ("other", page(told(409, false))),
        ]
    }
}

/// Words out of a path such as `/products/blue-vase`, for the search field; `None` if there are none worth looking for.
fn words_of(path: &str) -> Option<String> {
    let last = path.rsplit('/').find(|part| !part.is_empty())?;
    let words: Vec<&str> = last
        .split(['-', '_', '+', '.'])
        .filter(|word| !word.is_empty())
        .take(6)
        .collect();
    let readable = words
        .iter()
        .all(|word| word.len() <= 30 && word.bytes().all(|b| b.is_ascii_alphanumeric()));
    (readable && !words.is_empty()).then(|| words.join(" "))
}

/// Turns an answer that stands for a problem into what the visitor sees; leaves every other answer as it is.
pub(crate) async fn dress(site: &Site, asked: &Asked, mut response: Response) -> Response {
    let Some(problem) = problem_in(asked, &mut response) else {
        return response;
    };
    log(asked, &problem);
    let (kind, body) = if asked.wants_json() {
        (
            "application/problem+json",
            Body::from(problem.to_json(asked.id.as_str())),
        )
    } else {
        (
            "text/html; charset=utf-8",
            page(site, asked, &problem).await,
        )
    };
    let mut dressed = (problem.status(), body).into_response();
    let headers = dressed.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(problem.headers());
    dressed
}

/// Tells the operator about a fault of ours.
fn log(asked: &Asked, problem: &Problem) {
    let id = asked.id.as_str();
    let route = asked.route.as_deref().unwrap_or("unmatched");
    match (problem.code(), problem.cause()) {
        (Code::Internal, cause) => {
            let cause = cause.unwrap_or("no cause was given");
            tracing::error!(request.id = id, route, "Request {id} failed: {cause}");
        }
        (Code::Busy, Some(cause)) => {
            tracing::warn!(request.id = id, route, "Request {id} has to wait: {cause}");
        }
        _ => {}
    }
}

/// The problem an answer stands for: one of ours, or a bare refusal of the router or an extractor.
fn problem_in(asked: &Asked, response: &mut Response) -> Option<Problem> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Some(problem);
    }
    let status = response.status();
    // Whoever asks `/readyz` reads the status; a page would be in the way.
    if asked.is_for_operator() || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_bare = kind.is_none_or(|kind| kind.starts_with("text/plain"));
    is_bare.then(|| Problem::of_bare(response))
}

async fn page(site: &Site, asked: &Asked, problem: &Problem) -> Body {
    let (pages, refusals) = (&*site.inner().errors, &site.inner().refusals);
    if !problem.is_at_the_door() {
        let page = ErrorPage::of(problem, asked);
        return Body::from(drawn(pages, asked, &page).await);
    }
    let kind = Refusal::of(asked, problem);
    if let Some(kept) = refusals.find(kind) {
        return Body::from(kept);
    }
    let nobody = asked.without_visitor();
    let mut page = ErrorPage::of(problem, &nobody);
    // There is nothing to look up: the request was not even read.
    page.error.reference = None;
    let html = Bytes::from(drawn(pages, &nobody, &page).await);
    refusals.keep(kind, html.clone());
    Body::from(html)
}

async fn drawn(pages: &dyn ErrorPages, asked: &Asked, page: &ErrorPage) -> String {
    let drawn = AssertUnwindSafe(pages.draw(asked, page))
        .catch_unwind()
        .await;
    let status = StatusCode::from_u16(page.error.status).unwrap_or_default();
    match drawn {
        Ok(Some(html)) => html,
        Ok(None) => last_resort(status, asked),
        Err(panic) => {
            let (id, words) = (asked.id.as_str(), panic_text(panic.as_ref()));
            tracing::error!(
                request.id = id,
                "The error page of request {id} panicked: {words}"
            );
            last_resort(status, asked)
        }
    }
}

/// Pages for requests that are turned away at the door. A full shop has no time to draw one for each: they are drawn for
/// nobody in particular, once, and kept for a while.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<Refusal, (Instant, Bytes)>>);

/// Which page it is: whose house, what it says, and how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Refusal {
    in_office: bool,
    status: u16,
    seconds: Option<u32>,
}

impl Refusal {
    fn of(asked: &Asked, problem: &Problem) -> Self {
        Self {
            in_office: asked.is_office(),
            status: problem.status().as_u16(),
            seconds: problem.seconds_to_wait(),
        }
    }
}

/// How long such a page is kept: an edit of the theme shows soon.
const KEPT: Duration = Duration::from_secs(10);
/// How many of them are kept.
const MOST_KEPT: usize = 64;

impl Refusals {
    fn find(&self, kind: Refusal) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, html) = kept.get(&kind)?;
        (since.elapsed() < KEPT).then(|| html.clone())
    }

    fn keep(&self, kind: Refusal, html: Bytes) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(kind, (Instant::now(), html));
    }
}

/// A page that needs nothing: no theme, no database, no words from outside.
fn last_resort(status: StatusCode, asked: &Asked) -> String {
    let (title, text) = if status.is_server_error() {
        (
            "Something is wrong on our side",
            "Nothing you did caused this. Please try again in a moment.",
        )
    } else if status == StatusCode::NOT_FOUND {
        (
            "This page does not exist",
            "The address may be mistyped, or the page may have moved.",
        )
    } else {
        ("This did not work", "Please go back and try again.")
    };
    let id = asked.id.as_str();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title></head><body><main><h1>{title}</h1><p>{text}</p><p><a href=\"/\">Home</a></p>\
         <p><small>{} · {id}</small></p></main></body></html>\n",
        status.as_u16()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_address_is_looked_for() {
        assert_eq!(
            words_of("/products/blue-vase"),
            Some("blue vase".to_owned())
        );
        assert_eq!(
            words_of("/products/blue-vase/"),
            Some("blue vase".to_owned())
        );
        assert_eq!(words_of("/"), None);
        assert_eq!(words_of("/x/%3Cscript%3E"), None);
        assert_eq!(words_of("/wp-login.php"), Some("wp login php".to_owned()));
    }
}
