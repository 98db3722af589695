//! `GET /checkout?step=`, `POST /checkout`, `POST /checkout/complete`, `GET /checkout/return`,
//! `POST /checkout/cancel-payment`.

use commerce::testing::euros;
use kernel::time::MINUTE;

use crate::browser::{Answer, Browser, HOME};
use crate::harness::{App, Goods};
use crate::page::Form;
use crate::storefront::TAMPERED;

/// Somebody at the last step with two of three tumblers.
async fn ready() -> (App, Goods, Browser, Answer) {
    ready_on(App::new().await).await
}

async fn ready_on(app: App) -> (App, Goods, Browser, Answer) {
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "2").await.leads_to();
    let page = browser.checks_out().await;
    (app, goods, browser, page)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_buys_by_the_forms_alone() {
    let (app, goods, mut browser, page) = ready().await;
    page.says(200, &["Pay €40.90", "Test payment", "Bank transfer", "no money moves", "1015 DK Amsterdam", "Post, €4.90"]);
    assert_eq!(page.form("/checkout/complete").value("total_seen_minor"), "4090");
    let gateway = browser.pays(&page, "test").await.leads_to();
    // While it is being paid, the goods are held and nobody else gets them.
    assert_eq!(app.test.available(&goods.variant).await, 1);
    let back = browser.chooses(&gateway, "approve").await;
    assert_eq!(back, "/checkout/return");
    let to = browser.get(&back).await.leads_to();
    let order = browser.get(&to).await;
    order.says(200, &["Thank you, Noor.", "noor@example.com", "2 pieces", "Total €40.90", "approved"]);
    assert_eq!(app.order_at(&to).await.1, euros(4_090));
    browser.get("/cart").await.says(200, &["Your bag is empty"]);
    assert_eq!(browser.get("/checkout").await.leads_to(), "/cart");
    app.test.run_jobs().await;
    let mails = app.number("SELECT COUNT(*) FROM mails").await;
    assert_eq!(mails, 1);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nothing_in_the_bag_every_way_leads_to_the_bag() {
    let app = App::new().await;
    let mut browser = app.browser();
    for path in ["/checkout", "/checkout?step=payment", "/checkout/return", "/checkout/return?resume=1"] {
        assert_eq!(browser.get(path).await.leads_to(), "/cart", "{path}");
    }
    assert_eq!(browser.post("/checkout", &[("step", "address")]).await.leads_to(), "/cart");
    let pay = [("payment_method", "test"), ("total_seen_minor", "1")];
    assert_eq!(browser.post("/checkout/complete", &pay).await.leads_to(), "/cart");
    assert_eq!(browser.post("/checkout/cancel-payment", &[]).await.leads_to(), "/cart");
    assert_eq!(app.number("SELECT COUNT(*) FROM orders").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_cannot_be_skipped() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    for step in ["payment", "delivery", "address", "nonsense", "", "%F0%9F%90%99"] {
        let page = browser.get(&format!("/checkout?step={step}")).await;
        page.says(200, &["Continue to delivery"]).says_nothing_of(&["Pay €"]);
    }
    let pay = [("payment_method", "test"), ("total_seen_minor", "2290")];
    let csrf = browser.get("/checkout").await.value_of("csrf");
    let form = Form::of("/checkout/complete", &pay).with("csrf", &csrf);
    let before = app.everything().await;
    browser.submit(&form).await.says(409, &["is now €18.00"]);
    let honest = form.with("total_seen_minor", "1800");
    browser.submit(&honest).await.says(422, &["There is a problem", "Enter"]);
    assert_eq!(app.everything().await, before);
    assert_eq!(app.test.available(&goods.variant).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_address_keeps_what_was_typed_and_says_what_to_mend() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    let form = browser.get("/checkout").await.form("/checkout").press("step", "address");
    let typed = form.with("email", "noor@").with("name", "<b>\"Noor\"&").with("postal_code", "99");
    let refused = browser.submit(&typed).await;
    refused.says(
        422,
        &["There is a problem", "Enter an e-mail address like noor@example.com", "Enter the street", "Enter a postcode like"],
    );
    assert_eq!(refused.value_of("name"), "<b>\"Noor\"&");
    assert_eq!(refused.header("cache-control"), "no-store");
    for (field, odd) in [
        ("email", "a@b\r\nBcc: x@y.z"),
        ("email", "\u{202e}noor@example.com"),
        ("name", "Noor\u{0}"),
        ("name", "Noor\r\nde Wit"),
        ("city", "\u{1b}[31m"),
        ("country", "XX"),
        ("country", "nl"),
        ("country", "NLD"),
        ("country", ""),
        ("country", "JP"),
    ] {
        let answer = browser.submit(&typed.clone().with(field, odd)).await;
        assert!(matches!(answer.status, 400 | 422), "{field} {odd:?}: {}", answer.status);
    }
    let long = "n".repeat(20_000);
    let answer = browser.submit(&typed.with("name", &long)).await;
    answer.says(422, &["There is a problem"]);
    assert_eq!(app.number("SELECT COUNT(*) FROM orders").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_country_has_its_own_form() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    let form = browser.get("/checkout").await.form("/checkout");
    let typed = form
        .with("line1", "Rue Neuve 1")
        .with("email", "noor@example.com")
        .with("name", "Noor de Wit")
        .with("country", "BE")
        .press("step", "country");
    let to = browser.submit(&typed).await.leads_to();
    let belgian = browser.get(&to).await;
    let form = belgian.form("/checkout");
    assert_eq!((form.value("country"), form.value("line1")), ("BE", "Rue Neuve 1"));
    let form = form.press("step", "address").with("city", "Brussels");
    browser.submit(&form.clone().with("postal_code", "1015 DK")).await.says(422, &["Enter a postcode like"]);
    let to = browser.submit(&form.with("postal_code", "1000")).await.leads_to();
    browser.get(&to).await.says(200, &["1000 Brussels", "Belgium"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_way_of_delivery_that_is_offered_can_be_chosen() {
    let (app, _, mut browser, _) = ready().await;
    let page = browser.get("/checkout?step=delivery").await;
    let form = page.form("/checkout").press("step", "delivery");
    let before = app.everything().await;
    for bad in ["", "x", "dlv_01k00000000000000000000000", "free", "0", "' OR 1=1"] {
        let answer = browser.submit(&form.clone().with("delivery_method", bad)).await;
        answer.says(422, &["There is a problem"]);
    }
    let answer = browser.submit(&form.without("delivery_method")).await;
    answer.says(422, &["Choose how we should deliver"]);
    assert_eq!(app.everything().await, before);
    browser.get("/checkout").await.says(200, &["Pay €40.90"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_token_no_form_of_the_checkout_changes_anything() {
    let (app, _, mut browser, page) = ready().await;
    let address = browser.get("/checkout?step=address").await.form("/checkout");
    let address = address.press("step", "address").with("name", "Eve");
    let delivery = browser.get("/checkout?step=delivery").await.form("/checkout");
    let pay = page.form("/checkout/complete").with("payment_method", "test");
    let stop = Form::of("/checkout/cancel-payment", &[]);
    let before = app.everything().await;
    for form in [address, delivery.press("step", "delivery"), pay, stop] {
        for wrong in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            browser.submit(&form.clone().with("csrf", wrong)).await.says(403, &["Start page"]);
        }
        let body = form.clone().without("csrf").encoded().into_bytes();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        for headers in [
            &[kind][..],
            &[kind, ("origin", HOME)],
            &[kind, ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
            &[kind, ("origin", "null")],
        ] {
            let answer = browser.ask("POST", &form.action, headers, body.clone()).await;
            assert_eq!(answer.status, 403, "{} {headers:?}", form.action);
        }
        // With the right token, but from elsewhere: still no.
        let elsewhere = [kind, ("origin", "https://evil.example")];
        let answer = browser.ask("POST", &form.action, &elsewhere, form.encoded().into_bytes()).await;
        assert_eq!(answer.status, 403, "{}", form.action);
    }
    assert_eq!(app.everything().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_no_form_has_change_neither_order_nor_total() {
    let (app, _, mut browser, page) = ready().await;
    let address = browser.get("/checkout?step=address").await.form("/checkout");
    let delivery = browser.get("/checkout?step=delivery").await.form("/checkout");
    let pay = page.form("/checkout/complete").with("payment_method", "test");
    let stop = Form::of("/checkout/cancel-payment", &[("csrf", pay.value("csrf"))]);
    let before = app.everything().await;
    for field in TAMPERED {
        for form in [
            address.clone().press("step", "address"),
            delivery.clone().press("step", "delivery"),
            pay.clone(),
            stop.clone(),
        ] {
            let answer = browser.submit(&form.clone().with(field, "1")).await;
            assert_eq!(answer.status, 400, "{field} in {}", form.action);
        }
    }
    assert_eq!(app.everything().await, before);
    browser.get("/checkout").await.says(200, &["Pay €40.90"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_total_nobody_saw_is_shown_anew_and_never_charged() {
    let (app, goods, mut browser, page) = ready().await;
    let pay = page.form("/checkout/complete").with("payment_method", "test");
    let before = app.everything().await;
    for wrong in ["0", "1", "-4090", "4089", "4091", "9223372036854775807", "-9223372036854775808"] {
        let stopped = browser.submit(&pay.clone().with("total_seen_minor", wrong)).await;
        stopped.says(409, &["Something changed", "is now €40.90", "Pay €40.90"]);
        assert_eq!(stopped.form("/checkout/complete").value("total_seen_minor"), "4090");
    }
    for bad in ["", "40.90", "4090.0", "1e3", "1e309", "NaN", "[4090]", "9223372036854775808", "0x10", " 4090", "\u{664}"] {
        let answer = browser.submit(&pay.clone().with("total_seen_minor", bad)).await;
        assert_eq!(answer.status, 400, "{bad:?}");
    }
    let answer = browser.submit(&pay.clone().without("total_seen_minor")).await;
    assert_eq!(answer.status, 400);
    for bad in ["", "gold", "TEST", "test ", "bank_transfer\u{200b}"] {
        let answer = browser.submit(&pay.clone().with("payment_method", bad)).await;
        answer.says(422, &["There is a problem"]);
    }
    assert_eq!(app.everything().await, before);
    assert_eq!(app.test.available(&goods.variant).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_that_changed_is_told_before_anybody_pays() {
    let (app, goods, mut browser, page) = ready().await;
    app.reprices(&goods, 2_000).await;
    let stopped = browser.pays(&page, "test").await;
    stopped.says(409, &["Something changed", "the price was €18 and is now €20", "was €40.90 and is now €44.90"]);
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
    browser.get("/cart").await.says(200, &["Sold out since you added it"]);
    assert_eq!((app.orders_placed().await, app.number("SELECT COUNT(*) FROM payments").await), (2, 2));
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
    assert!(told.status == 409 || told.leads_to() == "/cart", "{}", told.words());
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
async fn a_declined_payment_keeps_the_bag_and_can_be_tried_again() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    let back = browser.chooses(&gateway, "decline").await;
    let page = browser.visit(&back).await;
    page.says(200, &["Nothing was charged", "The bank declined the payment", "Pay €40.90"]);
    assert_eq!(app.test.available(&goods.variant).await, 3);
    let again = browser.pays(&page, "test").await.leads_to();
    assert_ne!(again, gateway);
    let back = browser.chooses(&again, "approve").await;
    browser.visit(&back).await.says(200, &["Thank you, Noor."]);
    app.notices_arrive().await;
    assert_eq!(app.orders_placed().await, 1);
    assert_eq!(app.number("SELECT CAST(SUM(authorized_minor) AS BIGINT) FROM payments").await, 4_090);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_answer_finds_the_order_by_its_notice() {
    let (app, goods, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    assert_eq!(browser.chooses(&gateway, "late").await, gateway);
    browser.get("/checkout/return").await.says(200, &["We do not know yet whether the payment went through."]);
    assert_eq!((app.notices_arrive().await, app.orders_placed().await), (0, 0));
    app.test.clock.advance(MINUTE);
    assert_eq!((app.notices_arrive().await, app.orders_placed().await), (1, 1));
    // The shopper, who waited in another window, is led to the order.
    browser.visit("/checkout/return").await.says(200, &["Thank you, Noor.", "approved"]);
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
    browser.submit(&line.with("quantity", "1")).await.says(409, &["being paid in another window"]);
    let to = browser.submit(&shown.form("/checkout/cancel-payment")).await.leads_to();
    assert_eq!(to, "/checkout");
    assert_eq!(app.test.available(&goods.variant).await, 3);
    let page = browser.get(&to).await;
    page.says(200, &["Pay €40.90"]).says_nothing_of(&["another window"]);
    let order = browser.pays(&page, "bank_transfer").await.leads_to();
    browser.get(&order).await.says(200, &["Transfer €40.90"]);
    // Pressed again in an old window, the button does nothing more.
    let to = browser.submit(&shown.form("/checkout/cancel-payment")).await.leads_to();
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
    browser.get("/checkout").await.says(200, &["Pay €40.90"]).says_nothing_of(&["another window"]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changes_their_mind_too_late_has_bought() {
    let (app, _, mut browser, page) = ready().await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    let shown = browser.get("/checkout").await;
    browser.chooses(&gateway, "approve").await;
    let to = browser.submit(&shown.form("/checkout/cancel-payment")).await.leads_to();
    assert!(to.starts_with("/orders/"), "{to}");
    assert_eq!(app.orders_placed().await, 1);
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
    assert_eq!(browser.submit(&line.clone().with("quantity", "1")).await.leads_to(), "/cart");
    assert_eq!(browser.submit(&line.press("remove", "1")).await.leads_to(), "/cart");
    assert_eq!(browser.get("/checkout?step=address").await.leads_to(), "/cart");
    assert_eq!(app.order_at(&order).await.1, euros(4_090));
    assert_eq!((app.orders_placed().await, app.number("SELECT COUNT(*) FROM payments").await), (1, 1));
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
    ends.sort_unstable();
    ends.dedup();
    // Who pressed while the first click was still being worked on is told to wait, and led to the same order.
    let mut browser = browser;
    let mut orders = Vec::new();
    for end in &ends {
        let to = if end.starts_with("/orders/") { end.clone() } else { browser.get(end).await.leads_to() };
        orders.push(to);
    }
    orders.dedup();
    assert_eq!(orders.len(), 1, "{ends:?}");
    assert_eq!((app.orders_placed().await, app.number("SELECT COUNT(*) FROM payments").await), (1, 1));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_transfer_tells_where_to_and_with_which_reference() {
    let (app, goods, mut browser, page) = ready().await;
    let to = browser.pays(&page, "bank_transfer").await.leads_to();
    let order = browser.get(&to).await;
    order.says(200, &["Transfer €40.90", "NL02ABNA0123456789", "Wrenfold", "RF", "waiting for your transfer"]);
    assert_eq!((app.orders_placed().await, app.test.available(&goods.variant).await), (1, 1));
    app.test.assert_clean().await;
    // Nobody transfers: the goods go back on the shelf, and the order says so.
    app.test.let_pass(30 * 24 * 60 * MINUTE).await;
    assert_eq!(app.test.available(&goods.variant).await, 3);
    browser.get(&to).await.says(200, &["This order was cancelled."]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checkout_reads_as_much_for_many_lines_as_for_two() {
    let app = App::new().await;
    let mut browser = app.browser();
    let mut counts = Vec::new();
    for number in 0..12 {
        let goods = app.sells(&format!("Cup {number}"), 1_000, 9).await;
        browser.puts(&goods.path(), "1").await.leads_to();
        browser.checks_out().await;
        let before = app.shop().db.stats().statements;
        browser.get("/checkout").await.says(200, &["Pay €"]);
        counts.push(app.shop().db.stats().statements - before);
    }
    assert_eq!(counts[1], counts[11], "{counts:?}");
    assert!(counts[11] <= 18, "{counts:?}");
}
