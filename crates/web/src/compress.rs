//! Smaller answers for those who take gzip.
//!
//! Compressing a page that holds a secret beside something the visitor typed lets an observer of its size guess the secret
//! (BREACH). Two rules answer that: form tokens are masked anew on every page (see [`crate::csrf`]), and pages marked
//! [`Private`](crate::Private), which hold names, addresses and order links, are not compressed at all.

use std::io::Write;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;

use crate::headers;

/// Below this, a packet is a packet.
const MIN_BYTES: u64 = 1_400;
/// Above this, an answer should have been made smaller elsewhere; compressing it here would hold up others.
const MAX_BYTES: u64 = 1024 * 1024;

/// Compresses an answer if that is allowed, wanted and worth it.
pub(crate) async fn compress(request_headers: &HeaderMap, response: Response) -> Response {
    if !is_worth_it(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts
        .headers
        .append(VARY, HeaderValue::from_static("accept-encoding"));
    if !accepts_gzip(request_headers) {
        return Response::from_parts(parts, body);
    }
    let whole = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => return Response::from_parts(parts, Body::new(Broken(Some(error)))),
    };
    let Ok(small) = gzip(&whole) else {
        return Response::from_parts(parts, Body::from(whole));
    };
    parts
        .headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(small.len()));
    weaken(&mut parts.headers);
    Response::from_parts(parts, Body::from(small))
}

fn is_worth_it(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let is_text = [
        "text/html",
        "application/json",
        "application/manifest+json",
        "text/plain",
        "application/xml",
    ]
    .iter()
    .any(|text| kind.starts_with(text));
    let size = response.body().size_hint().exact().unwrap_or(0);
    is_text
        && (MIN_BYTES..=MAX_BYTES).contains(&size)
        && response.status() != StatusCode::PARTIAL_CONTENT
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers::is_private(headers)
        && !is_decided(headers)
}

/// Whether who answered has already chosen the encoding by what is accepted.
fn is_decided(headers: &HeaderMap) -> bool {
    headers
        .get(VARY)
        .and_then(|names| names.to_str().ok())
        .is_some_and(|names| names.contains("accept-encoding"))
}

/// Whether gzip is accepted, and not with weight 0 (RFC 9110, 12.5.3).
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
            let refused = parts.any(|weight| {
                weight
                    .strip_prefix("q=")
                    .is_some_and(|q| q.trim_matches(['0', '.']).is_empty())
            });
            named && !refused
        })
}

pub(crate) fn gzip(whole: &Bytes) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(whole.len() / 3), Compression::new(5));
    encoder.write_all(whole)?;
    encoder.finish().map(Bytes::from)
}

/// Another encoding of the same content is the same only weakly.
fn weaken(headers: &mut HeaderMap) {
    let strong = headers
        .get(ETAG)
        .and_then(|etag| etag.to_str().ok())
        .filter(|etag| !etag.starts_with("W/"));
    if let Some(weak) = strong.and_then(|etag| HeaderValue::from_str(&format!("W/{etag}")).ok()) {
        headers.insert(ETAG, weak);
    }
}

/// The body of an answer that broke while it was read.
struct Broken(Option<axum::Error>);

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        std::task::Poll::Ready(self.0.take().map(Err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_to_those_who_take_it() {
        let accepts = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepts_gzip(&headers)
        };
        assert!(accepts("gzip, deflate, br"));
        assert!(accepts("br;q=1.0, GZIP;q=0.2"));
        assert!(accepts("*"));
        assert!(!accepts("gzip;q=0"));
        assert!(!accepts("gzip; q=0.000, br"));
        assert!(!accepts("br"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
