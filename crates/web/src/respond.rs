//! Answers handlers give: pages, redirects, files that may not have changed.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use kernel::Code;
use sha2::{Digest, Sha256};
use templates::assets::Found;

use crate::compress;
use crate::problem::Problem;

/// A rendered page.
#[derive(Debug, Clone)]
pub struct Html(pub String);

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        (
            [(
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            )],
            self.0,
        )
            .into_response()
    }
}

/// A refused form: 422 with the page that says why.
pub fn unprocessable(page: Html) -> impl IntoResponse {
    (StatusCode::UNPROCESSABLE_ENTITY, page)
}

/// Sends the browser on with GET, after a form was accepted (303).
pub fn see_other(to: &str) -> Result<Response, Problem> {
    redirect(StatusCode::SEE_OTHER, to)
}

/// The page lives elsewhere for good (308 keeps the method; for GET pages browsers and search engines follow and remember).
pub fn moved(to: &str) -> Result<Response, Problem> {
    redirect(StatusCode::PERMANENT_REDIRECT, to)
}

fn redirect(status: StatusCode, to: &str) -> Result<Response, Problem> {
    let to = HeaderValue::from_str(to).map_err(|error| Problem::internal(&error))?;
    Ok((status, [(LOCATION, to)]).into_response())
}

/// A strong entity tag of some bytes.
pub fn etag(content: &[u8]) -> String {
    let digest = HEXLOWER.encode(&Sha256::digest(content));
    format!("\"{}\"", digest.get(..32).unwrap_or(&digest))
}

/// Whether the client already has the content with this tag (RFC 9110, 13.1.2: weak comparison).
pub fn has_already(request: &HeaderMap, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let known = request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

/// Content with a tag: 304 if the client has it, else all of it.
pub fn tagged(
    request: &HeaderMap,
    content_type: &'static str,
    cache: &'static str,
    content: Bytes,
) -> Response {
    let tag = etag(&content);
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
    ];
    with_tag(
        request,
        &tag,
        (headers, Body::from(content)).into_response(),
    )
}

/// A file of the theme.
pub(crate) fn asset(request: &HeaderMap, found: Option<Found<'_>>) -> Result<Response, Problem> {
    let Found { asset, immutable } = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    let cache = if immutable {
        "public, max-age=31536000, immutable"
    } else {
        "public, no-cache"
    };
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
    ];
    let small = asset
        .gzip
        .as_ref()
        .filter(|_| compress::accepts_gzip(request));
    let mut response = (headers, Body::from(small.unwrap_or(&asset.body).clone())).into_response();
    if asset.gzip.is_some() {
        response
            .headers_mut()
            .insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    let mut tag = asset.etag.clone();
    if small.is_some() {
        response
            .headers_mut()
            .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        tag.insert_str(tag.len().saturating_sub(1), "-gz");
    }
    Ok(with_tag(request, &tag, response))
}

fn with_tag(request: &HeaderMap, tag: &str, mut response: Response) -> Response {
    if has_already(request, tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().remove(CONTENT_ENCODING);
    }
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let mut request = HeaderMap::new();
        let first = tagged(
            &request,
            "text/plain",
            "no-cache",
            Bytes::from_static(b"tea"),
        );
        let tag = first.headers().get(ETAG).unwrap().clone();
        assert_eq!(first.status(), StatusCode::OK);
        request.insert(
            IF_NONE_MATCH,
            HeaderValue::from_str(&format!("\"old\", W/{}", tag.to_str().unwrap())).unwrap(),
        );
        let second = tagged(
            &request,
            "text/plain",
            "no-cache",
            Bytes::from_static(b"tea"),
        );
        assert_eq!(
            (second.status(), second.headers().get(ETAG)),
            (StatusCode::NOT_MODIFIED, Some(&tag))
        );
        assert_eq!(
            tagged(
                &request,
                "text/plain",
                "no-cache",
                Bytes::from_static(b"coffee")
            )
            .status(),
            StatusCode::OK
        );
    }

    #[test]
    fn a_redirect_never_breaks_into_a_second_header() {
        assert_eq!(
            see_other("/cart?added=x")
                .unwrap()
                .headers()
                .get(LOCATION)
                .unwrap(),
            "/cart?added=x"
        );
        assert_eq!(
            see_other("/cart\r\nSet-Cookie: x=1")
                .unwrap_err()
                .status()
                .as_u16(),
            500
        );
    }
}
