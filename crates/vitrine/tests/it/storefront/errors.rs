//! What every address has in common: headers, refusals, error pages.

use axum::body::Body;
use http::Request;

use crate::browser::Browser;
use crate::harness::App;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; upgrade-insecure-requests";

/// Words that no visitor may ever read.
const INSIDES: &[&str] = &[
    "sqlite", "SQLite", "postgres", "rusqlite", "SELECT ", "INSERT ", "UPDATE ", "panick", "crates/", ".rs:", "/home/",
    "/tmp/", "/srv/", "stack backtrace", "DbError", "minijinja", "axum", "thread '",
];

/// A shop with one of everything, and somebody with an order and a bag.
async fn a_day_in_the_shop() -> (App, Browser, Vec<String>) {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let gone = app.sells("Fig candle", 2_400, 3).await;
    app.shelf("Cups", None, &[goods.slug.clone(), gone.slug.clone()]).await;
    app.collects("Slow mornings", std::slice::from_ref(&goods.slug)).await;
    app.archives(&gone.slug).await;
    commerce::search::catch_up(app.shop()).await.unwrap();
    let mut browser = app.browser();
    let order = browser.buys(&goods.path(), "1").await;
    let gateway = browser.goes_to_pay(&goods.path(), "1").await;
    let paths = [
        "/",
        "/c/cups",
        "/collections/slow-mornings",
        "/products/oat-tumbler",
        "/products/fig-candle",
        "/search?q=tumbler",
        "/cart",
        "/checkout",
        "/checkout/return",
        &order,
        &gateway,
        &app.picture().await,
        "/robots.txt",
        "/favicon.ico",
        "/manifest.webmanifest",
        "/healthz",
        "/readyz",
        "/metrics",
        "/no-such-page",
        "/products/%ff",
        "/webhooks/payments/test",
    ];
    let paths = paths.map(str::to_owned).into();
    (app, browser, paths)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_keeps_browsers_on_the_safe_side() {
    let (app, browser, paths) = a_day_in_the_shop().await;
    for mut visitor in [browser, app.browser()] {
        for path in &paths {
            for method in ["GET", "HEAD", "DELETE"] {
                let ours = [("sec-fetch-site", "same-origin")];
                let answer = visitor.ask(method, path, &ours, Vec::new()).await;
                for (name, value) in [
                    ("content-security-policy", POLICY),
                    ("x-content-type-options", "nosniff"),
                    ("referrer-policy", "strict-origin-when-cross-origin"),
                    ("cross-origin-opener-policy", "same-origin"),
                    ("cross-origin-resource-policy", "same-origin"),
                    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(self)"),
                    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
                ] {
                    assert_eq!(answer.header(name), value, "{method} {path} {name}");
                    assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{method} {path} {name}");
                }
                assert_eq!(answer.header("x-request-id").len(), 32, "{method} {path}");
                assert_eq!(answer.header("server"), "", "{method} {path}");
                assert!(answer.status < 500, "{method} {path}: {}", answer.status);
            }
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
        if private.iter().any(|start| path.starts_with(start)) || own.status >= 400 {
            assert_eq!(own.header("cache-control"), "no-store", "{path}");
            assert_eq!(own.header("etag"), "", "{path}");
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
async fn a_wrong_method_is_told_which_are_right() {
    let (_app, mut browser, _) = a_day_in_the_shop().await;
    for (path, allow) in [
        ("/", "GET,HEAD"),
        ("/c/cups", "GET,HEAD"),
        ("/products/oat-tumbler", "GET,HEAD"),
        ("/search", "GET,HEAD"),
        ("/cart", "GET,HEAD"),
        ("/orders/x", "GET,HEAD"),
        ("/cart/lines", "POST"),
        ("/cart/lines/x", "POST"),
        ("/checkout/complete", "POST"),
        ("/checkout/cancel-payment", "POST"),
        ("/webhooks/payments/test", "POST"),
        ("/healthz", "GET,HEAD"),
    ] {
        for method in ["PUT", "PATCH", "DELETE"] {
            let csrf = browser.get("/").await.form("/search");
            assert_eq!(csrf.method, "get");
            let ours = [("sec-fetch-site", "same-origin")];
            let answer = browser.ask(method, path, &ours, Vec::new()).await;
            assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
        }
    }
    assert_eq!(browser.get("/cart/lines").await.status, 405);
    assert_eq!(browser.ask("BREW", "/", &[("sec-fetch-site", "same-origin")], Vec::new()).await.status, 405);
    assert_eq!(browser.ask("TRACE", "/", &[], Vec::new()).await.status, 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_request_gets_the_head_of_the_page() {
    let (app, _, paths) = a_day_in_the_shop().await;
    let mut visitor = app.browser();
    for path in paths.iter().filter(|path| !path.starts_with("/metrics")) {
        let page = visitor.get(path).await;
        let head = visitor.ask("HEAD", path, &[], Vec::new()).await;
        assert_eq!((head.status, head.body.len()), (page.status, 0), "{path}");
        assert_eq!(head.header("content-type"), page.header("content-type"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_are_no_text_are_never_our_fault() {
    let (_app, mut browser, _) = a_day_in_the_shop().await;
    let routes = ["/c/", "/collections/", "/products/", "/orders/", "/media/", "/assets/", "/test-gateway/pay/", "/cart/lines/", "/"];
    let odd = [
        "%", "%f", "%zz", "%ff", "%c3%28", "%ed%a0%80", "%c0%af", "%f8%88%80%80%80", "%00", "%00.html", "%0d%0aset-cookie:%20x=1",
        "%2e%2e%2f", "..%2f..%2f", "....//", "%5c", "%252e", "a%20b", "%E2%80%AE", "%EF%BB%BF", ";", "'", "\"", "{x}", "*", "~", "x".repeat(4_000).leak(),
        "%F0%9F%90%99", "%3Cscript%3Ealert(1)%3C/script%3E", "null", "undefined", "-1", "1e309", "NaN",
    ];
    for route in routes {
        for odd in odd {
            let Ok(uri) = format!("{route}{odd}").parse::<http::Uri>() else {
                continue;
            };
            for method in ["GET", "POST"] {
                let ours = [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
                let answer = browser.ask(method, &uri.to_string(), &ours, Vec::new()).await;
                assert!(matches!(answer.status, 303 | 400 | 403 | 404 | 405), "{method} {uri}: {}", answer.status);
                assert!(!answer.text().contains("<script>alert"), "{uri}");
                assert_eq!(answer.headers.get_all("set-cookie").iter().filter(|set| set.as_bytes().starts_with(b"x=")).count(), 0);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_that_are_no_text_are_refused() {
    let (app, mut browser, _) = a_day_in_the_shop().await;
    let before = app.everything().await;
    for path in ["/cart/lines", "/checkout", "/checkout/complete", "/checkout/cancel-payment"] {
        for body in [
            &b"quantity=%ff"[..],
            b"quantity=%",
            b"quantity=%00",
            b"quantity=\0",
            b"%ff=1",
            b"\xff\xfe=1",
            b"a=%c0%80",
            b"a=%ed%a0%80",
            b"a=1&a=2",
            b"csrf=a&csrf=b",
        ] {
            let answer = browser.post_raw(path, body.to_vec()).await;
            assert_eq!(answer.status, 400, "{path} {}", String::from_utf8_lossy(body));
        }
        let many: Vec<String> = (0..100_000).map(|number| format!("{number}")).collect();
        assert_eq!(browser.post_raw(path, many.join("&").into_bytes()).await.status, 413, "{path}");
        let many: Vec<String> = (0..600).map(|number| format!("{number}=1")).collect();
        assert_eq!(browser.post_raw(path, many.join("&").into_bytes()).await.status, 413, "{path}");
        assert_eq!(browser.post_raw(path, vec![b'a'; 5_000_000]).await.status, 413, "{path}");
        for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain", "text/xml", ""] {
            let csrf = browser.get("/cart").await;
            drop(csrf);
            let headers = [("content-type", kind), ("sec-fetch-site", "same-origin")];
            let answer = browser.ask("POST", path, &headers, b"{\"quantity\":1}".to_vec()).await;
            assert_eq!(answer.status, 415, "{path} {kind}");
        }
    }
    assert_eq!(app.everything().await, before);
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
    for bytes in [&b"__Host-cart=\xff\xfe"[..], b"\xc3\x28=1", b"__Host-cart=%00"] {
        let request = Request::get("/cart").header("host", "shop.example");
        let request = request.header("cookie", http::HeaderValue::from_bytes(bytes).unwrap());
        let answer = app.browser().send(request.body(Body::empty()).unwrap()).await;
        answer.says(200, &["Your bag is empty"]);
    }
    assert_eq!(app.everything().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_are_told_in_json() {
    let (_app, mut browser, _) = a_day_in_the_shop().await;
    for (path, status, code) in [
        ("/no-such", 404, "not_found"),
        ("/products/no-such", 404, "not_found"),
        ("/orders/x", 404, "not_found"),
        ("/products/%ff", 400, "bad_request"),
        ("/cart/lines", 405, "method_not_allowed"),
    ] {
        let answer = browser.ask("GET", path, &[("accept", "application/json")], Vec::new()).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{path}");
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((json["status"].as_u64(), json["code"].as_str()), (Some(status.into()), Some(code)), "{path}");
        assert_eq!(json["request_id"], answer.header("x-request-id"), "{path}");
    }
    let html = browser.ask("GET", "/no-such", &[("accept", "text/html,application/json;q=0.9")], Vec::new()).await;
    assert!(html.header("content-type").starts_with("text/html"));
    let answer = browser.ask("POST", "/cart/lines", &[("accept", "application/json")], Vec::new()).await;
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &json["code"]), (403, &"csrf_failed".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_shop_itself_fails_the_page_says_so_and_nothing_of_the_inside() {
    let (app, mut browser, paths) = a_day_in_the_shop().await;
    let cart = browser.get("/cart").await;
    let forms = crate::page::Form::all(&cart.text());
    app.shop().db.close().await;
    let mut failed = 0;
    for path in paths.iter().filter(|path| !path.starts_with("/readyz")) {
        for accept in ["text/html", "application/json"] {
            let answer = browser.ask("GET", path, &[("accept", accept)], Vec::new()).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            if answer.status >= 500 {
                failed += 1;
                assert!(text.contains(answer.header("x-request-id")), "{path}: {text}");
                assert_eq!(answer.header("cache-control"), "no-store", "{path}");
                for word in INSIDES {
                    assert!(!text.contains(word), "{word:?} on {path}: {text}");
                }
            }
        }
    }
    assert!(failed > 15, "{failed}");
    for form in forms.iter().filter(|form| form.method == "post") {
        let answer = browser.submit(form).await;
        assert!(answer.status == 500 || answer.status == 503, "{}: {}", form.action, answer.status);
        let text = answer.text();
        assert!(INSIDES.iter().all(|word| !text.contains(word)), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_tell_nothing_of_the_inside() {
    let (_app, mut browser, _) = a_day_in_the_shop().await;
    for (path, body) in [
        ("/cart/lines", "variant=%27&quantity=1"),
        ("/cart/lines", "price=1"),
        ("/checkout", "step=nowhere"),
        ("/checkout", ""),
        ("/checkout/complete", "total_seen_minor=x"),
        ("/checkout/complete", ""),
        ("/nowhere", "x=1"),
    ] {
        for accept in ["text/html", "application/json"] {
            let headers = [
                ("accept", accept),
                ("sec-fetch-site", "same-origin"),
                ("content-type", "application/x-www-form-urlencoded"),
            ];
            let answer = browser.ask("POST", path, &headers, body.as_bytes().to_vec()).await;
            assert!((400..500).contains(&answer.status), "{path} {body}: {}", answer.status);
            let text = answer.text();
            assert!(INSIDES.iter().all(|word| !text.contains(word)), "{path} {body}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_that_sends_too_much_waits_and_the_others_do_not() {
    let app = App::strict().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let mut hasty = app.browser();
    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(hasty.post("/checkout/cancel-payment", &[]).await.status);
    }
    assert_eq!((statuses[0], statuses[69]), (303, 429), "{statuses:?}");
    let told = hasty.post("/checkout/cancel-payment", &[]).await;
    told.says(429, &[]);
    assert!(!told.header("retry-after").is_empty());
    // Looking is always free.
    hasty.get(&goods.path()).await.says(200, &["Oat tumbler"]);
    let form = Request::post("/checkout/cancel-payment")
        .header("host", "shop.example")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::empty())
        .unwrap();
    assert_eq!(app.browser().send_from("198.51.100.7:1", form).await.status, 303);
}
