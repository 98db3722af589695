//! What every address sends beside its page, and what it reads beside the address.

use axum::body::Body;
use http::Request;

use crate::storefront::a_day_in_the_shop;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; upgrade-insecure-requests";

/// What every answer carries.
const ALWAYS: &[(&str, &str)] = &[
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
const METHODS: [&str; 3] = ["GET", "HEAD", "DELETE"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_keeps_browsers_on_the_safe_side() {
    let (app, browser, paths) = a_day_in_the_shop().await;
    for mut visitor in [browser, app.browser()] {
        let ways = paths
            .iter()
            .flat_map(|path| METHODS.map(|method| (method, path)));
        for (method, path) in ways {
            let ours = [("sec-fetch-site", "same-origin")];
            let answer = visitor.ask(method, path, &ours, Vec::new()).await;
            let sent = |name| answer.headers.get_all(name).iter().collect::<Vec<_>>();
            let missing = ALWAYS.iter().find(|(name, value)| sent(*name) != [value]);
            assert_eq!(missing, None, "{method} {path}");
            assert_eq!(answer.header("x-request-id").len(), 32, "{method} {path}");
            assert_eq!(answer.header("server"), "", "{method} {path}");
            assert!(answer.status < 500, "{method} {path}: {}", answer.status);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_keeps_a_page_that_is_somebodys_own() {
    let (app, mut browser, paths) = a_day_in_the_shop().await;
    for path in &paths {
        let own = browser.get(path).await;
        let is_page = own.header("content-type").starts_with("text/html");
        let private = ["/cart", "/checkout", "/orders/", "/test-gateway/"];
        if private.iter().any(|start| path.starts_with(start))
            || matches!(own.status, 400 | 404 | 405)
        {
            assert_eq!(own.header("cache-control"), "no-store", "{path}");
            assert_eq!(own.header("etag"), "", "{path}");
        } else if own.status == 410 {
            assert_eq!(own.header("cache-control"), "private, no-cache", "{path}");
        } else if is_page {
            // With a bag in its head the page is the visitor's, too.
            assert_eq!(own.header("cache-control"), "private, no-cache", "{path}");
            let public = app.browser().get(path).await;
            assert_eq!(public.header("cache-control"), "public, no-cache", "{path}");
            assert!(public.header("vary").contains("cookie"), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_request_gets_the_head_of_the_page() {
    let (app, _, paths) = a_day_in_the_shop().await;
    let mut visitor = app.browser();
    for path in paths.iter().filter(|path| !path.starts_with("/metrics")) {
        let page = visitor.get(path).await;
        let head = visitor.ask("HEAD", path, &[], Vec::new()).await;
        assert_eq!((head.status, head.body.len()), (page.status, 0), "{path}");
        assert_eq!(
            head.header("content-type"),
            page.header("content-type"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_up_host_appears_nowhere() {
    let (app, _, paths) = a_day_in_the_shop().await;
    for path in &paths {
        let request = Request::get(path.as_str())
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("forwarded", "host=evil.example")
            .header("x-original-url", "/metrics");
        let answer = app
            .browser()
            .send(request.body(Body::empty()).unwrap())
            .await;
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("evil.example"),
            "{path}"
        );
        assert!(
            answer
                .headers
                .values()
                .all(|value| !value.as_bytes().ends_with(b"evil.example")),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_with_a_secret_are_sent_uncompressed_and_the_others_small() {
    let (app, mut browser, paths) = a_day_in_the_shop().await;
    let gzip = [("accept-encoding", "gzip, br")];
    for path in &paths {
        let own = browser.ask("GET", path, &gzip, Vec::new()).await;
        if own.header("cache-control") == "no-store" {
            assert_eq!(own.header("content-encoding"), "", "{path}");
        }
    }
    let home = app.browser().ask("GET", "/", &gzip, Vec::new()).await;
    assert_eq!(home.header("content-encoding"), "gzip");
    assert!(
        home.header("vary").contains("accept-encoding")
            || home.headers.get_all("vary").iter().count() == 2
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_that_is_none_of_ours_is_no_session() {
    let (app, browser, _) = a_day_in_the_shop().await;
    let before = app.everything().await;
    let real = browser.cookie.clone().unwrap();
    let (name, value) = real.split_once('=').unwrap();
    assert_eq!(name, "__Host-cart");
    for cookie in [
        format!("cart={value}"),
        format!("__Host-cart={}", value.to_uppercase()),
        format!("__Host-cart={value}x"),
        "__Host-cart=".to_owned(),
        "__Host-cart=' OR 1=1".to_owned(),
        format!("__Host-cart={}", "a".repeat(8_000)),
        ";;;=;=".to_owned(),
        "__Host-cart".to_owned(),
    ] {
        let mut visitor = app.browser();
        visitor.cookie = Some(cookie.clone());
        visitor.get("/cart").await.says(200, &["Your bag is empty"]);
    }
    for bytes in [
        &b"__Host-cart=\xff\xfe"[..],
        b"\xc3\x28=1",
        b"__Host-cart=%00",
    ] {
        let request = Request::get("/cart").header("host", "shop.example");
        let request = request.header("cookie", http::HeaderValue::from_bytes(bytes).unwrap());
        let answer = app
            .browser()
            .send(request.body(Body::empty()).unwrap())
            .await;
        answer.says(200, &["Your bag is empty"]);
    }
    app.assert_unchanged_since(&before).await;
}
