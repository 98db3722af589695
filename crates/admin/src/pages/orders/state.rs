//! Where an order stands, as a word with a colour.

use commerce::orders::{FulfillmentStatus, OrderStatus, PaymentStatus};
use serde::Serialize;

/// A state: `orders.state.KEY` is its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::pages) struct StateView {
    kind: &'static str,
    key: &'static str,
}

impl StateView {
    pub(super) const fn new(kind: &'static str, key: &'static str) -> Self {
        Self { kind, key }
    }
}

/// Where the money of an order stands.
pub(in crate::pages) fn money(status: OrderStatus, payment: PaymentStatus) -> StateView {
    let (kind, key) = match payment {
        PaymentStatus::None if status == OrderStatus::Draft => ("plain", "draft"),
        PaymentStatus::None => ("plain", "money_none"),
        PaymentStatus::Pending => ("warning", "money_pending"),
        PaymentStatus::Authorized => ("info", "money_authorized"),
        PaymentStatus::PartiallyPaid => ("warning", "money_partially_paid"),
        PaymentStatus::Paid => ("success", "money_paid"),
        PaymentStatus::Overpaid => ("warning", "money_overpaid"),
        PaymentStatus::PartiallyRefunded => ("plain", "money_partially_refunded"),
        PaymentStatus::Refunded => ("plain", "money_refunded"),
        PaymentStatus::Voided => ("plain", "money_voided"),
    };
    StateView::new(kind, key)
}

/// Where the goods of an order stand; nothing of a draft.
pub(in crate::pages) fn goods(
    status: OrderStatus,
    goods: FulfillmentStatus,
    packed: bool,
) -> Option<StateView> {
    if status == OrderStatus::Draft {
        return None;
    }
    let (kind, key) = match goods {
        FulfillmentStatus::Unfulfilled if packed => ("info", "packed"),
        FulfillmentStatus::Unfulfilled => ("warning", "to_pack"),
        FulfillmentStatus::Partial if packed => ("info", "partial_packed"),
        FulfillmentStatus::Partial => ("warning", "partial"),
        FulfillmentStatus::Fulfilled => ("success", "sent"),
        FulfillmentStatus::Canceled if status == OrderStatus::Canceled => ("plain", "cancelled"),
        FulfillmentStatus::Canceled => ("plain", "not_sent"),
    };
    Some(StateView::new(kind, key))
}
