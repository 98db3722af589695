//! Forms nobody thought of.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::App;
use crate::page::escaped;

/// What the shop's forms have in them.
const PRODUCT: &[&str] = &["product", "quantity", "option.glaze", "option.height"];
const LINE: &[&str] = &["quantity", "remove"];
const STEP: &[&str] = &[
    "step",
    "email",
    "country",
    "name",
    "company",
    "line1",
    "line2",
    "postal_code",
    "city",
    "region",
    "phone",
    "delivery_method",
];
const PAY: &[&str] = &["payment_method", "total_seen_minor"];
const STOP: &[&str] = &[];
const OUTCOME: &[&str] = &["outcome"];
/// What some of them have, and none of the others.
const STRANGERS: &[&str] = &["variant", "price", "csrf", "option.", ""];

const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "3",
    "-1",
    "9999",
    "10000",
    "9223372036854775807",
    "1e309",
    "NaN",
    "address",
    "delivery",
    "country",
    "NL",
    "BE",
    "XX",
    "noor@example.com",
    "Noor de Wit",
    "1015 DK",
    "test",
    "bank_transfer",
    "approve",
    "tarn-vase",
    "ash",
    "spruce",
    "16-cm",
    "24-cm",
    "' OR 1=1 --",
    "\0",
    "\r\n",
    "\u{202e}",
    "{{ 7 }}",
];

/// A body, from noise to something that is nearly a form with these fields.
fn bodies(fields: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let noise = vec(any::<u8>(), 0..200);
    let value = prop_oneof![
        6 => proptest::sample::select(VALUES).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let stranger = proptest::option::weighted(0.1, proptest::sample::select(STRANGERS));
    let typed = vec(proptest::option::weighted(0.9, value), fields.len() + 1);
    let form = (stranger, typed).prop_map(move |(stranger, typed)| {
        let names = fields.iter().copied().chain(stranger);
        let pairs = names.zip(typed);
        let pairs = pairs.filter_map(|(name, value)| Some(format!("{name}={}", escaped(&value?))));
        pairs.collect::<Vec<_>>().join("&").into_bytes()
    });
    prop_oneof![1 => noise, 9 => form]
}

/// Sends two thousand of them, one after the other, with the token where there is a bag: whatever they manage to put in,
/// order or call off, the books balance, and nothing is our fault.
#[test]
fn no_form_whatever_is_in_it_is_our_fault_or_upsets_the_books() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (app, line, gateway, browser) = runtime.block_on(async {
        let app = App::new().await;
        app.sells_a_vase().await;
        let mut browser = app.browser();
        let gateway = browser.goes_to_pay("/products/tarn-vase", "1").await;
        let shown = browser.get("/checkout").await;
        browser
            .submit(&shown.form("/checkout/cancel-payment"))
            .await
            .leads_to();
        let line = browser.get("/cart").await.form_below("/cart/lines/cli_");
        (app, line, gateway, browser)
    });
    let token = line.value("csrf").to_owned();
    let forms: Vec<(String, &[&str])> = vec![
        ("/cart/lines".to_owned(), PRODUCT),
        (line.action, LINE),
        ("/checkout".to_owned(), STEP),
        ("/checkout/complete".to_owned(), PAY),
        ("/checkout/cancel-payment".to_owned(), STOP),
        (gateway, OUTCOME),
    ];
    let sent = proptest::sample::select(forms)
        .prop_flat_map(|(route, fields)| (Just(route), bodies(fields)));
    let accepted = std::cell::Cell::new(0);
    let browser = std::cell::RefCell::new(browser);
    let config = Config {
        cases: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&sent, |(route, mut body)| {
        if !body.starts_with(b"csrf=") {
            let start = format!("csrf={token}&");
            body.splice(0..0, start.into_bytes());
        }
        let answer = runtime.block_on(browser.borrow_mut().post_raw(&route, body));
        let status = answer.status;
        prop_assert!((300..500).contains(&status), "{route}: {status}");
        accepted.set(accepted.get() + i32::from(status == 303));
        Ok(())
    });
    outcome.unwrap();
    assert!(
        accepted.get() > 100,
        "only {} forms were taken",
        accepted.get()
    );
    runtime.block_on(async {
        app.test.run_jobs().await;
        app.test.assert_clean().await;
    });
}
