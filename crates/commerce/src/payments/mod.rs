//! The ledger of money: one payment is one conversation with one gateway about one order.
//!
//! # Invariants
//! - `payment_events` only grows, and a row's status settles once; balances are sums of it, kept beside it for the guards.
//! - `0 <= refunded <= captured <= authorized`, at every commit. The database refuses anything else.
//! - An event has a key; the same key twice is one event.
//! - Nothing here talks to a gateway: that happens in operations, with no transaction open.

mod store;
#[cfg(test)]
mod tests;

use kernel::{Money, OrderId, PaymentEventId, PaymentId, Timestamp};

pub(crate) use store::{
    Begun, NewMove, NewPayment, begin_move, fail, finish_move, first_notice, insert, lock,
    note_action, pending_moves, record_authorized, record_received, refundable, set_status,
};
pub use store::{events_of, find, find_event, of_order, settled_sums};

kernel::words! {
    /// Where the conversation stands.
    pub enum SessionStatus {
        /// Written down; the gateway may not have heard of it yet.
        Created = "created",
        /// The buyer has to do something on the gateway's page.
        RequiresAction = "requires_action",
        /// The gateway knows and has not decided; or the buyer transfers the money later.
        Processing = "processing",
        /// The gateway's word does not fit what was asked: a person must look. Nothing is released on it.
        NeedsReview = "needs_review",
        /// The money is held for the shop.
        Authorized = "authorized",
        /// The money was taken.
        Captured = "captured",
        /// Declined.
        Failed = "failed",
        /// Ended by the shopper or the shop before it came to money.
        Canceled = "canceled",
        /// Nobody finished it in time.
        Expired = "expired",
    }
}

impl SessionStatus {
    /// Whether the gateway may still say yes to what was begun.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Created | Self::RequiresAction | Self::Processing
        )
    }

    /// The whole life of a payment, in one table.
    pub const fn can_become(self, next: Self) -> bool {
        match self {
            Self::Created | Self::RequiresAction | Self::Processing => {
                !matches!(next, Self::Created)
            }
            // Money can arrive after we had given up on it.
            Self::Failed | Self::Canceled | Self::Expired => {
                matches!(next, Self::Authorized | Self::Captured | Self::NeedsReview)
            }
            Self::NeedsReview => matches!(next, Self::Authorized | Self::Canceled),
            Self::Authorized => matches!(next, Self::Captured | Self::Canceled),
            Self::Captured => false,
        }
    }
}

kernel::words! {
    /// What happened to the money.
    pub enum EventKind {
        /// Held for the shop.
        Authorize = "authorize",
        /// Taken.
        Capture = "capture",
        /// Let go of without taking it.
        Void = "void",
        /// Given back.
        Refund = "refund",
    }
}

kernel::words! {
    /// Whether it really happened.
    pub enum EventStatus {
        /// The gateway was asked and has not answered.
        Pending = "pending",
        /// It happened.
        Succeeded = "succeeded",
        /// It did not.
        Failed = "failed",
    }
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id, also the key towards the gateway.
    pub id: PaymentId,
    /// What it pays.
    pub order_id: OrderId,
    /// The gateway's code.
    pub gateway: String,
    /// Where it stands.
    pub status: SessionStatus,
    /// What the gateway is asked for.
    pub amount: Money,
    /// Held for the shop, voided amounts taken off.
    pub authorized: Money,
    /// Taken, or being taken.
    pub captured: Money,
    /// Given back, or being given back.
    pub refunded: Money,
    /// The gateway's own name for it.
    pub gateway_ref: Option<String>,
    /// The gateway's page, while the buyer has to go there.
    pub action_url: Option<String>,
    /// Why it failed, in words for the buyer.
    pub failure: Option<String>,
    /// Whether real money moves.
    pub live: bool,
    /// When it began.
    pub created_at: Timestamp,
}

/// A fact in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    /// Its id.
    pub id: PaymentEventId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// What happened.
    pub kind: EventKind,
    /// Whether it did.
    pub status: EventStatus,
    /// How much.
    pub amount: Money,
    /// One effect, one key.
    pub effect_key: String,
    /// What belongs to it: a reference, a reason.
    pub detail: String,
    /// When it was begun.
    pub at: Timestamp,
}

/// What has really happened to an order's money, over all its payments, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Held, including what was voided later.
    pub authorized: i64,
    /// Taken.
    pub captured: i64,
    /// Let go.
    pub voided: i64,
    /// Given back.
    pub refunded: i64,
    /// Payments that may still succeed.
    pub open: i64,
}
