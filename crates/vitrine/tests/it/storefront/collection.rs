//! `GET /collections/{slug}?sort=&page=`.

use crate::harness::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_keeps_the_order_the_merchant_gave_it() {
    let app = App::new().await;
    let tumbler = app.sells("Oat tumbler", 1_800, 3).await;
    let candle = app.sells("Fig candle", 2_400, 3).await;
    app.collects("Slow mornings", &[candle.slug, tumbler.slug])
        .await;
    let mut browser = app.browser();
    let place = |words: &str, name: &str| words.find(name).unwrap();
    let words = browser.get("/collections/slow-mornings").await.words();
    assert!(
        place(&words, "Fig candle") < place(&words, "Oat tumbler"),
        "{words}"
    );
    let words = browser
        .get("/collections/slow-mornings?sort=price_up")
        .await
        .words();
    assert!(
        place(&words, "Oat tumbler") < place(&words, "Fig candle"),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_and_a_category_are_not_taken_for_each_other() {
    let app = App::new().await;
    let tumbler = app.sells("Oat tumbler", 1_800, 3).await;
    app.shelf("Cups", None, std::slice::from_ref(&tumbler.slug))
        .await;
    app.collects("Gifts", std::slice::from_ref(&tumbler.slug))
        .await;
    let mut browser = app.browser();
    for path in [
        "/collections/cups",
        "/c/gifts",
        "/collections/no-such",
        "/collections/%2e%2e",
        "/collections/",
        "/collections",
    ] {
        browser
            .get(path)
            .await
            .says(404, &["We cannot find that page"]);
    }
    browser
        .get("/collections/gifts?page=2")
        .await
        .says(404, &["Gifts"]);
    app.archives(&tumbler.slug).await;
    let empty = browser.get("/collections/gifts").await;
    empty
        .says(200, &["Gifts"])
        .says_nothing_of(&["Oat tumbler"]);
}
