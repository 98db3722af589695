//! A little site to try things on.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use kernel::time::ManualClock;
use kernel::{Code, Coded};
use serde::Deserialize;
use tower::ServiceExt;
use web::{
    Config, CsrfKey, Fields, Form, Html, Origin, PlainErrors, Private, Problem, Site, SocketPeer,
    Visitor,
};

pub(crate) fn config(origin: &str) -> Config {
    let mut config = Config::new(Origin::parse(origin).unwrap(), CsrfKey([3; 32]));
    config.clock = Arc::new(ManualClock::default());
    config
}

pub(crate) fn site(config: Config) -> Site {
    Site::new(
        config,
        Arc::new(|| Box::pin(async { Ok(()) })),
        Arc::new(PlainErrors),
    )
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("only 2 left")]
    OutOfStock,
    #[error("cannot reach postgres://shop:secret@db/shop")]
    Database,
}

impl Coded for Trouble {
    fn code(&self) -> Code {
        match self {
            Self::OutOfStock => Code::OutOfStock,
            Self::Database => Code::Internal,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    sku: String,
    quantity: u32,
}

/// Pages that behave well, and some that do not.
pub(crate) fn pages() -> Router {
    Router::new()
        .route(
            "/",
            get(|visitor: Visitor| async move { Html(format!("<p>{}</p>", visitor.csrf_token())) }),
        )
        .route(
            "/long",
            get(|| async { Html("tea and porcelain ".repeat(500)) }),
        )
        .route(
            "/account",
            get(|| async { (Private, Html("your address ".repeat(500))) }),
        )
        .route(
            "/products/{slug}",
            get(|Path(slug): Path<String>| async move { Html(format!("<h1>{}</h1>", slug.len())) }),
        )
        .route("/cart", post(add).put(add).patch(add).delete(add))
        .route(
            "/fields",
            post(|fields: Fields| async move {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                fields.join(";")
            }),
        )
        .route(
            "/json",
            post(|body: axum::body::Bytes| async move { body.len().to_string() }),
        )
        .route("/webhooks/bank", post(|body: String| async move { body }))
        .route(
            "/sold-out",
            get(|| async { Err::<(), Problem>(Trouble::OutOfStock.into()) }),
        )
        .route(
            "/database",
            get(|| async { Err::<(), Problem>(Trouble::Database.into()) }),
        )
        .route("/panic", get(panics))
        .route("/never", get(std::future::pending::<()>))
        .route(
            "/flood",
            get(|| async { Body::from(vec![b'x'; 64 * 1024 * 1024]) }),
        )
}

async fn panics() -> StatusCode {
    panic!("the secret till code is 1234")
}

async fn add(mut visitor: Visitor, Form(add): Form<Add>) -> Result<Response, Problem> {
    visitor.session_or_new();
    Ok((
        visitor,
        web::see_other(&format!(
            "/cart?added={}&quantity={}",
            add.sku, add.quantity
        ))?,
    )
        .into_response())
}

pub(crate) fn app() -> Router {
    site(config("https://shop.example")).router(pages())
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if self.header("content-encoding") == "gzip" {
            flate2::read::GzDecoder::new(&*self.body)
                .read_to_string(&mut text)
                .unwrap();
        } else {
            text = String::from_utf8(self.body.clone()).unwrap();
        }
        text
    }
}

pub(crate) async fn ask(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

/// A request with headers, as a browser at some address sends it.
pub(crate) fn request(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "shop.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer: SocketAddr = "192.0.2.10:5000".parse().unwrap();
    request
        .extension(SocketPeer(peer))
        .body(body.into())
        .unwrap()
}

pub(crate) async fn get_page(app: &Router, uri: &str) -> Answer {
    ask(app, request("GET", uri, &[], Body::empty())).await
}

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(crate) const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

pub(crate) async fn post_form(app: &Router, uri: &str, form: impl Into<Body>) -> Answer {
    ask(app, request("POST", uri, &[FORM, OURS], form)).await
}

/// A server on loopback.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: tokio::sync::oneshot::Sender<()>,
    task: tokio::task::JoinHandle<web::Stopped>,
}

impl Server {
    pub(crate) async fn start(set: impl FnOnce(&mut web::Limits)) -> Self {
        Self::with_pages(pages(), set).await
    }

    pub(crate) async fn with_pages(pages: Router, set: impl FnOnce(&mut web::Limits)) -> Self {
        let mut config = config("http://localhost:8080");
        set(&mut config.limits);
        let site = site(config);
        let app = site.router(pages);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let stop = async { stopped.await.unwrap_or(()) };
            web::serve(listener, &site, app, stop).await
        });
        Self {
            address,
            stop,
            task,
        }
    }

    pub(crate) async fn connect(&self) -> tokio::net::TcpStream {
        tokio::net::TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) fn tell_to_stop(self) -> tokio::task::JoinHandle<web::Stopped> {
        self.stop.send(()).unwrap();
        self.task
    }
}

/// Nothing in these tests takes longer than this unless it is broken.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what)
        .await
        .expect("this should have happened by now")
}
