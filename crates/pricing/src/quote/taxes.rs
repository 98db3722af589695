//! Gathers the taxes of a quote, and splits delivery over them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kernel::{Money, MoneyError, Rate};

use super::QuotedLine;
use crate::tax::{Tax, TaxLine, TaxRule};

/// The price of delivery split over the taxes of the goods, in proportion to what the goods cost; in proportion to the
/// pieces where the goods cost nothing.
pub(super) fn shares_like_goods(
    lines: &[QuotedLine],
    price: Money,
) -> Result<Vec<(TaxRule, Money)>, MoneyError> {
    let by_worth = lines.iter().any(|line| !line.line_total.is_zero());
    let mut goods: BTreeMap<TaxRule, i64> = BTreeMap::new();
    for line in lines {
        let worth = if by_worth {
            line.line_total.minor()
        } else {
            line.quantity.as_i64()
        };
        let sum = goods
            .entry(TaxRule {
                name: line.tax.name.clone(),
                rate: line.tax.rate,
            })
            .or_default();
        *sum = sum.checked_add(worth).ok_or(MoneyError::Overflow)?;
    }
    let weights: Vec<i64> = goods.values().copied().collect();
    Ok(goods.into_keys().zip(price.allocate(&weights)?).collect())
}

/// Amounts gathered by tax. Ordered, so that the order of lines does not show.
#[derive(Default)]
pub(super) struct TaxTable(BTreeMap<(Reverse<Rate>, String), TaxLine>);

impl TaxTable {
    pub(super) fn add(&mut self, tax: Tax, price: Money) -> Result<(), MoneyError> {
        let collected = tax.rate != Rate::ZERO || !tax.name.is_empty();
        if !collected {
            return Ok(());
        }
        let taxable = if tax.included {
            price.checked_sub(tax.amount)?
        } else {
            price
        };
        self.merge(&[TaxLine {
            name: tax.name,
            rate: tax.rate,
            taxable,
            tax: tax.amount,
            included: tax.included,
        }])
    }

    pub(super) fn merge(&mut self, lines: &[TaxLine]) -> Result<(), MoneyError> {
        for line in lines {
            match self.0.entry((Reverse(line.rate), line.name.clone())) {
                Entry::Vacant(entry) => {
                    entry.insert(line.clone());
                }
                Entry::Occupied(mut entry) => {
                    let sum = entry.get_mut();
                    sum.taxable = sum.taxable.checked_add(line.taxable)?;
                    sum.tax = sum.tax.checked_add(line.tax)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn into_lines(self) -> Vec<TaxLine> {
        self.0.into_values().collect()
    }
}
