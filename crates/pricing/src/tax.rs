//! Which tax applies: rates by country and class, and what a price with tax means abroad.

use std::collections::BTreeMap;
use std::fmt;

use kernel::{Country, Money, Rate};
use serde::{Deserialize, Serialize};

/// The merchant's word for goods taxed alike: `standard`, `reduced`, `books`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaxClass(String);

impl TaxClass {
    /// A class by its word. Any word will do: it only has to be the same in products and rates.
    pub fn new(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaxClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for TaxClass {
    type Err = std::convert::Infallible;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(word))
    }
}

kernel::stored_as_text!(TaxClass);

/// A tax and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaxRule {
    /// What the buyer reads: `VAT`.
    pub name: String,
    /// How much.
    pub rate: Rate,
}

impl TaxRule {
    /// No tax: nameless, at no rate.
    pub(crate) fn none() -> Self {
        Self {
            name: String::new(),
            rate: Rate::ZERO,
        }
    }
}

/// The rates in force, by country and class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaxRates(BTreeMap<(Country, TaxClass), TaxRule>);

impl TaxRates {
    /// Sets the rate of a class in a country; the last one said counts.
    pub fn insert(
        &mut self,
        country: Country,
        class: TaxClass,
        name: impl Into<String>,
        rate: Rate,
    ) {
        self.0.insert(
            (country, class),
            TaxRule {
                name: name.into(),
                rate,
            },
        );
    }

    /// The rate of a class in a country; `None` where the shop collects no tax on it.
    pub fn find(&self, country: Country, class: &TaxClass) -> Option<&TaxRule> {
        self.0.get(&(country, class.clone()))
    }
}

kernel::words! {
    /// What a price with tax means to a buyer in a country with another rate.
    #[derive(Default)]
    pub enum CrossBorder {
        /// The buyer pays the price shown; the shop keeps more or less of it.
        #[default]
        GrossFixed = "gross_fixed",
        /// The shop keeps the same net price; the buyer pays the destination's tax on it.
        NetFixed = "net_fixed",
    }
}

/// How delivery is taxed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryTax {
    /// As part of the goods: split over their rates in proportion to what they cost.
    #[default]
    LikeGoods,
    /// As a class of its own.
    Class(TaxClass),
}

/// One tax on one line or on delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// What the buyer reads; empty where no tax is collected.
    pub name: String,
    /// How much of the net price; zero where no tax is collected.
    pub rate: Rate,
    /// How much money.
    pub amount: Money,
    /// Whether the price already contains it.
    pub included: bool,
}

/// All that is taxed alike in one quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxLine {
    /// What the buyer reads.
    pub name: String,
    /// How much of the net price.
    pub rate: Rate,
    /// The net price of goods and delivery it is on.
    pub taxable: Money,
    /// How much money.
    pub tax: Money,
    /// Whether the prices already contain it.
    pub included: bool,
}
