//! Paying when it does not go well at first.

use crate::harness::{Browser, Script, Shop};

/// Presses "Pay" with this method chosen, and a button of the test gateway if it is the one.
async fn pay(browser: &Browser, method: &str, gateway: &[&str]) {
    browser
        .press(&format!("input[name=payment_method][value={method}]"))
        .await;
    browser
        .press("form[action='/checkout/complete'] button[type=submit]")
        .await;
    for button in gateway {
        browser.arrive("/test-gateway/").await;
        browser.press(&format!("button[value={button}]")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_payment_is_told_and_the_next_try_pays_for_the_same_bag() {
    let Some(shop) = Shop::open() else { return };
    let browser = Browser::open(Script::On, (1280, 900)).await;
    browser.go_to_payment(&shop, "tarn-vase", "Kes Quill").await;
    pay(&browser, "test", &["decline"]).await;
    browser.arrive("/checkout").await;
    browser
        .wait_for_words("[role=alert]", "Nothing was charged")
        .await;
    pay(&browser, "test", &["further_step", "approve"]).await;
    browser.arrive("/orders/").await;
    browser.wait_for_words("h1", "Kes").await;
    browser.visit(&shop.url("/cart")).await;
    browser.wait_for_words("#bag", "Your bag is empty").await;

    // Once more, ending with another way to pay.
    browser
        .go_to_payment(&shop, "oat-tumbler", "Kes Quill")
        .await;
    pay(&browser, "test", &["decline"]).await;
    browser.arrive("/checkout").await;
    browser
        .wait_for_words("[role=alert]", "Nothing was charged")
        .await;
    pay(&browser, "bank_transfer", &[]).await;
    browser.arrive("/orders/").await;
    browser
        .wait_for_words("[aria-labelledby=transfer]", "NL02ABNA0123456789")
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
    let orders = shop.run(&["order", "list"]);
    assert_eq!(orders.matches("Kes Quill").count(), 2, "{orders}");
}
