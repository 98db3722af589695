//! `GET /assets/…` and the files browsers and robots look for by name.

use crate::harness::App;
use crate::page::addresses;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_file_a_page_names_is_there() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    let gateway = browser.goes_to_pay(&goods.path(), "1").await;
    let mut seen = 0;
    for path in [
        "/",
        "/products/oat-tumbler",
        "/cart",
        "/checkout",
        gateway.as_str(),
        "/no-such-page",
    ] {
        let html = browser.get(path).await.text();
        for file in addresses(&html)
            .iter()
            .filter(|to| to.starts_with("/assets/"))
        {
            let file = file.split('#').next().unwrap();
            let sent = browser.get(file).await;
            assert_eq!(sent.status, 200, "{file} on {path}");
            assert_eq!(
                sent.header("cache-control"),
                "public, max-age=31536000, immutable",
                "{file}"
            );
            assert!(!sent.header("content-type").is_empty(), "{file}");
            let tag = sent.header("etag").to_owned();
            let again = browser
                .ask("GET", file, &[("if-none-match", &tag)], Vec::new())
                .await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{file}");
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} files were named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_load_nothing_from_other_companies_and_run_nothing_inline() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    let gateway = browser.goes_to_pay(&goods.path(), "1").await;
    for path in [
        "/",
        "/products/oat-tumbler",
        "/cart",
        "/checkout",
        "/search?q=x",
        gateway.as_str(),
        "/no-such-page",
    ] {
        let html = browser.get(path).await.text();
        for to in addresses(&html) {
            let ours = to.starts_with('/')
                || to.starts_with('#')
                || to.starts_with("https://shop.example");
            assert!(
                ours || to.is_empty() || to.starts_with("mailto:"),
                "{to} on {path}"
            );
        }
        for inline in [" style=\"", "<style", " onclick=", " onload=", "<script>"] {
            assert!(!html.contains(inline), "{inline} on {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_below_assets_leads_out_of_them() {
    let app = App::new().await;
    let mut browser = app.browser();
    for odd in [
        "no-such.css",
        "",
        "shop.css/",
        "../pages/home.html",
        "%2e%2e/pages/home.html",
        "..%2flayout%2fbase.html",
        "../../Cargo.toml",
        "..%5c..%5cCargo.toml",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "fonts/../../pages/home.html",
        "bundle.txt%00",
        "%ff",
        "./shop.js",
    ] {
        let status = browser.get(&format!("/assets/{odd}")).await.status;
        assert!(matches!(status, 400 | 404), "{odd}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_icon_and_manifest_are_where_they_are_looked_for() {
    let app = App::new().await;
    let mut browser = app.browser();
    let robots = browser.get("/robots.txt").await;
    assert!(robots.text().contains("Disallow: /checkout\n"));
    assert_eq!(
        browser.get("/favicon.ico").await.header("content-type"),
        "image/svg+xml"
    );
    let manifest = browser.get("/manifest.webmanifest").await;
    assert_eq!(manifest.header("content-type"), "application/manifest+json");
    let json: serde_json::Value = serde_json::from_slice(&manifest.body).unwrap();
    assert_eq!(json["name"], "Wrenfold");
    for path in ["/robots.txt", "/favicon.ico", "/manifest.webmanifest"] {
        let tag = browser.get(path).await.header("etag").to_owned();
        let again = browser
            .ask("GET", path, &[("if-none-match", &tag)], Vec::new())
            .await;
        assert_eq!(again.status, 304, "{path}");
    }
}
