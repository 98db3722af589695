//! `/healthz`, `/readyz`, `/metrics`.

use axum::body::Body;
use http::Request;

use crate::harness::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_shop_is_alive_and_ready_and_a_closed_one_is_alive_only() {
    let app = App::new().await;
    let mut prober = app.browser();
    assert_eq!(prober.get("/healthz").await.text(), "ok\n");
    assert_eq!(prober.get("/readyz").await.text(), "ready\n");
    app.shop().db.close().await;
    assert_eq!(prober.get("/healthz").await.status, 200);
    let waiting = prober.get("/readyz").await;
    assert_eq!(
        (waiting.status, waiting.text().as_str()),
        (503, "not ready\n")
    );
    assert_eq!(waiting.header("cache-control"), "no-store");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_for_this_machine_alone() {
    let app = App::new().await;
    let mut reader = app.browser();
    reader.get("/products/secret-project").await;
    let ask = || {
        Request::get("/metrics")
            .header("host", "shop.example")
            .body(Body::empty())
            .unwrap()
    };
    let refused = reader.send(ask()).await;
    assert!(matches!(refused.status, 403 | 404), "{}", refused.status);
    assert!(!refused.text().contains("http_requests_total"));
    let passed_on = Request::get("/metrics")
        .header("host", "shop.example")
        .header("x-forwarded-for", "127.0.0.1")
        .body(Body::empty())
        .unwrap();
    let refused = reader.send_from("127.0.0.1:4000", passed_on).await;
    assert!(matches!(refused.status, 403 | 404), "{}", refused.status);
    let figures = reader.send_from("127.0.0.1:4000", ask()).await;
    assert_eq!(figures.status, 200);
    let text = figures.text();
    assert!(
        text.contains("http_requests_total") && text.contains("/products/{slug}"),
        "{text}"
    );
    // Patterns, never addresses: those are without end, and some are secret.
    assert!(!text.contains("secret-project"));
}
