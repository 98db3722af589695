//! The way of every request, in order: named, let in, limited, checked, answered, dressed, told to the log.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::Version;
use http::header::{CONTENT_TYPE, HOST};
use kernel::Code;
use tracing::Instrument;

use crate::admission::Rank;
use crate::asked::Asked;
use crate::form::{CSRF_FIELD, Fields, is_form};
use crate::problem::Problem;
use crate::run::panic_text;
use crate::site::Site;
use crate::visitor::Visitor;
use crate::{body, compress, csrf, errors, headers, metrics, upload};

/// Takes a request through everything the faces share.
pub(crate) async fn answer(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let asked = Asked::of(&mut request, site.config());
    let span = tracing::info_span!("request", id = asked.id.as_str());
    answer_in_span(site, asked, request, next)
        .instrument(span)
        .await
}

async fn answer_in_span(site: Site, asked: Asked, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let in_flight = metrics::InFlight::new();
    let response = match guarded(&site, &asked, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    let response = errors::dress(&site, &asked, response).await;
    let mut response = compress::compress(&asked.headers, response).await;
    headers::add(&mut response, &asked, &site);
    drop(in_flight);
    let took = began.elapsed();
    metrics::request(&asked, response.status(), took);
    if !asked.is_for_operator() {
        // The pattern instead of the path, and no address: a log is no place for who looked at what.
        let (route, status) = (
            asked.route.as_deref().unwrap_or("unmatched"),
            response.status().as_u16(),
        );
        tracing::info!(request.id = asked.id.as_str(), method = %asked.method, route, status, ms = took.as_millis(), "{} {route} {status}", asked.method);
    }
    response
}

/// Lets a request in and answers it within its time, whatever the handler does.
async fn guarded(
    site: &Site,
    asked: &Asked,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let inner = site.inner();
    check_host(asked)?;
    let _place = if asked.is_for_operator() {
        None
    } else {
        let rank = Rank::of(asked, &inner.config);
        Some(inner.admission.enter(rank).await?)
    };
    if asked.is_change() {
        inner.admission.count_change(asked.peer.address)?;
    }
    let answered = AssertUnwindSafe(checked(site, asked, request, next)).catch_unwind();
    match tokio::time::timeout(inner.config.limits.time_at(asked), answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => {
            let words = panic_text(panic.as_ref());
            Err(Problem::internal(&std::io::Error::other(format!(
                "a handler panicked: {words}"
            ))))
        }
        // What the handler began with `run` goes on; the visitor learns its end from the next page.
        Err(_elapsed) => Err(Problem::new(Code::Busy).retry_after(5)),
    }
}

/// Limits the body, makes sure that a change comes from a page of ours, and hands over to the page.
async fn checked(
    site: &Site,
    asked: &Asked,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let config = site.config();
    let (mut parts, body) = request.into_parts();
    let mut body = body::limited(asked, body, &config.limits)?;
    let is_webhook = config
        .webhooks
        .iter()
        .any(|prefix| asked.uri.path().starts_with(prefix));
    if asked.is_change() && !is_webhook {
        let source = csrf::source(asked, config)?;
        if asked.header("x-csrf-token").is_none() && upload::is_upload(asked) {
            // Too large to be read twice: the handler's `Upload` checks the token, which is the form's first field.
            parts.extensions.insert(upload::Unchecked(source));
        } else {
            let visitor = Visitor::of(site, asked.uri.path(), &asked.headers);
            let token;
            (token, body) = csrf_token_in(asked, body, config.limits.fields_at(asked)).await?;
            csrf::check(config, &visitor, &token, source)?;
        }
    }
    parts.extensions.insert(site.clone());
    parts.extensions.insert(asked.clone());
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// The token a change carries, in its header or in its form, and the body as it was.
async fn csrf_token_in(
    asked: &Asked,
    body: Body,
    most_fields: usize,
) -> Result<(String, Body), Problem> {
    if let Some(token) = asked.header("x-csrf-token") {
        return Ok((token.to_owned(), body));
    }
    if !is_form(
        asked
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok()),
    ) {
        return Ok((String::new(), body));
    }
    let whole = body::read(body).await?;
    let token = Fields::parse(&whole, most_fields)?
        .take(CSRF_FIELD)
        .unwrap_or_default();
    Ok((token, Body::from(whole)))
}

/// HTTP/1.1 names its host exactly once (RFC 9112, 3.2): two names are two readings, and that is how requests are smuggled.
fn check_host(asked: &Asked) -> Result<(), Problem> {
    let named = asked.headers.get_all(HOST).iter().count();
    let wanted = asked.version == Version::HTTP_11 && asked.peer != crate::Peer::UNKNOWN;
    if named > 1 || (wanted && named == 0 && asked.uri.authority().is_none()) {
        return Err(Problem::with_detail(
            Code::BadRequest,
            "name the host exactly once",
        ));
    }
    Ok(())
}
