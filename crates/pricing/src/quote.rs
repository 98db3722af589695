//! From lines and rules to a quote: what is paid, for what, with which tax, and why.

use std::collections::BTreeSet;

use kernel::{Country, Currency, Money, MoneyError, Quantity, Rate, Rounding};
use serde::{Deserialize, Serialize};

use crate::delivery::{DeliveryReason, DeliveryRule, NoRate, delivery_price};
use crate::tax::{CrossBorder, DeliveryTax, Tax, TaxClass, TaxLine, TaxRates, TaxRule};

mod taxes;

use taxes::{TaxTable, shares_like_goods};

kernel::words! {
    /// Where a tax is rounded.
    #[derive(Default)]
    pub enum RoundPer {
        /// Once for all pieces of a line.
        #[default]
        Line = "line",
    }
}

/// How this order rounds. Kept with it: what follows years later rounds the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundingPolicy {
    /// Which way.
    pub rounding: Rounding,
    /// Where.
    pub per: RoundPer,
}

/// What there is to quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteInput {
    /// The currency of every amount here.
    pub currency: Currency,
    /// Whether prices contain their tax.
    pub prices_include_tax: bool,
    /// How to round.
    pub rounding: RoundingPolicy,
    /// Where the shop is at home: the tax its prices contain.
    pub home: Country,
    /// Where the goods go; for a pick-up, where they are fetched.
    pub destination: Country,
    /// What a price with tax means where the destination's rate differs from home's.
    pub cross_border: CrossBorder,
    /// The rates of at least these two countries.
    pub tax_rates: TaxRates,
    /// What is bought.
    pub lines: Vec<LineInput>,
    /// How it gets there; `None` as long as that is open.
    pub delivery: Option<DeliveryInput>,
}

/// Pieces of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineInput {
    /// What the caller knows the line by; it comes back in errors and in the quote.
    pub key: String,
    /// How many.
    pub quantity: Quantity,
    /// What one costs.
    pub unit_price: Money,
    /// What one cost before the price was reduced.
    pub compare_at: Option<Money>,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// What one weighs.
    pub weight_grams: i64,
}

/// The way chosen to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryInput {
    /// What it costs. The price was set for its zone: it is never changed for another country's tax.
    pub rule: DeliveryRule,
    /// How it is taxed.
    pub tax: DeliveryTax,
}

/// What the buyer pays, for what, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// The lines, in the order they came in.
    pub lines: Vec<QuotedLine>,
    /// The delivery, where one was chosen.
    pub delivery: Option<QuotedDelivery>,
    /// The sum of the lines.
    pub subtotal: Money,
    /// What delivery costs; zero where none was chosen.
    pub delivery_total: Money,
    /// Every tax once, the highest rate first.
    pub tax_lines: Vec<TaxLine>,
    /// The taxes within the prices.
    pub tax_included: Money,
    /// The taxes on top of the prices.
    pub tax_added: Money,
    /// What the buyer pays: subtotal + delivery + taxes on top.
    pub total: Money,
    /// Why the amounts are what they are.
    pub reasons: Vec<Reason>,
}

/// A line with its amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotedLine {
    /// What the caller knows the line by.
    pub key: String,
    /// How many.
    pub quantity: Quantity,
    /// What one costs this buyer.
    pub unit_price: Money,
    /// What one cost before, if that was more.
    pub compare_at: Option<Money>,
    /// Unit price × quantity.
    pub line_total: Money,
    /// The tax on all of it.
    pub tax: Tax,
}

/// A delivery with its amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotedDelivery {
    /// What it costs.
    pub price: Money,
    /// The taxes on it; more than one where it is taxed like goods of different rates.
    pub taxes: Vec<TaxLine>,
    /// Their sum.
    pub tax: Money,
    /// Whether the price contains them.
    pub tax_included: bool,
    /// Why it costs this.
    pub reason: DeliveryReason,
}

/// Why an amount is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// Goods of this class carry this tax of the destination.
    Taxed {
        /// The destination.
        country: Country,
        /// The class.
        class: TaxClass,
        /// The tax.
        name: String,
        /// How much of it.
        rate: Rate,
    },
    /// The shop collects no tax on this class there: an export, or goods without tax.
    NotTaxed {
        /// The destination.
        country: Country,
        /// The class.
        class: TaxClass,
    },
    /// The rate differs from home's, and the price stays as shown.
    SamePriceAbroad {
        /// The class.
        class: TaxClass,
        /// The rate the price was made with.
        home_rate: Rate,
        /// The rate it contains now.
        destination_rate: Rate,
    },
    /// The rate differs from home's, and the price changed so that the shop keeps the same.
    SameNetAbroad {
        /// The class.
        class: TaxClass,
        /// The rate the price was made with.
        home_rate: Rate,
        /// The rate it contains now.
        destination_rate: Rate,
    },
    /// Delivery is taxed in proportion to the goods.
    DeliveryTaxedLikeGoods,
    /// Delivery is taxed as this class.
    DeliveryTaxedAs {
        /// The class.
        class: TaxClass,
    },
}

/// Why there is no quote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// An amount does not fit into 64 bits of minor units.
    #[error("the amounts are too large")]
    Overflow,
    /// A price or weight below zero.
    #[error("line {key} has a price or weight below zero")]
    Negative {
        /// The line.
        key: String,
    },
    /// A price of delivery below zero.
    #[error("the price of delivery is below zero")]
    NegativeDelivery,
    /// Amounts of two currencies.
    #[error("cannot combine {0} with {1}")]
    MixedCurrencies(Currency, Currency),
    /// Delivery was chosen for nothing.
    #[error("there is nothing to deliver")]
    NothingToDeliver,
    /// The chosen delivery does not carry this.
    #[error("the parcel weighs more than the {heaviest_grams} g this delivery carries")]
    TooHeavy {
        /// The most it carries.
        heaviest_grams: i64,
    },
}

impl From<MoneyError> for QuoteError {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::CurrencyMismatch(one, other) => Self::MixedCurrencies(one, other),
            // Amounts are split over weights that were checked, in currencies that were parsed: only size is left.
            MoneyError::Overflow
            | MoneyError::NoWeights
            | MoneyError::UnknownCurrency
            | MoneyError::NotAnAmount => Self::Overflow,
        }
    }
}

impl From<NoRate> for QuoteError {
    fn from(error: NoRate) -> Self {
        match error {
            NoRate::TooHeavy { heaviest_grams } => Self::TooHeavy { heaviest_grams },
            NoRate::Money(error) => error.into(),
        }
    }
}

/// Quotes what is wanted. The same input always gives the same quote.
pub fn quote(input: &QuoteInput) -> Result<Quote, QuoteError> {
    let lines = input
        .lines
        .iter()
        .map(|line| input.line(line))
        .collect::<Result<Vec<_>, _>>()?;
    let subtotal = Money::sum(input.currency, lines.iter().map(|line| line.line_total))?;
    let delivery = match &input.delivery {
        Some(chosen) => Some(input.delivery(chosen, &lines, subtotal)?),
        None => None,
    };
    let mut taxes = TaxTable::default();
    for line in &lines {
        taxes.add(line.tax.clone(), line.line_total)?;
    }
    let nothing = input.currency.zero();
    let (mut delivery_total, mut all) = (
        nothing,
        Money::sum(input.currency, lines.iter().map(|line| line.tax.amount))?,
    );
    if let Some(delivery) = &delivery {
        taxes.merge(&delivery.taxes)?;
        delivery_total = delivery.price;
        all = all.checked_add(delivery.tax)?;
    }
    let (tax_included, tax_added) = if input.prices_include_tax {
        (all, nothing)
    } else {
        (nothing, all)
    };
    let total = subtotal
        .checked_add(delivery_total)?
        .checked_add(tax_added)?;
    let reasons = input.reasons();
    Ok(Quote {
        lines,
        delivery,
        subtotal,
        delivery_total,
        tax_lines: taxes.into_lines(),
        tax_included,
        tax_added,
        total,
        reasons,
    })
}

impl QuoteInput {
    fn line(&self, line: &LineInput) -> Result<QuotedLine, QuoteError> {
        if line.unit_price.is_negative() || line.weight_grams < 0 {
            return Err(QuoteError::Negative {
                key: line.key.clone(),
            });
        }
        let unit_price = self.price_at_destination(&line.tax_class, line.unit_price)?;
        let before = line
            .compare_at
            .map(|before| self.price_at_destination(&line.tax_class, before))
            .transpose()?;
        let compare_at = match before {
            Some(before) if unit_price.checked_sub(before)?.is_negative() => Some(before),
            Some(_) | None => None,
        };
        let line_total = unit_price.checked_mul(line.quantity.as_i64())?;
        let tax = self.tax(self.tax_of(&line.tax_class), line_total)?;
        Ok(QuotedLine {
            key: line.key.clone(),
            quantity: line.quantity,
            unit_price,
            compare_at,
            line_total,
            tax,
        })
    }

    /// The shown price, or what it becomes where the net price is the fixed one.
    fn price_at_destination(&self, class: &TaxClass, price: Money) -> Result<Money, MoneyError> {
        match (self.rates_that_differ(class), self.cross_border) {
            (Some((home, destination)), CrossBorder::NetFixed) => {
                price.with_other_tax(home, destination, self.rounding.rounding)
            }
            (Some(_), CrossBorder::GrossFixed) | (None, _) => Ok(price),
        }
    }

    /// The rate in the price and the rate at the destination, where that makes a difference.
    fn rates_that_differ(&self, class: &TaxClass) -> Option<(Rate, Rate)> {
        let rate_in = |country| {
            self.tax_rates
                .find(country, class)
                .map_or(Rate::ZERO, |rule| rule.rate)
        };
        let (home, destination) = (rate_in(self.home), rate_in(self.destination));
        (self.prices_include_tax && home != destination).then_some((home, destination))
    }

    fn tax_of(&self, class: &TaxClass) -> TaxRule {
        self.tax_rates
            .find(self.destination, class)
            .cloned()
            .unwrap_or_else(TaxRule::none)
    }

    fn tax(&self, rule: TaxRule, price: Money) -> Result<Tax, MoneyError> {
        let TaxRule { name, rate } = rule;
        let RoundingPolicy {
            rounding,
            per: RoundPer::Line,
        } = self.rounding;
        let included = self.prices_include_tax;
        let amount = if included {
            price.included(rate, rounding)?
        } else {
            price.apply(rate, rounding)?
        };
        Ok(Tax {
            name,
            rate,
            amount,
            included,
        })
    }

    fn delivery(
        &self,
        chosen: &DeliveryInput,
        lines: &[QuotedLine],
        subtotal: Money,
    ) -> Result<QuotedDelivery, QuoteError> {
        if lines.is_empty() {
            return Err(QuoteError::NothingToDeliver);
        }
        let (price, reason) = delivery_price(&chosen.rule, subtotal, self.weight()?)?;
        if price.is_negative() {
            return Err(QuoteError::NegativeDelivery);
        }
        let shares = match &chosen.tax {
            DeliveryTax::Class(class) => vec![(self.tax_of(class), price)],
            DeliveryTax::LikeGoods => shares_like_goods(lines, price)?,
        };
        let mut taxes = TaxTable::default();
        for (rule, share) in shares.into_iter().filter(|(_, share)| !share.is_zero()) {
            taxes.add(self.tax(rule, share)?, share)?;
        }
        let taxes = taxes.into_lines();
        let tax = Money::sum(self.currency, taxes.iter().map(|line| line.tax))?;
        Ok(QuotedDelivery {
            price,
            taxes,
            tax,
            tax_included: self.prices_include_tax,
            reason,
        })
    }

    fn weight(&self) -> Result<i64, QuoteError> {
        let weights = self
            .lines
            .iter()
            .map(|line| line.weight_grams.checked_mul(line.quantity.as_i64()));
        weights
            .into_iter()
            .try_fold(0_i64, |sum, weight| sum.checked_add(weight?))
            .ok_or(QuoteError::Overflow)
    }

    fn reasons(&self) -> Vec<Reason> {
        let classes: BTreeSet<&TaxClass> = self.lines.iter().map(|line| &line.tax_class).collect();
        let mut reasons = Vec::new();
        for class in classes {
            self.reasons_of_tax(class, &mut reasons);
            if let Some((home_rate, destination_rate)) = self.rates_that_differ(class) {
                let class = class.clone();
                reasons.push(match self.cross_border {
                    CrossBorder::GrossFixed => Reason::SamePriceAbroad {
                        class,
                        home_rate,
                        destination_rate,
                    },
                    CrossBorder::NetFixed => Reason::SameNetAbroad {
                        class,
                        home_rate,
                        destination_rate,
                    },
                });
            }
        }
        match self.delivery.as_ref().map(|delivery| &delivery.tax) {
            Some(DeliveryTax::Class(class)) => {
                reasons.push(Reason::DeliveryTaxedAs {
                    class: class.clone(),
                });
                if !self.lines.iter().any(|line| line.tax_class == *class) {
                    self.reasons_of_tax(class, &mut reasons);
                }
            }
            Some(DeliveryTax::LikeGoods) => reasons.push(Reason::DeliveryTaxedLikeGoods),
            None => {}
        }
        reasons
    }

    fn reasons_of_tax(&self, class: &TaxClass, reasons: &mut Vec<Reason>) {
        let (country, class) = (self.destination, class.clone());
        reasons.push(match self.tax_rates.find(country, &class) {
            Some(rule) => Reason::Taxed {
                country,
                class,
                name: rule.name.clone(),
                rate: rule.rate,
            },
            None => Reason::NotTaxed { country, class },
        });
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
