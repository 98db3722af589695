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

/// Which of the two houses a path belongs to. A session of one means nothing in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum House {
    /// The shop, for shoppers.
    Shop,
    /// The back office, for staff.
    Office,
}

impl House {
    pub(crate) fn of(path: &str) -> Self {
        match path.strip_prefix("/admin") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Self::Office,
            Some(_) | None => Self::Shop,
        }
    }

    /// The cookie with the session.
    const fn cookie(self) -> &'static str {
        match self {
            Self::Shop => "cart",
            Self::Office => "staff",
        }
    }

    /// How long a browser keeps it: a cart after its last change; a member of staff no longer than any session lasts.
    const fn max_age_seconds(self) -> u64 {
        match self {
            Self::Shop => 90 * 24 * 60 * 60,
            Self::Office => 14 * 24 * 60 * 60,
        }
    }
}

/// The cookie by which a browser of a member of staff is known again when it signs in.
const DEVICE: &str = "device";
/// Browsers cap it at 400 days.
const DEVICE_SECONDS: u64 = 400 * 24 * 60 * 60;

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
    device: Option<Secret>,
    new_device: bool,
    leaves: bool,
    house: House,
    site: Site,
}

impl Visitor {
    /// The visitor of a request that is only known by its path and headers, as in an error page.
    pub fn of(site: &Site, path: &str, headers: &HeaderMap) -> Self {
        let house = House::of(path);
        let origin = &site.config().origin;
        Self {
            session: session_in(house, headers, origin),
            device: secret_in(DEVICE, headers, origin),
            new_device: false,
            leaves: false,
            house,
            site: site.clone(),
        }
    }

    /// By what the browser is known again when it signs in; back office only.
    pub fn device(&self) -> Option<&Secret> {
        self.device.as_ref()
    }

    /// The same visitor, to be known again by this when they next sign in.
    #[must_use]
    pub fn with_device(self, device: Secret) -> Self {
        Self {
            device: Some(device),
            new_device: true,
            ..self
        }
    }

    /// The same visitor without a session: the answer takes the cookie away.
    #[must_use]
    pub fn without_session(self) -> Self {
        Self {
            session: None,
            leaves: true,
            ..self
        }
    }

    /// Text that only this session can be given back: it travels through the browser and cannot be changed there.
    /// Empty if there is no session.
    pub fn seal(&self, text: &str) -> String {
        let key = &self.site.config().csrf_key;
        self.session
            .as_ref()
            .map(|session| csrf::seal(key, session, text))
            .unwrap_or_default()
    }

    /// The text of [`Visitor::seal`], if it is this session's.
    pub fn unseal(&self, sealed: &str) -> Option<String> {
        csrf::unseal(&self.site.config().csrf_key, self.session.as_ref()?, sealed)
    }

    pub(crate) fn house(&self) -> House {
        self.house
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
pub(crate) fn session_in(house: House, headers: &HeaderMap, origin: &Origin) -> Option<Secret> {
    secret_in(house.cookie(), headers, origin)
}

fn secret_in(cookie: &str, headers: &HeaderMap, origin: &Origin) -> Option<Secret> {
    let name = cookie::name(cookie, origin);
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
        Ok(Self::of(site, parts.uri.path(), &parts.headers))
    }
}

impl IntoResponseParts for Visitor {
    type Error = Problem;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Problem> {
        let origin = &self.site.config().origin;
        let mut cookies = Vec::new();
        if let Some(session) = &self.session {
            let (name, age) = (self.house.cookie(), self.house.max_age_seconds());
            cookies.push(cookie::set(name, session.expose(), age, origin));
        } else if self.leaves {
            cookies.push(cookie::set(self.house.cookie(), "", 0, origin));
        }
        if let Some(device) = self.device.as_ref().filter(|_| self.new_device) {
            cookies.push(cookie::set(DEVICE, device.expose(), DEVICE_SECONDS, origin));
        }
        for cookie in cookies {
            parts.headers_mut().append(
                SET_COOKIE,
                cookie.ok_or_else(|| Problem::new(Code::Internal))?,
            );
        }
        Ok(parts)
    }
}
