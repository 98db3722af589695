//! What must hold at every address there is. A new one belongs into the table before it is let in.

use std::path::Path;

use crate::browser::{Browser, HOME};
use crate::harness::App;

/// An address: its pattern, an example, the methods it has.
struct Route {
    pattern: &'static str,
    example: &'static str,
    allow: &'static str,
}

const fn read(pattern: &'static str, example: &'static str) -> Route {
    let allow = "GET,HEAD";
    Route {
        pattern,
        example,
        allow,
    }
}

const fn write(pattern: &'static str, example: &'static str) -> Route {
    let allow = "POST";
    Route {
        pattern,
        example,
        allow,
    }
}

const fn both(pattern: &'static str, example: &'static str) -> Route {
    let allow = "GET,HEAD,POST";
    Route {
        pattern,
        example,
        allow,
    }
}

const ROUTES: &[Route] = &[
    read("/", "/"),
    read("/c/{slug}", "/c/cups"),
    read("/collections/{slug}", "/collections/gifts"),
    read("/products/{slug}", "/products/oat-tumbler"),
    read("/search", "/search?q=x"),
    read("/cart", "/cart"),
    write("/cart/lines", "/cart/lines"),
    write(
        "/cart/lines/{id}",
        "/cart/lines/cli_01k00000000000000000000000",
    ),
    both("/checkout", "/checkout"),
    write("/checkout/complete", "/checkout/complete"),
    read("/checkout/return", "/checkout/return"),
    write("/checkout/cancel-payment", "/checkout/cancel-payment"),
    read("/orders/{token}", "/orders/00000000000000000000000000"),
    read("/media/{hash}/{file}", "/media/0/320.webp"),
    read("/robots.txt", "/robots.txt"),
    read("/favicon.ico", "/favicon.ico"),
    read("/manifest.webmanifest", "/manifest.webmanifest"),
    read("/assets/{*name}", "/assets/shop.css"),
    read("/admin/assets/{*name}", "/admin/assets/admin.css"),
    both(
        "/test-gateway/pay/{reference}",
        "/test-gateway/pay/00000000000000000000000000",
    ),
    write("/webhooks/payments/{gateway}", "/webhooks/payments/test"),
    read("/healthz", "/healthz"),
    read("/readyz", "/readyz"),
    read("/metrics", "/metrics"),
];

/// Addresses that are named by something else than a text where they are mounted.
const NAMED: &[&str] = &["/manifest.webmanifest", "/test-gateway/pay/{reference}"];

impl Route {
    fn has(&self, method: &str) -> bool {
        self.allow.split(',').any(|allowed| allowed == method)
    }

    /// Whether forms of our own pages are sent there, and none of anybody else's.
    fn takes_forms(&self) -> bool {
        self.has("POST") && !self.pattern.starts_with("/webhooks/")
    }
}

/// The addresses mounted in the sources.
fn mounted() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut waiting = ["storefront/src", "web/src"]
        .map(|folder| crates.join(folder))
        .to_vec();
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let calls = text.split(".route(").skip(1).map(str::trim_start);
        let named = calls.filter_map(|call| call.strip_prefix('"')?.split('"').next());
        found.extend(named.map(str::to_owned));
    }
    found
}

/// A shop that has what the examples name, and somebody with a bag.
async fn shop_and_somebody() -> (App, Browser) {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    app.shelf("Cups", None, std::slice::from_ref(&goods.slug))
        .await;
    app.collects("Gifts", std::slice::from_ref(&goods.slug))
        .await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    (app, browser)
}

#[test]
fn every_address_is_in_the_table() {
    let known = |pattern: &str| ROUTES.iter().any(|route| route.pattern == pattern);
    let mounted = mounted();
    let unknown: Vec<&String> = mounted.iter().filter(|pattern| !known(pattern)).collect();
    assert!(
        unknown.is_empty(),
        "say in ROUTES what may be done at {unknown:?}"
    );
    for route in ROUTES {
        let is_there = mounted.iter().any(|pattern| pattern == route.pattern);
        assert!(
            is_there || NAMED.contains(&route.pattern),
            "{} is gone",
            route.pattern
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_has_its_methods_and_no_others() {
    let (_app, mut browser) = shop_and_somebody().await;
    for route in ROUTES {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW",
        ] {
            let headers = [("sec-fetch-site", "same-origin")];
            let answer = browser
                .ask(method, route.example, &headers, Vec::new())
                .await;
            let refused = (answer.status, answer.header("allow")) == (405, route.allow);
            assert_eq!(
                refused,
                !route.has(method),
                "{method} {}: {}",
                route.pattern,
                answer.status
            );
            assert!(
                answer.status < 500,
                "{method} {}: {}",
                route.pattern,
                answer.status
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_comes_from_another_site_whatever_the_address() {
    let (app, mut browser) = shop_and_somebody().await;
    let before = app.everything().await;
    let strangers: [&[(&str, &str)]; 7] = [
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://blog.shop.example"),
        ],
        &[("sec-fetch-site", "cross-site"), ("origin", HOME)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        // An old browser that says nothing, and one whose form carries no token.
        &[],
        &[("origin", HOME)],
    ];
    let bodies = [
        "",
        "step=address&quantity=1&outcome=approve&total_seen_minor=1800",
    ];
    let forms = ROUTES.iter().filter(|route| route.takes_forms());
    for (route, stranger) in forms.flat_map(|route| strangers.map(|stranger| (route, stranger))) {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(stranger);
        for body in bodies.map(str::as_bytes).map(<[u8]>::to_vec) {
            let answer = browser.ask("POST", route.example, &headers, body).await;
            assert_eq!(answer.status, 403, "{} {stranger:?}", route.pattern);
        }
    }
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_question_changes_anything_whatever_the_address() {
    let (app, mut browser) = shop_and_somebody().await;
    let before = app.everything().await;
    for route in ROUTES.iter().filter(|route| route.has("GET")) {
        for method in ["GET", "HEAD", "GET", "OPTIONS"] {
            let answer = browser.ask(method, route.example, &[], Vec::new()).await;
            assert!(
                answer.status < 500,
                "{method} {}: {}",
                route.pattern,
                answer.status
            );
        }
    }
    app.assert_unchanged_since(&before).await;
}
