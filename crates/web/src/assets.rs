//! A theme's assets, at the address the theme gives them.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;
use templates::Templates;

use crate::problem::Problem;
use crate::respond;

/// Serves every asset of the shop's theme.
pub fn routes(templates: Templates) -> Router {
    Router::new()
        .route("/assets/{*name}", get(show))
        .with_state(templates)
}

/// Serves every asset of the back office.
pub fn office_routes(templates: Templates) -> Router {
    Router::new()
        .route("/admin/assets/{*name}", get(show))
        .with_state(templates)
}

async fn show(
    State(templates): State<Templates>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let assets = templates
        .assets()
        .map_err(|error| Problem::internal(&error))?;
    respond::asset(&headers, assets.find(&name))
}
