//! Does one hot thing so many times: `counts NAME TIMES`. `tools/counts.py` counts the instructions of it.
//!
//! Nothing here reads a clock, a file or a socket while it repeats: the same build does the same instructions anywhere.

use std::hint::black_box;

use kernel::{Country, Currency, Quantity, Rate};
use pricing::{
    CrossBorder, DeliveryInput, DeliveryKind, DeliveryRule, DeliveryTax, LineInput, QuoteInput,
    RoundingPolicy, TaxClass, TaxRates,
};
use storefront::Frame;
use storefront::pages::listing::CategoryPage;
use storefront::pages::product::ProductPage;
use templates::{Page, Settings, Templates, Voice};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().expect("counts NAME TIMES");
    let times = arguments.next().and_then(|times| times.parse().ok());
    let times: u32 = times.expect("counts NAME TIMES");
    match name.as_str() {
        "price_of_a_cart" => price_of_a_cart(times),
        "product_page" => page::<ProductPage>(times),
        "category_page" => page::<CategoryPage>(times),
        "amounts" => amounts(times),
        "form_body" => again(
            times,
            web::fuzzing::form_body,
            b"csrf=ABCDEFGH&product=tarn-vase&option.glaze=ash+grey&option.height=24%20cm&quantity=2",
        ),
        "session_cookie" => again(
            times,
            web::fuzzing::cookies,
            b"theme=dark; __Host-cart=0123456789abcdefghjkmnpqrs; staff=0123456789abcdefghjkmnpqrs",
        ),
        "sealed_text" => again(
            times,
            web::fuzzing::sealed_text,
            br#"{"key":"orders.told.packed","arguments":[["number","1001"]]}"#,
        ),
        "search_words" => again(
            times,
            commerce::fuzzing::query_words,
            "a crème brûlée dish, 24cm, for THE café".as_bytes(),
        ),
        other => panic!("nothing is called {other}"),
    }
}

fn again(times: u32, what: fn(&[u8]), bytes: &[u8]) {
    for _ in 0..times {
        what(black_box(bytes));
    }
}

/// Amounts as they are typed, kept and shown.
fn amounts(times: u32) {
    let english = templates::format::Language::of("en").expect("English is there");
    for _ in 0..times {
        let read = Currency::EUR.from_decimal(black_box("12345.60"));
        let amount = read.expect("an amount");
        black_box(amount.to_decimal());
        black_box(english.money(amount, templates::format::MoneyStyle::default()));
    }
}

/// Eight lines of two tax classes, sent for a fee.
fn price_of_a_cart(times: u32) {
    let netherlands = Country::parse("NL").expect("a country");
    let mut tax_rates = TaxRates::default();
    for (class, points) in [("standard", 2_100), ("books", 900)] {
        let rate = Rate::basis_points(points);
        tax_rates.insert(netherlands, TaxClass::new(class), "btw", rate);
    }
    let line = |number: u32| LineInput {
        key: format!("line {number}"),
        quantity: Quantity::new(number).expect("a quantity"),
        unit_price: Currency::EUR.minor(i64::from(number) * 1_111),
        compare_at: None,
        tax_class: TaxClass::new(if number.is_multiple_of(2) {
            "books"
        } else {
            "standard"
        }),
        weight_grams: 250,
    };
    let input = QuoteInput {
        currency: Currency::EUR,
        prices_include_tax: true,
        rounding: RoundingPolicy::default(),
        home: netherlands,
        destination: netherlands,
        cross_border: CrossBorder::GrossFixed,
        tax_rates,
        lines: (1..=8).map(line).collect(),
        delivery: Some(DeliveryInput {
            rule: DeliveryRule {
                kind: DeliveryKind::Flat {
                    price: Currency::EUR.minor(490),
                },
                free_over: None,
            },
            tax: DeliveryTax::LikeGoods,
        }),
    };
    for _ in 0..times {
        let quote = pricing::quote(black_box(&input));
        black_box(quote.expect("a cart has a price"));
    }
}

/// The fullest sample of a page, in the fullest frame.
fn page<P: Page>(times: u32) {
    let settings = Settings {
        look_every: None,
        ..Settings::default()
    };
    let templates = Templates::load(settings).expect("the default theme is right");
    let (_, sample) = P::samples().into_iter().next().expect("a page has samples");
    let (frame, voice) = (Frame::full_sample(), Voice::neutral());
    // Once before it counts: templates are read when they are first used.
    for _ in 0..=times {
        let html = templates.render(&voice, &frame, black_box(&sample));
        black_box(html.expect("a sample can be drawn"));
    }
}
