//! `/admin/sign-in` and `/admin/sign-out`: the way in with a password, and where there is a second factor with a code, and
//! the way out.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use commerce::accounts::{
    self, Browser, Password, SecondStep, SignIn, SignInError, SignedInNow, finish_sign_in,
};
use http::StatusCode;
use kernel::{Code, Coded};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem, Query};

use crate::admin::Admin;
use crate::desk::Visit;
use crate::views::FormError;

crate::routes! {
    get "/admin/sign-in" (public) show;
    post "/admin/sign-in" (public) sign_in;
    get "/admin/sign-in/code" (public) begin_again;
    post "/admin/sign-in/code" (public) code;
    post "/admin/sign-out" (public) sign_out;
}

/// Where somebody is who wanted nothing in particular.
const HOME: &str = "/admin";

/// `pages/sign_in.html`.
#[derive(Debug, Clone, Serialize)]
pub struct SignInPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// The address, as it was typed.
    pub email: String,
    /// Where to go afterwards.
    pub next: String,
    /// Whether nobody owns the shop yet.
    pub unclaimed: bool,
    /// Whether somebody has just signed out.
    pub left: bool,
}

/// `pages/sign_in_code.html`: the second step.
#[derive(Debug, Clone, Serialize)]
pub struct CodePage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// Proof that the password was right, to be sent along.
    pub ticket: String,
    /// Where to go afterwards.
    pub next: String,
}

impl Page for SignInPage {
    const TEMPLATE: &'static str = "pages/sign_in.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let fresh = Self {
            errors: Vec::new(),
            email: String::new(),
            next: HOME.to_owned(),
            unclaimed: false,
            left: false,
        };
        let refused = Self {
            errors: vec![FormError::of_form(
                "The address or the password is not right.",
            )],
            email: "\"><b>ines@example.com".to_owned(),
            next: "/admin/orders?q=<i>".to_owned(),
            ..fresh.clone()
        };
        let unclaimed = Self {
            unclaimed: true,
            ..fresh.clone()
        };
        let left = Self {
            left: true,
            ..fresh.clone()
        };
        vec![
            ("fresh", fresh),
            ("refused", refused),
            ("nobody owns the shop", unclaimed),
            ("signed out", left),
        ]
    }
}

impl Page for CodePage {
    const TEMPLATE: &'static str = "pages/sign_in_code.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let fresh = Self {
            errors: Vec::new(),
            ticket: "TICKET".to_owned(),
            next: HOME.to_owned(),
        };
        let refused = Self {
            errors: vec![FormError::at("code", "This code is not right.")],
            ..fresh.clone()
        };
        vec![("fresh", fresh), ("refused", refused)]
    }
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    next: String,
    #[serde(default)]
    left: String,
}

/// `GET /admin/sign-in`.
async fn show(
    State(admin): State<Admin>,
    visit: Visit,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let next = local(&wanted.next);
    if is_signed_in(&admin, &visit).await? {
        return web::see_other(&next);
    }
    let page = SignInPage {
        errors: Vec::new(),
        email: String::new(),
        next,
        unclaimed: false,
        left: !wanted.left.is_empty(),
    };
    draw_sign_in(&admin, visit, StatusCode::OK, page).await
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /admin/sign-in`.
async fn sign_in(
    State(admin): State<Admin>,
    visit: Visit,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let next = local(&typed.next);
    let cmd = SignIn {
        email: typed.email.clone(),
        password: Password::typed(typed.password),
        from: browser(&visit),
    };
    let shop = admin.shop().clone();
    let signed_in = web::run(async move { accounts::sign_in(&shop, cmd).await }).await?;
    let error = match signed_in {
        Ok(now) => return enter(visit, now, &next),
        Err(SignInError::SecondFactorNeeded { ticket }) => {
            return draw_code(&admin, visit, (ticket, next), None).await;
        }
        Err(error) => error,
    };
    let message = told(&admin.words()?, &error)?;
    let page = SignInPage {
        errors: vec![message],
        email: typed.email,
        next,
        unclaimed: false,
        left: false,
    };
    draw_sign_in(&admin, visit, status(&error), page).await
}

/// `GET /admin/sign-in/code`: whoever reloads the page of the code has lost the proof of the password.
async fn begin_again() -> Result<Response, Problem> {
    web::see_other("/admin/sign-in")
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedCode {
    ticket: String,
    code: String,
    #[serde(default)]
    next: String,
}

/// `POST /admin/sign-in/code`.
async fn code(
    State(admin): State<Admin>,
    visit: Visit,
    Form(typed): Form<TypedCode>,
) -> Result<Response, Problem> {
    let next = local(&typed.next);
    let cmd = SecondStep {
        ticket: typed.ticket.clone(),
        code: typed.code,
        from: browser(&visit),
    };
    let shop = admin.shop().clone();
    let signed_in = web::run(async move { finish_sign_in(&shop, cmd).await }).await?;
    let error = match signed_in {
        Ok(now) => return enter(visit, now, &next),
        Err(error) => error,
    };
    let message = told(&admin.words()?, &error)?;
    let status = status(&error);
    if matches!(error, SignInError::TicketExpired) {
        let page = SignInPage {
            errors: vec![message],
            email: String::new(),
            next,
            unclaimed: false,
            left: false,
        };
        return draw_sign_in(&admin, visit, status, page).await;
    }
    let at_code = FormError::at("code", message.message);
    draw_code(&admin, visit, (typed.ticket, next), Some((status, at_code))).await
}

/// `POST /admin/sign-out`. Whoever is signed out already is, too.
async fn sign_out(State(admin): State<Admin>, visit: Visit) -> Result<Response, Problem> {
    if let Some(token) = visit.visitor.session().cloned() {
        let (shop, now) = (admin.shop().clone(), admin.shop().clock.now());
        let ended = web::run(async move {
            let found = shop
                .db
                .read(move |tx| accounts::find_session(tx, now, &token))
                .await?;
            match found {
                Some(who) => accounts::sign_out(&shop, &who).await,
                None => Ok(()),
            }
        });
        ended.await??;
    }
    let to = web::see_other("/admin/sign-in?left=1")?;
    Ok((visit.visitor.without_session(), to).into_response())
}

/// What the account's operations are told about the browser.
pub(crate) fn browser(visit: &Visit) -> Browser {
    let name = visit.asked.headers.get(http::header::USER_AGENT);
    Browser {
        name: name
            .and_then(|name| name.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        network: visit.asked.peer.household(),
        device: visit.visitor.device().cloned(),
        session: visit.visitor.session().cloned(),
    }
}

/// Somebody has just signed in with this browser: it gets its cookies, and goes on.
pub(crate) fn enter(visit: Visit, now: SignedInNow, to: &str) -> Result<Response, Problem> {
    let visitor = visit
        .visitor
        .with_session(now.session)
        .with_device(now.device);
    Ok((visitor, web::see_other(to)?).into_response())
}

/// The page of the second step, for whoever had the right password or link.
pub(crate) async fn draw_code(
    admin: &Admin,
    mut visit: Visit,
    (ticket, next): (String, String),
    refused: Option<(StatusCode, FormError)>,
) -> Result<Response, Problem> {
    visit.visitor.session_or_new();
    let (base, ()) = admin.read_at_the_door(|_tx, _base| Ok(())).await?;
    let (status, error) = refused.unzip();
    let status = status.unwrap_or(StatusCode::OK);
    let page = CodePage {
        errors: error.into_iter().collect(),
        ticket,
        next,
    };
    let drawn = admin.door(&visit, &base).status(status).draw(&page)?;
    Ok((visit.visitor, drawn).into_response())
}

async fn draw_sign_in(
    admin: &Admin,
    mut visit: Visit,
    status: StatusCode,
    page: SignInPage,
) -> Result<Response, Problem> {
    visit.visitor.session_or_new();
    let (base, staff) = admin
        .read_at_the_door(|tx, _base| Ok(accounts::count(tx)?))
        .await?;
    let page = SignInPage {
        unclaimed: staff == 0,
        ..page
    };
    let drawn = admin.door(&visit, &base).status(status).draw(&page)?;
    Ok((visit.visitor, drawn).into_response())
}

async fn is_signed_in(admin: &Admin, visit: &Visit) -> Result<bool, Problem> {
    let Some(token) = visit.visitor.session().cloned() else {
        return Ok(false);
    };
    let now = admin.shop().clock.now();
    let found = admin
        .shop()
        .db
        .read(move |tx| accounts::find_session(tx, now, &token))
        .await
        .map_err(commerce::Internal::from)?;
    Ok(found.is_some())
}

/// What the page says about it. Our own faults are no matter of the form.
fn told(say: &Say, error: &SignInError) -> Result<FormError, Problem> {
    let message = match error {
        SignInError::Wrong | SignInError::SecondFactorNeeded { .. } => {
            say.text("sign_in.error.wrong")
        }
        SignInError::WrongCode => say.text("sign_in.error.code"),
        SignInError::TicketExpired => say.text("sign_in.error.expired"),
        SignInError::TooManyTries { seconds } => too_many(say, *seconds),
        SignInError::Busy => say.text("sign_in.error.busy"),
        SignInError::Internal(error) => return Err(Problem::internal(error)),
    };
    Ok(FormError::of_form(message))
}

/// When there is another try.
pub(crate) fn too_many(say: &Say, seconds: i64) -> String {
    if seconds < 60 {
        say.count("sign_in.error.too_many_seconds", seconds)
    } else {
        let minutes = seconds.saturating_add(59).div_euclid(60);
        say.count("sign_in.error.too_many_minutes", minutes)
    }
}

fn status(error: &impl Coded) -> StatusCode {
    status_of(error.code())
}

/// The status of a page that says what was wrong: a form that has to be sent again is a refused form.
pub(crate) fn status_of(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)
}

/// The address to go on to, if it is one of the back office; else its first page. Nobody is sent elsewhere by a link.
fn local(next: &str) -> String {
    let below = match next.strip_prefix(HOME) {
        Some("") => true,
        Some(rest) => rest.starts_with(['/', '?']),
        None => false,
    };
    let plain = next
        .bytes()
        .all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#');
    let door = [
        "/admin/sign-in",
        "/admin/sign-out",
        "/admin/link",
        "/admin/setup",
        "/admin/invitation",
    ]
    .iter()
    .any(|door| next.starts_with(door));
    if below && plain && !door && next.len() <= 500 && !next.contains("//") {
        next.to_owned()
    } else {
        HOME.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_out_of_the_back_office_by_a_link() {
        for good in [
            "/admin",
            "/admin/orders",
            "/admin/orders?view=paid&q=a%20b",
            "/admin?x=1",
        ] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "",
            "https://evil.example/admin",
            "//evil.example/admin",
            "/admin//evil.example",
            "/admin.evil.example",
            "/administrator",
            "/admin\\evil",
            "/admin/orders\r\nset-cookie: a=b",
            "/admin/sign-in?next=/admin",
            "/admin/sign-out",
            "/cart",
            "javascript:alert(1)",
        ] {
            assert_eq!(local(bad), HOME, "{bad:?}");
        }
    }
}
