//! `GET /checkout?step=`, `POST /checkout`: the forms, and what every form of the checkout refuses.

use crate::browser::{Answer, Browser, HOME};
use crate::harness::{App, Goods};
use crate::page::Form;
use crate::storefront::TAMPERED;

/// Somebody at the last step with two of three tumblers.
pub(crate) async fn ready() -> (App, Goods, Browser, Answer) {
    ready_on(App::new().await).await
}

/// The same in this shop.
pub(crate) async fn ready_on(app: App) -> (App, Goods, Browser, Answer) {
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "2").await.leads_to();
    let page = browser.checks_out().await;
    (app, goods, browser, page)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nothing_in_the_bag_every_way_leads_to_the_bag() {
    let app = App::new().await;
    let mut browser = app.browser();
    for path in [
        "/checkout",
        "/checkout?step=payment",
        "/checkout/return",
        "/checkout/return?resume=1",
    ] {
        assert_eq!(browser.get(path).await.leads_to(), "/cart", "{path}");
    }
    assert_eq!(
        browser
            .post("/checkout", &[("step", "address")])
            .await
            .leads_to(),
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
    assert_eq!(app.number("SELECT COUNT(*) FROM orders").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_cannot_be_skipped() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    for step in [
        "payment",
        "delivery",
        "address",
        "nonsense",
        "",
        "%F0%9F%90%99",
    ] {
        let page = browser.get(&format!("/checkout?step={step}")).await;
        page.says(200, &["Continue to delivery"])
            .says_nothing_of(&["Pay €"]);
    }
    let pay = [("payment_method", "test"), ("total_seen_minor", "2290")];
    let csrf = browser.get("/checkout").await.value_of("csrf");
    let form = Form::of("/checkout/complete", &pay).with("csrf", &csrf);
    let before = app.everything().await;
    for seen in ["2290", "1800"] {
        let refused = browser
            .submit(&form.clone().with("total_seen_minor", seen))
            .await;
        refused.says(
            422,
            &[
                "There is a problem",
                "Enter your e-mail address",
                "Continue to delivery",
            ],
        );
    }
    app.assert_unchanged_since(&before).await;
    assert_eq!(app.test.available(&goods.variant).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_address_keeps_what_was_typed_and_says_what_to_mend() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    let form = browser
        .get("/checkout")
        .await
        .form("/checkout")
        .press("step", "address");
    let typed = form
        .with("email", "noor@")
        .with("name", "<b>\"Noor\"&")
        .with("postal_code", "99");
    let refused = browser.submit(&typed).await;
    refused.says(
        422,
        &[
            "There is a problem",
            "Enter an e-mail address like noor@example.com",
            "Enter the street",
            "Enter a postcode like",
        ],
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
        assert!(
            matches!(answer.status, 400 | 422),
            "{field} {odd:?}: {}",
            answer.status
        );
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
    assert_eq!(
        (form.value("country"), form.value("line1")),
        ("BE", "Rue Neuve 1")
    );
    let form = form.press("step", "address").with("city", "Brussels");
    browser
        .submit(&form.clone().with("postal_code", "1015 DK"))
        .await
        .says(422, &["Enter a postcode like"]);
    let to = browser
        .submit(&form.with("postal_code", "1000"))
        .await
        .leads_to();
    browser
        .get(&to)
        .await
        .says(200, &["1000 Brussels", "Belgium"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_way_of_delivery_that_is_offered_can_be_chosen() {
    let (app, _, mut browser, _) = ready().await;
    let page = browser.get("/checkout?step=delivery").await;
    let form = page.form("/checkout").press("step", "delivery");
    let before = app.everything().await;
    for bad in [
        "",
        "x",
        "dlv_01k00000000000000000000000",
        "free",
        "0",
        "' OR 1=1",
    ] {
        let answer = browser
            .submit(&form.clone().with("delivery_method", bad))
            .await;
        answer.says(422, &["There is a problem"]);
    }
    let answer = browser.submit(&form.without("delivery_method")).await;
    answer.says(422, &["Choose how we should deliver"]);
    app.assert_unchanged_since(&before).await;
    browser.get("/checkout").await.says(200, &["Pay €40.90"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_token_no_form_of_the_checkout_changes_anything() {
    let (app, _, mut browser, page) = ready().await;
    let address = browser
        .get("/checkout?step=address")
        .await
        .form("/checkout");
    let address = address.press("step", "address").with("name", "Eve");
    let delivery = browser
        .get("/checkout?step=delivery")
        .await
        .form("/checkout");
    let pay = page
        .form("/checkout/complete")
        .with("payment_method", "test");
    let stop = Form::of("/checkout/cancel-payment", &[]);
    let before = app.everything().await;
    for form in [address, delivery.press("step", "delivery"), pay, stop] {
        for wrong in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            browser
                .submit(&form.clone().with("csrf", wrong))
                .await
                .says(403, &["Start page"]);
        }
        let body = form.clone().without("csrf").encoded().into_bytes();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        for headers in [
            &[kind][..],
            &[kind, ("origin", HOME)],
            &[
                kind,
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[kind, ("origin", "null")],
        ] {
            let answer = browser
                .ask("POST", &form.action, headers, body.clone())
                .await;
            assert_eq!(answer.status, 403, "{} {headers:?}", form.action);
        }
        // With the right token, but from elsewhere: still no.
        let elsewhere = [kind, ("origin", "https://evil.example")];
        let answer = browser
            .ask(
                "POST",
                &form.action,
                &elsewhere,
                form.encoded().into_bytes(),
            )
            .await;
        assert_eq!(answer.status, 403, "{}", form.action);
    }
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_no_form_has_change_neither_order_nor_total() {
    let (app, _, mut browser, page) = ready().await;
    let address = browser
        .get("/checkout?step=address")
        .await
        .form("/checkout");
    let delivery = browser
        .get("/checkout?step=delivery")
        .await
        .form("/checkout");
    let pay = page
        .form("/checkout/complete")
        .with("payment_method", "test");
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
    app.assert_unchanged_since(&before).await;
    browser.get("/checkout").await.says(200, &["Pay €40.90"]);
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
