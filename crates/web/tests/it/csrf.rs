use crate::kit::{FORM, OURS, app, ask, config, pages, post_form, request, site};

const FIELDS: &str = "sku=tea&quantity=2";

#[tokio::test]
async fn nothing_changes_at_the_word_of_another_site() {
    let app = app();
    let strangers: &[&[(&str, &str)]] = &[
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://shop.example"),
        ],
        &[("sec-fetch-site", "same-site")],
        &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[("sec-fetch-site", "SAME-ORIGIN ")],
        &[("origin", "https://evil.example")],
        &[("origin", "https://sub.shop.example")],
        &[("origin", "https://shop.example.evil.example")],
        &[("origin", "https://shop.example:8443")],
        &[("origin", "http://shop.example")],
        &[("origin", "null")],
        &[
            ("origin", "https://shop.example"),
            ("origin", "https://evil.example"),
        ],
        &[("referer", "https://shop.example/")],
        &[],
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for headers in strangers {
            let headers = [&[FORM], *headers].concat();
            let answer = ask(&app, request(method, "/cart", &headers, FIELDS)).await;
            assert_eq!(answer.status, 403, "{method} {headers:?}");
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
}

#[tokio::test]
async fn our_own_forms_work_in_every_browser() {
    let app = app();
    let browsers: &[&[(&str, &str)]] = &[
        &[OURS],
        &[OURS, ("origin", "https://shop.example")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://shop.example")],
        &[("origin", "https://SHOP.example")],
    ];
    for headers in browsers {
        let answer = ask(
            &app,
            request("POST", "/cart", &[&[FORM], *headers].concat(), FIELDS),
        )
        .await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/cart?added=tea&quantity=2"),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn a_shop_without_tls_can_be_reached_under_any_of_its_names() {
    let app = site(config("http://localhost:8080")).router(pages());
    let post = |host: &'static str, origin: &'static str| {
        let mut request = request("POST", "/cart", &[FORM, ("origin", origin)], FIELDS);
        request.headers_mut().insert("host", host.parse().unwrap());
        ask(&app, request)
    };
    assert_eq!(
        post("127.0.0.1:8080", "http://127.0.0.1:8080").await.status,
        303
    );
    assert_eq!(
        post("localhost:8080", "http://localhost:8080").await.status,
        303
    );
    assert_eq!(
        post("127.0.0.1:8080", "http://127.0.0.1:9090").await.status,
        403
    );
    assert_eq!(
        post("127.0.0.1:8080", "http://evil.example").await.status,
        403
    );
}

#[tokio::test]
async fn with_a_session_the_form_must_carry_its_token() {
    let app = app();
    let (cookie, token) = session(&app).await;
    let post = |source, csrf: &str| {
        let form = format!("{FIELDS}&csrf={csrf}");
        ask(
            &app,
            request(
                "POST",
                "/cart",
                &[FORM, source, ("cookie", cookie.as_str())],
                form,
            ),
        )
    };
    let forged = token.replace(&token[..4], "AAAA");
    assert_eq!(post(OURS, &token).await.status, 303);
    assert_eq!(post(OUR_ORIGIN, &token).await.status, 303);
    assert_eq!(post(OURS, &forged).await.status, 403);
    assert_eq!(post(OUR_ORIGIN, &forged).await.status, 403);
    assert_eq!(
        post(OURS, &format!("{token}&csrf={token}")).await.status,
        400
    );
    assert_eq!(
        post(OUR_ORIGIN, "").await.status,
        403,
        "an older browser's word alone is not enough"
    );
    assert_eq!(
        post(OURS, "").await.status,
        303,
        "a page opened before the session existed"
    );
}

#[tokio::test]
async fn scripts_carry_the_token_in_a_header() {
    let app = app();
    let (cookie, token) = session(&app).await;
    let cookie = ("cookie", cookie.as_str());
    let by_header = [FORM, OUR_ORIGIN, cookie, ("x-csrf-token", token.as_str())];
    assert_eq!(
        ask(&app, request("PUT", "/cart", &by_header, FIELDS))
            .await
            .status,
        303
    );
    let json = [("content-type", "application/json"), OUR_ORIGIN, cookie];
    assert_eq!(
        ask(&app, request("POST", "/json", &json, "{}"))
            .await
            .status,
        403
    );
}

const OUR_ORIGIN: (&str, &str) = ("origin", "https://shop.example");

/// A new session's cookie, and the token of a page it sees.
async fn session(app: &axum::Router) -> (String, String) {
    let first = post_form(app, "/cart", FIELDS).await;
    let cookie = first
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(cookie.starts_with("__Host-cart="));
    let page = ask(app, request("GET", "/", &[("cookie", &cookie)], ""))
        .await
        .text();
    let token = page
        .trim_start_matches("<p>")
        .trim_end_matches("</p>")
        .to_owned();
    assert_eq!(token.len(), 52);
    (cookie, token)
}

#[tokio::test]
async fn the_session_is_made_once_and_kept() {
    let app = app();
    let page = ask(&app, request("GET", "/", &[], "")).await;
    assert_eq!(
        (page.header("set-cookie"), page.text().as_str()),
        ("", "<p></p>")
    );
    let first = post_form(&app, "/cart", FIELDS).await;
    let set = first.header("set-cookie");
    assert!(
        set.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );
    let cookie = set.split(';').next().unwrap();
    let again = ask(
        &app,
        request("POST", "/cart", &[FORM, OURS, ("cookie", cookie)], FIELDS),
    )
    .await;
    assert!(again.header("set-cookie").starts_with(cookie));
    let forged = ask(
        &app,
        request(
            "POST",
            "/cart",
            &[FORM, OURS, ("cookie", "__Host-cart=chosen-by-me")],
            FIELDS,
        ),
    )
    .await;
    assert!(!forged.header("set-cookie").contains("chosen-by-me"));
}

#[tokio::test]
async fn a_banks_server_needs_no_token() {
    let answer = ask(
        &app(),
        request(
            "POST",
            "/webhooks/bank",
            &[("content-type", "application/json")],
            "{\"paid\":1}",
        ),
    )
    .await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "{\"paid\":1}")
    );
}
