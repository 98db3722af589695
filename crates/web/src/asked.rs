//! What was asked, kept while the request itself is consumed.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use data_encoding::HEXLOWER;
use http::{HeaderMap, Method, Uri, Version};
use kernel::{Ids, Secret};

use crate::peer::{Peer, SocketPeer};
use crate::site::Config;
use crate::visitor::{House, session_in};

/// A request without its body: for error pages, logs and checks.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers, with everything private the visitor sent: never log them.
    pub headers: Arc<HeaderMap>,
    /// The pattern of the route, such as `/products/{slug}`; `None` if there is no such page.
    pub route: Option<Arc<str>>,
    /// The request's id: in the answer's `x-request-id`, in every log line, on error pages.
    pub id: RequestId,
    /// The client.
    pub peer: Peer,
    /// The visitor's session, if there is one: for error pages, which have no extractors.
    pub session: Option<Secret>,
    pub(crate) version: Version,
}

/// A request's id, in the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new(ids: &dyn Ids) -> Self {
        Self(HEXLOWER.encode(&ids.next()).into())
    }

    /// The id a trusted proxy gave the request, so that its log and ours agree.
    fn from_proxy(headers: &HeaderMap) -> Option<Self> {
        let given = headers.get("x-request-id")?.to_str().ok()?;
        let fits = (8..=64).contains(&given.len())
            && given
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then(|| Self(given.into()))
    }
}

impl Asked {
    /// Reads a request and puts [`RequestId`] and [`Peer`] into its extensions.
    pub(crate) fn of(request: &mut Request, config: &Config) -> Self {
        let socket = request.extensions().get::<SocketPeer>().copied();
        let peer = Peer::of(socket, request.headers(), &config.trusted_proxies);
        let from_proxy = socket.is_some_and(|SocketPeer(socket)| {
            config
                .trusted_proxies
                .iter()
                .any(|network| network.contains(socket.ip()))
        });
        let proxy_id = if from_proxy {
            RequestId::from_proxy(request.headers())
        } else {
            None
        };
        let id = proxy_id.unwrap_or_else(|| RequestId::new(&*config.ids));
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(id.clone());
        Self {
            session: session_in(
                House::of(request.uri().path()),
                request.headers(),
                &config.origin,
            ),
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: Arc::new(request.headers().clone()),
            route: request
                .extensions()
                .get::<MatchedPath>()
                .map(|path| path.as_str().into()),
            id,
            peer,
            version: request.version(),
        }
    }

    /// The same request, as if nobody in particular had sent it to the front page of the same house.
    pub(crate) fn without_visitor(&self) -> Self {
        let front = if self.is_office() { "/admin" } else { "/" };
        Self {
            method: Method::GET,
            uri: Uri::from_static(front),
            headers: Arc::default(),
            route: None,
            id: RequestId("".into()),
            peer: Peer::UNKNOWN,
            session: None,
            version: self.version,
        }
    }

    /// Whether the request may change something.
    pub(crate) fn is_change(&self) -> bool {
        !(self.method.is_safe() || self.method == Method::TRACE)
    }

    /// Whether this is the back office.
    pub(crate) fn is_office(&self) -> bool {
        House::of(self.uri.path()) == House::Office
    }

    /// Whether files may be sent here.
    pub(crate) fn takes_files(&self) -> bool {
        self.is_office() && self.uri.path().ends_with("/pictures")
    }

    /// The value of a header that must appear at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether an error is told as JSON: to programs that ask for it, and to everything below `/api` and `/webhooks`.
    pub(crate) fn wants_json(&self) -> bool {
        let accept = self.header("accept").unwrap_or_default();
        let json =
            accept.contains("application/json") || accept.contains("application/problem+json");
        let is_for_programs = ["/api/", "/webhooks/"]
            .iter()
            .any(|prefix| self.uri.path().starts_with(prefix));
        (json && !accept.contains("text/html")) || is_for_programs
    }

    /// Whether the path is one of the operator's own, which must work when the shop is full.
    pub(crate) fn is_for_operator(&self) -> bool {
        matches!(self.uri.path(), "/healthz" | "/readyz" | "/metrics")
    }
}
