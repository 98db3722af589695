//! Sentences that are made in Rust and not in a template.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Country, Money};

use crate::format::MoneyStyle;
use crate::words::Words;

/// The texts of one locale. A text that is missing is its key, and a line in the log.
#[derive(Debug, Clone)]
pub struct Say(Arc<Words>);

impl Say {
    /// The texts of [`crate::Templates::words`].
    pub fn new(words: Arc<Words>) -> Self {
        Self(words)
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The text of a key with its arguments.
    pub fn with(&self, key: &str, arguments: &[(&str, String)]) -> String {
        self.say(key, None, arguments)
    }

    /// The text of a key for so many.
    pub fn count(&self, key: &str, count: i64) -> String {
        self.say(key, Some(count), &[])
    }

    /// The text of a key for so many, with its other arguments.
    pub fn count_with(&self, key: &str, count: i64, arguments: &[(&str, String)]) -> String {
        self.say(key, Some(count), arguments)
    }

    /// The text of a key, if the locale has it.
    pub fn find(&self, key: &str) -> Option<String> {
        self.0.raw(key).map(str::to_owned)
    }

    /// The name of a country.
    pub fn country(&self, country: Country) -> String {
        self.find(&format!("country.{country}"))
            .unwrap_or_else(|| country.code().to_owned())
    }

    /// The name of a country within a sentence: "the Netherlands".
    pub fn country_in_a_sentence(&self, country: Country) -> String {
        self.find(&format!("country.within.{country}"))
            .unwrap_or_else(|| self.country(country))
    }

    /// An amount.
    pub fn money(&self, money: Money) -> String {
        self.0.language().money(money, MoneyStyle::Plain)
    }

    /// A whole number.
    pub fn number(&self, number: i64) -> String {
        self.0.language().number(number)
    }

    fn say(&self, key: &str, count: Option<i64>, arguments: &[(&str, String)]) -> String {
        let arguments: BTreeMap<String, String> = arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        self.0
            .say(key, count, &arguments)
            .unwrap_or_else(|missing| {
                tracing::warn!("The theme has a fault: {missing}");
                key.to_owned()
            })
    }
}
