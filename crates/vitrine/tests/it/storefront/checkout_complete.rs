//! `POST /checkout/complete`: from the last form to the order.

use commerce::testing::euros;
use kernel::time::MINUTE;

use crate::harness::App;
use crate::storefront::checkout::{ready, ready_on};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_buys_by_the_forms_alone() {
    let (app, goods, mut browser, page) = ready().await;
    page.says(
        200,
        &[
            "Pay €40.90",
            "Test payment",
            "Bank transfer",
            "No money moves",
            "1015 DK Amsterdam",
            "Post, €4.90",
        ],
    );
    assert_eq!(
        page.form("/checkout/complete").value("total_seen_minor"),
        "4090"
    );
    let gateway = browser.pays(&page, "test").await.leads_to();
    // While it is being paid, the goods are held and nobody else gets them.
    assert_eq!(app.test.available(&goods.variant).await, 1);
    let back = browser.chooses(&gateway, "approve").await;
    assert_eq!(back, "/checkout/return");
    let to = browser.get(&back).await.leads_to();
    let order = browser.get(&to).await;
    order.says(
        200,
        &[
            "Thank you, Noor.",
            "noor@example.com",
            "2 pieces",
            "Total €40.90",
            "approved",
        ],
    );
    assert_eq!(app.order_at(&to).await.1, euros(4_090));
    browser.get("/cart").await.says(200, &["Your bag is empty"]);
    assert_eq!(browser.get("/checkout").await.leads_to(), "/cart");
    app.test.run_jobs().await;
    let mails = app.number("SELECT COUNT(*) FROM mails").await;
    assert_eq!(mails, 1);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_total_nobody_saw_is_shown_anew_and_never_charged() {
    let (app, goods, mut browser, page) = ready().await;
    let pay = page
        .form("/checkout/complete")
        .with("payment_method", "test");
    let before = app.everything().await;
    for wrong in [
        "0",
        "1",
        "-4090",
        "4089",
        "4091",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        let stopped = browser
            .submit(&pay.clone().with("total_seen_minor", wrong))
            .await;
        stopped.says(409, &["Something changed", "is now €40.90", "Pay €40.90"]);
        assert_eq!(
            stopped.form("/checkout/complete").value("total_seen_minor"),
            "4090"
        );
    }
    for bad in [
        "",
        "40.90",
        "4090.0",
        "1e3",
        "1e309",
        "NaN",
        "[4090]",
        "9223372036854775808",
        "0x10",
        " 4090",
        "\u{664}",
    ] {
        let answer = browser
            .submit(&pay.clone().with("total_seen_minor", bad))
            .await;
        assert_eq!(answer.status, 400, "{bad:?}");
    }
    let answer = browser
        .submit(&pay.clone().without("total_seen_minor"))
        .await;
    assert_eq!(answer.status, 400);
    for bad in ["", "gold", "TEST", "test ", "bank_transfer\u{200b}"] {
        let answer = browser
            .submit(&pay.clone().with("payment_method", bad))
            .await;
        answer.says(422, &["There is a problem"]);
    }
    app.assert_unchanged_since(&before).await;
    assert_eq!(app.test.available(&goods.variant).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_that_changed_is_told_before_anybody_pays() {
    let (app, goods, mut browser, page) = ready().await;
    app.reprices(&goods, 2_000).await;
    let stopped = browser.pays(&page, "test").await;
    stopped.says(
        409,
        &[
            "Something changed",
            "the price was €18 and is now €20",
            "was €40.90 and is now €44.90",
        ],
    );
    assert_eq!(app.number("SELECT COUNT(*) FROM payments").await, 0);
    let gateway = browser.pays(&stopped, "test").await.leads_to();
    browser.get(&gateway).await.says(200, &["€44.90"]);
    // From here on the price is settled: what the shopper has agreed to is what is charged.
    app.reprices(&goods, 9_900).await;
    let back = browser.chooses(&gateway, "approve").await;
    let order = browser.get(&back).await.leads_to();
    assert_eq!(app.order_at(&order).await.1, euros(4_490));
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_too_late_for_the_last_ones_is_told_and_not_charged() {
    let (app, goods, mut browser, page) = ready().await;
    let mut quicker = app.browser();
    quicker.buys(&goods.path(), "2").await;
    let stopped = browser.pays(&page, "test").await;
    stopped.says(409, &["Oat tumbler: only 1 left", "is now €22.90"]);
    quicker.buys(&goods.path(), "1").await;
    assert_eq!(browser.pays(&stopped, "test").await.leads_to(), "/cart");
    browser
        .get("/cart")
        .await
        .says(200, &["Sold out since you added it"]);
    assert_eq!(
        (
            app.orders_placed().await,
            app.number("SELECT COUNT(*) FROM payments").await
        ),
        (2, 2)
    );
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_ones_are_held_while_somebody_pays_and_free_again_when_they_do_not() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 2).await;
    let (mut first, mut second) = (app.browser(), app.browser());
    second.puts(&goods.path(), "2").await.leads_to();
    let page = second.checks_out().await;
    let gateway = first.goes_to_pay(&goods.path(), "2").await;
    let told = second.pays(&page, "test").await;
    assert!(
        told.status == 409 || told.leads_to() == "/cart",
        "{}",
        told.words()
    );
    first.chooses(&gateway, "decline").await;
    first.get("/checkout/return").await.leads_to();
    let page = second.get("/checkout").await;
    let gateway = second.pays(&page, "test").await.leads_to();
    let back = second.chooses(&gateway, "approve").await;
    second.visit(&back).await.says(200, &["Thank you, Noor."]);
    assert_eq!(app.test.available(&goods.variant).await, 0);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_click_and_an_old_tab_lead_to_the_same_order() {
    let (app, goods, mut browser, page) = ready().await;
    let old_bag = browser.get("/cart").await;
    let first = browser.pays(&page, "test").await.leads_to();
    // A second click while it is being paid: the same page of the provider, not a second payment.
    assert_eq!(browser.pays(&page, "test").await.leads_to(), first);
    let back = browser.chooses(&first, "approve").await;
    let order = browser.get(&back).await.leads_to();
    for _ in 0..3 {
        assert_eq!(browser.pays(&page, "test").await.leads_to(), order);
        assert_eq!(browser.get("/checkout/return").await.leads_to(), order);
    }
    // The old tabs change nothing that was placed.
    let line = old_bag.form_below("/cart/lines/cli_");
    assert_eq!(
        browser
            .submit(&line.clone().with("quantity", "1"))
            .await
            .leads_to(),
        "/cart"
    );
    assert_eq!(
        browser.submit(&line.press("remove", "1")).await.leads_to(),
        "/cart"
    );
    assert_eq!(
        browser.get("/checkout?step=address").await.leads_to(),
        "/cart"
    );
    assert_eq!(app.order_at(&order).await.1, euros(4_090));
    assert_eq!(
        (
            app.orders_placed().await,
            app.number("SELECT COUNT(*) FROM payments").await
        ),
        (1, 1)
    );
    assert_eq!(app.test.available(&goods.variant).await, 1);
    app.test.assert_clean().await;
}

async fn twenty_clicks_at_once(app: App) {
    let (app, goods, browser, page) = ready_on(app).await;
    let clicks = (0..20).map(|_| {
        let (mut browser, page) = (browser.clone(), page.clone());
        tokio::spawn(async move { browser.pays(&page, "bank_transfer").await.leads_to() })
    });
    let mut ends = Vec::new();
    for click in clicks.collect::<Vec<_>>() {
        ends.push(click.await.unwrap());
    }
    assert!(ends[0].starts_with("/orders/"), "{ends:?}");
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    assert_eq!(
        (
            app.orders_placed().await,
            app.number("SELECT COUNT(*) FROM payments").await
        ),
        (1, 1)
    );
    assert_eq!(app.test.available(&goods.variant).await, 1);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_clicks_at_once_are_one_order_on_sqlite() {
    twenty_clicks_at_once(App::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_clicks_at_once_are_one_order_on_postgres() {
    if let Some(app) = App::postgres().await {
        twenty_clicks_at_once(app).await;
    }
}

async fn fifty_clicks_on_two_nodes(app: App) {
    let (app, goods, browser, page) = ready_on(app).await;
    let node = app.second_node().await;
    let clicks = (0..50).map(|number| {
        let mut browser = if number % 2 == 0 {
            browser.clone()
        } else {
            browser.at(&node)
        };
        let page = page.clone();
        tokio::spawn(async move { browser.pays(&page, "test").await.leads_to() })
    });
    let mut ends = Vec::new();
    for click in clicks.collect::<Vec<_>>() {
        ends.push(click.await.unwrap());
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    // Paid at one node, come back to at the other, told to both.
    let (mut here, mut there) = (browser.clone(), browser.at(&node));
    let back = there.chooses(&ends[0], "approve").await;
    let order = here.get(&back).await.leads_to();
    assert_eq!(there.get(&back).await.leads_to(), order);
    app.notices_arrive().await;
    assert_eq!(
        (
            app.orders_placed().await,
            app.number("SELECT COUNT(*) FROM test_gateway_payments")
                .await
        ),
        (1, 1)
    );
    assert_eq!(app.test.available(&goods.variant).await, 1);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_clicks_on_two_nodes_are_one_payment_on_sqlite() {
    fifty_clicks_on_two_nodes(App::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_clicks_on_two_nodes_are_one_payment_on_postgres() {
    if let Some(app) = App::postgres().await {
        fifty_clicks_on_two_nodes(app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_transfer_tells_where_to_and_with_which_reference() {
    let (app, goods, mut browser, page) = ready().await;
    let to = browser.pays(&page, "bank_transfer").await.leads_to();
    let order = browser.get(&to).await;
    order.says(
        200,
        &[
            "Transfer €40.90",
            "NL02ABNA0123456789",
            "Wrenfold",
            "RF",
            "waiting for your transfer",
        ],
    );
    assert_eq!(
        (
            app.orders_placed().await,
            app.test.available(&goods.variant).await
        ),
        (1, 1)
    );
    app.test.assert_clean().await;
    // Nobody transfers: the goods go back on the shelf, and the order says so.
    app.test.let_pass(30 * 24 * 60 * MINUTE).await;
    assert_eq!(app.test.available(&goods.variant).await, 3);
    browser
        .get(&to)
        .await
        .says(200, &["This order was cancelled."]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_from_the_shop_before_paying_is_not_sold() {
    let (app, goods, mut browser, page) = ready().await;
    app.archives(&goods.slug).await;
    assert_eq!(browser.pays(&page, "test").await.leads_to(), "/cart");
    browser
        .get("/cart")
        .await
        .says(200, &["We no longer sell this"]);
    let other = app.sells("Fig candle", 2_400, 5).await;
    browser.puts(&other.path(), "1").await.leads_to();
    let page = browser.get("/checkout").await;
    page.says(200, &["Pay €28.90"]);
    let order = browser.pays(&page, "bank_transfer").await.leads_to();
    browser
        .get(&order)
        .await
        .says(200, &["Fig candle"])
        .says_nothing_of(&["Oat tumbler"]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_to_pay_that_was_taken_away_is_not_taken() {
    let (app, _, mut browser, page) = ready().await;
    let read = app.shop().db.read(commerce::settings::load).await;
    let mut settings = read.unwrap();
    settings.selling.payment_methods = vec!["bank_transfer".to_owned()];
    let may = commerce::testing::operator().may();
    commerce::settings::save(app.shop(), may, settings)
        .await
        .unwrap();
    let refused = browser.pays(&page, "test").await;
    refused
        .says(422, &["That way to pay is not offered"])
        .says_nothing_of(&["Test payment"]);
    let order = browser.pays(&refused, "bank_transfer").await.leads_to();
    browser.get(&order).await.says(200, &["Transfer €40.90"]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parcel_that_became_dearer_or_free_is_told_before_paying() {
    let (app, goods, mut browser, page) = ready().await;
    app.test.receive(&goods.variant, 10).await;
    // In another window the bag grows over the sum from which delivery is free.
    let line = browser.get("/cart").await.form_below("/cart/lines/cli_");
    browser.submit(&line.with("quantity", "4")).await.leads_to();
    let told = browser.pays(&page, "test").await;
    told.says(409, &["Something changed", "was €40.90 and is now €72.00"]);
    let gateway = browser.pays(&told, "test").await.leads_to();
    let back = browser.chooses(&gateway, "approve").await;
    let order = browser.get(&back).await.leads_to();
    assert_eq!(app.order_at(&order).await.1, euros(7_200));
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_prices_are_without_tax_the_tax_is_added_and_shown() {
    let app = App::new().await;
    let read = app.shop().db.read(commerce::settings::load).await;
    let mut settings = read.unwrap();
    settings.selling.prices_include_tax = false;
    let may = commerce::testing::operator().may();
    commerce::settings::save(app.shop(), may, settings)
        .await
        .unwrap();
    let (app, _, mut browser, page) = ready_on(app).await;
    // 36.00 and 4.90, and 21 % of each.
    page.says(200, &["Subtotal €36.00", "€8.59", "Pay €49.49"]);
    let gateway = browser.pays(&page, "test").await.leads_to();
    let back = browser.chooses(&gateway, "approve").await;
    let order = browser.get(&back).await.leads_to();
    browser
        .get(&order)
        .await
        .says(200, &["€8.59", "Total €49.49"]);
    assert_eq!(app.order_at(&order).await.1, euros(4_949));
    app.test.assert_clean().await;
}

async fn paying_while_the_bag_changes(app: App) {
    let goods = app.sells("Oat tumbler", 1_800, 90).await;
    for turn in 0..12 {
        let mut browser = app.browser();
        browser.puts(&goods.path(), "2").await.leads_to();
        let page = browser.checks_out().await;
        let line = browser.get("/cart").await.form_below("/cart/lines/cli_");
        let line = line.with("quantity", "3");
        let (mut tab, shown) = (browser.clone(), page.clone());
        let paying = tokio::spawn(async move { tab.pays(&shown, "bank_transfer").await });
        let mut other = browser.clone();
        let changing = tokio::spawn(async move { other.submit(&line).await.status });
        let (paid, changed) = (paying.await.unwrap(), changing.await.unwrap());
        assert!(matches!(changed, 303 | 409), "turn {turn}: {changed}");
        if paid.status == 409 {
            paid.says(409, &["is now €58.90"]);
        } else {
            let order = paid.leads_to();
            assert_eq!(app.order_at(&order).await.1, euros(4_090), "turn {turn}");
        }
    }
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_pays_for_what_was_put_in_while_they_paid_on_sqlite() {
    paying_while_the_bag_changes(App::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_pays_for_what_was_put_in_while_they_paid_on_postgres() {
    if let Some(app) = App::postgres().await {
        paying_while_the_bag_changes(app).await;
    }
}
