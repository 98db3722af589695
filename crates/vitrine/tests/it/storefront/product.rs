//! `GET /products/{slug}`.

use crate::harness::App;
use crate::page::{Form, addresses};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chosen_form_of_a_product_is_what_goes_into_the_bag() {
    let app = App::new().await;
    app.sells_a_vase().await;
    let mut browser = app.browser();
    // Without a choice the first that can be had is chosen.
    let page = browser.get("/products/tarn-vase").await;
    page.says(
        200,
        &[
            "Tarn vase",
            "Glaze: Spruce",
            "Height: 16 cm",
            "Add to bag, €44",
        ],
    );
    let tall = addresses(&page.text())
        .into_iter()
        .find(|to| to.contains("height=24-cm"))
        .expect("there is a way to the tall one");
    let page = browser.get(&tall).await;
    page.says(200, &["Glaze: Spruce", "Height: 24 cm", "Add to bag, €68"]);
    let form = page.form("/cart/lines");
    assert_eq!(form.value("option.height"), "24-cm");
    let to = browser.submit(&form).await.leads_to();
    browser.get(&to).await.says(
        200,
        &["Tarn vase", "Glaze: Spruce · Height: 24 cm", "€68.00"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn choices_that_mean_no_variant_put_nothing_into_the_bag() {
    let app = App::new().await;
    app.sells_a_vase().await;
    let mut browser = app.browser();
    let page = browser.get("/products/tarn-vase").await;
    let form = page.form("/cart/lines");
    let before = app.everything().await;
    for bad in [
        form.clone().with("option.height", "99-cm"),
        form.clone().without("option.height"),
        form.clone().with("option.colour", "red"),
        form.clone().with("option.glaze", ""),
    ] {
        browser
            .submit(&bad)
            .await
            .says(422, &["There is a problem"]);
    }
    let sold_out = form
        .with("option.glaze", "ash")
        .with("option.height", "24-cm");
    browser
        .submit(&sold_out)
        .await
        .says(422, &["This one is sold out"]);
    app.assert_unchanged_since(&before).await;
    let page = browser
        .get("/products/tarn-vase?glaze=ash&height=24-cm")
        .await;
    page.says(200, &["Sold out"]);
    assert!(
        Form::all(&page.text())
            .iter()
            .all(|form| form.action != "/cart/lines")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_choices_in_the_address_still_show_the_product() {
    let app = App::new().await;
    app.sells_a_vase().await;
    let mut browser = app.browser();
    for query in [
        "glaze=",
        "glaze=nothing",
        "height=24-cm&height=16-cm",
        "utm_source=letter&fbclid=x",
        "glaze[]=ash",
        "glaze=%3Cscript%3Ealert(1)%3C/script%3E",
        "=",
        "&&&",
    ] {
        let page = browser.get(&format!("/products/tarn-vase?{query}")).await;
        page.says(200, &["Tarn vase", "Add to bag"]);
        assert!(!page.text().contains("<script>alert"), "{query}");
        assert!(
            page.text()
                .contains("rel=\"canonical\" href=\"https://shop.example/products/tarn-vase\"")
        );
    }
    for query in ["glaze=%ff", "glaze=%", "%c3=1", "glaze=%00"] {
        assert_eq!(
            browser
                .get(&format!("/products/tarn-vase?{query}"))
                .await
                .status,
            400,
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_the_shop_has_no_page_and_what_was_says_so() {
    let app = App::new().await;
    let gone = app.sells("Fig candle", 2_400, 5).await;
    app.shelf("Candles", None, std::slice::from_ref(&gone.slug))
        .await;
    app.drafts("Next year").await;
    app.archives(&gone.slug).await;
    let mut browser = app.browser();
    let draft = browser.get("/products/next-year").await;
    let never = browser.get("/products/never-was").await;
    never.says(404, &["We cannot find that page"]);
    // A draft is not told apart from what never was.
    assert_eq!(
        draft.words().replace("next year", "never was"),
        never.words()
    );
    let old = browser.get("/products/fig-candle").await;
    old.says(410, &["We no longer sell this"]);
    assert!(
        old.text()
            .contains("<meta name=\"robots\" content=\"noindex\">")
    );
    for odd in [
        "Fig-Candle",
        "fig_candle",
        "fig-candle/",
        "fig-candle/x",
        "%20",
        "fig%2Fcandle",
        "-",
        "",
    ] {
        assert_eq!(
            browser.get(&format!("/products/{odd}")).await.status,
            404,
            "{odd}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_of_the_merchant_cannot_break_out_of_the_page() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let nasty = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
    app.edits(&goods.slug, |save| {
        save.title = format!("Tumbler {nasty}");
        save.summary = nasty.to_owned();
        save.description = format!("{nasty}\n\n[here](javascript:alert(3))");
        save.facts = vec![nasty.to_owned()];
    })
    .await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    for path in ["/", "/products/oat-tumbler", "/cart", "/checkout"] {
        let page = browser.get(path).await;
        page.says(200, &["<script>alert(1)</script>"]);
        let html = page.text();
        assert!(
            !html.contains("<script>alert") && !html.contains("<img src=x"),
            "{path}"
        );
        assert!(
            addresses(&html)
                .iter()
                .all(|to| !to.starts_with("javascript:")),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_costs_the_same_however_many_products_stand_beside_it() {
    let app = App::new().await;
    let first = app.sells("Cup 0", 1_000, 9).await;
    let second = app.sells("Cup 1", 1_000, 9).await;
    let mut slugs = vec![first.slug.clone(), second.slug];
    let count = async |slugs: &[kernel::Slug], shelf: &str| {
        app.shelf(shelf, None, slugs).await;
        let before = app.shop().db.stats().statements;
        app.browser().get(&first.path()).await.says(200, &["Cup 0"]);
        app.shop().db.stats().statements - before
    };
    let few = count(&slugs, "Cups").await;
    for number in 2..12 {
        slugs.push(app.sells(&format!("Cup {number}"), 1_000, 9).await.slug);
    }
    assert_eq!(count(&slugs, "More cups").await, few);
    assert!(few <= 20, "{few}");
}
