//! The same checkout in other countries and currencies, and for what is free.

use commerce::testing::euros;
use kernel::time::MINUTE;

use crate::harness::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_country_that_is_delivered_to_has_a_form_that_can_be_filled_in() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    app.ships_to(
        &[
            "US", "GB", "IE", "JP", "BR", "HK", "AE", "CA", "DE", "FR", "IN", "CN", "SE", "CH",
            "AU",
        ],
        euros(2_500),
    )
    .await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    for (country, fields) in [
        (
            "US",
            vec![
                ("postal_code", "94103"),
                ("city", "San Francisco"),
                ("region", "CA"),
            ],
        ),
        ("GB", vec![("postal_code", "sw1a 1aa"), ("city", "London")]),
        (
            "JP",
            vec![("postal_code", "100-0001"), ("region", "東京都")],
        ),
        ("HK", vec![("region", "Kowloon")]),
        ("DE", vec![("postal_code", "10115"), ("city", "Berlin")]),
        ("IE", vec![("postal_code", "a65f4e2"), ("city", "Dublin")]),
    ] {
        let form = browser
            .get("/checkout?step=address")
            .await
            .form("/checkout");
        let to = browser
            .submit(&form.with("country", country).press("step", "country"))
            .await
            .leads_to();
        let form = browser.get(&to).await.form("/checkout");
        assert_eq!(form.value("country"), country);
        let names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            fields.iter().all(|(name, _)| names.contains(name)),
            "{country}: {names:?}"
        );
        let empty = browser
            .submit(
                &form
                    .clone()
                    .press("step", "address")
                    .with("name", "")
                    .with("line1", ""),
            )
            .await;
        empty.says(422, &["There is a problem"]);
        let mut filled = form
            .press("step", "address")
            .with("email", "noor@example.com")
            .with("name", "Noor de Wit");
        filled = filled.with("line1", "1 Long Road");
        for (name, value) in fields {
            filled = filled.with(name, value);
        }
        let to = browser.submit(&filled).await;
        assert_eq!(to.status, 303, "{country}: {}", to.words());
        browser
            .get(&to.leads_to())
            .await
            .says(200, &["Airmail", "€25"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_shop_sells_in_currencies_without_and_with_three_decimals() {
    for (currency, price, delivery, shown, minor) in [
        (
            kernel::Currency::parse("JPY").unwrap(),
            1_800,
            490,
            "¥4,090",
            "4090",
        ),
        (kernel::Currency::EUR, 1_800, 490, "€40.90", "4090"),
        (
            kernel::Currency::parse("BHD").unwrap(),
            18_005,
            490,
            "36.500",
            "36500",
        ),
        (
            kernel::Currency::parse("KRW").unwrap(),
            1_800,
            490,
            "4,090",
            "4090",
        ),
    ] {
        let app = App::new().await;
        let read = app.shop().db.read(commerce::settings::load).await;
        let mut settings = read.unwrap();
        settings.selling.currency = currency;
        let may = commerce::testing::operator();
        commerce::settings::save(app.shop(), may.may(), settings)
            .await
            .unwrap();
        app.ships_for(currency.minor(delivery)).await;
        let variant = app
            .test
            .product("Oat tumbler", currency.minor(price), 5)
            .await;
        let mut browser = app.browser();
        browser.puts("/products/oat-tumbler", "2").await.leads_to();
        let page = browser.checks_out().await;
        page.says(200, &[shown]);
        assert_eq!(
            page.form("/checkout/complete").value("total_seen_minor"),
            minor
        );
        let gateway = browser.pays(&page, "test").await.leads_to();
        browser.get(&gateway).await.says(200, &[shown]);
        let back = browser.chooses(&gateway, "approve").await;
        let order = browser.get(&back).await.leads_to();
        browser.get(&order).await.says(200, &[shown]);
        assert_eq!(
            app.order_at(&order).await.1,
            currency.minor(minor.parse().unwrap())
        );
        assert_eq!(app.test.available(&variant).await, 3);
        app.test.run_jobs().await;
        app.test.assert_clean().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_costs_nothing_needs_no_payment() {
    let app = App::new().await;
    let goods = app.sells("Seed paper", 0, 5).await;
    app.can_be_fetched().await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "1").await.leads_to();
    browser.checks_out().await;
    let delivery = browser.get("/checkout?step=delivery").await;
    delivery.says(200, &["Pick-up", "Free"]);
    let pickup = app
        .text("SELECT id FROM delivery_methods WHERE name = 'Pick-up'")
        .await;
    let form = delivery
        .form("/checkout")
        .press("step", "delivery")
        .with("delivery_method", &pickup);
    let to = browser.submit(&form).await.leads_to();
    let page = browser.get(&to).await;
    page.says(200, &["Pay €0.00"]);
    let order = browser.pays(&page, "test").await.leads_to();
    assert!(order.starts_with("/orders/"), "{order}");
    browser
        .get(&order)
        .await
        .says(200, &["Thank you, Noor.", "Total €0.00"]);
    assert_eq!(app.orders_placed().await, 1);
    app.test.let_pass(30 * 24 * 60 * MINUTE).await;
    browser.get(&order).await.says_nothing_of(&["cancelled"]);
    app.test.assert_clean().await;
}
