//! Pictures, assets and the files robots look for.

use axum::body::Body;
use commerce::media::ContentHash;
use commerce::testing::TestShop;
use http::Request;
use http::header::IF_NONE_MATCH;
use object_store::{ObjectStoreExt, PutPayload};

use crate::browser::{Browser, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_sent_once_and_kept_for_ever() {
    let shop = TestShop::sqlite().await;
    let hash = ContentHash::of(b"a vase");
    let path = format!("media/{hash}/320.webp");
    let stored = object_store::path::Path::from(path.as_str());
    shop.shop
        .media
        .put(&stored, PutPayload::from_static(b"RIFF webp"))
        .await
        .unwrap();
    let mut browser = Browser::new(&open(&shop));
    let url = format!("/{path}");
    let sent = browser.get(&url).await;
    assert_eq!(
        (sent.status.as_u16(), sent.body.as_str()),
        (200, "RIFF webp")
    );
    assert_eq!(sent.header("content-type"), "image/webp");
    assert_eq!(
        sent.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    let tag = sent.header("etag").to_owned();
    let again = browser
        .send(
            Request::get(&url)
                .header(IF_NONE_MATCH, &tag)
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(
        (
            again.status.as_u16(),
            again.body.as_str(),
            again.header("etag")
        ),
        (304, "", tag.as_str())
    );
    for missing in [
        format!("/media/{hash}/480.webp"),
        format!("/media/{hash}/0320.webp"),
        "/media/x/320.webp".to_owned(),
        format!("/media/..%2f{hash}/320.webp"),
    ] {
        assert_eq!(
            browser.get(&missing).await.status.as_u16(),
            404,
            "{missing}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_icons_and_the_manifest_are_where_they_are_looked_for() {
    let shop = TestShop::sqlite().await;
    let mut browser = Browser::new(&open(&shop));
    let robots = browser.get("/robots.txt").await;
    assert!(
        robots.body.contains("Disallow: /checkout\n"),
        "{}",
        robots.body
    );
    assert_eq!(
        browser.get("/favicon.ico").await.header("content-type"),
        "image/svg+xml"
    );
    let manifest = browser.get("/manifest.webmanifest").await;
    assert_eq!(manifest.header("content-type"), "application/manifest+json");
    assert!(
        manifest.body.contains("\"name\": \"Wrenfold\""),
        "{}",
        manifest.body
    );
    let home = browser.get("/").await;
    let sheet = home
        .body
        .split('"')
        .find(|text| text.starts_with("/assets/shop.") && text.contains(".css"))
        .unwrap()
        .to_owned();
    let asset = browser.get(&sheet).await;
    assert_eq!(
        asset.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        browser.get("/assets/no-such.css").await.status.as_u16(),
        404
    );
}
