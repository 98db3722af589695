//! The pages that are not on the way of a purchase.

use crate::axe::assert_accessible;
use crate::harness::{Browser, Script, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn pages_beside_the_way_of_a_purchase_are_accessible_in_both_schemes() {
    let Some(shop) = Shop::open() else { return };
    let browser = Browser::open(Script::On, (390, 844)).await;
    for scheme in ["light", "dark"] {
        for path in [
            "/c/ceramics?sort=price_up",
            "/c/vases-and-jugs",
            "/collections/best-sellers",
            "/search",
            "/search?q=tarn+vaze",
            "/search?q=zzzzzz",
            "/cart",
            "/products/no-such-thing",
        ] {
            browser.visit(&shop.url(path)).await;
            browser.find("h1").await;
            assert_accessible(&browser, &format!("{path}, {scheme}")).await;
            let wide = browser
                .ask("return document.documentElement.scrollWidth")
                .await;
            assert_eq!(wide, 390, "{path} does not scroll sideways");
        }
        browser.visit(&shop.url("/")).await;
        browser.press(".menu summary").await;
        browser.find(".menu[open] .menu__panel").await;
        assert_accessible(&browser, &format!("the open menu, {scheme}")).await;
        browser.prefer_dark().await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_shop_and_its_instructions_are_accessible() {
    let Some(shop) = Shop::open_empty() else {
        return;
    };
    let browser = Browser::open(Script::On, (1280, 900)).await;
    browser.visit(&shop.url("/")).await;
    browser.wait_for_words("main", "serve --demo").await;
    assert_accessible(&browser, "an empty shop").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}
