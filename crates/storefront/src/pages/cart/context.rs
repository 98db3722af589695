//! What `pages/cart.html` receives.

use kernel::Money;
use serde::Serialize;
use templates::Page;

use crate::frame::Base;
use crate::views::{self, FormError, Line, Link, PromiseView, QuoteView, TaxView};

/// `pages/cart.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CartPage {
    /// The bag.
    pub cart: CartView,
    /// Why it was not changed.
    pub errors: Vec<FormError>,
    /// Where to go with an empty bag.
    pub popular: Vec<Link>,
}

/// A bag.
#[derive(Debug, Clone, Serialize)]
pub struct CartView {
    /// What is in it.
    pub lines: Vec<Line>,
    /// What it costs.
    pub quote: QuoteView,
    /// Whether anything in it can be bought.
    pub can_check_out: bool,
    /// How far it is to free delivery.
    pub free_delivery: Option<FreeDelivery>,
    /// When it arrives.
    pub promise: Option<PromiseView>,
    /// What was put in just now.
    pub added: Option<String>,
    /// What was taken out just now.
    pub removed: Option<Removed>,
}

/// How far it is to free delivery.
#[derive(Debug, Clone, Serialize)]
pub struct FreeDelivery {
    /// From how much on it is free.
    pub over: Money,
    /// What is missing; nothing, once it is reached.
    pub missing: Money,
    /// How much of the way is done.
    pub percent: i64,
}

/// What was taken out, for the way back.
#[derive(Debug, Clone, Serialize)]
pub struct Removed {
    /// Its name.
    pub name: String,
    /// Which variant.
    pub variant: String,
    /// How many there were.
    pub quantity: u32,
}

impl CartView {
    /// A bag with nothing in it.
    pub(super) fn empty(base: &Base) -> Self {
        let nothing = base.settings().selling.currency.zero();
        let quote = QuoteView {
            item_count: 0,
            subtotal: nothing,
            delivery: None,
            delivery_name: None,
            delivery_from: None,
            taxes: Vec::new(),
            taxes_included: base.settings().selling.prices_include_tax,
            total: nothing,
        };
        Self {
            lines: Vec::new(),
            quote,
            can_check_out: false,
            free_delivery: None,
            promise: None,
            added: None,
            removed: None,
        }
    }
}

/// A quote as bag and checkout show it.
pub(crate) fn sample_quote() -> QuoteView {
    let euros = |cents| kernel::Currency::EUR.minor(cents);
    QuoteView {
        item_count: 2,
        subtotal: euros(13_600),
        delivery: None,
        delivery_name: None,
        delivery_from: Some(euros(495)),
        taxes: vec![TaxView {
            name: "VAT".to_owned(),
            rate: "21%".to_owned(),
            amount: euros(2_360),
        }],
        taxes_included: true,
        total: euros(13_600),
    }
}

impl Page for CartPage {
    const TEMPLATE: &'static str = "pages/cart.html";

    #[expect(
        clippy::too_many_lines,
        reason = "every field of a sample is named once"
    )]
    fn samples() -> Vec<(&'static str, Self)> {
        let euros = |cents| kernel::Currency::EUR.minor(cents);
        let day = kernel::Timestamp::from_millis(1_795_428_000_000);
        let full = CartView {
            lines: views::line_samples(),
            quote: sample_quote(),
            can_check_out: true,
            free_delivery: Some(FreeDelivery {
                over: euros(15_000),
                missing: euros(1_400),
                percent: 90,
            }),
            promise: Some(PromiseView {
                from: day,
                to: day,
                order_within: None,
                country: String::new(),
            }),
            added: Some("Tarn vase".to_owned()),
            removed: Some(Removed {
                name: "Oat tumbler".to_owned(),
                variant: "var_01k00000000000000000000000".to_owned(),
                quantity: 2,
            }),
        };
        let reached = CartView {
            free_delivery: Some(FreeDelivery {
                over: euros(7_500),
                missing: euros(0),
                percent: 100,
            }),
            quote: QuoteView {
                taxes_included: false,
                ..sample_quote()
            },
            can_check_out: false,
            promise: None,
            ..full.clone()
        };
        let empty = CartView {
            lines: Vec::new(),
            free_delivery: None,
            added: None,
            removed: None,
            ..reached.clone()
        };
        let error = FormError {
            field: None,
            message: "The bag is full.".to_owned(),
        };
        let link = Link {
            name: "Vases".to_owned(),
            url: "/c/vases".to_owned(),
        };
        vec![
            (
                "full",
                Self {
                    cart: full,
                    errors: Vec::new(),
                    popular: vec![link.clone()],
                },
            ),
            (
                "refused",
                Self {
                    cart: reached,
                    errors: vec![error],
                    popular: Vec::new(),
                },
            ),
            (
                "empty",
                Self {
                    cart: empty.clone(),
                    errors: Vec::new(),
                    popular: vec![link],
                },
            ),
            (
                "empty shop",
                Self {
                    cart: empty,
                    errors: Vec::new(),
                    popular: Vec::new(),
                },
            ),
        ]
    }
}
