//! `/admin/invitation`: choosing a password with a link from a colleague, the first one or another.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use commerce::accounts::{
    self, AcceptError, AcceptInvitation, Password, PasswordError, PersonError, StaffMember,
};
use http::StatusCode;
use kernel::Secret;
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem, Query};

use super::sign_in::{browser, draw_code, enter, status_of};
use crate::admin::Admin;
use crate::desk::Visit;
use crate::views::FormError;

crate::routes! {
    get "/admin/invitation" (public) show;
    post "/admin/invitation" (public) accept;
}

/// `pages/invitation.html`.
#[derive(Debug, Clone, Serialize)]
pub struct InvitationPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// The token to be sent; none if the link does not count any more.
    pub token: Option<String>,
    /// Whom it is for.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// Whether they have a password already, and choose another.
    pub again: bool,
}

impl Page for InvitationPage {
    const TEMPLATE: &'static str = "pages/invitation.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let first = Self {
            errors: Vec::new(),
            token: Some("TOKEN".to_owned()),
            name: "Ines <b>Vermeer</b>".to_owned(),
            email: "ines@example.com".to_owned(),
            again: false,
        };
        let refused = Self {
            errors: vec![FormError::at("password", "Use at least 12 characters.")],
            again: true,
            ..first.clone()
        };
        let spent = Self {
            token: None,
            name: String::new(),
            email: String::new(),
            ..first.clone()
        };
        vec![("first", first), ("refused", refused), ("spent", spent)]
    }
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
struct Opened {
    #[serde(default)]
    token: String,
}

/// `GET /admin/invitation`.
async fn show(
    State(admin): State<Admin>,
    visit: Visit,
    Query(opened): Query<Opened>,
) -> Result<Response, Problem> {
    draw(&admin, visit, StatusCode::OK, (&opened.token, Vec::new())).await
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    token: String,
    password: String,
}

/// `POST /admin/invitation`.
async fn accept(
    State(admin): State<Admin>,
    visit: Visit,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let Ok(token) = Secret::parse(&sent.token) else {
        return draw(&admin, visit, StatusCode::GONE, ("", Vec::new())).await;
    };
    let cmd = AcceptInvitation {
        token,
        password: Password::typed(sent.password),
        from: browser(&visit),
    };
    let shop = admin.shop().clone();
    let accepted = web::run(async move { accounts::accept_invitation(&shop, cmd).await }).await?;
    let say = admin.words()?;
    let error = match accepted {
        Ok(now) => return enter(visit, now, "/admin"),
        Err(AcceptError::SecondFactorNeeded { ticket }) => {
            let next = "/admin".to_owned();
            return draw_code(&admin, visit, (ticket, next), None).await;
        }
        Err(AcceptError::Spent) => {
            return draw(&admin, visit, StatusCode::GONE, ("", Vec::new())).await;
        }
        Err(AcceptError::BadPassword(error)) => {
            FormError::at("password", password_told(&say, error))
        }
        Err(AcceptError::Busy) => FormError::of_form(say.text("sign_in.error.busy")),
        Err(AcceptError::Internal(error)) => return Err(error.into()),
    };
    let status = status_of(kernel::Code::Invalid);
    draw(&admin, visit, status, (&sent.token, vec![error])).await
}

/// Why somebody cannot have an account as they are, at the field that says so.
pub(crate) fn person_told(say: &Say, error: PersonError) -> FormError {
    match error {
        PersonError::BadName(_) => FormError::at("name", say.text("setup.error.name")),
        PersonError::BadEmail(_) => FormError::at("email", say.text("setup.error.email")),
        PersonError::BadPassword(error) => FormError::at("password", password_told(say, error)),
    }
}

/// What is wrong with a password, in words.
pub(crate) fn password_told(say: &Say, error: PasswordError) -> String {
    match error {
        PasswordError::TooShort => say.text("invitation.password.too_short"),
        PasswordError::TooLong => say.text("invitation.password.too_long"),
        PasswordError::TooCommon => say.text("invitation.password.too_common"),
        PasswordError::Guessable => say.text("invitation.password.guessable"),
    }
}

async fn draw(
    admin: &Admin,
    mut visit: Visit,
    status: StatusCode,
    (token, errors): (&str, Vec<FormError>),
) -> Result<Response, Problem> {
    visit.visitor.session_or_new();
    let token = Secret::parse(token).ok();
    let wanted = token.clone();
    let (base, member) = admin
        .read_at_the_door(move |tx, base| {
            Ok(match &wanted {
                Some(token) => accounts::find_invited(tx, base.now, token)?,
                None => None,
            })
        })
        .await?;
    let (status, page) = match (token, member) {
        (Some(token), Some(member)) => (status, invited(&token, member, errors)),
        _ => (StatusCode::GONE, spent()),
    };
    let drawn = admin.door(&visit, &base).status(status).draw(&page)?;
    Ok((visit.visitor, drawn).into_response())
}

fn invited(token: &Secret, member: StaffMember, errors: Vec<FormError>) -> InvitationPage {
    InvitationPage {
        errors,
        token: Some(token.expose().to_owned()),
        email: member.email.to_string(),
        again: member.has_password,
        name: member.name,
    }
}

fn spent() -> InvitationPage {
    InvitationPage {
        errors: Vec::new(),
        token: None,
        name: String::new(),
        email: String::new(),
        again: false,
    }
}
