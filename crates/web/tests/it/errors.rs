use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use web::{Asked, ErrorPage, ErrorPages, Site};

use crate::kit::{Answer, FORM, OURS, app, ask, config, get_page, pages, post_form, request};

/// Words that no visitor may ever read.
const INSIDES: &[&str] = &[
    "postgres", "secret", "1234", "panick", "crates/", ".rs:", "SELECT", "stack",
];

fn is_clean(answer: &Answer) {
    let text = answer.text();
    assert!(!INSIDES.iter().any(|word| text.contains(word)), "{text}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-request-id").len(), 32);
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_page_with_the_right_status() {
    let app = app();
    for (path, status) in [
        ("/nothing/here", 404),
        ("/sold-out", 409),
        ("/database", 500),
        ("/panic", 500),
        ("/products/%ff", 400),
    ] {
        let answer = get_page(&app, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            "text/html; charset=utf-8",
            "{path}"
        );
        assert!(answer.text().contains(answer.header("x-request-id")));
        is_clean(&answer);
    }
}

#[tokio::test]
async fn programs_get_problem_json() {
    let app = app();
    for (path, status, code) in [
        ("/sold-out", 409, "out_of_stock"),
        ("/database", 500, "internal"),
        ("/panic", 500, "internal"),
        ("/nothing", 404, "not_found"),
        ("/api/x", 404, "not_found"),
    ] {
        let accept = if path.starts_with("/api") {
            "*/*"
        } else {
            "application/json"
        };
        let answer = ask(&app, request("GET", path, &[("accept", accept)], "")).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, "application/problem+json"),
            "{path}"
        );
        let json: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(
            (json["status"].as_u64(), json["code"].as_str()),
            (Some(status.into()), Some(code)),
            "{path}"
        );
        assert_eq!(json["request_id"], answer.header("x-request-id"));
        is_clean(&answer);
    }
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let answer = ask(&app(), request("DELETE", "/sold-out", &[OURS], "")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD"));
    assert!(answer.text().starts_with("<!doctype html>"));
}

#[tokio::test]
async fn two_hundred_odd_addresses_are_never_our_fault() {
    let app = app();
    let parts = [
        "..",
        "%2e%2e",
        "%2E%2E%2f",
        "..%5c",
        "%00",
        "%",
        "%zz",
        "%ff",
        "%c0%af",
        ";x=1",
        "a%2fb",
        "con",
        "~",
        "%F0%9F%8D%B5",
        "'",
        "%22%3E",
        "{}",
        "$%7B7*7%7D",
        "a b",
        "....//",
        "%252e%252e",
    ];
    let prefixes = [
        "/",
        "/products/",
        "/assets/",
        "/c/",
        "/media/",
        "//",
        "/products/x/",
        "/healthz/",
        "/cart/",
        "/x?q=",
    ];
    let all = prefixes
        .iter()
        .flat_map(|prefix| parts.iter().map(move |part| format!("{prefix}{part}")));
    // What is not an address at all is refused by the server before it gets here.
    let addresses: Vec<http::Uri> = all.filter_map(|address| address.parse().ok()).collect();
    for uri in &addresses {
        let answer = get_page(&app, &uri.to_string()).await;
        assert!(
            matches!(answer.status, 200 | 400 | 404 | 405),
            "{uri}: {}",
            answer.status
        );
    }
    let asked = addresses.len();
    assert!(asked > 150, "{asked}");
}

#[tokio::test]
async fn a_form_nobody_could_have_typed_is_refused() {
    let app = app();
    for bad in [
        "sku=%ff&quantity=1",
        "sku=tea&quantity=two",
        "sku=tea&quantity=1e3",
        "sku=tea&quantity=-1",
        "sku=tea&quantity=4294967296",
        "sku=tea",
        "sku=tea&quantity=1&price=0",
        "sku=tea&sku=tea&quantity=1",
        "",
        "sku[]=tea&quantity=NaN",
    ] {
        let answer = post_form(&app, "/cart", bad).await;
        assert_eq!(
            (answer.status, answer.header("set-cookie")),
            (400, ""),
            "{bad}"
        );
        is_clean(&answer);
    }
    let text = ask(
        &app,
        request(
            "POST",
            "/cart",
            &[OURS, ("content-type", "text/plain")],
            "sku=tea&quantity=1",
        ),
    )
    .await;
    assert_eq!(text.status, 415);
    let fields = ask(
        &app,
        request("POST", "/fields", &[OURS, FORM], "b=2+%26&a=%C3%A9&csrf="),
    )
    .await;
    assert_eq!(fields.text(), "a=é;b=2 &");
}

struct Drawn;

impl ErrorPages for Drawn {
    fn draw<'a>(&'a self, asked: &'a Asked, page: &'a ErrorPage) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let error = &page.error;
            assert_ne!(error.status, 409, "a bug in the error page itself");
            Some(format!(
                "{} {} {:?} {:?} {}",
                error.status,
                error.known,
                error.reference.is_some(),
                error.search,
                asked.uri.path()
            ))
        })
    }
}

#[tokio::test]
async fn the_shop_draws_its_own_error_pages_and_survives_when_it_cannot() {
    let site = Site::new(
        config("https://shop.example"),
        Arc::new(|| Box::pin(async { Ok(()) })),
        Arc::new(Drawn),
    );
    let app = site.router(pages());
    assert_eq!(
        get_page(&app, "/products/a/blue-vase").await.text(),
        "404 true false Some(\"blue vase\") /products/a/blue-vase"
    );
    assert_eq!(
        get_page(&app, "/database").await.text(),
        "500 true true None /database"
    );
    let last_resort = get_page(&app, "/sold-out").await;
    assert_eq!(last_resort.status, 409);
    assert!(last_resort.text().contains("<h1>This did not work</h1>"));
}

/// Draws the address it is asked for, and counts.
#[derive(Default)]
struct Counted(AtomicUsize);

impl ErrorPages for Counted {
    fn draw<'a>(&'a self, asked: &'a Asked, page: &'a ErrorPage) -> BoxFuture<'a, Option<String>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let told = format!(
            "{} {} {:?} {:?} {:?}",
            page.error.status, asked.uri, asked.session, asked.headers, page.error.reference
        );
        Box::pin(async move { Some(told) })
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_of_a_full_shop_is_drawn_once_and_for_nobody_in_particular() {
    let mut config = config("https://shop.example");
    config.limits.requests_at_once = 1;
    let drawn = Arc::new(Counted::default());
    let ready: web::Readiness = Arc::new(|| Box::pin(async { Ok(()) }));
    let app = Site::new(config, ready, drawn.clone()).router(pages());
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { get_page(&app, "/never").await.status }
    });
    tokio::task::yield_now().await;
    let mut ids = Vec::new();
    for secret in ["one", "two", "three"] {
        let path = format!("/products/{secret}?q={secret}");
        let cookie = format!("__Host-cart={}", "0".repeat(26));
        let headers = [("cookie", cookie.as_str()), ("x-name", secret)];
        let told = ask(&app, request("GET", &path, &headers, "")).await;
        assert_eq!((told.status, told.header("retry-after")), (503, "2"));
        assert_eq!(told.text(), "503 / None {} None");
        assert_eq!(told.header("cache-control"), "no-store");
        ids.push(told.header("x-request-id").to_owned());
    }
    assert_eq!(drawn.0.load(Ordering::Relaxed), 1);
    ids.dedup();
    assert_eq!(ids.len(), 3, "each request still has its own id");
    let office = ask(&app, request("GET", "/admin/orders", &[], "")).await;
    assert_eq!(office.text(), "503 /admin None {} None");
    assert_eq!(drawn.0.load(Ordering::Relaxed), 2);
    assert_eq!(waiting.await.unwrap(), 503);
}

#[test]
fn the_default_theme_can_draw_every_error() {
    use templates::{Page, Settings, Templates, Voice};
    let templates = Templates::load(Settings::default()).unwrap();
    let frame = serde_json::json!({
        "shop": {"name": "Shop", "locale": "en-GB", "dir": "ltr"}, "page": {"path": "/", "status": 404}, "nav": [], "links": [],
        "cart_count": 0, "csrf": "", "search_query": "", "notices": []
    });
    for (name, page) in ErrorPage::samples() {
        let html = templates
            .render(&Voice::neutral(), &frame, &page)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(html.contains("<h1>"), "{name}");
        if let Some(reference) = &page.error.reference {
            assert!(html.contains(reference.as_str()), "{name}");
        }
    }
}
