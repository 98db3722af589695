//! The accept loop: hyper with our own timers, because the usual server has none for a head that never ends.

mod doors;
mod stream;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::limits::Limits;
use crate::peer::SocketPeer;
use crate::run::operations_finished;
use crate::site::Site;
use doors::{Doors, Place};
use stream::{Guarded, Held, Traffic};

/// How often measurements are folded and finished connections forgotten.
const UPKEEP: Duration = Duration::from_secs(10);
/// How long to wait when the process has no file descriptor left for a new connection.
const BREATHE: Duration = Duration::from_millis(50);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were still busy when the grace ended.
    pub connections_cut: usize,
    /// Operations that were still running then. They are cut off when the process ends; each is one transaction or is
    /// resumed by its job.
    pub operations_left: usize,
}

/// Listens until `stop` resolves; then accepts nothing more, lets what is in flight finish within the grace, and returns.
pub async fn serve(
    listener: TcpListener,
    site: &Site,
    app: Router,
    stop: impl Future<Output = ()>,
) -> Stopped {
    let limits = &site.config().limits;
    let builder = Arc::new(protocol(limits));
    let doors = Doors::new(limits, site.config().trusted_proxies.clone());
    let (closing, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut upkeep = tokio::time::interval(UPKEEP);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = upkeep.tick() => site.inner().metrics.upkeep(),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    // Beyond the limits the connection is dropped, which closes it.
                    let Some(place) = doors.enter(address.ip()) else { continue };
                    let connection = Connection { address, place, app: app.clone(), limits: limits.clone(), builder: Arc::clone(&builder) };
                    connections.spawn(connection.serve(stream, closing.subscribe()));
                }
                Err(error) => {
                    tracing::warn!("Cannot accept a connection: {error}");
                    tokio::time::sleep(BREATHE).await;
                }
            },
        }
    }
    drop(listener);
    closing.send_replace(true);
    let deadline = tokio::time::Instant::now() + limits.shutdown_grace;
    let all_done = async { while connections.join_next().await.is_some() {} };
    let in_time = tokio::time::timeout_at(deadline, all_done).await.is_ok();
    let connections_cut = if in_time { 0 } else { connections.len() };
    connections.shutdown().await;
    let operations_left =
        operations_finished(deadline.saturating_duration_since(tokio::time::Instant::now())).await;
    Stopped {
        connections_cut,
        operations_left,
    }
}

/// HTTP/1.1 and HTTP/2 with our limits.
fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Its timer cannot tell a slow head from a connection at rest; `Guarded` can.
        .header_read_timeout(None)
        .max_headers(limits.head_lines)
        .max_buf_size(limits.head_bytes.max(8_192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .max_send_buf_size(256 * 1024);
    builder
}

/// One accepted connection.
struct Connection {
    address: SocketAddr,
    place: Place,
    app: Router,
    limits: Limits,
    builder: Arc<auto::Builder<TokioExecutor>>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, mut closing: watch::Receiver<bool>) {
        let Self {
            address,
            place: _place,
            app,
            limits,
            builder,
        } = self;
        if stream.set_nodelay(true).is_err() {
            return; // already gone
        }
        let traffic = Arc::new(Traffic::default());
        let io = TokioIo::new(Guarded::new(stream, Arc::clone(&traffic), &limits));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            answer(app.clone(), address, Arc::clone(&traffic), request)
        });
        let connection = builder.serve_connection(io, service);
        tokio::pin!(connection);
        let mut told = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!("A connection ended early: {error}");
                    }
                    return;
                }
                _ = closing.wait_for(|closing| *closing), if !told => {
                    told = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

async fn answer(
    app: Router,
    address: SocketAddr,
    traffic: Arc<Traffic>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Held>, Infallible> {
    let busy = Traffic::begin(&traffic);
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(SocketPeer(address));
    let response = match app.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    Ok(response.map(|body| Held::new(body, busy)))
}
