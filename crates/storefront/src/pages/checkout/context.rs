//! What `pages/checkout.html` receives.

use kernel::Money;
use serde::Serialize;
use templates::Page;

use crate::pages::cart::sample_quote;
use crate::say::Say;
use crate::views::{self, Field, FormError, Line, PromiseView, QuoteView};

/// `pages/checkout.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CheckoutPage {
    /// The checkout.
    pub checkout: CheckoutView,
    /// What has to be mended.
    pub errors: Vec<FormError>,
}

/// The checkout.
#[derive(Debug, Clone, Serialize)]
pub struct CheckoutView {
    /// `address`, `delivery` or `payment`.
    pub step: &'static str,
    /// Whether anything has to be sent.
    pub delivery_needed: bool,
    /// Who.
    pub contact: ContactView,
    /// Which country.
    pub country: Field,
    /// Where to.
    pub address: ContactView,
    /// The closed sections.
    pub summary: SummaryView,
    /// The ways to deliver.
    pub methods: Vec<MethodView>,
    /// The ways to pay.
    pub payment_methods: Vec<PaymentMethodView>,
    /// The total on this page, sent back with the order.
    pub total_seen_minor: i64,
    /// What is being bought.
    pub lines: Vec<Line>,
    /// What it costs.
    pub quote: QuoteView,
    /// What is not as the shopper last saw it.
    pub changes: Vec<Change>,
    /// Why the last payment came to nothing.
    pub declined: Option<String>,
    /// Whether this bag is being paid at the moment.
    pub in_progress: bool,
}

/// Fields of a section.
#[derive(Debug, Clone, Serialize)]
pub struct ContactView {
    /// The fields.
    pub fields: Vec<Field>,
}

/// What the closed sections say.
#[derive(Debug, Clone, Serialize)]
pub struct SummaryView {
    /// The e-mail address.
    pub email: String,
    /// The address.
    pub address_lines: Vec<String>,
    /// The way to deliver.
    pub delivery: Option<String>,
}

/// A way to deliver.
#[derive(Debug, Clone, Serialize)]
pub struct MethodView {
    /// What is sent.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `flat`, `by_weight` or `pickup`.
    pub kind: &'static str,
    /// What it costs for this bag.
    pub price: Money,
    /// When it arrives.
    pub promise: Option<PromiseView>,
    /// One more line.
    pub note: Option<String>,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A way to pay.
#[derive(Debug, Clone, Serialize)]
pub struct PaymentMethodView {
    /// Its word.
    pub id: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// Something that is not as the shopper last saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `price`, `stock`, `sold_out`, `delivery` or `total`.
    pub kind: &'static str,
    /// Of which product.
    pub name: Option<String>,
    /// How much it was.
    pub was: Option<Money>,
    /// How much it is.
    pub now: Option<Money>,
    /// How many there are.
    pub left: Option<i64>,
}

impl Page for CheckoutPage {
    const TEMPLATE: &'static str = "pages/checkout.html";

    #[expect(
        clippy::too_many_lines,
        reason = "every field of a sample is named once"
    )]
    fn samples() -> Vec<(&'static str, Self)> {
        let address = sample();
        let page = |checkout| Self {
            checkout,
            errors: Vec::new(),
        };
        let error = FormError {
            field: Some("email".to_owned()),
            message: "Enter your e-mail address".to_owned(),
        };
        let euros = |cents| Some(kernel::Currency::EUR.minor(cents));
        let change = |kind, left| Change {
            kind,
            name: Some("Tarn vase".to_owned()),
            was: euros(1),
            now: euros(2),
            left,
        };
        let changed = CheckoutView {
            step: "payment",
            changes: vec![
                change("price", None),
                change("stock", Some(2)),
                change("sold_out", None),
                change("delivery", None),
                change("total", None),
            ],
            ..address.clone()
        };
        let declined = CheckoutView {
            step: "payment",
            declined: Some("Your bank declined this card.".to_owned()),
            in_progress: true,
            payment_methods: Vec::new(),
            ..address.clone()
        };
        let nowhere = CheckoutView {
            step: "delivery",
            methods: Vec::new(),
            ..address.clone()
        };
        vec![
            ("address", page(address.clone())),
            (
                "refused",
                Self {
                    checkout: address.clone(),
                    errors: vec![error],
                },
            ),
            (
                "nothing to send",
                page(CheckoutView {
                    delivery_needed: false,
                    ..address.clone()
                }),
            ),
            (
                "delivery",
                page(CheckoutView {
                    step: "delivery",
                    ..address.clone()
                }),
            ),
            ("delivery nowhere", page(nowhere)),
            (
                "payment",
                page(CheckoutView {
                    step: "payment",
                    ..address
                }),
            ),
            ("changed", page(changed)),
            ("declined", page(declined)),
        ]
    }
}

fn sample() -> CheckoutView {
    let nl = kernel::Country::parse("NL").expect("the Netherlands are a country");
    let us = kernel::Country::parse("US").expect("the United States are a country");
    let templates = templates::Templates::load(templates::Settings::default());
    let words = templates.and_then(|templates| templates.words(&templates::Voice::neutral()));
    let say = Say::new(words.expect("the built-in theme has English words"));
    let typed = kernel::address::AddressInput {
        name: "Noor de Wit".to_owned(),
        ..kernel::address::AddressInput::default()
    };
    let faults = views::address_faults("noor@", &typed, &[nl, us], &say);
    let day = kernel::Timestamp::from_millis(1_795_428_000_000);
    let promise = PromiseView {
        from: day,
        to: day,
        order_within: None,
        country: String::new(),
    };
    let euros = |cents| kernel::Currency::EUR.minor(cents);
    let method = |kind, price, promise, note: Option<&str>| MethodView {
        id: "dlv_01k00000000000000000000000".to_owned(),
        name: "PostNL".to_owned(),
        kind,
        price: euros(price),
        promise,
        note: note.map(str::to_owned),
        chosen: kind == "flat",
    };
    CheckoutView {
        step: "address",
        delivery_needed: true,
        contact: ContactView {
            fields: vec![
                views::email_field("noor@", &faults),
                views::phone_field("", &faults),
            ],
        },
        country: views::country_field(&[nl, us], us, &faults, &say),
        address: ContactView {
            fields: views::address_fields(us, &typed, &faults, &say),
        },
        summary: SummaryView {
            email: "noor@example.com".to_owned(),
            address_lines: vec!["Noor de Wit".to_owned(), "Prinsengracht 1".to_owned()],
            delivery: Some("PostNL".to_owned()),
        },
        methods: vec![
            method("flat", 495, Some(promise.clone()), None),
            method("by_weight", 0, None, Some("By hand")),
            method("pickup", 0, Some(promise), Some("Ring twice")),
            method("pickup", 0, None, None),
        ],
        payment_methods: vec![
            PaymentMethodView {
                id: "test",
                chosen: true,
            },
            PaymentMethodView {
                id: "bank_transfer",
                chosen: false,
            },
        ],
        total_seen_minor: 13_600,
        lines: views::line_samples(),
        quote: sample_quote(),
        changes: Vec::new(),
        declined: None,
        in_progress: false,
    }
}
