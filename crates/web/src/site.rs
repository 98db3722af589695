//! What the faces of one shop share: where it lives, its keys and limits, and the way every request takes.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use kernel::{Clock, Code, Ids, RandomIds, SystemClock};

use crate::admission::Admission;
use crate::errors::{ErrorPages, Refusals};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::origin::Origin;
use crate::peer::Network;
use crate::problem::Problem;
use crate::{headers, health, pipeline};

/// How a site is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the shop lives, as its visitors see it.
    pub origin: Origin,
    /// The server's key for form tokens: 32 random bytes, the same on every node and after a restart.
    pub csrf_key: CsrfKey,
    /// Proxies whose forwarded headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Where pictures come from, if not from the shop itself.
    pub media_origin: Option<Origin>,
    /// Paths that other companies' servers post to (such as `/webhooks/`). They carry signatures instead of form tokens
    /// and get no session; everything below them is exempt from the CSRF check.
    pub webhooks: Vec<&'static str>,
    /// Paths of people who are about to pay or have just paid: they go first when there is not room for all.
    pub paying: Vec<&'static str>,
    /// What a reader of `/metrics` from another machine must send as `Authorization: Bearer …`. Without it only this
    /// machine may read them.
    pub metrics_token: Option<String>,
    /// The limits.
    pub limits: Limits,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub ids: Arc<dyn Ids>,
}

impl Config {
    /// The usual set-up at an origin.
    pub fn new(origin: Origin, csrf_key: CsrfKey) -> Self {
        Self {
            origin,
            csrf_key,
            trusted_proxies: Vec::new(),
            media_origin: None,
            webhooks: vec!["/webhooks/"],
            paying: vec!["/checkout", "/test-gateway/", "/orders/"],
            metrics_token: None,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        }
    }
}

/// The key of form tokens. Its `Debug` keeps it out of logs.
#[derive(Clone, Copy)]
pub struct CsrfKey(pub [u8; 32]);

impl fmt::Debug for CsrfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfKey(…)")
    }
}

/// Tells whether the shop can work: `Err` says, in words for the operator, what it waits for.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The shared part of every face. Cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) errors: Arc<dyn ErrorPages>,
    pub(crate) ready: Readiness,
    pub(crate) admission: Admission,
    pub(crate) refusals: Refusals,
    pub(crate) metrics: Metrics,
    /// The security policy of an answer that says nothing about it.
    pub(crate) policy: Option<HeaderValue>,
}

impl Site {
    /// A site. `ready` is asked by `/readyz`; `errors` draws error pages.
    pub fn new(config: Config, ready: Readiness, errors: Arc<dyn ErrorPages>) -> Self {
        let admission = Admission::new(&config.limits, Arc::clone(&config.clock));
        Self(Arc::new(Inner {
            policy: headers::usual_policy(&config),
            config,
            errors,
            ready,
            admission,
            refusals: Refusals::default(),
            metrics: Metrics::get(),
        }))
    }

    /// Puts the pages of the faces behind everything they share: limits, CSRF, errors, headers, logs; adds `/healthz`,
    /// `/readyz` and `/metrics`.
    pub fn router(&self, pages: Router) -> Router {
        let not_found = || async { Problem::new(Code::NotFound) };
        pages
            .route("/healthz", get(health::live))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(crate::metrics::show))
            .fallback(not_found)
            .layer(from_fn_with_state(self.clone(), pipeline::answer))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
