//! The headers every answer carries, and the marks a handler can put on an answer to change them.

use axum::response::{IntoResponseParts, Response, ResponseParts};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Code;

use crate::asked::Asked;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::site::{Config, Site};

/// Marks an answer as the visitor's own: no cache may keep it, and it is sent uncompressed. For cart, checkout, orders and
/// everything else with personal data.
#[derive(Debug, Clone, Copy)]
pub struct Private;

/// Allows the forms of a page to end at this origin: the payment provider the shopper is sent on to. (Browsers apply
/// `form-action` to the redirect after a form, too.)
#[derive(Debug, Clone)]
pub struct FormsMayLeadTo(pub Vec<Origin>);

/// Marks an answer as markup that is not the shop's own page, such as a mail being looked at: the browser shows it apart
/// from the shop, runs nothing in it, and loads nothing but its own styles and the shop's pictures.
#[derive(Debug, Clone, Copy)]
pub struct Sandboxed;

impl IntoResponseParts for Sandboxed {
    type Error = Problem;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Problem> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}

impl IntoResponseParts for Private {
    type Error = Problem;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Problem> {
        parts
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(parts)
    }
}

impl IntoResponseParts for FormsMayLeadTo {
    type Error = Problem;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Problem> {
        if parts.extensions_mut().insert(self).is_some() {
            return Err(Problem::new(Code::Internal));
        }
        Ok(parts)
    }
}

/// Whether an answer may be kept by nobody.
pub(crate) fn is_private(headers: &HeaderMap) -> bool {
    headers
        .get(CACHE_CONTROL)
        .is_some_and(|value| value.as_bytes() == b"no-store")
}

/// Adds the headers to an answer.
pub(crate) fn add(response: &mut Response, asked: &Asked, site: &Site) {
    let config = site.config();
    let leads_to = response.extensions_mut().remove::<FormsMayLeadTo>();
    let sandboxed = response.extensions_mut().remove::<Sandboxed>();
    let is_html = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value))
    };
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "strict-origin-when-cross-origin");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(self)",
    );
    if config.origin.is_secure() {
        set(
            STRICT_TRANSPORT_SECURITY,
            "max-age=63072000; includeSubDomains",
        );
    }
    if is_html && !headers.contains_key(CACHE_CONTROL) {
        // Pages show the visitor's cart and token: the browser may keep them for Back, and asks before showing them anew.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    let policy = match (sandboxed, leads_to) {
        (Some(Sandboxed), _) => as_value(&sandboxed_policy(config)),
        (None, Some(FormsMayLeadTo(origins))) => {
            as_value(&content_security_policy(config, &origins))
        }
        (None, None) => site.inner().policy.clone(),
    };
    if let Some(policy) = policy {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if let Ok(id) = HeaderValue::from_str(asked.id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

/// The policy of nearly every answer: it depends on nothing but the configuration.
pub(crate) fn usual_policy(config: &Config) -> Option<HeaderValue> {
    as_value(&content_security_policy(config, &[]))
}

fn as_value(policy: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(policy).ok()
}

/// Nothing runs, nothing is sent, nothing is loaded but the shop's own pictures.
fn sandboxed_policy(config: &Config) -> String {
    let mut policy = String::from(
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:",
    );
    if let Some(media) = &config.media_origin {
        policy.push(' ');
        policy.push_str(&media.to_string());
    }
    policy.push_str("; form-action 'none'; frame-ancestors 'none'; base-uri 'none'");
    policy
}

/// Everything from ourselves, nothing from anyone else, no inline script or style. Sent with every answer, so that a file
/// opened by itself (an SVG, a JSON text) cannot run anything either.
fn content_security_policy(config: &Config, forms_lead_to: &[Origin]) -> String {
    let mut policy = String::from(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:",
    );
    if let Some(media) = &config.media_origin {
        policy.push(' ');
        policy.push_str(&media.to_string());
    }
    policy
        .push_str("; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'");
    for origin in forms_lead_to {
        policy.push(' ');
        policy.push_str(&origin.to_string());
    }
    policy.push_str("; frame-ancestors 'none'; base-uri 'none'; object-src 'none'");
    if config.origin.is_secure() {
        policy.push_str("; upgrade-insecure-requests");
    }
    policy
}
