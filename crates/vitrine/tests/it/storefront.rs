//! The pages a shopper sees.

mod any_form;
mod around_the_world;
mod assets;
mod cart;
mod category;
mod checkout;
mod checkout_complete;
mod checkout_return;
mod collection;
mod errors;
mod every_route;
mod headers;
mod health;
mod home;
mod kept_pages;
mod media;
mod orders;
mod product;
mod search;
mod test_gateway;
mod webhooks;

use crate::browser::Browser;
use crate::harness::App;

/// What is no quantity, however it is written.
pub(crate) const NO_QUANTITIES: &[&str] = &[
    "-1",
    "1e309",
    "9223372036854775808",
    "18446744073709551616",
    "2147483648",
    "1e3",
    "0.5",
    "1,5",
    "NaN",
    "[1]",
    "",
    "10000",
    "10001",
    "0x10",
    "\u{661}",
    "two",
];

/// Names of fields that somebody who wants to pay less would send.
pub(crate) const TAMPERED: &[&str] = &[
    "price",
    "unit_price",
    "total",
    "tax",
    "discount",
    "currency",
    "shipping",
    "delivery",
    "currency_rate",
    "price_minor",
    "is_staff",
    "customer_group",
    "id",
];

/// A shop with one of everything, and somebody with an order and a bag.
pub(crate) async fn a_day_in_the_shop() -> (App, Browser, Vec<String>) {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let gone = app.sells("Fig candle", 2_400, 3).await;
    app.shelf("Cups", None, &[goods.slug.clone(), gone.slug.clone()])
        .await;
    app.collects("Slow mornings", std::slice::from_ref(&goods.slug))
        .await;
    app.archives(&gone.slug).await;
    commerce::search::catch_up(app.shop()).await.unwrap();
    let mut browser = app.browser();
    let order = browser.buys(&goods.path(), "1").await;
    let gateway = browser.goes_to_pay(&goods.path(), "1").await;
    let paths = [
        "/",
        "/c/cups",
        "/collections/slow-mornings",
        "/products/oat-tumbler",
        "/products/fig-candle",
        "/search?q=tumbler",
        "/cart",
        "/checkout",
        "/checkout/return",
        &order,
        &gateway,
        &app.picture().await,
        "/robots.txt",
        "/favicon.ico",
        "/manifest.webmanifest",
        "/healthz",
        "/readyz",
        "/metrics",
        "/no-such-page",
        "/products/%ff",
        "/webhooks/payments/test",
    ];
    let paths = paths.map(str::to_owned).into();
    (app, browser, paths)
}
