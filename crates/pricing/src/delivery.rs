//! What delivery costs.

use kernel::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

/// How a delivery's price comes about. Stored as JSON with its method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRule {
    /// What it costs before anything is given away.
    pub kind: DeliveryKind,
    /// From this much of goods on, delivery is free.
    pub free_over: Option<Money>,
}

/// What a delivery costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DeliveryKind {
    /// Always the same.
    Flat {
        /// The price.
        price: Money,
    },
    /// The price of the lightest tier that carries the weight.
    ByWeight {
        /// In any order.
        tiers: Vec<WeightTier>,
    },
    /// Nothing: the buyer comes and gets it.
    Pickup,
}

/// Parcels up to a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightTier {
    /// The heaviest parcel it carries.
    pub up_to_grams: i64,
    /// What it costs.
    pub price: Money,
}

/// Why delivery costs what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeliveryReason {
    /// The goods are worth at least this much.
    FreeOver {
        /// From here on it is free.
        threshold: Money,
    },
    /// The goods fit into this tier.
    ByWeight {
        /// The heaviest parcel of the tier.
        up_to_grams: i64,
    },
    /// It always costs this.
    Flat,
    /// The buyer comes and gets it.
    Pickup,
}

/// Why there is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// The goods are heavier than the heaviest tier.
    #[error("the parcel weighs more than the {heaviest_grams} g this delivery carries")]
    TooHeavy {
        /// The most it carries; 0 if it has no tiers.
        heaviest_grams: i64,
    },
    /// The threshold is in another currency than the goods.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Why a rule cannot be used. The message says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryRuleError {
    /// No tiers at all.
    #[error("give at least one weight with its price")]
    NoTiers,
    /// Two prices for one weight.
    #[error("give each weight once; {0} g is there twice")]
    TierTwice(i64),
    /// A tier that carries nothing.
    #[error("give weights above 0 g")]
    NoWeight,
    /// A price or threshold below zero.
    #[error("prices cannot be below zero")]
    Negative,
    /// Prices in more than one currency.
    #[error("give all prices in one currency")]
    MixedCurrencies,
}

impl DeliveryRule {
    /// Whether every amount in it is of this currency.
    pub fn is_in(&self, currency: Currency) -> bool {
        let prices: Vec<Money> = match &self.kind {
            DeliveryKind::Flat { price } => vec![*price],
            DeliveryKind::ByWeight { tiers } => tiers.iter().map(|tier| tier.price).collect(),
            DeliveryKind::Pickup => Vec::new(),
        };
        prices
            .into_iter()
            .chain(self.free_over)
            .all(|amount| amount.currency() == currency)
    }

    /// Whether a merchant may save this rule.
    pub fn check(&self) -> Result<(), DeliveryRuleError> {
        let mut amounts: Vec<Money> = self.free_over.into_iter().collect();
        match &self.kind {
            DeliveryKind::Flat { price } => amounts.push(*price),
            DeliveryKind::ByWeight { tiers } => {
                amounts.extend(tiers.iter().map(|tier| tier.price));
                check_tiers(tiers)?;
            }
            DeliveryKind::Pickup => {}
        }
        if amounts.iter().any(|amount| amount.is_negative()) {
            return Err(DeliveryRuleError::Negative);
        }
        let mut currencies = amounts.iter().map(|amount| amount.currency());
        let first = currencies.next();
        if currencies.any(|currency| Some(currency) != first) {
            return Err(DeliveryRuleError::MixedCurrencies);
        }
        Ok(())
    }
}

fn check_tiers(tiers: &[WeightTier]) -> Result<(), DeliveryRuleError> {
    let mut weights: Vec<i64> = tiers.iter().map(|tier| tier.up_to_grams).collect();
    weights.sort_unstable();
    if weights.first().ok_or(DeliveryRuleError::NoTiers)? <= &0 {
        return Err(DeliveryRuleError::NoWeight);
    }
    match weights
        .iter()
        .zip(weights.iter().skip(1))
        .find(|(one, next)| one == next)
    {
        Some((weight, _)) => Err(DeliveryRuleError::TierTwice(*weight)),
        None => Ok(()),
    }
}

/// What it costs to deliver goods of this worth and weight, and why.
///
/// What no tier carries is not carried for free either.
pub fn delivery_price(
    rule: &DeliveryRule,
    subtotal: Money,
    weight_grams: i64,
) -> Result<(Money, DeliveryReason), NoRate> {
    let (price, reason) = match &rule.kind {
        DeliveryKind::Flat { price } => (*price, DeliveryReason::Flat),
        DeliveryKind::ByWeight { tiers } => {
            let carrying = tiers.iter().filter(|tier| tier.up_to_grams >= weight_grams);
            let tier = carrying
                .min_by_key(|tier| tier.up_to_grams)
                .ok_or_else(|| NoRate::TooHeavy {
                    heaviest_grams: tiers.iter().map(|tier| tier.up_to_grams).max().unwrap_or(0),
                })?;
            (
                tier.price,
                DeliveryReason::ByWeight {
                    up_to_grams: tier.up_to_grams,
                },
            )
        }
        DeliveryKind::Pickup => return Ok((subtotal.currency().zero(), DeliveryReason::Pickup)),
    };
    match rule.free_over {
        Some(threshold) if !subtotal.checked_sub(threshold)?.is_negative() => Ok((
            subtotal.currency().zero(),
            DeliveryReason::FreeOver { threshold },
        )),
        Some(_) | None => Ok((price, reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Currency;

    fn eur(minor: i64) -> Money {
        Currency::EUR.minor(minor)
    }

    fn tier(up_to_grams: i64, price: i64) -> WeightTier {
        WeightTier {
            up_to_grams,
            price: eur(price),
        }
    }

    fn by_weight() -> DeliveryRule {
        let tiers = vec![tier(10_000, 995), tier(2_000, 595)];
        DeliveryRule {
            kind: DeliveryKind::ByWeight { tiers },
            free_over: Some(eur(5_000)),
        }
    }

    #[test]
    fn a_parcel_pays_for_the_lightest_tier_that_carries_it() {
        assert_eq!(
            delivery_price(&by_weight(), eur(100), 2_000),
            Ok((eur(595), DeliveryReason::ByWeight { up_to_grams: 2_000 }))
        );
        assert_eq!(
            delivery_price(&by_weight(), eur(100), 2_001),
            Ok((
                eur(995),
                DeliveryReason::ByWeight {
                    up_to_grams: 10_000
                }
            ))
        );
    }

    #[test]
    fn delivery_is_free_from_the_threshold_on_and_not_a_cent_earlier() {
        assert_eq!(
            delivery_price(&by_weight(), eur(4_999), 1).unwrap().0,
            eur(595)
        );
        assert_eq!(
            delivery_price(&by_weight(), eur(5_000), 1),
            Ok((
                eur(0),
                DeliveryReason::FreeOver {
                    threshold: eur(5_000)
                }
            ))
        );
    }

    #[test]
    fn what_no_tier_carries_is_refused_even_where_it_would_be_free() {
        assert_eq!(
            delivery_price(&by_weight(), eur(99_999), 10_001),
            Err(NoRate::TooHeavy {
                heaviest_grams: 10_000
            })
        );
    }

    #[test]
    fn picking_up_costs_nothing_whatever_it_weighs() {
        let rule = DeliveryRule {
            kind: DeliveryKind::Pickup,
            free_over: None,
        };
        assert_eq!(
            delivery_price(&rule, eur(1), i64::MAX),
            Ok((eur(0), DeliveryReason::Pickup))
        );
    }

    #[test]
    fn a_rule_is_stored_and_read_back_as_it_was() {
        let flat = DeliveryRule {
            kind: DeliveryKind::Flat { price: eur(495) },
            free_over: None,
        };
        let pickup = DeliveryRule {
            kind: DeliveryKind::Pickup,
            free_over: None,
        };
        for rule in [by_weight(), flat, pickup] {
            let stored = serde_json::to_string(&rule).unwrap();
            assert_eq!(
                serde_json::from_str::<DeliveryRule>(&stored).unwrap(),
                rule,
                "{stored}"
            );
        }
    }

    #[test]
    fn rules_that_cannot_work_are_refused() {
        let rule = |tiers| DeliveryRule {
            kind: DeliveryKind::ByWeight { tiers },
            free_over: None,
        };
        assert_eq!(by_weight().check(), Ok(()));
        assert_eq!(rule(vec![]).check(), Err(DeliveryRuleError::NoTiers));
        assert_eq!(
            rule(vec![tier(500, 1), tier(100, 1), tier(500, 2)]).check(),
            Err(DeliveryRuleError::TierTwice(500))
        );
        assert_eq!(
            rule(vec![tier(0, 1)]).check(),
            Err(DeliveryRuleError::NoWeight)
        );
        assert_eq!(
            rule(vec![tier(1, -1)]).check(),
            Err(DeliveryRuleError::Negative)
        );
        let yen = Currency::parse("JPY").unwrap().minor(500);
        let mixed = DeliveryRule {
            free_over: Some(yen),
            ..by_weight()
        };
        assert_eq!(mixed.check(), Err(DeliveryRuleError::MixedCurrencies));
        assert!(matches!(
            delivery_price(&mixed, eur(1), 1),
            Err(NoRate::Money(_))
        ));
    }
}
