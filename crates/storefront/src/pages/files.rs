//! Files browsers and robots look for by name.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use kernel::Code;
use serde::Serialize;
use templates::Page;
use web::Problem;

use crate::storefront::{Storefront, Visit};

/// What robots should leave alone. Pages they may see but not list say so themselves.
const ROBOTS: &str =
    "User-agent: *\nDisallow: /cart\nDisallow: /checkout\nDisallow: /orders/\nDisallow: /search\n";
/// The icon's name among the assets.
const ICON: &str = "favicon.svg";

/// `pages/manifest.webmanifest`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Manifest {}

impl Page for Manifest {
    const TEMPLATE: &'static str = "pages/manifest.webmanifest";

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("only", Self {})]
    }
}

/// Shows the web app manifest.
pub(crate) async fn manifest(
    State(storefront): State<Storefront>,
    visit: Visit,
) -> Result<Response, Problem> {
    let (base, ()) = storefront.read(&visit, |_, _| Ok(())).await?;
    let json = storefront.sheet(&visit, &base).html(&Manifest {})?;
    Ok(web::tagged(
        &visit.asked.headers,
        "application/manifest+json",
        "public, max-age=3600",
        json.into(),
    ))
}

/// Shows what robots should leave alone.
pub(crate) async fn robots(headers: HeaderMap) -> Response {
    web::tagged(
        &headers,
        "text/plain; charset=utf-8",
        "public, max-age=3600",
        ROBOTS.into(),
    )
}

/// Sends the shop's icon to those who ask for it by its old name.
pub(crate) async fn favicon(
    State(storefront): State<Storefront>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let assets = storefront.templates().assets()?;
    let found = assets
        .find(ICON)
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    let kind = found.asset.content_type;
    Ok(web::tagged(
        &headers,
        kind,
        "public, max-age=86400",
        found.asset.body.clone(),
    )
    .into_response())
}
