//! What an orchestrator asks: is the process alive, can the shop work?

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;

use crate::site::Site;

/// `/healthz`: this process answers. Says nothing about the database: restarting would not mend that.
pub(crate) async fn live() -> Response {
    ([(CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// `/readyz`: the shop can work; if not, traffic should go to another node. What it waits for is in the log, not in the
/// answer: the address is public.
pub(crate) async fn ready(Extension(site): Extension<Site>) -> Response {
    match (site.inner().ready)().await {
        Ok(()) => ([(CACHE_CONTROL, "no-store")], "ready\n").into_response(),
        Err(reason) => {
            tracing::warn!("Not ready: {reason}");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                [(CACHE_CONTROL, "no-store")],
                "not ready\n",
            )
                .into_response()
        }
    }
}
