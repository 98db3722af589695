//! `GET /media/{hash}/{width}.webp`: pictures. What is in one never changes, so they are kept for ever.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use commerce::media::{self, ContentHash, MediaFile};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use kernel::Code;
use web::Problem;

use crate::storefront::Storefront;

const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Sends a picture's file.
pub(crate) async fn show(
    State(storefront): State<Storefront>,
    Path((hash, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (hash, width) = parse(&hash, &file).ok_or_else(|| Problem::new(Code::NotFound))?;
    let found = media::open_media(storefront.shop(), &hash, width).await?;
    let MediaFile { bytes, etag } = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    let tag = HeaderValue::from_str(&etag).map_err(|error| Problem::internal(&error))?;
    let kept = [(CACHE_CONTROL, KEPT), (ETAG, tag)];
    if web::has_already(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let kind = [(CONTENT_TYPE, HeaderValue::from_static(media::CONTENT_TYPE))];
    Ok((kept, kind, Body::from(bytes)).into_response())
}

/// The hash and the width of a file's address: written in one way only, so that no cache holds a picture twice.
fn parse(hash: &str, file: &str) -> Option<(ContentHash, u32)> {
    let hash: ContentHash = hash.parse().ok()?;
    let digits = file.strip_suffix(".webp")?;
    let width: u32 = digits.parse().ok()?;
    let largest = media::limits::WIDTHS.iter().copied().max().unwrap_or(0);
    ((1..=largest).contains(&width) && width.to_string() == digits).then_some((hash, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_one_address_only() {
        let hash = ContentHash::of(b"a vase");
        let ours = hash.as_str();
        assert_eq!(parse(ours, "800.webp"), Some((hash.clone(), 800)));
        assert_eq!(parse(ours, "1.webp").map(|(_, width)| width), Some(1));
        for file in [
            "0.webp",
            "1601.webp",
            "0800.webp",
            "+800.webp",
            "800.WEBP",
            "800",
            "800.webp.webp",
            ".webp",
            "-1.webp",
            "8e2.webp",
        ] {
            assert_eq!(parse(ours, file), None, "{file}");
        }
        for bad in [
            "",
            "..",
            &ours.to_uppercase(),
            &ours[1..],
            &format!("{ours}0"),
            "%2e%2e",
        ] {
            assert_eq!(parse(bad, "800.webp"), None, "{bad}");
        }
    }
}
