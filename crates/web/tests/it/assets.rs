use axum::Router;
use templates::{Settings, Templates};

use crate::kit::{ask, config, get_page, request, site};

fn shop() -> (Router, Templates) {
    let templates = Templates::load(Settings::strict()).unwrap();
    (
        site(config("https://shop.example")).router(web::assets::routes(templates.clone())),
        templates,
    )
}

#[tokio::test]
async fn a_style_sheet_is_fetched_once_and_kept_for_ever() {
    let (app, templates) = shop();
    let assets = templates.assets().unwrap();
    let url = assets.url("shop.css").unwrap();
    let first = ask(
        &app,
        request("GET", url, &[("accept-encoding", "gzip")], ""),
    )
    .await;
    assert_eq!(first.status, 200);
    assert_eq!(
        first.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(first.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(
        (first.header("content-encoding"), first.header("vary")),
        ("gzip", "accept-encoding")
    );
    let plain = get_page(&app, url).await;
    assert_eq!(first.text(), plain.text());
    assert_ne!(
        first.header("etag"),
        plain.header("etag"),
        "two encodings are two representations"
    );
    let again = ask(
        &app,
        request("GET", url, &[("if-none-match", plain.header("etag"))], ""),
    )
    .await;
    assert_eq!(
        (again.status, again.body.len(), again.header("etag")),
        (304, 0, plain.header("etag"))
    );
}

#[tokio::test]
async fn a_page_from_before_an_update_still_gets_its_style() {
    let (app, _templates) = shop();
    for name in ["/assets/shop.css", "/assets/shop.0123456789ab.css"] {
        let answer = get_page(&app, name).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, "public, no-cache"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn nothing_but_assets_can_be_fetched() {
    let (app, _templates) = shop();
    for name in [
        "bundle.txt",
        "..%2fpages%2fhome.html",
        "../pages/home.html",
        "%2e%2e/locales/en.json",
        "/etc/passwd",
        "tokens.css",
        "",
        ".git/config",
    ] {
        assert_eq!(
            get_page(&app, &format!("/assets/{name}")).await.status,
            404,
            "{name}"
        );
    }
}
