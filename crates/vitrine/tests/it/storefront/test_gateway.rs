//! `GET` and `POST /test-gateway/pay/{reference}`: the payment provider's own page.

use crate::browser::Browser;
use crate::harness::App;
use crate::page::Form;

async fn at_the_provider() -> (App, Browser, String) {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let mut browser = app.browser();
    let page = browser.goes_to_pay(&goods.path(), "1").await;
    (app, browser, page)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_the_amount_and_asks_for_an_answer_never_for_a_card() {
    let (_app, mut browser, page) = at_the_provider().await;
    let shown = browser.get(&page).await;
    shown.says(
        200,
        &[
            "TEST MODE",
            "no money moves",
            "Payment to Wrenfold",
            "€22.90",
        ],
    );
    assert_eq!(shown.header("cache-control"), "no-store");
    let form = shown.form(&page);
    let names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["csrf"]);
    let answers: Vec<&str> = form
        .buttons
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(
        answers,
        ["approve", "decline", "further_step", "late", "never"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_further_step_is_asked_for_and_then_decided() {
    for (last, says) in [
        ("approve", "Thank you, Noor."),
        ("decline", "Nothing was charged"),
    ] {
        let (app, mut browser, page) = at_the_provider().await;
        assert_eq!(browser.chooses(&page, "further_step").await, page);
        let step = browser.get(&page).await.form(&page);
        assert_eq!(step.buttons.len(), 2);
        // Who goes back to the shop in between is told the truth.
        browser
            .get("/checkout/return")
            .await
            .says(200, &["We do not know yet"]);
        assert_eq!(
            browser.get("/checkout/return?resume=1").await.leads_to(),
            page
        );
        let back = browser.chooses(&page, last).await;
        browser.visit(&back).await.says(200, &[says]);
        app.test.assert_clean().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_answer_stands() {
    let (app, mut browser, page) = at_the_provider().await;
    let form = browser.get(&page).await.form(&page);
    browser
        .submit(&form.clone().press("outcome", "decline"))
        .await
        .leads_to();
    for other in ["approve", "late", "never", "further_step", "decline"] {
        browser
            .submit(&form.clone().press("outcome", other))
            .await
            .leads_to();
        let shown = browser.get(&page).await;
        shown.says(200, &["Back to Wrenfold"]);
        assert!(Form::all(&shown.text()).is_empty());
    }
    app.notices_arrive().await;
    browser
        .visit("/checkout/return")
        .await
        .says(200, &["Nothing was charged"]);
    assert_eq!(app.orders_placed().await, 0);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_page_does_not_offer_is_refused() {
    let (app, mut browser, page) = at_the_provider().await;
    let form = browser.get(&page).await.form(&page);
    let before = app.everything().await;
    for bad in ["", "APPROVE", "approved", "canceled", "1"] {
        let answer = browser.submit(&form.clone().with("outcome", bad)).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
    assert_eq!(browser.submit(&form).await.status, 400);
    for field in ["amount", "currency", "reference", "return_url"] {
        let answer = browser
            .submit(&form.clone().press("outcome", "approve").with(field, "1"))
            .await;
        assert_eq!(answer.status, 400, "{field}");
    }
    let forged = form.press("outcome", "approve");
    assert_eq!(
        browser
            .submit(&forged.clone().with("csrf", "x"))
            .await
            .status,
        403
    );
    let elsewhere = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let answer = browser
        .ask("POST", &page, &elsewhere, b"outcome=approve".to_vec())
        .await;
    assert_eq!(answer.status, 403);
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_found_by_its_secret_address_only() {
    let (app, mut browser, page) = at_the_provider().await;
    let before = app.everything().await;
    let payment: Vec<(String,)> = {
        let read = app
            .shop()
            .db
            .read(|tx| tx.query("SELECT id FROM payments", db::params![]));
        read.await.map_err(|error: db::DbError| error).unwrap()
    };
    let other = if page.ends_with('0') { "1" } else { "0" };
    for odd in [
        format!("{}{other}", &page[..page.len() - 1]),
        format!("{page}0"),
        page.to_uppercase()
            .replace("/TEST-GATEWAY/PAY", "/test-gateway/pay"),
        format!("/test-gateway/pay/{}", payment[0].0),
        "/test-gateway/pay/1".to_owned(),
        "/test-gateway/pay/".to_owned(),
        "/test-gateway".to_owned(),
    ] {
        assert_eq!(browser.get(&odd).await.status, 404, "{odd}");
        let answer = browser.post(&odd, &[("outcome", "approve")]).await;
        assert_eq!(answer.status, 404, "{odd}");
    }
    app.assert_unchanged_since(&before).await;
}
