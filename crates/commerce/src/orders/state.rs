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

kernel::words! {
    /// What is to be done with an order next: the list it stands in.
    pub enum OrderQueue {
        /// Money is awaited, or held for what has left already: have it paid, or take it.
        ToPay = "to_pay",
        /// Its money is there, or none is needed: send what has not left yet.
        ToPack = "to_pack",
        /// As before, and all that has not left yet is in its parcel: hand it over.
        ToShip = "to_ship",
        /// All of it left, and its money is there.
        Shipped = "shipped",
        /// Called off, or all of it refunded before anything left.
        Canceled = "canceled",
    }
}

/// Where an order stands for those who work through it; a draft stands nowhere.
pub fn queue(
    status: OrderStatus,
    (payment, fulfillment): (PaymentStatus, FulfillmentStatus),
    total_minor: i64,
    packed: bool,
) -> Option<OrderQueue> {
    use PaymentStatus as P;
    match (status, fulfillment) {
        (OrderStatus::Draft, _) => return None,
        (OrderStatus::Canceled, _) | (_, FulfillmentStatus::Canceled) => {
            return Some(OrderQueue::Canceled);
        }
        (OrderStatus::Placed | OrderStatus::Completed, _) => {}
    }
    let has_left = fulfillment == FulfillmentStatus::Fulfilled;
    let is_settled = match payment {
        P::Paid | P::Overpaid | P::PartiallyRefunded => true,
        // Held is enough to send it, and not enough to be done with it.
        P::Authorized => !has_left,
        P::Refunded => has_left,
        P::None => total_minor == 0,
        P::Pending | P::PartiallyPaid | P::Voided => false,
    };
    Some(match (is_settled, has_left) {
        (false, _) => OrderQueue::ToPay,
        (true, false) if packed => OrderQueue::ToShip,
        (true, false) => OrderQueue::ToPack,
        (true, true) => OrderQueue::Shipped,
    })
}

/// What an order counts for in sales: its total less what was given back. Nothing while it is a draft or called off.
pub fn net(status: OrderStatus, total_minor: i64, given_back_minor: i64) -> Option<i64> {
    match status {
        OrderStatus::Draft | OrderStatus::Canceled => None,
        OrderStatus::Placed | OrderStatus::Completed => {
            Some(total_minor.saturating_sub(given_back_minor))
        }
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
    fn an_order_stands_where_its_next_step_is_taken() {
        use FulfillmentStatus as F;
        use PaymentStatus as P;
        let of = |status, payment, goods| queue(status, (payment, goods), 100, false);
        for (payment, before, after) in [
            (P::None, OrderQueue::ToPay, OrderQueue::ToPay),
            (P::Pending, OrderQueue::ToPay, OrderQueue::ToPay),
            (P::Authorized, OrderQueue::ToPack, OrderQueue::ToPay),
            (P::PartiallyPaid, OrderQueue::ToPay, OrderQueue::ToPay),
            (P::Paid, OrderQueue::ToPack, OrderQueue::Shipped),
            (P::Overpaid, OrderQueue::ToPack, OrderQueue::Shipped),
            (
                P::PartiallyRefunded,
                OrderQueue::ToPack,
                OrderQueue::Shipped,
            ),
            (P::Refunded, OrderQueue::ToPay, OrderQueue::Shipped),
            (P::Voided, OrderQueue::ToPay, OrderQueue::ToPay),
        ] {
            for goods in [F::Unfulfilled, F::Partial] {
                let found = of(OrderStatus::Placed, payment, goods);
                assert_eq!(found, Some(before), "{payment} {goods}");
            }
            let found = of(OrderStatus::Completed, payment, F::Fulfilled);
            assert_eq!(found, Some(after), "{payment}, all of it left");
            let found = of(OrderStatus::Canceled, payment, F::Canceled);
            assert_eq!(found, Some(OrderQueue::Canceled));
            let found = of(OrderStatus::Completed, payment, F::Canceled);
            assert_eq!(found, Some(OrderQueue::Canceled));
            assert_eq!(of(OrderStatus::Draft, payment, F::Unfulfilled), None);
        }
        let free = queue(OrderStatus::Placed, (P::None, F::Unfulfilled), 0, false);
        assert_eq!(free, Some(OrderQueue::ToPack));
        let packed = |payment, goods| queue(OrderStatus::Placed, (payment, goods), 100, true);
        assert_eq!(packed(P::Paid, F::Unfulfilled), Some(OrderQueue::ToShip));
        assert_eq!(packed(P::Pending, F::Unfulfilled), Some(OrderQueue::ToPay));
    }

    #[test]
    fn what_was_given_back_is_no_sale() {
        assert_eq!(net(OrderStatus::Placed, 100, 0), Some(100));
        assert_eq!(net(OrderStatus::Completed, 100, 30), Some(70));
        assert_eq!(net(OrderStatus::Canceled, 100, 0), None);
        assert_eq!(net(OrderStatus::Draft, 100, 0), None);
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
