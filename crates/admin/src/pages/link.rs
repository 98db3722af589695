//! `/admin/link`: a link that signs in once. Opening it only shows a button: mail programs open links to look at them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use commerce::accounts::{self, LinkError};
use http::StatusCode;
use kernel::Secret;
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Form, Problem, Query};

use super::sign_in::{browser, enter};
use crate::admin::Admin;
use crate::desk::Visit;

crate::routes! {
    get "/admin/link" (public) show;
    post "/admin/link" (public) use_it;
}

/// `pages/link.html`.
#[derive(Debug, Clone, Serialize)]
pub struct LinkPage {
    /// The token to be sent; none if the link does not count any more.
    pub token: Option<String>,
    /// Whom it signs in.
    pub name: String,
}

impl Page for LinkPage {
    const TEMPLATE: &'static str = "pages/link.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let good = Self {
            token: Some("TOKEN".to_owned()),
            name: "Ines <b>Vermeer</b>".to_owned(),
        };
        let spent = Self {
            token: None,
            name: String::new(),
        };
        vec![("good", good), ("spent", spent)]
    }
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
struct Opened {
    #[serde(default)]
    token: String,
}

/// `GET /admin/link`.
async fn show(
    State(admin): State<Admin>,
    visit: Visit,
    Query(opened): Query<Opened>,
) -> Result<Response, Problem> {
    draw(&admin, visit, &opened.token).await
}

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    token: String,
}

/// `POST /admin/link`.
async fn use_it(
    State(admin): State<Admin>,
    visit: Visit,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let Ok(token) = Secret::parse(&sent.token) else {
        return draw(&admin, visit, "").await;
    };
    let (shop, from) = (admin.shop().clone(), browser(&visit));
    let used = web::run(async move { accounts::use_link(&shop, &token, from).await }).await?;
    match used {
        Ok(now) => enter(visit, now, "/admin"),
        Err(LinkError::Spent | LinkError::NotFound) => draw(&admin, visit, "").await,
        Err(LinkError::Internal(error)) => Err(error.into()),
    }
}

async fn draw(admin: &Admin, mut visit: Visit, token: &str) -> Result<Response, Problem> {
    visit.visitor.session_or_new();
    let token = Secret::parse(token).ok();
    let wanted = token.clone();
    let (base, member) = admin
        .read_at_the_door(move |tx, base| {
            Ok(match &wanted {
                Some(token) => accounts::find_linked(tx, base.now, token)?,
                None => None,
            })
        })
        .await?;
    let page = LinkPage {
        token: token
            .filter(|_| member.is_some())
            .map(|token| token.expose().to_owned()),
        name: member.map(|member| member.name).unwrap_or_default(),
    };
    let status = if page.token.is_some() {
        StatusCode::OK
    } else {
        StatusCode::GONE
    };
    let drawn = admin.door(&visit, &base).status(status).draw(&page)?;
    Ok((visit.visitor, drawn).into_response())
}
