//! `POST /webhooks/payments/{gateway}`: what payment gateways tell unasked.
//!
//! A notice carries a signature instead of a session and a form token. It decides nothing: the gateway is asked.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::routing::post;
use commerce::checkout;
use http::{HeaderMap, StatusCode};
use kernel::Code;
use web::Problem;

use crate::storefront::Storefront;

/// The largest notice.
const BYTES: usize = 64 * 1024;
/// Where the signature is.
const SIGNATURE: &str = "x-signature";

pub(crate) fn routes() -> Router<Storefront> {
    Router::new().route("/webhooks/payments/{gateway}", post(receive))
}

/// 204 once the notice was taken, also if it had been before; anything else asks the gateway to send it again.
async fn receive(
    State(storefront): State<Storefront>,
    Path(gateway): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let signature = signature
        .ok_or_else(|| {
            Problem::with_detail(
                Code::BadRequest,
                "sign the notice in the header x-signature",
            )
        })?
        .to_owned();
    let too_large = |_| {
        Problem::with_detail(
            Code::TooLarge,
            format!("a notice has at most {BYTES} bytes"),
        )
    };
    let body = to_bytes(body, BYTES).await.map_err(too_large)?;
    let shop = storefront.shop().clone();
    web::run(async move { checkout::receive_notice(&shop, &gateway, &signature, &body).await })
        .await??;
    Ok(StatusCode::NO_CONTENT)
}
