//! Orders in the states a theme has to show: what `theme check` and the tests render.

use kernel::time::{DAY, HOUR};
use kernel::{Currency, Money, Timestamp};

use super::{
    HappenedView, MethodView, OptionView, OrderLineView, OrderView, ParcelLineView, ParcelView,
    PictureView, PromiseView, QuoteView, StepView, TaxView, TransferView,
};

fn euros(cents: i64) -> Money {
    Currency::EUR.minor(cents)
}

/// Monday 23 November 2026, 10:00 UTC.
const PLACED: Timestamp = Timestamp::from_millis(1_795_428_000_000);

fn line() -> OrderLineView {
    let ground = "#E2B49A".to_owned();
    OrderLineView {
        id: "oli_01k00000000000000000000000".to_owned(),
        name: "Tarn vase, dipped".to_owned(),
        url: Some("/products/tarn-vase".to_owned()),
        picture: Some(PictureView::new(
            "0f",
            (1200, 1500),
            &[320, 480, 640, 800, 1200],
            (ground, "Tarn vase, dipped".to_owned()),
        )),
        options: vec![OptionView {
            name: "Glaze".to_owned(),
            value: "Spruce".to_owned(),
        }],
        unit_price: euros(6_800),
        quantity: 2,
        total: euros(13_600),
        state: "ok",
    }
}

fn step(key: &'static str, state: &'static str, at: Option<Timestamp>) -> StepView {
    StepView { key, state, at }
}

fn paid() -> OrderView {
    OrderView {
        number: "1042".to_owned(),
        placed_at: PLACED,
        fresh: true,
        first_name: Some("Noor".to_owned()),
        email: "noor@example.com".to_owned(),
        state: "placed",
        payment: "paid",
        payment_name: "test".to_owned(),
        delivery: "unfulfilled",
        delivery_method: Some(MethodView {
            name: "PostNL".to_owned(),
            kind: "flat",
        }),
        promise: Some(PromiseView {
            from: PLACED.plus(2 * DAY),
            to: PLACED.plus(3 * DAY),
            order_within: None,
            country: String::new(),
        }),
        address_lines: vec![
            "Noor de Wit".to_owned(),
            "Prinsengracht 1".to_owned(),
            "1015 DK Amsterdam".to_owned(),
        ],
        country: None,
        lines: vec![line()],
        quote: QuoteView {
            item_count: 2,
            subtotal: euros(13_600),
            delivery: Some(euros(0)),
            delivery_name: Some("PostNL".to_owned()),
            delivery_from: None,
            taxes: vec![TaxView {
                name: "VAT".to_owned(),
                rate: "21%".to_owned(),
                amount: euros(2_360),
            }],
            taxes_included: true,
            total: euros(13_600),
        },
        refunded: None,
        steps: vec![
            step("placed", "done", Some(PLACED)),
            step("paid", "done", None),
            step("packing", "current", None),
            step("shipped", "todo", None),
        ],
        transfer: None,
        parcels: Vec::new(),
        timeline: vec![HappenedView {
            at: PLACED,
            text: "Order placed".to_owned(),
        }],
        retry_url: None,
        resume_url: None,
        status_url: "https://shop.example/orders/0123456789".to_owned(),
    }
}

/// Each state with its name.
pub fn orders() -> Vec<(&'static str, OrderView)> {
    let transfer = TransferView {
        amount: euros(13_600),
        account_name: "Wrenfold".to_owned(),
        iban: "NL02ABNA0123456789".to_owned(),
        bic: None,
        reference: "RF18 1042".to_owned(),
        due_at: Some(PLACED.plus(14 * DAY)),
    };
    let parcel = ParcelView {
        carrier: Some("PostNL".to_owned()),
        tracking_number: Some("3STEST123".to_owned()),
        tracking_url: Some("https://carrier.example/3STEST123".to_owned()),
        shipped_at: PLACED.plus(4 * HOUR),
        lines: vec![ParcelLineView {
            name: "Tarn vase, dipped".to_owned(),
            quantity: 1,
        }],
    };
    vec![
        ("paid", paid()),
        (
            "transfer",
            OrderView {
                payment: "awaiting_transfer",
                payment_name: "bank_transfer".to_owned(),
                transfer: Some(transfer),
                ..paid()
            },
        ),
        (
            "unknown",
            OrderView {
                state: "draft",
                payment: "unknown",
                resume_url: Some("/test-gateway/pay".to_owned()),
                promise: None,
                country: Some("NO".to_owned()),
                ..paid()
            },
        ),
        (
            "part_shipped",
            OrderView {
                fresh: false,
                delivery: "part_shipped",
                parcels: vec![parcel],
                refunded: Some(euros(6_800)),
                ..paid()
            },
        ),
        (
            "cancelled",
            OrderView {
                fresh: false,
                state: "cancelled",
                payment: "voided",
                steps: vec![StepView {
                    key: "cancelled",
                    state: "done",
                    at: Some(PLACED.plus(HOUR)),
                }],
                ..paid()
            },
        ),
    ]
}
