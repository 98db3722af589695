use axum::Router;
use axum::routing::get;
use web::{FormsMayLeadTo, Html, Origin};

use crate::kit::{app, ask, config, get_page, pages, request, site};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; upgrade-insecure-requests";

#[tokio::test]
async fn every_answer_keeps_browsers_on_the_safe_side() {
    let app = app();
    for path in [
        "/",
        "/account",
        "/nothing",
        "/database",
        "/healthz",
        "/panic",
    ] {
        let answer = get_page(&app, path).await;
        let expected = [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            (
                "permissions-policy",
                "camera=(), microphone=(), geolocation=(), payment=(self)",
            ),
            (
                "strict-transport-security",
                "max-age=63072000; includeSubDomains",
            ),
        ];
        for (name, value) in expected {
            assert_eq!(answer.header(name), value, "{path} {name}");
        }
        assert_eq!(
            answer
                .headers
                .get_all("content-security-policy")
                .iter()
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn without_tls_nothing_promises_tls() {
    let app = site(config("http://localhost:8080")).router(pages());
    let answer = get_page(&app, "/").await;
    assert_eq!(answer.header("strict-transport-security"), "");
    assert!(
        !answer
            .header("content-security-policy")
            .contains("upgrade-insecure-requests")
    );
}

#[tokio::test]
async fn a_page_with_personal_data_is_kept_by_nobody() {
    let app = app();
    assert_eq!(
        get_page(&app, "/account").await.header("cache-control"),
        "no-store"
    );
    assert_eq!(
        get_page(&app, "/").await.header("cache-control"),
        "private, no-cache"
    );
}

#[tokio::test]
async fn the_checkouts_forms_may_lead_to_the_payment_provider_and_no_others() {
    let bank = Origin::parse("https://pay.bank.example").unwrap();
    let mut config = config("https://shop.example");
    config.media_origin = Some(Origin::parse("https://media.example").unwrap());
    let pages = Router::new()
        .route(
            "/checkout",
            get(move || async move { (FormsMayLeadTo(vec![bank]), Html("x".to_owned())) }),
        )
        .route("/", get(|| async { Html("x".to_owned()) }));
    let app = site(config).router(pages);
    let checkout = get_page(&app, "/checkout").await;
    assert!(
        checkout
            .header("content-security-policy")
            .contains("; form-action 'self' https://pay.bank.example; ")
    );
    assert!(
        checkout
            .header("content-security-policy")
            .contains("; img-src 'self' data: https://media.example; ")
    );
    assert!(
        get_page(&app, "/")
            .await
            .header("content-security-policy")
            .contains("; form-action 'self'; ")
    );
}

#[tokio::test]
async fn long_pages_are_compressed_and_private_ones_are_not() {
    let app = app();
    let gzip = [("accept-encoding", "br, gzip")];
    let long = ask(&app, request("GET", "/long", &gzip, "")).await;
    assert_eq!(
        (long.header("content-encoding"), long.header("vary")),
        ("gzip", "accept-encoding")
    );
    assert_eq!(long.header("content-length"), long.body.len().to_string());
    assert_eq!(long.text(), "tea and porcelain ".repeat(500));
    assert!(long.body.len() < 500);
    let plain = ask(&app, request("GET", "/long", &[], "")).await;
    assert_eq!(
        (
            plain.header("content-encoding"),
            plain.header("vary"),
            plain.body.len()
        ),
        ("", "accept-encoding", 9_000)
    );
    assert_eq!(
        ask(&app, request("GET", "/account", &gzip, ""))
            .await
            .header("content-encoding"),
        ""
    );
    assert_eq!(
        ask(&app, request("GET", "/", &gzip, ""))
            .await
            .header("content-encoding"),
        ""
    );
}

#[tokio::test]
async fn a_head_request_gets_the_head_of_the_page() {
    let answer = ask(&app(), request("HEAD", "/long", &[], "")).await;
    assert_eq!(
        (
            answer.status,
            answer.header("content-length"),
            answer.body.len()
        ),
        (200, "9000", 0)
    );
    let missing = ask(&app(), request("HEAD", "/nothing", &[], "")).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn a_trusted_proxys_request_id_is_kept_and_a_strangers_is_not() {
    let mut config = config("https://shop.example");
    config.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    let behind_proxy = site(config).router(pages());
    let named = || request("GET", "/", &[("x-request-id", "edge-12345678")], "");
    assert_eq!(
        ask(&behind_proxy, named()).await.header("x-request-id"),
        "edge-12345678"
    );
    assert_eq!(ask(&app(), named()).await.header("x-request-id").len(), 32);
    let nasty = request(
        "GET",
        "/",
        &[("x-request-id", "<script>alert(1)</script>")],
        "",
    );
    assert_eq!(
        ask(&behind_proxy, nasty).await.header("x-request-id").len(),
        32
    );
}
