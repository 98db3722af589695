//! What happened in the shop, in the past tense. What follows from it is in `reactions`.

use db::{DbError, Tx};
use jobs::NewJob;
use kernel::{FulfillmentId, OrderId, PaymentId, RefundId};
use serde::{Deserialize, Serialize};

use crate::shop::Act;

/// The kind of job that carries an event to its reactions. Never changes once released.
pub const REACT: &str = "events.react";

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A cart became an order.
    OrderPlaced {
        /// Which order.
        order_id: OrderId,
        /// The payment whose money is held for it; none if it is free or paid later.
        payment_id: Option<PaymentId>,
    },
    /// An order was called off.
    OrderCanceled {
        /// Which order.
        order_id: OrderId,
    },
    /// Money was taken.
    PaymentCaptured {
        /// Of which order.
        order_id: OrderId,
        /// By which payment.
        payment_id: PaymentId,
    },
    /// Money was given back.
    RefundSucceeded {
        /// Of which order.
        order_id: OrderId,
        /// Which refund.
        refund_id: RefundId,
    },
    /// Part of an order left.
    OrderShipped {
        /// Of which order.
        order_id: OrderId,
        /// Which part.
        fulfillment_id: FulfillmentId,
    },
}

/// Writes an event down in the transaction of the fact it tells. Its reactions run after the commit, at least once.
pub fn emit(tx: &mut Tx<'_>, act: &Act, event: &Event) -> Result<(), DbError> {
    jobs::enqueue(tx, act.now, &NewJob::new(REACT, event))?;
    Ok(())
}
