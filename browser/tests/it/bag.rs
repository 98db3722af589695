//! The bag beside the page: on a small phone, and when the network fails.

use crate::harness::{Browser, Script, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn on_a_small_phone_the_way_to_the_checkout_is_in_view_however_full_the_bag_is() {
    let Some(shop) = Shop::open() else { return };
    let browser = Browser::open(Script::On, (360, 640)).await;
    for product in ["tarn-vase", "oat-tumbler", "marigold-bowl", "butter-bell"] {
        browser
            .visit(&shop.url(&format!("/products/{product}")))
            .await;
        assert_eq!(browser.ask("return innerWidth").await, 360);
        let wide = browser
            .ask("return document.documentElement.scrollWidth")
            .await;
        assert_eq!(wide, 360, "{product} does not scroll sideways");
        browser.press("#buy button[type=submit]").await;
        browser.find("dialog[open] #bag .line").await;
        let reachable = browser
            .ask(
                "const go = document.querySelector('#drawer-body a[href=\"/checkout\"]').getBoundingClientRect();
                 const hit = document.elementFromPoint(go.left + go.width / 2, go.top + go.height / 2);
                 return go.top >= 0 && go.bottom <= innerHeight && go.left >= 0 && go.right <= innerWidth
                     && hit?.closest('a')?.getAttribute('href') === '/checkout';",
            )
            .await;
        assert_eq!(reachable, true, "with {product} in the bag");
    }
    browser.press("#drawer-body a[href='/checkout']").await;
    browser.arrive("/checkout").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_the_shop_says_so_and_nothing_is_lost() {
    let Some(mut shop) = Shop::open() else { return };
    let browser = Browser::open(Script::On, (1280, 900)).await;
    browser.visit(&shop.url("/products/tarn-vase")).await;
    browser.offline(true).await;
    browser.press("#buy button[type=submit]").await;
    browser.wait_for_words("#toast", "You are offline").await;
    browser.offline(false).await;
    browser.press("#buy button[type=submit]").await;
    browser.find("dialog[open] #bag .line").await;
    browser
        .press("#bag-drawer form[method=dialog] button")
        .await;

    // The shop itself is gone: the browser believes it is online, and the press fails.
    shop.pull_the_plug();
    browser.press("#buy button[type=submit]").await;
    browser.wait_for_words("#toast", "That did not work").await;
    let button = browser.ask("return document.querySelector('#buy button[type=submit]').getAttribute('aria-disabled')").await;
    assert_eq!(button, serde_json::Value::Null, "it can be pressed again");
    browser.close().await;
}
