//! `/admin/account`: what members of staff do with their own account.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use commerce::accounts::{
    self, ChangePassword, ConfirmSecondFactor, OwnError, Password, SecondFactorError,
    begin_second_factor, confirm_second_factor, remove_second_factor,
};
use http::StatusCode;
use kernel::{Coded, StaffSessionId, Timestamp};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem};

use super::invitation::password_told;
use super::sign_in::{status_of, too_many};
use crate::admin::Admin;
use crate::desk::Staffer;
use crate::told::Told;
use crate::views::FormError;

crate::routes! {
    get "/admin/account" (anyone) show;
    post "/admin/account/name" (anyone) rename;
    post "/admin/account/password" (anyone) change_password;
    post "/admin/account/sessions/end" (anyone) end_session;
    post "/admin/account/sessions/end-all" (anyone) end_all;
    get "/admin/account/second-factor" (anyone) begin;
    post "/admin/account/second-factor" (anyone) confirm;
    post "/admin/account/second-factor/codes" (anyone) new_codes;
    post "/admin/account/second-factor/remove" (anyone) remove;
}

const HERE: &str = "/admin/account";

/// `pages/account.html`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// Their name.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// What they are.
    pub role: String,
    /// Whether there is a password to ask for.
    pub has_password: bool,
    /// Whether signing in takes a code.
    pub second_factor: bool,
    /// Recovery codes left.
    pub codes_left: i64,
    /// The browsers they are signed in with.
    pub sessions: Vec<SessionView>,
}

/// A browser.
#[derive(Debug, Clone, Serialize)]
pub struct SessionView {
    /// The session's id.
    pub id: String,
    /// What the browser calls itself, in short.
    pub browser: String,
    /// Since when.
    pub since: Timestamp,
    /// When it was last there.
    pub seen: Timestamp,
    /// Whether it is this one.
    pub current: bool,
}

/// `pages/second_factor.html`.
#[derive(Debug, Clone, Serialize)]
pub struct SecondFactorPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// The secret, in groups of four.
    pub secret: String,
    /// To be sent back.
    pub sealed: String,
    /// Modules along a side of the QR code, with its margin.
    pub qr_size: usize,
    /// Its dark modules, as the path of a drawing.
    pub qr_path: String,
}

/// `pages/recovery_codes.html`.
#[derive(Debug, Clone, Serialize)]
pub struct RecoveryCodesPage {
    /// The codes; shown this once.
    pub codes: Vec<String>,
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "pages/account.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let session = |current| SessionView {
            id: "ses_1".to_owned(),
            browser: "Firefox <b>".to_owned(),
            since: Timestamp::from_millis(1_795_428_000_000),
            seen: Timestamp::from_millis(1_795_428_000_000),
            current,
        };
        let ordinary = Self {
            errors: Vec::new(),
            name: "Ines <b>Vermeer</b>".to_owned(),
            email: "ines@example.com".to_owned(),
            role: "owner".to_owned(),
            has_password: true,
            second_factor: false,
            codes_left: 0,
            sessions: vec![session(true), session(false)],
        };
        let refused = Self {
            errors: vec![
                FormError::at("old", "The password is not right."),
                FormError::at("name", "Enter your name."),
            ],
            second_factor: true,
            codes_left: 2,
            ..ordinary.clone()
        };
        let new = Self {
            has_password: false,
            ..ordinary.clone()
        };
        vec![
            ("ordinary", ordinary),
            ("refused", refused),
            ("no password", new),
        ]
    }
}

impl Page for SecondFactorPage {
    const TEMPLATE: &'static str = "pages/second_factor.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let fresh = Self {
            errors: Vec::new(),
            secret: "ABCD EFGH".to_owned(),
            sealed: "SEALED".to_owned(),
            qr_size: 29,
            qr_path: "M4 4h1v1h-1z".to_owned(),
        };
        let refused = Self {
            errors: vec![FormError::at("code", "This code is not right.")],
            ..fresh.clone()
        };
        vec![("fresh", fresh), ("refused", refused)]
    }
}

impl Page for RecoveryCodesPage {
    const TEMPLATE: &'static str = "pages/recovery_codes.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let codes = vec!["abcd-efgh-jkmn-pqrs".to_owned(); 2];
        vec![("codes", Self { codes })]
    }
}

/// `GET /admin/account`.
async fn show(State(admin): State<Admin>, staff: Staffer) -> Result<Response, Problem> {
    draw(&admin, &staff, StatusCode::OK, Vec::new()).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameForm {
    name: String,
}

/// `POST /admin/account/name`.
async fn rename(
    State(admin): State<Admin>,
    staff: Staffer,
    Form(form): Form<NameForm>,
) -> Result<Response, Problem> {
    let (shop, who) = (admin.shop().clone(), staff.who.clone());
    let saved =
        web::run(async move { accounts::save_profile(&shop, &who, &form.name).await }).await?;
    match saved {
        Ok(()) => staff.done(HERE, &Told::new("account.told.name")),
        Err(error) => refuse(&admin, &staff, error).await,
    }
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    #[serde(default)]
    old: String,
    new: String,
}

/// `POST /admin/account/password`: the session gets another secret, so the answer brings the cookie.
async fn change_password(
    State(admin): State<Admin>,
    staff: Staffer,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let cmd = ChangePassword {
        old: Password::typed(form.old),
        new: Password::typed(form.new),
    };
    let (shop, who) = (admin.shop().clone(), staff.who.clone());
    let changed =
        web::run(async move { accounts::change_password(&shop, &who, cmd).await }).await?;
    match changed {
        Ok(token) => {
            let mut staff = staff;
            staff.visit.visitor = staff.visit.visitor.with_session(token);
            let done = staff.done(HERE, &Told::new("account.told.password"))?;
            Ok((staff.visit.visitor, done).into_response())
        }
        Err(error) => refuse(&admin, &staff, error).await,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionForm {
    session: String,
}

/// `POST /admin/account/sessions/end`. One that has ended already has ended.
async fn end_session(
    State(admin): State<Admin>,
    staff: Staffer,
    Form(form): Form<SessionForm>,
) -> Result<Response, Problem> {
    if let Ok(session) = form.session.parse::<StaffSessionId>() {
        let (shop, who) = (admin.shop().clone(), staff.who.clone());
        web::run(async move { accounts::end_session(&shop, &who, session).await }).await??;
    }
    staff.done(HERE, &Told::new("account.told.session"))
}

/// `POST /admin/account/sessions/end-all`.
async fn end_all(State(admin): State<Admin>, staff: Staffer) -> Result<Response, Problem> {
    let (shop, who) = (admin.shop().clone(), staff.who.clone());
    web::run(async move { accounts::sign_out_everywhere(&shop, &who).await }).await??;
    let to = web::see_other("/admin/sign-in?left=1")?;
    Ok((staff.visit.visitor.without_session(), to).into_response())
}

/// `GET /admin/account/second-factor`: a fresh secret each time. Nothing is kept of it before its first code.
async fn begin(State(admin): State<Admin>, staff: Staffer) -> Result<Response, Problem> {
    draw_enrolment(&admin, &staff, StatusCode::OK, Vec::new()).await
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmForm {
    sealed: String,
    code: String,
    secret: String,
}

/// `POST /admin/account/second-factor`.
async fn confirm(
    State(admin): State<Admin>,
    staff: Staffer,
    Form(form): Form<ConfirmForm>,
) -> Result<Response, Problem> {
    let cmd = ConfirmSecondFactor {
        sealed: form.sealed.clone(),
        code: form.code,
    };
    let (shop, who) = (admin.shop().clone(), staff.who.clone());
    let confirmed = web::run(async move { confirm_second_factor(&shop, &who, cmd).await }).await?;
    let error = match confirmed {
        Ok(codes) => return draw_codes(&admin, &staff, codes).await,
        Err(SecondFactorError::AlreadyThere) => return web::see_other(HERE),
        Err(error) => error,
    };
    let status = status_of(error.code());
    let fresh = !matches!(error, SecondFactorError::WrongCode);
    let error = factor_told(&admin.words()?, "code", error)?;
    if fresh {
        return draw_enrolment(&admin, &staff, status, vec![error]).await;
    }
    // The same secret: the app has it already.
    let page = SecondFactorPage {
        errors: vec![error],
        secret: form.secret,
        sealed: form.sealed,
        qr_size: 0,
        qr_path: String::new(),
    };
    draw_page(&admin, &staff, status, &page).await
}

/// `POST /admin/account/second-factor/codes`.
async fn new_codes(State(admin): State<Admin>, staff: Staffer) -> Result<Response, Problem> {
    let (shop, who) = (admin.shop().clone(), staff.who.clone());
    let codes = web::run(async move { accounts::new_recovery_codes(&shop, &who).await }).await?;
    match codes {
        Ok(codes) => draw_codes(&admin, &staff, codes).await,
        Err(error) => {
            let status = status_of(error.code());
            let error = factor_told(&admin.words()?, "current", error)?;
            draw(&admin, &staff, status, vec![error]).await
        }
    }
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveForm {
    #[serde(default)]
    password: String,
}

/// `POST /admin/account/second-factor/remove`.
async fn remove(
    State(admin): State<Admin>,
    staff: Staffer,
    Form(form): Form<RemoveForm>,
) -> Result<Response, Problem> {
    let password = Password::typed(form.password);
    let (shop, who) = (admin.shop().clone(), staff.who.clone());
    let removed =
        web::run(async move { remove_second_factor(&shop, &who, password).await }).await?;
    match removed {
        Ok(()) => staff.done(HERE, &Told::new("account.told.factor_off")),
        Err(error) => {
            let status = status_of(error.code());
            let error = factor_told(&admin.words()?, "current", error)?;
            draw(&admin, &staff, status, vec![error]).await
        }
    }
}

async fn draw_codes(
    admin: &Admin,
    staff: &Staffer,
    codes: Vec<String>,
) -> Result<Response, Problem> {
    draw_page(admin, staff, StatusCode::OK, &RecoveryCodesPage { codes }).await
}

async fn draw_enrolment(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    errors: Vec<FormError>,
) -> Result<Response, Problem> {
    let enrolment = match begin_second_factor(admin.shop(), &staff.who).await {
        Ok(enrolment) => enrolment,
        Err(SecondFactorError::AlreadyThere) => return web::see_other(HERE),
        Err(error) => return Err(error.into()),
    };
    let (qr_size, qr_path) = drawing(&enrolment.uri)?;
    let page = SecondFactorPage {
        errors,
        secret: grouped(&enrolment.secret),
        sealed: enrolment.sealed,
        qr_size,
        qr_path,
    };
    draw_page(admin, staff, status, &page).await
}

async fn draw_page<P: Page>(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    page: &P,
) -> Result<Response, Problem> {
    let (base, ()) = admin.read(staff, |_tx, _base| Ok(())).await?;
    admin.sheet(staff, &base).status(status).draw(page)
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    errors: Vec<FormError>,
) -> Result<Response, Problem> {
    let id = staff.who.member().id.clone();
    let read = admin.read(staff, move |tx, base| {
        Ok((
            accounts::sessions_of(tx, base.now, &id)?,
            accounts::recovery_codes_left(tx, &id)?,
        ))
    });
    let (base, (sessions, codes_left)) = read.await?;
    let member = staff.who.member();
    let session = |one: accounts::StaffSession| SessionView {
        current: one.id == *staff.who.session_id(),
        id: one.id.to_string(),
        browser: short(&one.browser),
        since: one.created_at,
        seen: one.seen_at,
    };
    let page = AccountPage {
        errors,
        name: member.name.clone(),
        email: member.email.to_string(),
        role: member.role.to_string(),
        has_password: member.has_password,
        second_factor: member.has_second_factor,
        codes_left,
        sessions: sessions.into_iter().map(session).collect(),
    };
    admin.sheet(staff, &base).status(status).draw(&page)
}

async fn refuse(admin: &Admin, staff: &Staffer, error: OwnError) -> Result<Response, Problem> {
    let say = admin.words()?;
    let status = status_of(error.code());
    let told = match error {
        OwnError::WrongPassword => FormError::at("old", say.text("account.error.password")),
        OwnError::BadPassword(error) => FormError::at("new", password_told(&say, error)),
        OwnError::BadName(_) => FormError::at("name", say.text("setup.error.name")),
        OwnError::Changed => FormError::of_form(say.text("account.error.changed")),
        OwnError::TooManyTries { seconds } => FormError::of_form(too_many(&say, seconds)),
        OwnError::Busy => FormError::of_form(say.text("sign_in.error.busy")),
        OwnError::Internal(error) => return Err(error.into()),
    };
    draw(admin, staff, status, vec![told]).await
}

fn factor_told(say: &Say, field: &str, error: SecondFactorError) -> Result<FormError, Problem> {
    Ok(match error {
        SecondFactorError::WrongCode => FormError::at(field, say.text("account.error.code")),
        SecondFactorError::WrongPassword => {
            FormError::at(field, say.text("account.error.password"))
        }
        SecondFactorError::Expired => FormError::of_form(say.text("account.error.expired")),
        SecondFactorError::AlreadyThere | SecondFactorError::NotThere => {
            FormError::of_form(say.text("account.error.changed"))
        }
        SecondFactorError::TooManyTries { seconds } => FormError::of_form(too_many(say, seconds)),
        SecondFactorError::Busy => FormError::of_form(say.text("sign_in.error.busy")),
        SecondFactorError::Internal(error) => return Err(error.into()),
    })
}

/// A QR code as its size with a margin of four, and the path of its dark modules.
fn drawing(text: &str) -> Result<(usize, String), Problem> {
    const MARGIN: usize = 4;
    let code = qrcode::QrCode::new(text).map_err(|error| Problem::internal(&error))?;
    let width = code.width();
    let mut path = String::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        for (column, module) in modules.iter().enumerate() {
            if *module == qrcode::Color::Dark {
                let (x, y) = (column.saturating_add(MARGIN), row.saturating_add(MARGIN));
                path.extend(["M", &x.to_string(), " ", &y.to_string(), "h1v1h-1z"]);
            }
        }
    }
    Ok((width.saturating_add(2 * MARGIN), path))
}

/// Letters in groups of four, which are easier to type.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

/// A browser's own name in a few words: its maker and the system, as far as they can be told.
fn short(agent: &str) -> String {
    let known = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(sign, _)| agent.contains(sign))
            .map(|(_, name)| *name)
    };
    let browser = known(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = known(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_is_a_square_of_modules_within_its_margin() {
        let (size, path) = drawing("otpauth://totp/Wrenfold:ines@example.com?secret=ABC").unwrap();
        assert!(size > 29, "{size}");
        // The upper left corner of every code is dark.
        assert!(path.starts_with("M4 4h1v1h-1z"), "{path}");
    }

    #[test]
    fn browsers_are_called_what_people_call_them() {
        let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(short(agent), "Safari, iPhone");
        assert_eq!(short("curl/8"), "curl/8");
        assert_eq!(short(""), "");
    }
}
