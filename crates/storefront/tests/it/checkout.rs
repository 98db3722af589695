//! The checkout's forms.

use commerce::testing::{TestShop, euros};

use crate::browser::{Browser, open};

/// Somebody with one tumbler in the bag.
async fn with_a_tumbler(shop: &TestShop) -> Browser {
    let id = shop
        .product("Oat tumbler", euros(1_800), 9)
        .await
        .to_string();
    let mut browser = Browser::new(&open(shop));
    browser
        .post("/cart/lines", &[("variant", &id), ("quantity", "1")])
        .await
        .leads_to();
    browser
}

const ADDRESS: [(&str, &str); 9] = [
    ("step", "address"),
    ("email", "noor@example.com"),
    ("country", "NL"),
    ("name", "Noor de Wit"),
    ("company", ""),
    ("line1", "Prinsengracht 1"),
    ("line2", ""),
    ("postal_code", "1015dk"),
    ("city", "Amsterdam"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_bag_leads_back_to_the_bag() {
    let shop = TestShop::sqlite().await;
    let mut browser = Browser::new(&open(&shop));
    assert_eq!(browser.get("/checkout").await.leads_to(), "/cart");
    assert_eq!(
        browser.post("/checkout", &ADDRESS).await.leads_to(),
        "/cart"
    );
    let pay = [("payment_method", "test"), ("total_seen_minor", "1")];
    assert_eq!(
        browser.post("/checkout/complete", &pay).await.leads_to(),
        "/cart"
    );
    assert_eq!(
        browser
            .post("/checkout/cancel-payment", &[])
            .await
            .leads_to(),
        "/cart"
    );
    assert_eq!(browser.get("/checkout/return").await.leads_to(), "/cart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_by_step_the_form_is_filled_in_and_kept() {
    let shop = TestShop::sqlite().await;
    let mut browser = with_a_tumbler(&shop).await;
    browser.get("/checkout").await.says(
        200,
        &["Contact and delivery address", "Continue to delivery"],
    );
    // Ahead of what is filled in, the first gap is shown.
    browser
        .get("/checkout?step=payment")
        .await
        .says(200, &["Continue to delivery"]);
    assert_eq!(
        browser.post("/checkout", &ADDRESS).await.leads_to(),
        "/checkout?step=delivery"
    );
    let delivery = browser.get("/checkout?step=delivery").await;
    delivery.says(
        200,
        &[
            "noor@example.com",
            "1015 DK Amsterdam",
            "Post",
            "€4.90",
            "Continue to payment",
        ],
    );
    let method = delivery.value_of("delivery_method");
    browser
        .post("/checkout", &[("step", "delivery")])
        .await
        .says(422, &["Choose how we should deliver"]);
    let foreign = "dlv_01k00000000000000000000000";
    browser
        .post(
            "/checkout",
            &[("step", "delivery"), ("delivery_method", foreign)],
        )
        .await
        .says(422, &["not offered for this address"]);
    let chosen = browser
        .post(
            "/checkout",
            &[("step", "delivery"), ("delivery_method", &method)],
        )
        .await;
    assert_eq!(chosen.leads_to(), "/checkout?step=payment");
    let payment = browser.get("/checkout").await;
    payment.says(
        200,
        &[
            "Test payment",
            "Bank transfer",
            "Pay €22.90",
            "No money moves",
            "Post, €4.90",
        ],
    );
    assert_eq!(payment.value_of("total_seen_minor"), "2290");
    assert_eq!(payment.header("cache-control"), "no-store");
    // Back to the first step, everything is still there.
    let address = browser.get("/checkout?step=address").await;
    assert_eq!(
        (address.value_of("email"), address.value_of("postal_code")),
        ("noor@example.com".to_owned(), "1015dk".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_form_keeps_everything_typed_and_says_what_to_mend() {
    let shop = TestShop::sqlite().await;
    let mut browser = with_a_tumbler(&shop).await;
    let mut typed = ADDRESS;
    typed[1].1 = "noor@";
    typed[3].1 = "Noor <b>\"de Wit\"";
    typed[5].1 = "";
    typed[7].1 = "10";
    let refused = browser.post("/checkout", &typed).await;
    refused.says(
        422,
        &[
            "There is a problem",
            "Enter an e-mail address like noor@example.com",
            "Enter the street and house number",
            "Enter a postcode like",
        ],
    );
    assert!(refused.body.contains("<title>Error: "));
    assert_eq!(refused.value_of("email"), "noor@");
    assert_eq!(refused.value_of("name"), "Noor &lt;b&gt;&quot;de Wit&quot;");
    assert!(
        refused
            .tag_with("id=\"line1\"")
            .unwrap()
            .contains("aria-invalid=\"true\"")
    );
    assert!(
        !refused
            .tag_with("id=\"city\"")
            .unwrap()
            .contains("aria-invalid")
    );
    // Another window finds what was typed.
    let mut other = Browser::like(&browser);
    assert_eq!(
        other.get("/checkout").await.value_of("name"),
        "Noor &lt;b&gt;&quot;de Wit&quot;"
    );
    let mut nowhere = ADDRESS;
    nowhere[2].1 = "JP";
    browser
        .post("/checkout", &nowhere)
        .await
        .says(422, &["We do not deliver there."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_country_shows_its_own_form_and_keeps_what_was_typed() {
    let shop = TestShop::sqlite().await;
    let mut browser = with_a_tumbler(&shop).await;
    let mut typed = ADDRESS;
    typed[0].1 = "country";
    typed[2].1 = "BE";
    typed[7].1 = "";
    assert_eq!(
        browser.post("/checkout", &typed).await.leads_to(),
        "/checkout?step=address"
    );
    let form = browser.get("/checkout?step=address").await;
    form.says(200, &["Belgium"]);
    assert!(form.tag_with("value=\"BE\"").unwrap().contains("selected"));
    assert_eq!(form.value_of("line1"), "Prinsengracht 1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_form_with_a_price_in_it_changes_nothing() {
    let shop = TestShop::sqlite().await;
    let mut browser = with_a_tumbler(&shop).await;
    for extra in ["price", "total", "discount", "quantity"] {
        let mut typed = ADDRESS.to_vec();
        typed.push((extra, "1"));
        assert_eq!(
            browser.post("/checkout", &typed).await.status.as_u16(),
            400,
            "{extra}"
        );
    }
    assert_eq!(browser.get("/checkout").await.value_of("email"), "");
    let long = "n".repeat(5_000);
    let mut typed = ADDRESS;
    typed[3].1 = &long;
    let refused = browser.post("/checkout", &typed).await;
    refused.says(422, &["Use 100 characters at most"]);
    assert_eq!(refused.value_of("name"), long);
    assert_eq!(browser.get("/checkout").await.value_of("name"), "");
}
