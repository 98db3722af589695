//! `GET /checkout/return`, `POST /checkout/cancel-payment`: what the provider said, and what if it says nothing.

use kernel::time::MINUTE;

use crate::storefront::checkout::ready;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_payment_keeps_the_bag_and_can_be_tried_again() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    let back = browser.chooses(&gateway, "decline").await;
    let page = browser.visit(&back).await;
    page.says(
        200,
        &[
            "Nothing was charged",
            "The bank declined the payment",
            "Pay €40.90",
        ],
    );
    assert_eq!(app.test.available(&goods.variant).await, 3);
    let again = browser.pays(&page, "test").await.leads_to();
    assert_ne!(again, gateway);
    let back = browser.chooses(&again, "approve").await;
    browser.visit(&back).await.says(200, &["Thank you, Noor."]);
    app.notices_arrive().await;
    assert_eq!(app.orders_placed().await, 1);
    assert_eq!(
        app.number("SELECT CAST(SUM(authorized_minor) AS BIGINT) FROM payments")
            .await,
        4_090
    );
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_answer_finds_the_order_by_its_notice() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    assert_eq!(browser.chooses(&gateway, "late").await, gateway);
    browser.get("/checkout/return").await.says(
        200,
        &["We do not know yet whether the payment went through."],
    );
    assert_eq!(
        (app.notices_arrive().await, app.orders_placed().await),
        (0, 0)
    );
    app.test.clock.advance(MINUTE);
    assert_eq!(
        (app.notices_arrive().await, app.orders_placed().await),
        (1, 1)
    );
    // The shopper, who waited in another window, is led to the order.
    browser
        .visit("/checkout/return")
        .await
        .says(200, &["Thank you, Noor.", "approved"]);
    assert_eq!(app.test.available(&goods.variant).await, 1);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_that_never_answers_keeps_neither_shopper_nor_goods() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    browser.chooses(&gateway, "never").await;
    let waiting = browser.get("/checkout/return").await;
    waiting.says(200, &["We do not know yet"]);
    let shown = browser.get("/checkout").await;
    shown.says(200, &["being paid in another window"]);
    // Changing the bag meanwhile is refused; changing one's mind is not.
    let line = browser.get("/cart").await.form_below("/cart/lines/cli_");
    browser
        .submit(&line.with("quantity", "1"))
        .await
        .says(409, &["being paid in another window"]);
    let to = browser
        .submit(&shown.form("/checkout/cancel-payment"))
        .await
        .leads_to();
    assert_eq!(to, "/checkout");
    assert_eq!(app.test.available(&goods.variant).await, 3);
    let page = browser.get(&to).await;
    page.says(200, &["Pay €40.90"])
        .says_nothing_of(&["another window"]);
    let order = browser.pays(&page, "bank_transfer").await.leads_to();
    browser.get(&order).await.says(200, &["Transfer €40.90"]);
    // Pressed again in an old window, the button does nothing more.
    let to = browser
        .submit(&shown.form("/checkout/cancel-payment"))
        .await
        .leads_to();
    assert!(to.starts_with("/orders/"), "{to}");
    assert_eq!(app.orders_placed().await, 1);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goods_nobody_pays_for_are_free_again_in_the_end() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    browser.chooses(&gateway, "never").await;
    assert_eq!(app.test.available(&goods.variant).await, 1);
    app.test.let_pass(3 * 60 * MINUTE).await;
    assert_eq!(app.test.available(&goods.variant).await, 3);
    assert_eq!(app.orders_placed().await, 0);
    browser
        .get("/checkout")
        .await
        .says(200, &["Pay €40.90"])
        .says_nothing_of(&["another window"]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changes_their_mind_too_late_has_bought() {
    let (app, _, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    let shown = browser.get("/checkout").await;
    browser.chooses(&gateway, "approve").await;
    let to = browser
        .submit(&shown.form("/checkout/cancel-payment"))
        .await
        .leads_to();
    assert!(to.starts_with("/orders/"), "{to}");
    assert_eq!(app.orders_placed().await, 1);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_pays_when_the_goods_are_gone_gets_the_money_back_and_is_told() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    // The time for which the goods are held is over, and somebody else buys them.
    app.test.clock.advance(61 * MINUTE);
    let mut quicker = app.browser();
    quicker.buys(&goods.path(), "3").await;
    let back = browser.chooses(&gateway, "approve").await;
    let told = browser.visit(&back).await;
    told.says(200, &["Sold out since you added it"]);
    app.notices_arrive().await;
    app.test.run_jobs().await;
    assert_eq!(app.orders_placed().await, 1);
    let kept = "SELECT CAST(SUM(CASE WHEN state = 'approved' THEN amount_minor - voided_minor ELSE 0 END) AS BIGINT)
                  FROM test_gateway_payments";
    assert_eq!(app.number(kept).await, 5_890);
    assert_eq!(app.test.available(&goods.variant).await, 0);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_decline_the_bag_can_be_changed_and_the_new_total_is_charged() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    let back = browser.chooses(&gateway, "decline").await;
    let declined = browser.visit(&back).await;
    let line = browser.get("/cart").await.form_below("/cart/lines/cli_");
    browser.submit(&line.with("quantity", "1")).await.leads_to();
    // The page from before the change shows another total.
    browser
        .pays(&declined, "test")
        .await
        .says(409, &["was €40.90 and is now €22.90"]);
    let page = browser.get("/checkout").await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    browser.get(&gateway).await.says(200, &["€22.90"]);
    let back = browser.chooses(&gateway, "approve").await;
    let order = browser.get(&back).await.leads_to();
    browser
        .get(&order)
        .await
        .says(200, &["1 piece", "Total €22.90"]);
    assert_eq!(app.test.available(&goods.variant).await, 2);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_was_stopped_cannot_be_approved_in_an_old_tab() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    let old_tab = browser
        .get(&gateway)
        .await
        .form(&gateway)
        .press("outcome", "approve");
    let shown = browser.get("/checkout").await;
    browser
        .submit(&shown.form("/checkout/cancel-payment"))
        .await
        .leads_to();
    assert_eq!(browser.submit(&old_tab).await.leads_to(), gateway);
    browser.get(&gateway).await.says(200, &["Back to Wrenfold"]);
    app.notices_arrive().await;
    app.test.run_jobs().await;
    assert_eq!(
        (
            app.orders_placed().await,
            app.test.available(&goods.variant).await
        ),
        (0, 3)
    );
    browser.get("/checkout").await.says(200, &["Pay €40.90"]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_shop_and_the_provider_remember_agrees_after_any_answer() {
    for (outcome, placed) in [("approve", 1), ("decline", 0), ("late", 1), ("never", 0)] {
        let (app, goods, mut browser, page) = ready().await;
        let gateway = browser.pays(&page, "test").await.leads_to();
        browser.chooses(&gateway, outcome).await;
        // The shopper never comes back; only notices and time tell.
        for _ in 0..40 {
            app.notices_arrive().await;
            app.test.let_pass(5 * MINUTE).await;
        }
        assert_eq!(app.orders_placed().await, placed, "{outcome}");
        assert_eq!(
            app.test.available(&goods.variant).await,
            3 - 2 * placed,
            "{outcome}"
        );
        assert!(app.test.dead_jobs().await.is_empty(), "{outcome}");
        let end = browser.visit("/checkout/return").await;
        assert_eq!(
            end.words().contains("Thank you, Noor."),
            placed == 1,
            "{outcome}"
        );
        app.test.assert_clean().await;
    }
}
