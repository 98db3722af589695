use std::sync::Arc;

use axum::body::Body;
use http::Request;
use web::{PlainErrors, Site, SocketPeer};

use crate::kit::{Answer, app, ask, config, get_page, pages, request, site};

async fn metrics_from(app: &axum::Router, socket: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder()
        .uri("/metrics")
        .header("host", "shop.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(
        app,
        request
            .extension(SocketPeer(socket.parse().unwrap()))
            .body(Body::empty())
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn the_figures_are_for_this_machine_or_for_who_has_the_token() {
    let mut config = config("https://shop.example");
    config.metrics_token = Some("a-long-token".to_owned());
    let app = site(config).router(pages());
    get_page(&app, "/products/vase").await;
    let here = metrics_from(&app, "127.0.0.1:4000", &[]).await;
    assert_eq!(here.status, 200);
    let text = here.text();
    assert!(
        text.contains(
            "http_requests_total{route=\"/products/{slug}\",method=\"GET\",status=\"200\"}"
        ),
        "{text}"
    );
    assert!(
        text.contains("http_request_seconds_bucket{route=\"/products/{slug}\",le=\"0.005\"}"),
        "{text}"
    );
    assert!(
        !text.contains("vase"),
        "the path itself is nobody's business"
    );
    for (socket, headers, status) in [
        ("192.0.2.1:4000", vec![], 404),
        (
            "127.0.0.1:4000",
            vec![("x-forwarded-for", "192.0.2.1")],
            404,
        ),
        (
            "192.0.2.1:4000",
            vec![("authorization", "Bearer a-long-token")],
            200,
        ),
        (
            "192.0.2.1:4000",
            vec![("authorization", "Bearer a-long-tokem")],
            404,
        ),
        ("192.0.2.1:4000", vec![("authorization", "Bearer ")], 404),
    ] {
        assert_eq!(
            metrics_from(&app, socket, &headers).await.status,
            status,
            "{socket} {headers:?}"
        );
    }
}

#[tokio::test]
async fn without_a_token_nobody_elsewhere_reads_the_figures() {
    let answer = metrics_from(&app(), "192.0.2.1:4000", &[("authorization", "Bearer ")]).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_shop_that_cannot_work_is_alive_but_not_ready() {
    let unready = Arc::new(
        || -> futures_util::future::BoxFuture<'static, Result<(), String>> {
            Box::pin(async { Err("migration 7 is missing".to_owned()) })
        },
    );
    let app = Site::new(
        config("https://shop.example"),
        unready,
        Arc::new(PlainErrors),
    )
    .router(pages());
    assert_eq!(get_page(&app, "/healthz").await.text(), "ok\n");
    let ready = get_page(&app, "/readyz").await;
    assert_eq!((ready.status, ready.text().as_str()), (503, "not ready\n"));
    let fine = ask(
        &site(config("https://shop.example")).router(pages()),
        request("GET", "/readyz", &[], ""),
    )
    .await;
    assert_eq!((fine.status, fine.text().as_str()), (200, "ready\n"));
}
