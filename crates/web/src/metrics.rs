//! Counters for the operator: requests by route and status, how long they took, connections, what was refused.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use kernel::Code;
use metrics::SharedString;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use subtle::ConstantTimeEq;

use crate::asked::Asked;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::site::Site;

/// Seconds; from a page out of memory to a request that is about to be given up.
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The process's recorder; there is one, whoever asks first.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(Option<PrometheusHandle>);

static INSTALLED: OnceLock<Metrics> = OnceLock::new();

impl Metrics {
    pub(crate) fn get() -> Self {
        INSTALLED.get_or_init(|| Self(install())).clone()
    }

    /// Folds what was recorded into its buckets. Without it, a process nobody scrapes would keep every single measurement.
    pub(crate) fn upkeep(&self) {
        if let Some(handle) = &self.0 {
            handle.run_upkeep();
        }
    }
}

fn install() -> Option<PrometheusHandle> {
    let latency = Matcher::Full("http_request_seconds".to_owned());
    let installed = PrometheusBuilder::new()
        .set_buckets_for_metric(latency, BUCKETS)
        .and_then(PrometheusBuilder::install_recorder);
    match installed {
        Ok(handle) => Some(handle),
        Err(error) => {
            tracing::warn!("Metrics are off: {error}");
            None
        }
    }
}

/// Records a finished request. The label is the route's pattern, never the path: paths are without end.
pub(crate) fn request(asked: &Asked, status: http::StatusCode, took: Duration) {
    let route = match &asked.route {
        Some(route) => SharedString::from(Arc::clone(route)),
        None => SharedString::const_str("unmatched"),
    };
    let method = match asked.method.as_str() {
        "GET" => SharedString::const_str("GET"),
        "HEAD" => SharedString::const_str("HEAD"),
        "POST" => SharedString::const_str("POST"),
        other if other.len() <= 7 => SharedString::from_owned(other.to_owned()),
        _ => SharedString::const_str("OTHER"),
    };
    let status = SharedString::from_owned(status.as_str().to_owned());
    metrics::counter!("http_requests_total", "route" => route.clone(), "method" => method, "status" => status).increment(1);
    metrics::histogram!("http_request_seconds", "route" => route).record(took.as_secs_f64());
}

/// Counts a request from its start to its end.
#[derive(Debug)]
pub(crate) struct InFlight;

impl InFlight {
    pub(crate) fn new() -> Self {
        metrics::gauge!("http_requests_in_flight").increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("http_requests_in_flight").decrement(1);
    }
}

/// `/metrics`, in Prometheus's text form. Not public: it tells how the shop is doing. It answers requests from this
/// machine (and not through a proxy), or with the configured token; all others find nothing there.
pub(crate) async fn show(
    Extension(site): Extension<Site>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !(peer.on_this_machine || has_token(site.config().metrics_token.as_deref(), &headers)) {
        return Err(Problem::new(Code::NotFound));
    }
    let metrics = &site.inner().metrics;
    let text = metrics
        .0
        .as_ref()
        .map(PrometheusHandle::render)
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok((
        [
            (CACHE_CONTROL, "no-store"),
            (CONTENT_TYPE, "text/plain; version=0.0.4"),
        ],
        text,
    )
        .into_response())
}

fn has_token(token: Option<&str>, headers: &HeaderMap) -> bool {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match (token, given) {
        (Some(token), Some(given)) if !token.is_empty() => token.as_bytes().ct_eq(given).into(),
        _ => false,
    }
}
