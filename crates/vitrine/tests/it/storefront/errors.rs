//! What every address refuses, and how.

use axum::body::Body;
use http::Request;

use crate::harness::App;
use crate::storefront::a_day_in_the_shop;

/// Words that no visitor may ever read.
const INSIDES: &[&str] = &[
    "sqlite",
    "SQLite",
    "postgres",
    "rusqlite",
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "panick",
    "crates/",
    ".rs:",
    "/home/",
    "/tmp/",
    "/srv/",
    "stack backtrace",
    "DbError",
    "minijinja",
    "axum",
    "thread '",
];

#[track_caller]
fn tells_nothing_of_the_inside(text: &str) {
    for word in INSIDES {
        assert!(!text.contains(word), "{word:?} in: {text}");
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Where forms are sent to.
const FORMS: [&str; 4] = [
    "/cart/lines",
    "/checkout",
    "/checkout/complete",
    "/checkout/cancel-payment",
];

/// Where addresses have a part that anybody can write.
const ROUTES: [&str; 10] = [
    "/c/",
    "/collections/",
    "/products/",
    "/orders/",
    "/media/",
    "/media/0/",
    "/assets/",
    "/test-gateway/pay/",
    "/cart/lines/",
    "/",
];

/// What can be written there.
const ODD: &[&str] = &[
    "%",
    "%f",
    "%zz",
    "%ff",
    "%c3%28",
    "%ed%a0%80",
    "%c0%af",
    "%f8%88%80%80%80",
    "%00",
    "%00.html",
    "%0d%0aset-cookie:%20x=1",
    "%2e%2e%2f",
    "..%2f..%2f",
    "....//",
    "%5c",
    "%252e",
    "a%20b",
    "%E2%80%AE",
    "%EF%BB%BF",
    ";",
    "'",
    "\"",
    "{x}",
    "*",
    "~",
    "%F0%9F%90%99",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "null",
    "undefined",
    "-1",
    "1e309",
    "NaN",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_are_no_text_are_never_our_fault() {
    let (_app, mut browser, _) = a_day_in_the_shop().await;
    let long = "x".repeat(4_000);
    let odd = ODD.iter().copied().chain([long.as_str()]);
    let addresses = odd.flat_map(|odd| ROUTES.map(|route| format!("{route}{odd}")));
    // What no client can send is not tried.
    let addresses: Vec<String> = addresses
        .filter(|address| address.parse::<http::Uri>().is_ok())
        .collect();
    assert!(addresses.len() > 250, "{}", addresses.len());
    for address in &addresses {
        for method in ["GET", "POST"] {
            let headers = [("sec-fetch-site", "same-origin"), FORM];
            let answer = browser.ask(method, address, &headers, Vec::new()).await;
            let told = matches!(answer.status, 303 | 400 | 404 | 405);
            assert!(told, "{method} {address}: {}", answer.status);
            assert!(!answer.text().contains("<script>alert"), "{address}");
            assert!(!answer.header("set-cookie").starts_with("x="), "{address}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_that_are_no_text_are_refused() {
    let (app, mut browser, _) = a_day_in_the_shop().await;
    let before = app.everything().await;
    for path in FORMS {
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
            let status = browser.post_raw(path, body.to_vec()).await.status;
            assert_eq!(status, 400, "{path} {}", String::from_utf8_lossy(body));
        }
        for kind in [
            "application/json",
            "multipart/form-data; boundary=x",
            "text/plain",
            "text/xml",
            "",
        ] {
            let headers = [("content-type", kind), ("sec-fetch-site", "same-origin")];
            let body = b"{\"quantity\":1}".to_vec();
            let status = browser.ask("POST", path, &headers, body).await.status;
            assert_eq!(status, 415, "{path} {kind}");
        }
    }
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_without_measure_are_refused() {
    let (app, mut browser, _) = a_day_in_the_shop().await;
    let before = app.everything().await;
    let fields = |count: u32| {
        (0..count)
            .map(|number| format!("{number}=1"))
            .collect::<Vec<_>>()
    };
    for path in FORMS {
        for body in [
            fields(600).join("&").into_bytes(),
            fields(100_000).join("&").into_bytes(),
            vec![b'a'; 5_000_000],
        ] {
            let length = body.len();
            let status = browser.post_raw(path, body).await.status;
            assert_eq!(status, 413, "{path} {length}");
        }
        // A body that says no length and does not end.
        let piece = bytes::Bytes::from_static(&[b'a'; 4_096]);
        let endless = futures_util::stream::repeat(Ok::<_, std::convert::Infallible>(piece));
        let request = Request::post(path)
            .header("host", "shop.example")
            .header("sec-fetch-site", "same-origin")
            .header(FORM.0, FORM.1)
            .body(Body::from_stream(endless));
        assert_eq!(browser.send(request.unwrap()).await.status, 413, "{path}");
    }
    app.assert_unchanged_since(&before).await;
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
        let answer = browser
            .ask("GET", path, &[("accept", "application/json")], Vec::new())
            .await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, "application/problem+json"),
            "{path}"
        );
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (json["status"].as_u64(), json["code"].as_str()),
            (Some(status.into()), Some(code)),
            "{path}"
        );
        assert_eq!(json["request_id"], answer.header("x-request-id"), "{path}");
    }
    let html = browser
        .ask(
            "GET",
            "/no-such",
            &[("accept", "text/html,application/json;q=0.9")],
            Vec::new(),
        )
        .await;
    assert!(html.header("content-type").starts_with("text/html"));
    let answer = browser
        .ask(
            "POST",
            "/cart/lines",
            &[("accept", "application/json")],
            Vec::new(),
        )
        .await;
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
    let ways = ["text/html", "application/json"].map(|accept| [("accept", accept)]);
    let pages = paths.iter().filter(|path| *path != "/readyz");
    for (path, accept) in pages.flat_map(|path| ways.map(|accept| (path, accept))) {
        let answer = browser.ask("GET", path, &accept, Vec::new()).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status < 500 {
            continue;
        }
        failed += 1;
        assert!(
            text.contains(answer.header("x-request-id")),
            "{path}: {text}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        tells_nothing_of_the_inside(&text);
    }
    assert!(failed > 15, "{failed}");
    let sent: Vec<_> = forms.iter().filter(|form| form.method == "post").collect();
    assert!(!sent.is_empty());
    for form in sent {
        let answer = browser.submit(form).await;
        assert!(
            matches!(answer.status, 500 | 503),
            "{}: {}",
            form.action,
            answer.status
        );
        tells_nothing_of_the_inside(&answer.text());
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
            let answer = browser
                .ask("POST", path, &headers, body.as_bytes().to_vec())
                .await;
            assert!(
                (400..500).contains(&answer.status),
                "{path} {body}: {}",
                answer.status
            );
            tells_nothing_of_the_inside(&answer.text());
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
    assert_eq!(
        app.browser().send_from("198.51.100.7:1", form).await.status,
        303
    );
}
