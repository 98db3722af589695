//! Who asks: anybody, somebody signed in, somebody who may do a certain thing.

use axum::extract::{FromRequestParts, OriginalUri};
use axum::response::{IntoResponse, Response};
use commerce::accounts::{self, SignedIn};
use commerce::staff::{Authorized, Denied, Permission};
use http::Method;
use http::request::Parts;
use kernel::Code;
use web::{Asked, Problem, Visitor};

use crate::admin::Admin;
use crate::told::Told;

/// A request as far as a page needs it.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) asked: Asked,
    pub(crate) visitor: Visitor,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Staffer {
    pub(crate) who: SignedIn,
    pub(crate) visit: Visit,
}

/// Somebody who is signed in and may do `P`; the proof comes along.
#[derive(Debug, Clone)]
pub(crate) struct Desk<P> {
    pub(crate) by: Authorized<P>,
    pub(crate) staff: Staffer,
}

impl Staffer {
    /// The proof that they may do `P` as well, if they may.
    pub(crate) fn may<P: Permission>(&self) -> Result<Authorized<P>, Denied> {
        self.who.may()
    }

    /// Whether they hold the permission of this name: for what a page shows, which proves nothing.
    pub(crate) fn holds(&self, permission: &str) -> bool {
        self.who.holds(permission)
    }

    /// Goes on to a page after something was done, which says so there.
    pub(crate) fn done(&self, to: &str, told: &Told) -> Result<Response, Problem> {
        let sealed = self.visit.visitor.seal(&told.to_text()?);
        let (page, place) = to.split_once('#').unwrap_or((to, ""));
        let joint = if page.contains('?') { '&' } else { '?' };
        let place = if place.is_empty() {
            String::new()
        } else {
            format!("#{place}")
        };
        web::see_other(&format!("{page}{joint}told={sealed}{place}"))
    }
}

/// Why a page is not shown.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Nobody is signed in: whoever reads is sent to the door, whoever writes is told.
    NotSignedIn(Response),
    /// Anything else.
    Problem(Problem),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::NotSignedIn(response) => response,
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // The pipeline of crate `web` puts it there; a route outside of it has no visitors.
        let asked = parts
            .extensions
            .get::<Asked>()
            .cloned()
            .ok_or_else(|| Problem::new(Code::Internal))?;
        Ok(Self {
            asked,
            visitor: Visitor::from_request_parts(parts, state).await?,
        })
    }
}

impl FromRequestParts<Admin> for Staffer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, Refused> {
        let visit = Visit::from_request_parts(parts, admin).await?;
        let Some(token) = visit.visitor.session().cloned() else {
            return Err(not_signed_in(parts));
        };
        let (shop, now) = (admin.shop(), admin.shop().clock.now());
        let found = shop
            .db
            .read(move |tx| accounts::find_session(tx, now, &token))
            .await
            .map_err(commerce::Internal::from)
            .map_err(Problem::from)?;
        let Some(who) = found else {
            return Err(not_signed_in(parts));
        };
        accounts::touch(shop, &who).await.map_err(Problem::from)?;
        Ok(Self { who, visit })
    }
}

impl<P: Permission + Send> FromRequestParts<Admin> for Desk<P> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, Refused> {
        let staff = Staffer::from_request_parts(parts, admin).await?;
        let by = staff
            .may::<P>()
            .map_err(|denied| Problem::with_detail(Code::Forbidden, denied.to_string()))?;
        Ok(Self { by, staff })
    }
}

/// The way to the door, and back to where they wanted to go.
fn not_signed_in(parts: &Parts) -> Refused {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Refused::Problem(Problem::new(Code::SignInNeeded));
    }
    let wanted = parts
        .extensions
        .get::<OriginalUri>()
        .map_or(&parts.uri, |uri| &uri.0)
        .path_and_query()
        .map_or("/admin", http::uri::PathAndQuery::as_str);
    let query = serde_urlencoded::to_string([("next", wanted)]);
    let next = query.unwrap_or_default();
    match web::see_other(&format!("/admin/sign-in?{next}")) {
        Ok(response) => Refused::NotSignedIn(response),
        Err(problem) => Refused::Problem(problem),
    }
}
