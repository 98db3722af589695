//! The life of an order, and the statuses that follow from facts. Pure.

use crate::payments::Sums;

kernel::words! {
    /// What the shop and the buyer agreed.
    pub enum OrderStatus {
        /// Checkout has begun; nothing is agreed.
        Draft = "draft",
        /// Agreed.
        Placed = "placed",
        /// Paid and delivered: nothing left to do.
        Completed = "completed",
        /// Called off.
        Canceled = "canceled",
    }
}

impl OrderStatus {
    /// The whole life of an order, in one table.
    pub const fn can_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Draft, Self::Placed | Self::Canceled)
                | (Self::Placed, Self::Completed | Self::Canceled)
                | (Self::Completed, Self::Placed)
        )
    }
}

kernel::words! {
    /// Where the order's money stands, over all its payments.
    pub enum PaymentStatus {
        /// No money is needed, or none was ever begun.
        None = "none",
        /// Awaited.
        Pending = "pending",
        /// Held.
        Authorized = "authorized",
        /// Some of it was taken.
        PartiallyPaid = "partially_paid",
        /// All of it was taken.
        Paid = "paid",
        /// More than all of it was taken.
        Overpaid = "overpaid",
        /// Some of what was taken was given back.
        PartiallyRefunded = "partially_refunded",
        /// All that was taken was given back.
        Refunded = "refunded",
        /// What was held was let go.
        Voided = "voided",
    }
}

kernel::words! {
    /// How far the goods are.
    pub enum FulfillmentStatus {
        /// Nothing left yet.
        Unfulfilled = "unfulfilled",
        /// Some of it left.
        Partial = "partial",
        /// All of it left.
        Fulfilled = "fulfilled",
        /// Nothing left, and nothing will: the order was called off, or all of it refunded.
        Canceled = "canceled",
    }
}

/// The payment status that follows from what really happened to the money.
pub fn payment_status(total_minor: i64, sums: &Sums) -> PaymentStatus {
    if sums.captured > 0 {
        return if sums.refunded >= sums.captured {
            PaymentStatus::Refunded
        } else if sums.refunded > 0 {
            PaymentStatus::PartiallyRefunded
        } else {
            match sums.captured.cmp(&total_minor) {
                std::cmp::Ordering::Less => PaymentStatus::PartiallyPaid,
                std::cmp::Ordering::Equal => PaymentStatus::Paid,
                std::cmp::Ordering::Greater => PaymentStatus::Overpaid,
            }
        };
    }
    if sums.authorized > sums.voided {
        PaymentStatus::Authorized
    } else if sums.open > 0 {
        PaymentStatus::Pending
    } else if sums.voided > 0 {
        PaymentStatus::Voided
    } else {
        PaymentStatus::None
    }
}

/// The fulfilment status that follows from how many pieces left, of how many that are to leave in all.
pub fn fulfillment_status(status: OrderStatus, ordered: i64, left: i64) -> FulfillmentStatus {
    if left <= 0 {
        return if status == OrderStatus::Canceled || ordered <= 0 {
            FulfillmentStatus::Canceled
        } else {
            FulfillmentStatus::Unfulfilled
        };
    }
    if left < ordered {
        FulfillmentStatus::Partial
    } else {
        FulfillmentStatus::Fulfilled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(authorized: i64, captured: i64, voided: i64, refunded: i64, open: i64) -> Sums {
        Sums {
            authorized,
            captured,
            voided,
            refunded,
            open,
        }
    }

    #[test]
    fn a_canceled_order_never_comes_back() {
        assert!(
            OrderStatus::ALL
                .iter()
                .all(|next| !OrderStatus::Canceled.can_become(*next))
        );
        assert!(!OrderStatus::Placed.can_become(OrderStatus::Draft));
    }

    #[test]
    fn the_payment_status_follows_the_money() {
        for (facts, expected) in [
            (sums(0, 0, 0, 0, 0), PaymentStatus::None),
            (sums(0, 0, 0, 0, 1), PaymentStatus::Pending),
            (sums(100, 0, 0, 0, 0), PaymentStatus::Authorized),
            (sums(100, 0, 100, 0, 0), PaymentStatus::Voided),
            (sums(100, 40, 0, 0, 0), PaymentStatus::PartiallyPaid),
            (sums(100, 100, 0, 0, 0), PaymentStatus::Paid),
            (sums(120, 120, 0, 0, 0), PaymentStatus::Overpaid),
            (sums(100, 100, 0, 30, 0), PaymentStatus::PartiallyRefunded),
            (sums(100, 100, 0, 100, 0), PaymentStatus::Refunded),
        ] {
            assert_eq!(payment_status(100, &facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn the_fulfilment_status_follows_the_goods() {
        assert_eq!(
            fulfillment_status(OrderStatus::Placed, 3, 0),
            FulfillmentStatus::Unfulfilled
        );
        assert_eq!(
            fulfillment_status(OrderStatus::Placed, 3, 2),
            FulfillmentStatus::Partial
        );
        assert_eq!(
            fulfillment_status(OrderStatus::Completed, 3, 3),
            FulfillmentStatus::Fulfilled
        );
        assert_eq!(
            fulfillment_status(OrderStatus::Canceled, 3, 0),
            FulfillmentStatus::Canceled
        );
        assert_eq!(
            fulfillment_status(OrderStatus::Placed, 0, 0),
            FulfillmentStatus::Canceled
        );
    }
}
