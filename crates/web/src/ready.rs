//! A page that is ready to be sent, many times over: tagged once, compressed once.

use std::sync::OnceLock;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::compress;
use crate::respond;

/// A page with nothing of one visitor in it, in every encoding it is sent in.
///
/// Each encoding has a strong tag of its own; a tag of either is an answer to "has it changed?".
#[derive(Debug)]
pub struct ReadyPage {
    plain: Bytes,
    small: OnceLock<Option<Bytes>>,
    plain_headers: HeaderMap,
    small_headers: HeaderMap,
}

impl ReadyPage {
    /// A page of HTML. Browsers and proxies may keep it and ask each time whether it is still right.
    pub fn html(html: String) -> Self {
        let plain = Bytes::from(html);
        let tag = respond::etag(&plain);
        let mut small_tag = tag.clone();
        small_tag.insert_str(small_tag.len().saturating_sub(1), "-gz");
        let mut small_headers = headers(&small_tag);
        small_headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        Self {
            plain_headers: headers(&tag),
            small_headers,
            small: OnceLock::new(),
            plain,
        }
    }

    /// The page for this request: all of it in the encoding it takes, or 304 if it has it already.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let small = if compress::accepts_gzip(request) {
            self.small()
        } else {
            None
        };
        let (body, headers) = match small {
            Some(small) => (small, &self.small_headers),
            None => (&self.plain, &self.plain_headers),
        };
        let tags = [&self.plain_headers, &self.small_headers];
        let mut response = if tags.iter().any(|headers| is_known(request, headers)) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            Response::new(Body::from(body.clone()))
        };
        *response.headers_mut() = headers.clone();
        if response.status() == StatusCode::NOT_MODIFIED {
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().remove(CONTENT_ENCODING);
        }
        response
    }

    /// How much memory it takes, compressed form included.
    pub fn size(&self) -> usize {
        let small = self.small().map_or(0, Bytes::len);
        self.plain.len().saturating_add(small)
    }

    /// Compressed, if that makes it smaller.
    fn small(&self) -> Option<&Bytes> {
        self.small
            .get_or_init(|| {
                let small = compress::gzip(&self.plain).ok()?;
                (small.len() < self.plain.len()).then_some(small)
            })
            .as_ref()
    }
}

fn headers(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(5);
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    // A visitor with a session gets a page of their own.
    headers.insert(VARY, HeaderValue::from_static("cookie, accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    headers
}

fn is_known(request: &HeaderMap, headers: &HeaderMap) -> bool {
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    tag.is_some_and(|tag| respond::has_already(request, tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};
    use http_body_util::BodyExt;

    fn request(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    async fn body(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    fn page() -> ReadyPage {
        ReadyPage::html("<p>Tarn vase</p>".repeat(200))
    }

    #[tokio::test]
    async fn each_encoding_has_a_strong_tag_of_its_own() {
        let page = page();
        let plain = page.answer(&request(&[]));
        let small = page.answer(&request(&[(ACCEPT_ENCODING, "gzip, br")]));
        let (a, b) = (plain.headers()[ETAG].clone(), small.headers()[ETAG].clone());
        assert_ne!(a, b);
        assert!(a.to_str().unwrap().starts_with('"'));
        assert!(b.to_str().unwrap().ends_with("-gz\""));
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(small.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(plain.headers()[VARY], "cookie, accept-encoding");
        let (plain, small) = (body(plain).await, body(small).await);
        let mut read = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(small.as_ref()), &mut read)
            .unwrap();
        assert_eq!(read.as_bytes(), plain);
        assert_eq!(page.size(), plain.len() + small.len());
    }

    #[tokio::test]
    async fn who_has_it_already_is_told_so_in_few_bytes() {
        let page = page();
        let gzip = (ACCEPT_ENCODING, "gzip");
        let tag = page.answer(&request(std::slice::from_ref(&gzip))).headers()[ETAG].clone();
        for known in [
            tag.to_str().unwrap(),
            "\"other\", *",
            &format!("W/{}", tag.to_str().unwrap()),
        ] {
            let answer = page.answer(&request(&[gzip.clone(), (IF_NONE_MATCH, known)]));
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(answer.headers()[ETAG], tag);
            assert!(answer.headers().contains_key(VARY));
            assert!(!answer.headers().contains_key(CONTENT_TYPE));
            assert!(body(answer).await.is_empty());
        }
        let other = page.answer(&request(&[(IF_NONE_MATCH, "\"other\"")]));
        assert_eq!(other.status(), StatusCode::OK);
    }
}
