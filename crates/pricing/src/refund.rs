//! What is given back, to the cent: from what was stored when the order was placed, never from today's prices.
//!
//! What has been refunded depends only on how many pieces have gone back altogether, not on the steps: the last piece
//! takes what the others left over.

use kernel::{Money, MoneyError, Quantity};

/// An order line as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineToRefund {
    /// The price of all pieces.
    pub total: Money,
    /// The tax on all pieces.
    pub tax: Money,
    /// Whether the price contains it.
    pub tax_included: bool,
    /// How many pieces were bought.
    pub quantity: Quantity,
    /// How many pieces were refunded before.
    pub refunded_quantity: u32,
    /// What the buyer got back for them, taxes and all.
    pub refunded: Money,
    /// The tax within that.
    pub refunded_tax: Money,
}

/// What a buyer gets back for pieces of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRefund {
    /// What the buyer gets back, taxes and all.
    pub amount: Money,
    /// The tax within that.
    pub tax: Money,
}

/// A delivery as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryToRefund {
    /// Its price.
    pub price: Money,
    /// The tax on it.
    pub tax: Money,
    /// Whether the price contains it.
    pub tax_included: bool,
    /// How much of the price was refunded before.
    pub refunded: Money,
}

/// What a buyer gets back for delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryRefund {
    /// How much of the price: what adds to [`DeliveryToRefund::refunded`].
    pub price: Money,
    /// The tax on that much.
    pub tax: Money,
    /// What the buyer gets back: the price, and the tax where it came on top.
    pub amount: Money,
}

/// Why nothing is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// More pieces than are left to refund.
    #[error("only {left} left to refund")]
    TooMany {
        /// Pieces not refunded yet.
        left: u32,
    },
    /// More of the delivery than is left to refund.
    #[error("only {left} of the delivery is left to refund")]
    TooMuch {
        /// What is not refunded yet.
        left: Money,
    },
    /// Zero or less.
    #[error("enter an amount above zero")]
    Nothing,
    /// Stored amounts of two currencies, or too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What the buyer gets back for this many more pieces.
pub fn refund_line(line: &LineToRefund, quantity: Quantity) -> Result<LineRefund, RefundError> {
    let left = line.quantity.get().saturating_sub(line.refunded_quantity);
    if quantity.get() > left {
        return Err(RefundError::TooMany { left });
    }
    let back = i64::from(line.refunded_quantity.saturating_add(quantity.get()));
    let kept = i64::from(left.saturating_sub(quantity.get()));
    let tax_so_far = share(line.tax, back, kept)?;
    let mut so_far = share(line.total, back, kept)?;
    if !line.tax_included {
        so_far = so_far.checked_add(tax_so_far)?;
    }
    Ok(LineRefund {
        amount: what_is_new(so_far, line.refunded)?,
        tax: what_is_new(tax_so_far, line.refunded_tax)?,
    })
}

/// What the buyer gets back for this much of the delivery's price.
pub fn refund_delivery(
    delivery: &DeliveryToRefund,
    price: Money,
) -> Result<DeliveryRefund, RefundError> {
    let left = delivery.price.checked_sub(delivery.refunded)?;
    let kept = left.checked_sub(price)?;
    if kept.is_negative() {
        return Err(RefundError::TooMuch { left });
    }
    if price.is_zero() || price.is_negative() {
        return Err(RefundError::Nothing);
    }
    let before = share(delivery.tax, delivery.refunded.minor(), left.minor())?;
    let after = share(
        delivery.tax,
        delivery.refunded.checked_add(price)?.minor(),
        kept.minor(),
    )?;
    let tax = after.checked_sub(before)?;
    let amount = if delivery.tax_included {
        price
    } else {
        price.checked_add(tax)?
    };
    Ok(DeliveryRefund { price, tax, amount })
}

/// The part of an amount that belongs to what goes back, beside what is kept.
fn share(amount: Money, back: i64, kept: i64) -> Result<Money, MoneyError> {
    let parts = amount.allocate(&[back, kept])?;
    parts.first().copied().ok_or(MoneyError::NoWeights)
}

/// What is due beyond what was given; nothing if more was given already.
fn what_is_new(due: Money, given: Money) -> Result<Money, MoneyError> {
    let new = due.checked_sub(given)?;
    Ok(if new.is_negative() {
        new.currency().zero()
    } else {
        new
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Currency;
    use proptest::prelude::*;

    fn eur(minor: i64) -> Money {
        Currency::EUR.minor(minor)
    }

    fn pieces(count: u32) -> Quantity {
        Quantity::new(count).unwrap()
    }

    fn line(total: i64, tax: i64, tax_included: bool, quantity: u32) -> LineToRefund {
        LineToRefund {
            total: eur(total),
            tax: eur(tax),
            tax_included,
            quantity: pieces(quantity),
            refunded_quantity: 0,
            refunded: eur(0),
            refunded_tax: eur(0),
        }
    }

    fn after(line: &LineToRefund, count: u32, refund: LineRefund) -> LineToRefund {
        LineToRefund {
            refunded_quantity: line.refunded_quantity + count,
            refunded: line.refunded.checked_add(refund.amount).unwrap(),
            refunded_tax: line.refunded_tax.checked_add(refund.tax).unwrap(),
            ..*line
        }
    }

    #[test]
    fn three_pieces_with_a_tax_that_does_not_divide_give_it_all_back_one_by_one() {
        let mut line = line(3_000, 100, false, 3);
        let mut given = Vec::new();
        for _ in 0..3 {
            let refund = refund_line(&line, pieces(1)).unwrap();
            given.push((refund.amount.minor(), refund.tax.minor()));
            line = after(&line, 1, refund);
        }
        assert_eq!(given, [(1_033, 33), (1_034, 34), (1_033, 33)]);
        assert_eq!(
            refund_line(&line, pieces(1)),
            Err(RefundError::TooMany { left: 0 })
        );
    }

    #[test]
    fn a_full_refund_is_exactly_what_was_paid_and_never_a_cent_above() {
        let refund = refund_line(&line(105_300, 5_792, false, 65), pieces(65)).unwrap();
        assert_eq!(
            refund,
            LineRefund {
                amount: eur(111_092),
                tax: eur(5_792)
            }
        );
        let refund = refund_line(&line(1_999, 347, true, 1), pieces(1)).unwrap();
        assert_eq!(
            refund,
            LineRefund {
                amount: eur(1_999),
                tax: eur(347)
            }
        );
    }

    #[test]
    fn what_was_given_too_much_before_is_not_given_again() {
        let mut line = line(3_000, 0, true, 3);
        line.refunded_quantity = 1;
        line.refunded = eur(2_500);
        assert_eq!(refund_line(&line, pieces(1)).unwrap().amount, eur(0));
        assert_eq!(refund_line(&line, pieces(2)).unwrap().amount, eur(500));
    }

    #[test]
    fn delivery_goes_back_in_parts_with_its_share_of_tax_and_no_further() {
        let mut delivery = DeliveryToRefund {
            price: eur(500),
            tax: eur(105),
            tax_included: false,
            refunded: eur(0),
        };
        let first = refund_delivery(&delivery, eur(333)).unwrap();
        assert_eq!(
            first,
            DeliveryRefund {
                price: eur(333),
                tax: eur(70),
                amount: eur(403)
            }
        );
        delivery.refunded = first.price;
        assert_eq!(
            refund_delivery(&delivery, eur(168)),
            Err(RefundError::TooMuch { left: eur(167) })
        );
        assert_eq!(
            refund_delivery(&delivery, eur(0)),
            Err(RefundError::Nothing)
        );
        let last = refund_delivery(&delivery, eur(167)).unwrap();
        assert_eq!(
            last,
            DeliveryRefund {
                price: eur(167),
                tax: eur(35),
                amount: eur(202)
            }
        );
    }

    #[test]
    fn free_delivery_has_nothing_to_give_back() {
        let delivery = DeliveryToRefund {
            price: eur(0),
            tax: eur(0),
            tax_included: true,
            refunded: eur(0),
        };
        assert_eq!(
            refund_delivery(&delivery, eur(1)),
            Err(RefundError::TooMuch { left: eur(0) })
        );
        assert_eq!(
            refund_delivery(&delivery, eur(0)),
            Err(RefundError::Nothing)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn any_steps_of_refunds_stay_below_the_line_and_together_are_exactly_it(
            unit in 0_i64..10_000_000, quantity in 1_u32..=9_999, bps in 0_i64..10_000, tax_included in any::<bool>(),
            steps in prop::collection::vec(1_u32..5_000, 0..12),
        ) {
            let total = unit * i64::from(quantity);
            let tax = if tax_included { total * bps / (10_000 + bps) } else { total * bps / 10_000 };
            let paid = if tax_included { total } else { total + tax };
            let mut now = line(total, tax, tax_included, quantity);
            let whole = refund_line(&now, pieces(quantity)).unwrap();
            prop_assert_eq!(whole, LineRefund { amount: eur(paid), tax: eur(tax) });
            for step in steps.into_iter().chain([quantity]) {
                let left = quantity - now.refunded_quantity;
                let step = step.min(left);
                if step == 0 { break; }
                prop_assert_eq!(refund_line(&now, Quantity::new(left + 1).unwrap_or(pieces(9_999))).is_err(), left < 9_999);
                let refund = refund_line(&now, pieces(step)).unwrap();
                prop_assert!(!refund.amount.is_negative() && !refund.tax.is_negative());
                prop_assert!(refund.tax.minor() <= refund.amount.minor());
                // No piece is ever a whole unit away from its exact share.
                let exact = i128::from(paid) * i128::from(step);
                prop_assert!((i128::from(refund.amount.minor()) * i128::from(quantity) - exact).abs() <= i128::from(quantity));
                now = after(&now, step, refund);
                prop_assert!(now.refunded.minor() <= paid);
            }
            prop_assert_eq!((now.refunded.minor(), now.refunded_tax.minor()), (paid, tax));
        }

        #[test]
        fn any_steps_of_delivery_refunds_together_are_exactly_the_delivery(
            price in 1_i64..1_000_000, bps in 0_i64..10_000, tax_included in any::<bool>(), steps in prop::collection::vec(1_i64..500_000, 0..8),
        ) {
            let tax = if tax_included { price * bps / (10_000 + bps) } else { price * bps / 10_000 };
            let mut delivery = DeliveryToRefund { price: eur(price), tax: eur(tax), tax_included, refunded: eur(0) };
            let (mut given, mut given_tax) = (0, 0);
            for step in steps.into_iter().chain([price]) {
                let step = step.min(price - delivery.refunded.minor());
                if step == 0 { break; }
                let refund = refund_delivery(&delivery, eur(step)).unwrap();
                prop_assert!(!refund.tax.is_negative());
                delivery.refunded = delivery.refunded.checked_add(refund.price).unwrap();
                given += refund.amount.minor();
                given_tax += refund.tax.minor();
            }
            prop_assert_eq!((given, given_tax), (if tax_included { price } else { price + tax }, tax));
        }

        #[test]
        fn nothing_stored_makes_a_refund_panic(
            total in any::<i64>(), tax in any::<i64>(), refunded in any::<i64>(), done in any::<u32>(), quantity in 1_u32..=9_999, tax_included in any::<bool>(),
        ) {
            let stored = LineToRefund { refunded_quantity: done, refunded: eur(refunded), refunded_tax: eur(refunded), ..line(total, tax, tax_included, 9_999) };
            if let Ok(refund) = refund_line(&stored, pieces(quantity)) { prop_assert!(!refund.amount.is_negative()); }
            let delivery = DeliveryToRefund { price: eur(total), tax: eur(tax), tax_included, refunded: eur(refunded) };
            if let Ok(refund) = refund_delivery(&delivery, eur(i64::from(quantity))) { prop_assert_eq!(refund.price, eur(i64::from(quantity))); }
        }
    }
}
