//! No other site can make a visitor's browser change something here.
//!
//! Every request that is not GET, HEAD or OPTIONS passes two checks:
//! 1. *Where the browser says it comes from.* `Sec-Fetch-Site` must be `same-origin` or `none` (typed, or a reload); without
//!    it, `Origin` must be the shop's origin or the very host that was asked. With neither header the request is refused:
//!    every browser sends one of them with a form, so nobody loses anything.
//! 2. *The form's own token.* If the visitor has a session, the field `csrf` (or the header `X-CSRF-Token`) must be made
//!    from it. One case is let through without a token: a page that was opened before the session existed has an empty
//!    field (two product tabs, a first purchase in one, then in the other). There the browser's own word
//!    `Sec-Fetch-Site: same-origin` is demanded, which no other site can make it say. The back office has no such case.
//!
//! The token is HMAC-SHA256 of the session under the server's key, cut to 128 bits. Each page carries it under a fresh
//! random mask, so that compressing pages tells an observer nothing about it (BREACH).

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use kernel::{Code, Secret};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::asked::Asked;
use crate::problem::Problem;
use crate::site::{Config, CsrfKey};
use crate::visitor::{House, Visitor};

const LENGTH: usize = 16;

/// A token for a page of this session: mask, then masked code, in base 32.
pub(crate) fn token(key: &CsrfKey, session: &Secret) -> String {
    let mut mask = [0_u8; LENGTH];
    getrandom::fill(&mut mask)
        .expect("the operating system gives random bytes, or nothing here is safe");
    let masked = xor(code(key, session), mask);
    BASE32_NOPAD.encode(&[mask, masked].concat())
}

pub(crate) fn is_token_of(key: &CsrfKey, session: &Secret, token: &str) -> bool {
    let Ok(bytes) = BASE32_NOPAD.decode(token.as_bytes()) else {
        return false;
    };
    let Some((mask, masked)) = bytes.split_at_checked(LENGTH) else {
        return false;
    };
    let (Ok(mask), Ok(masked)) = (mask.try_into(), masked.try_into()) else {
        return false;
    };
    xor(mask, masked).ct_eq(&code(key, session)).into()
}

/// A text with a code that only this server can make for this session.
pub(crate) fn seal(key: &CsrfKey, session: &Secret, text: &str) -> String {
    let code = code_of(key, session, &["vitrine seal 1", text]);
    let (text, code) = (
        BASE64URL_NOPAD.encode(text.as_bytes()),
        BASE64URL_NOPAD.encode(&code),
    );
    format!("{text}.{code}")
}

/// The text, if the code is right.
pub(crate) fn unseal(key: &CsrfKey, session: &Secret, sealed: &str) -> Option<String> {
    let (text, code) = sealed.split_once('.')?;
    let text = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
    let code = BASE64URL_NOPAD.decode(code.as_bytes()).ok()?;
    let right = code_of(key, session, &["vitrine seal 1", &text]);
    bool::from(right.as_slice().ct_eq(&code)).then_some(text)
}

fn code(key: &CsrfKey, session: &Secret) -> [u8; LENGTH] {
    code_of(key, session, &["vitrine csrf 1"])
}

fn code_of(key: &CsrfKey, session: &Secret, about: &[&str]) -> [u8; LENGTH] {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    for part in about {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    mac.update(session.expose().as_bytes());
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    let mut code = [0; LENGTH];
    for (to, from) in code.iter_mut().zip(whole) {
        *to = from;
    }
    code
}

fn xor(mut a: [u8; LENGTH], b: [u8; LENGTH]) -> [u8; LENGTH] {
    for (a, b) in a.iter_mut().zip(b) {
        *a ^= b;
    }
    a
}

/// What the browser says about where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// From a page of ours, in the browser's own word.
    Ours,
    /// From a page whose origin is ours; older browsers say only that.
    OurOrigin,
}

/// The first check.
pub(crate) fn source(asked: &Asked, config: &Config) -> Result<Source, Problem> {
    let refuse = || Problem::new(Code::CsrfFailed);
    match once(&asked.headers, "sec-fetch-site")? {
        Some("same-origin" | "none") => return Ok(Source::Ours),
        Some(_) => return Err(refuse()),
        None => {}
    }
    let origin = once(&asked.headers, "origin")?.ok_or_else(refuse)?;
    if origin.eq_ignore_ascii_case(&config.origin.to_string()) {
        return Ok(Source::OurOrigin);
    }
    // Reached under another name, such as 127.0.0.1 instead of localhost: the page itself came from there too.
    let host = asked
        .header("host")
        .or_else(|| asked.uri.authority().map(http::uri::Authority::as_str))
        .ok_or_else(refuse)?;
    let same_host = crate::Origin::parse(origin).is_ok_and(|origin| origin.is_at(host));
    // A secure shop has no business with pages of its plain-text namesake.
    let downgraded = config.origin.is_secure() && !origin.starts_with("https://");
    if same_host && !downgraded {
        Ok(Source::OurOrigin)
    } else {
        Err(refuse())
    }
}

/// The second check.
pub(crate) fn check(
    config: &Config,
    visitor: &Visitor,
    token: &str,
    source: Source,
) -> Result<(), Problem> {
    // No page of the back office is older than its session.
    if visitor.house() == House::Office && token.is_empty() && visitor.session().is_some() {
        return Err(Problem::new(Code::CsrfFailed));
    }
    check_token(&config.csrf_key, visitor.session(), token, source)
}

fn check_token(
    key: &CsrfKey,
    session: Option<&Secret>,
    token: &str,
    source: Source,
) -> Result<(), Problem> {
    match session {
        // Nothing is remembered about this visitor, so there is nothing to misuse.
        None => Ok(()),
        Some(_) if token.is_empty() && source == Source::Ours => Ok(()),
        Some(session) if is_token_of(key, session, token) => Ok(()),
        Some(_) => Err(Problem::new(Code::CsrfFailed)),
    }
}

/// A header that must not be there twice: two different readers could each believe another one.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut all = headers.get_all(name).iter();
    let first = all.next();
    if all.next().is_some() {
        return Err(Problem::new(Code::CsrfFailed));
    }
    first
        .map(|value| {
            value
                .to_str()
                .map_err(|_not_ascii| Problem::new(Code::CsrfFailed))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Ids, RandomIds};

    const KEY: CsrfKey = CsrfKey([7; 32]);

    #[test]
    fn a_token_fits_its_session_and_key_alone() {
        let (mine, other) = (RandomIds.secret(), RandomIds.secret());
        let token = token(&KEY, &mine);
        assert!(is_token_of(&KEY, &mine, &token));
        assert!(!is_token_of(&KEY, &other, &token));
        assert!(!is_token_of(&CsrfKey([8; 32]), &mine, &token));
        for bad in [
            "",
            "A",
            "not base 32!",
            &token[1..],
            &format!("{token}AA"),
            &token.to_lowercase(),
        ] {
            assert!(!is_token_of(&KEY, &mine, bad), "{bad}");
        }
    }

    #[test]
    fn a_sealed_text_comes_back_to_its_session_unchanged_or_not_at_all() {
        let (mine, other) = (RandomIds.secret(), RandomIds.secret());
        let sealed = seal(&KEY, &mine, "{\"said\":\"Archived 12 products\"}");
        assert_eq!(
            unseal(&KEY, &mine, &sealed).as_deref(),
            Some("{\"said\":\"Archived 12 products\"}")
        );
        assert_eq!(unseal(&KEY, &other, &sealed), None);
        assert_eq!(unseal(&CsrfKey([8; 32]), &mine, &sealed), None);
        for bad in ["", ".", "e30", "e30.", "e30.AAAA", &format!("A{sealed}")] {
            assert_eq!(unseal(&KEY, &mine, bad), None, "{bad}");
        }
    }

    #[test]
    fn every_page_shows_another_token() {
        let session = RandomIds.secret();
        assert_ne!(token(&KEY, &session), token(&KEY, &session));
    }

    #[test]
    fn a_page_older_than_the_session_needs_the_browsers_own_word() {
        let session = RandomIds.secret();
        assert!(check_token(&KEY, Some(&session), "", Source::Ours).is_ok());
        assert!(check_token(&KEY, Some(&session), "", Source::OurOrigin).is_err());
        assert!(check_token(&KEY, Some(&session), "WRONG", Source::Ours).is_err());
        assert!(check_token(&KEY, None, "", Source::OurOrigin).is_ok());
    }
}
