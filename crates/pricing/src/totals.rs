//! Whether the parts of a quote or of a stored order add up.

use kernel::{Currency, Money, MoneyError, Quantity};

use crate::quote::Quote;

/// What is stored of an order's sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The order's currency.
    pub currency: Currency,
    /// Its lines.
    pub lines: Vec<PartsLine>,
    /// The sum of the lines.
    pub subtotal: Money,
    /// What delivery costs.
    pub delivery: Money,
    /// The tax on delivery.
    pub delivery_tax: Money,
    /// Whether the price of delivery contains its tax.
    pub delivery_tax_included: bool,
    /// The taxes that come on top of the prices.
    pub tax_added: Money,
    /// The taxes within the prices.
    pub tax_included: Money,
    /// What the buyer pays.
    pub total: Money,
}

/// What is stored of a line's sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartsLine {
    /// The price of one.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
    /// The price of all.
    pub total: Money,
    /// The tax on all.
    pub tax: Money,
    /// Whether the price contains it.
    pub tax_included: bool,
}

/// A stored amount, and how it comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The line at this place (from 0): unit price × quantity.
    Line(usize),
    /// The sum of the lines' totals.
    Subtotal,
    /// The sum of taxes not included.
    TaxAdded,
    /// The sum of taxes included.
    TaxIncluded,
    /// Subtotal + delivery + taxes not included.
    Total,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(place) => write!(f, "line {}", place.saturating_add(1)),
            Self::Subtotal => f.write_str("subtotal"),
            Self::TaxAdded => f.write_str("tax added"),
            Self::TaxIncluded => f.write_str("tax included"),
            Self::Total => f.write_str("total"),
        }
    }
}

/// The first amount that is not what its parts make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another amount is stored.
    #[error("{part}: {stored} is stored, but the parts make {sum}")]
    Differs {
        /// Which amount.
        part: Part,
        /// What is stored.
        stored: Money,
        /// What its parts make.
        sum: Money,
    },
    /// The parts cannot be added up: another currency, or too large.
    #[error("the parts cannot be added up: {0}")]
    Money(#[from] MoneyError),
}

/// Checks every sum of an order, from the lines up.
pub fn totals_add_up(parts: &Parts) -> Result<(), Mismatch> {
    let nothing = parts.currency.zero();
    let (mut subtotal, mut added, mut included) = (nothing, nothing, nothing);
    for (place, line) in parts.lines.iter().enumerate() {
        same(
            Part::Line(place),
            line.total,
            line.unit_price.checked_mul(line.quantity.as_i64())?,
        )?;
        subtotal = subtotal.checked_add(line.total)?;
        let taxes = if line.tax_included {
            &mut included
        } else {
            &mut added
        };
        *taxes = taxes.checked_add(line.tax)?;
    }
    let taxes = if parts.delivery_tax_included {
        &mut included
    } else {
        &mut added
    };
    *taxes = taxes.checked_add(parts.delivery_tax)?;
    same(Part::Subtotal, parts.subtotal, subtotal)?;
    same(Part::TaxAdded, parts.tax_added, added)?;
    same(Part::TaxIncluded, parts.tax_included, included)?;
    same(
        Part::Total,
        parts.total,
        subtotal.checked_add(parts.delivery)?.checked_add(added)?,
    )
}

fn same(part: Part, stored: Money, sum: Money) -> Result<(), Mismatch> {
    if stored == sum {
        Ok(())
    } else {
        Err(Mismatch::Differs { part, stored, sum })
    }
}

impl From<&Quote> for Parts {
    fn from(quote: &Quote) -> Self {
        let nothing = quote.total.currency().zero();
        let line = |line: &crate::QuotedLine| PartsLine {
            unit_price: line.unit_price,
            quantity: line.quantity,
            total: line.line_total,
            tax: line.tax.amount,
            tax_included: line.tax.included,
        };
        Self {
            currency: quote.total.currency(),
            lines: quote.lines.iter().map(line).collect(),
            subtotal: quote.subtotal,
            delivery: quote.delivery_total,
            delivery_tax: quote
                .delivery
                .as_ref()
                .map_or(nothing, |delivery| delivery.tax),
            delivery_tax_included: quote
                .delivery
                .as_ref()
                .is_some_and(|delivery| delivery.tax_included),
            tax_added: quote.tax_added,
            tax_included: quote.tax_included,
            total: quote.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Amount = fn(&mut Parts) -> &mut Money;

    fn order() -> Parts {
        let eur = |minor| Currency::EUR.minor(minor);
        let line = PartsLine {
            unit_price: eur(1_000),
            quantity: Quantity::new(3).unwrap(),
            total: eur(3_000),
            tax: eur(630),
            tax_included: false,
        };
        Parts {
            currency: Currency::EUR,
            lines: vec![line],
            subtotal: eur(3_000),
            delivery: eur(500),
            delivery_tax: eur(105),
            delivery_tax_included: false,
            tax_added: eur(735),
            tax_included: eur(0),
            total: eur(4_235),
        }
    }

    #[test]
    fn a_cent_moved_anywhere_is_found_where_it_was_moved() {
        assert_eq!(totals_add_up(&order()), Ok(()));
        let cent = Currency::EUR.minor(1);
        let moved: [(Amount, Part); 6] = [
            (|order| &mut order.lines[0].total, Part::Line(0)),
            (|order| &mut order.subtotal, Part::Subtotal),
            (|order| &mut order.delivery_tax, Part::TaxAdded),
            (|order| &mut order.tax_included, Part::TaxIncluded),
            (|order| &mut order.delivery, Part::Total),
            (|order| &mut order.total, Part::Total),
        ];
        for (amount, wrong) in moved {
            let mut order = order();
            let amount = amount(&mut order);
            *amount = amount.checked_add(cent).unwrap();
            assert!(
                matches!(totals_add_up(&order), Err(Mismatch::Differs { part, .. }) if part == wrong),
                "{wrong}"
            );
        }
    }
}
