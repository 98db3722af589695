//! `GET /orders/{token}`.

use commerce::orders::{CancelOrder, ReturnMoney, ShipOrder, cancel_order, lines, ship_order};
use commerce::testing::operator;

use crate::browser::Browser;
use crate::harness::{App, Goods};

async fn ordered() -> (App, Goods, Browser, String) {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let mut browser = app.browser();
    let order = browser.buys(&goods.path(), "2").await;
    (app, goods, browser, order)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_the_link_sees_the_order_and_nobody_else_does() {
    let (app, goods, _, order) = ordered().await;
    let mut friend = app.browser();
    let page = friend.get(&order).await;
    page.says(
        200,
        &[
            "Order 1001",
            "Oat tumbler",
            "Total €40.90",
            "1015 DK Amsterdam",
            "You placed the order",
        ],
    );
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(
        page.text()
            .contains("<meta name=\"robots\" content=\"noindex\">")
    );
    assert_eq!(friend.cookie, None);
    let mut eve = app.browser();
    let own = eve.buys(&goods.path(), "1").await;
    assert_ne!(own, order);
    let secret = order.strip_prefix("/orders/").unwrap();
    let last = if secret.ends_with('0') { "1" } else { "0" };
    let (id, _) = app.order_at(&order).await;
    let swapped: String = secret.chars().rev().collect();
    for guess in [
        "1001".to_owned(),
        "#1001".replace('#', "%23"),
        "1".to_owned(),
        "-1".to_owned(),
        id.to_string(),
        format!("{}{last}", &secret[..secret.len() - 1]),
        swapped,
        secret.to_uppercase(),
        format!("{secret}x"),
        format!("{secret}%20"),
        format!("{secret}/"),
        secret[..8].to_owned(),
        "0".repeat(secret.len()),
        "%25".to_owned(),
        "*".to_owned(),
        "'%20OR%201=1%20--".to_owned(),
        "..".to_owned(),
        String::new(),
    ] {
        let answer = eve.get(&format!("/orders/{guess}")).await;
        answer
            .says(404, &["We cannot find that page"])
            .says_nothing_of(&["Noor", "Amsterdam"]);
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let ours = [("sec-fetch-site", "same-origin")];
        let answer = friend.ask(method, &order, &ours, Vec::new()).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, "GET,HEAD"),
            "{method}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_greeting_is_for_the_one_who_just_bought() {
    let (_app, _, mut browser, order) = ordered().await;
    let fresh = browser.get(&format!("{order}?placed=1")).await;
    fresh.says(200, &["Thank you, Noor.", "noor@example.com"]);
    browser
        .get(&order)
        .await
        .says(200, &["Placed Mon 23 November"])
        .says_nothing_of(&["Thank you"]);
    assert_eq!(
        browser.get(&format!("{order}?placed=%ff")).await.status,
        400
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_placed_order_stays_as_it_was_whatever_becomes_of_the_shop() {
    let (app, goods, mut browser, order) = ordered().await;
    let before = browser.get(&order).await;
    app.edits(&goods.slug, |save| {
        save.title = "Rye tumbler".to_owned();
        save.variants[0].price = commerce::testing::euros(9_900);
        save.variants[0].sku = kernel::Sku::parse("NEW").unwrap();
    })
    .await;
    let rate = commerce::tax::SetTaxRate {
        country: kernel::Country::parse("NL").unwrap(),
        class: pricing::TaxClass::new("standard"),
        name: "GST".to_owned(),
        rate: kernel::Rate::basis_points(500),
    };
    commerce::tax::set_rate(app.shop(), operator().may(), rate)
        .await
        .unwrap();
    let between = browser.get(&order).await;
    assert_eq!(between.words(), before.words());
    app.archives(&goods.slug).await;
    let after = browser.get(&order).await;
    after.says(
        200,
        &[
            "Oat tumbler",
            "2 pieces",
            "€36.00",
            "Total €40.90",
            "Includes €7.10 VAT (21%)",
        ],
    );
    after.says_nothing_of(&["Rye tumbler", "GST", "€99"]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_follows_the_parcels_and_keeps_the_merchants_words_to_the_merchant() {
    let (app, _, mut browser, order) = ordered().await;
    let (id, _) = app.order_at(&order).await;
    let of = id.clone();
    let read = app.shop().db.read(move |tx| lines(tx, &of)).await;
    let line = read.map_err(|error: db::DbError| error).unwrap().remove(0);
    let ship = ShipOrder {
        request_key: "first".to_owned(),
        order_id: id.clone(),
        lines: vec![(line.id, kernel::Quantity::new(1).unwrap())],
        carrier: Some("PostNL".to_owned()),
        tracking_number: Some("3S123".to_owned()),
        tracking_url: Some("https://track.example/3S123".to_owned()),
    };
    ship_order(app.shop(), operator().may(), ship)
        .await
        .unwrap();
    let page = browser.get(&order).await;
    page.says(
        200,
        &[
            "PostNL",
            "3S123",
            "1 × Oat tumbler",
            "We sent 1 of your things",
        ],
    );
    let mut other = app.browser();
    let second = other.buys("/products/oat-tumbler", "1").await;
    let (id, _) = app.order_at(&second).await;
    let cancel = CancelOrder {
        order_id: id,
        reason: "looks like fraud".to_owned(),
        money: ReturnMoney::Yes,
    };
    cancel_order(app.shop(), operator().may(), cancel)
        .await
        .unwrap();
    let page = other.get(&second).await;
    page.says(200, &["This order was cancelled."])
        .says_nothing_of(&["fraud"]);
    app.test.run_jobs().await;
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_reads_as_much_with_many_lines_as_with_one() {
    let app = App::new().await;
    let mut counts = Vec::new();
    let mut paths = Vec::new();
    for number in 0..8 {
        paths.push(app.sells(&format!("Cup {number}"), 1_000, 9).await.path());
        let mut browser = app.browser();
        for path in &paths[1..] {
            browser.puts(path, "1").await.leads_to();
        }
        let order = browser.buys(&paths[0], "1").await;
        let before = app.shop().db.stats().statements;
        app.browser()
            .get(&order)
            .await
            .says(200, &["You placed the order"]);
        counts.push(app.shop().db.stats().statements - before);
    }
    assert_eq!(counts[0], counts[7], "{counts:?}");
    assert!(counts[7] <= 17, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_shopper_typed_is_text_on_every_page_and_in_the_mail() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    browser.checks_out().await;
    let nasty = "<img src=x onerror=alert(1)> {{ 7 }} & \"Noor\"";
    let address = browser
        .get("/checkout?step=address")
        .await
        .form("/checkout");
    let typed = address
        .press("step", "address")
        .with("name", nasty)
        .with("line1", nasty);
    browser.submit(&typed).await.leads_to();
    let page = browser.get("/checkout").await;
    let order = browser.pays(&page, "bank_transfer").await.leads_to();
    let shown = browser.get(&order).await;
    app.test.run_jobs().await;
    let mail = app.text("SELECT html_body FROM mails").await;
    let subject = app.text("SELECT subject FROM mails").await;
    for html in [page.text(), shown.text(), mail, subject] {
        assert!(!html.contains("<img src=x"), "{html}");
    }
    shown.says(200, &[nasty]);
    assert!(
        app.text("SELECT text_body FROM mails")
            .await
            .contains(nasty)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_works_for_as_long_as_the_order_is_there() {
    let (app, _, mut browser, order) = ordered().await;
    app.test
        .let_pass(400 * 24 * 60 * kernel::time::MINUTE)
        .await;
    app.browser()
        .get(&order)
        .await
        .says(200, &["Order 1001", "Total €40.90"]);
    // The bag became the order long ago; the next one has a cookie of its own.
    browser.get("/cart").await.says(200, &["Your bag is empty"]);
    let before = browser.cookie.clone();
    browser.puts("/products/oat-tumbler", "1").await.leads_to();
    assert_ne!(browser.cookie, before);
}
