//! The visitor's session: one unguessable word in one cookie, made when there is first something to remember.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponseParts, ResponseParts};
use http::HeaderMap;
use http::header::SET_COOKIE;
use http::request::Parts;
use kernel::{Code, Secret};

use crate::origin::Origin;
use crate::problem::Problem;
use crate::site::Site;
use crate::{cookie, csrf};

/// The shopper's only cookie.
const COOKIE: &str = "cart";
/// How long a cart is remembered after its last change.
const MAX_AGE_SECONDS: u64 = 90 * 24 * 60 * 60;

/// Who asks: a browser with a session, or one that has none yet.
///
/// As an extractor it reads the cookie. As part of an answer it sets the cookie again, which makes it last from now:
/// ```text
/// async fn add(mut visitor: Visitor, …) -> Result<impl IntoResponse, Problem> {
///     let session = visitor.session_or_new().clone();
///     …
///     Ok((visitor, web::see_other("/cart")))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Visitor {
    session: Option<Secret>,
    site: Site,
}

impl Visitor {
    /// The visitor of a request that is only known by its headers, as in an error page.
    pub fn of(site: &Site, headers: &HeaderMap) -> Self {
        Self {
            session: session_in(headers, &site.config().origin),
            site: site.clone(),
        }
    }

    /// The session, if the visitor has one.
    pub fn session(&self) -> Option<&Secret> {
        self.session.as_ref()
    }

    /// The session, made now if there is none. The answer must contain this visitor, or the cookie is never set.
    pub fn session_or_new(&mut self) -> &Secret {
        let ids = &self.site.config().ids;
        self.session.get_or_insert_with(|| ids.secret())
    }

    /// The same visitor with the session an operation gave it, as when the first thing is put into a cart.
    #[must_use]
    pub fn with_session(self, session: Secret) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    /// What the page's forms carry in their hidden field `csrf`; empty if there is no session yet.
    pub fn csrf_token(&self) -> String {
        let key = &self.site.config().csrf_key;
        self.session
            .as_ref()
            .map(|session| csrf::token(key, session))
            .unwrap_or_default()
    }
}

/// The session in the cookie of these headers, if there is one.
pub(crate) fn session_in(headers: &HeaderMap, origin: &Origin) -> Option<Secret> {
    let name = cookie::name(COOKIE, origin);
    cookie::values(headers, &name).find_map(|value| Secret::parse(value).ok())
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // The pipeline puts the site there; a route outside of it has no sessions.
        let site = parts
            .extensions
            .get::<Site>()
            .ok_or_else(|| Problem::new(Code::Internal))?;
        Ok(Self::of(site, &parts.headers))
    }
}

impl IntoResponseParts for Visitor {
    type Error = Problem;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Problem> {
        if let Some(session) = &self.session {
            let value = cookie::set(
                COOKIE,
                session.expose(),
                MAX_AGE_SECONDS,
                &self.site.config().origin,
            );
            parts.headers_mut().append(
                SET_COOKIE,
                value.ok_or_else(|| Problem::new(Code::Internal))?,
            );
        }
        Ok(parts)
    }
}
