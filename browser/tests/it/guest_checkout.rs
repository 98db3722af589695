//! A guest buys: from the home page to a paid order, and its mail.

use crate::axe::assert_accessible;
use crate::harness::{Browser, Script, Shop};

/// From the home page to the confirmation; `look` is called on each page on the way.
async fn buy(shop: &Shop, browser: &Browser, look: bool) {
    let check = async |what: &str| {
        if look {
            assert_accessible(browser, what).await;
        }
    };
    browser.visit(&shop.url("/")).await;
    browser.find("h1").await;
    check("home").await;

    browser.visit(&shop.url("/c/ceramics")).await;
    check("category").await;
    browser
        .press(".card__name a[href^='/products/tarn-vase']")
        .await;
    browser.arrive("/products/tarn-vase").await;
    check("product").await;

    browser.press("#buy button[type=submit]").await;
    if look {
        // With script the bag opens beside the page.
        browser.find("#drawer-body #bag .line").await;
        check("product with the bag open").await;
        browser.visit(&shop.url("/cart")).await;
    }
    browser.arrive("/cart").await;
    assert!(browser.text("#bag").await.contains("Tarn vase"));
    check("cart").await;

    browser.press("a[href='/checkout']").await;
    browser.arrive("/checkout").await;
    check("checkout, address").await;

    // First with nothing filled in: everything wrong is told, nothing is lost.
    browser.press(".btn[name=step][value=address]").await;
    browser.find(".error-summary, [role=alert]").await;
    check("checkout with errors").await;

    browser.fill_in_address("Noor de Wit").await;
    browser.press(".btn[name=step][value=address]").await;
    browser.find("input[name=delivery_method]").await;
    check("checkout, delivery").await;
    browser.press("input[name=delivery_method]").await;
    browser.press("button[name=step][value=delivery]").await;

    browser
        .press("input[name=payment_method][value=test]")
        .await;
    check("checkout, payment").await;
    browser
        .press("form[action='/checkout/complete'] button[type=submit]")
        .await;

    browser.arrive("/test-gateway/").await;
    check("the test gateway's page").await;
    browser.press("button[value=approve]").await;
    browser.arrive("/orders/").await;
    let said = browser.text("main").await;
    assert!(said.contains("Noor"), "{said}");
    assert!(said.contains("Tarn vase"), "{said}");
    check("confirmation").await;
}

fn assert_the_order_is_there(shop: &Shop) {
    let orders = shop.run(&["order", "list"]);
    assert!(orders.contains("Noor de Wit"), "{orders}");
    let verdict = shop.run(&["verify"]);
    assert!(verdict.contains("The books balance"), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_buys_a_vase_and_every_page_on_the_way_is_accessible() {
    let Some(shop) = Shop::open() else { return };
    let browser = Browser::open(Script::On, (1280, 900)).await;
    buy(&shop, &browser, true).await;
    // The console is silent during a whole purchase, but for the one form that was refused on purpose.
    let complaints = browser.complaints().await;
    assert!(
        complaints.len() == 1
            && complaints[0].contains("/checkout - ")
            && complaints[0].contains("status of 422"),
        "{complaints:#?}"
    );
    browser.close().await;
    assert_the_order_is_there(&shop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_without_javascript_buys_a_vase_on_a_phone() {
    let Some(shop) = Shop::open() else { return };
    let browser = Browser::open(Script::Off, (390, 844)).await;
    buy(&shop, &browser, false).await;
    browser.close().await;
    assert_the_order_is_there(&shop);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_dark_colours_every_page_of_a_purchase_is_accessible() {
    let Some(shop) = Shop::open() else { return };
    let browser = Browser::open(Script::On, (390, 844)).await;
    browser.visit(&shop.url("/")).await;
    let paper = "return getComputedStyle(document.documentElement).backgroundColor";
    let light = browser.ask(paper).await;
    browser.prefer_dark().await;
    assert_ne!(browser.ask(paper).await, light, "the page turns dark");
    buy(&shop, &browser, true).await;
    browser.close().await;
}
