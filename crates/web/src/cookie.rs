//! Cookies: reading the visitor's, writing ours.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::origin::Origin;

/// The name of a cookie of ours: with the `__Host-` prefix where the shop is served over TLS, so that no other host of the
/// domain and no plain connection can set it.
pub(crate) fn name(plain: &str, origin: &Origin) -> String {
    if origin.is_secure() {
        format!("__Host-{plain}")
    } else {
        plain.to_owned()
    }
}

/// The values of every cookie with this name. More than one means that somebody else has set one too.
pub(crate) fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// A cookie of ours: not readable by scripts, not sent by other sites' forms, for the whole shop.
pub(crate) fn set(
    plain: &str,
    value: &str,
    max_age_seconds: u64,
    origin: &Origin,
) -> Option<HeaderValue> {
    let secure = if origin.is_secure() { "; Secure" } else { "" };
    let name = name(plain, origin);
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_tls_the_cookie_is_bound_to_the_host() {
        let secure = Origin::parse("https://shop.example").unwrap();
        let plain = Origin::parse("http://localhost:8080").unwrap();
        assert_eq!(
            set("cart", "x", 60, &secure).unwrap(),
            "__Host-cart=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set("cart", "x", 60, &plain).unwrap(),
            "cart=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
        );
        assert!(set("cart", "x\r\nSet-Cookie: y", 60, &plain).is_none());
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; cart=one;b"));
        headers.append(COOKIE, HeaderValue::from_static("cart=two; xcart=no"));
        assert_eq!(values(&headers, "cart").collect::<Vec<_>>(), ["one", "two"]);
    }
}
