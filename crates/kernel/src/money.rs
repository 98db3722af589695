//! Money in integer minor units, rates in basis points. No float is ever involved.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What went wrong in a sum of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two amounts of different currencies met.
    #[error("cannot combine {0} with {1}")]
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit into 64 bits of minor units.
    #[error("the amount is too large")]
    Overflow,
    /// There is nothing to allocate to: no weights, or all of them zero or negative.
    #[error("an amount cannot be split over nothing")]
    NoWeights,
    /// Not an amount in plain digits.
    #[error("enter an amount like 49.80, without a currency sign or grouping")]
    NotAnAmount,
    /// Not an ISO 4217 code this build knows.
    #[error("unknown currency; use a three-letter ISO 4217 code such as EUR")]
    UnknownCurrency,
}

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The euro, for defaults and tests.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// Reads a three-letter code, upper or lower case.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        let code = code.trim().to_ascii_uppercase();
        let currency =
            iso_currency::Currency::from_code(&code).ok_or(MoneyError::UnknownCurrency)?;
        // Gold, test codes and the like have no minor unit: nothing can be sold in them.
        if currency.exponent().is_none() {
            return Err(MoneyError::UnknownCurrency);
        }
        Ok(Self(currency))
    }

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD (ISO 4217).
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }

    /// An amount of this currency in minor units.
    pub const fn minor(self, minor: i64) -> Money {
        Money {
            minor,
            currency: self,
        }
    }

    /// Reads a plain decimal number as people type it for machines: `49`, `49.8`, `49.80`; a comma will do for the point.
    ///
    /// No sign, no grouping, no more decimals than the currency has.
    pub fn from_decimal(self, text: &str) -> Result<Money, MoneyError> {
        let text = text.trim().replace(',', ".");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let exponent = usize::try_from(self.exponent()).unwrap_or(2);
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !digits(whole)
            || !digits(fraction)
            || fraction.len() > exponent
            || text.ends_with('.')
        {
            return Err(MoneyError::NotAnAmount);
        }
        let minor = format!("{whole}{fraction:0<exponent$}");
        minor
            .parse()
            .map(|minor| self.minor(minor))
            .map_err(|_overflow| MoneyError::Overflow)
    }

    /// Nothing, in this currency.
    pub const fn zero(self) -> Money {
        self.minor(0)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(s: &str) -> Result<Self, MoneyError> {
        Self::parse(s)
    }
}

crate::stored_as_text!(Currency);

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

/// An amount in minor units (cents, yen, fils) with its currency. May be negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether the amount is below nothing.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }

    /// The sum; refuses another currency and overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(MoneyError::Overflow)?;
        Ok(self.currency.minor(minor))
    }

    /// The difference; refuses another currency and overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self
            .minor
            .checked_sub(other.minor)
            .ok_or(MoneyError::Overflow)?;
        Ok(self.currency.minor(minor))
    }

    /// The amount, `count` times.
    pub fn checked_mul(self, count: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(count).ok_or(MoneyError::Overflow)?;
        Ok(self.currency.minor(minor))
    }

    /// Adds up amounts; an empty sum is zero of `currency`.
    pub fn sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, MoneyError> {
        amounts
            .into_iter()
            .try_fold(currency.zero(), Self::checked_add)
    }

    /// This share of the amount, rounded once.
    pub fn apply(self, rate: Rate, rounding: Rounding) -> Result<Self, MoneyError> {
        let product = i128::from(self.minor)
            .checked_mul(i128::from(rate.0))
            .ok_or(MoneyError::Overflow)?;
        self.rounded(product, 10_000, rounding)
    }

    /// The part of a gross amount that is tax: `gross * rate / (1 + rate)`, rounded once.
    pub fn included(self, rate: Rate, rounding: Rounding) -> Result<Self, MoneyError> {
        let product = i128::from(self.minor)
            .checked_mul(i128::from(rate.0))
            .ok_or(MoneyError::Overflow)?;
        let whole = 10_000_i128
            .checked_add(i128::from(rate.0))
            .ok_or(MoneyError::Overflow)?;
        self.rounded(product, whole, rounding)
    }

    /// The gross amount that leaves the same net amount when the tax within it changes from one rate to another:
    /// `gross * (1 + to) / (1 + from)`, rounded once.
    pub fn with_other_tax(
        self,
        from: Rate,
        to: Rate,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        let wanted = 10_000_i128
            .checked_add(i128::from(to.0))
            .ok_or(MoneyError::Overflow)?;
        let whole = 10_000_i128
            .checked_add(i128::from(from.0))
            .ok_or(MoneyError::Overflow)?;
        let product = i128::from(self.minor)
            .checked_mul(wanted)
            .ok_or(MoneyError::Overflow)?;
        self.rounded(product, whole, rounding)
    }

    fn rounded(
        self,
        numerator: i128,
        denominator: i128,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        let minor = rounding
            .divide(numerator, denominator)
            .ok_or(MoneyError::Overflow)?;
        let minor = i64::try_from(minor).ok().ok_or(MoneyError::Overflow)?;
        Ok(self.currency.minor(minor))
    }

    /// Splits the amount in proportion to `weights`; the parts always add up to the whole.
    ///
    /// The method is largest remainder: each part is rounded towards zero and the units left over go one by one to the
    /// parts that lost most, earlier parts first. Weights of zero get nothing.
    pub fn allocate(self, weights: &[i64]) -> Result<Vec<Self>, MoneyError> {
        let mut total: i128 = 0;
        for weight in weights {
            if *weight < 0 {
                return Err(MoneyError::NoWeights);
            }
            total = total
                .checked_add(i128::from(*weight))
                .ok_or(MoneyError::Overflow)?;
        }
        if total <= 0 {
            return Err(MoneyError::NoWeights);
        }
        let mut parts = Vec::with_capacity(weights.len());
        let mut lost = Vec::with_capacity(weights.len());
        let mut given: i128 = 0;
        for (index, weight) in weights.iter().enumerate() {
            let exact = i128::from(self.minor)
                .checked_mul(i128::from(*weight))
                .ok_or(MoneyError::Overflow)?;
            let part = exact.checked_div(total).ok_or(MoneyError::Overflow)?;
            let remainder = exact.checked_rem(total).ok_or(MoneyError::Overflow)?;
            given = given.checked_add(part).ok_or(MoneyError::Overflow)?;
            parts.push(i64::try_from(part).ok().ok_or(MoneyError::Overflow)?);
            lost.push((remainder.unsigned_abs(), index));
        }
        lost.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut left = i128::from(self.minor)
            .checked_sub(given)
            .ok_or(MoneyError::Overflow)?;
        let step: i64 = if left < 0 { -1 } else { 1 };
        for (_, index) in lost {
            if left == 0 {
                break;
            }
            if let Some(part) = parts.get_mut(index) {
                *part = part.checked_add(step).ok_or(MoneyError::Overflow)?;
            }
            left = left
                .checked_sub(i128::from(step))
                .ok_or(MoneyError::Overflow)?;
        }
        Ok(parts
            .into_iter()
            .map(|minor| self.currency.minor(minor))
            .collect())
    }

    /// The amount as a plain decimal number, such as `12.50`, `1200` or `1.250`. For machines; people get the locale's form.
    pub fn to_decimal(self) -> String {
        let exponent = usize::try_from(self.currency.exponent()).unwrap_or(2);
        let digits = format!(
            "{:0>width$}",
            self.minor.unsigned_abs(),
            width = exponent.saturating_add(1)
        );
        let cut = digits.len().saturating_sub(exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        match digits.split_at_checked(cut) {
            Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
            _ => format!("{sign}{digits}"),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A share in basis points: 2,100 is 21 %.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rate(i64);

impl Rate {
    /// No share at all.
    pub const ZERO: Self = Self(0);

    /// A share of `bps` hundredths of a per cent, from 0 up to 100,000 (1,000 %); anything else becomes the nearer end.
    pub const fn basis_points(bps: i64) -> Self {
        if bps < 0 {
            Self(0)
        } else if bps > 100_000 {
            Self(100_000)
        } else {
            Self(bps)
        }
    }

    /// The share in basis points.
    pub const fn bps(self) -> i64 {
        self.0
    }

    /// The share in per cent without needless zeros, such as `21` or `5.5`.
    pub fn percent(self) -> String {
        let whole = self.0.checked_div(100).unwrap_or(0);
        let rest = self.0.checked_rem(100).unwrap_or(0);
        if rest == 0 {
            return whole.to_string();
        }
        format!("{whole}.{rest:02}")
            .trim_end_matches('0')
            .to_owned()
    }
}

/// How a result between two minor units becomes one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Halves away from zero: the usual commercial rule.
    #[default]
    HalfUp,
    /// Halves to the even neighbour: banker's rounding.
    HalfEven,
}

impl Rounding {
    /// `numerator / denominator` as an integer by this rule; `None` on overflow or a denominator of zero or less.
    fn divide(self, numerator: i128, denominator: i128) -> Option<i128> {
        if denominator <= 0 {
            return None;
        }
        let quotient = numerator.checked_div(denominator)?;
        let remainder = numerator.checked_rem(denominator)?;
        let twice = remainder.checked_abs()?.checked_mul(2)?;
        let away = match (self, twice.cmp(&denominator)) {
            (_, std::cmp::Ordering::Less) => false,
            (_, std::cmp::Ordering::Greater) | (Self::HalfUp, std::cmp::Ordering::Equal) => true,
            (Self::HalfEven, std::cmp::Ordering::Equal) => quotient.checked_rem(2)? != 0,
        };
        if !away {
            return Some(quotient);
        }
        quotient.checked_add(if numerator < 0 { -1 } else { 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn currencies_carry_their_own_number_of_decimals() {
        assert_eq!(
            Currency::parse("jpy").unwrap().minor(1200).to_decimal(),
            "1200"
        );
        assert_eq!(
            Currency::parse("KWD").unwrap().minor(1250).to_decimal(),
            "1.250"
        );
        assert_eq!(Currency::EUR.minor(-5).to_decimal(), "-0.05");
        assert_eq!(Currency::parse("XAU"), Err(MoneyError::UnknownCurrency));
    }

    #[test]
    fn amounts_are_read_with_the_decimals_of_their_currency() {
        let kwd = Currency::parse("KWD").unwrap();
        assert_eq!(Currency::EUR.from_decimal("49.8").unwrap().minor(), 4_980);
        assert_eq!(
            Currency::EUR.from_decimal(" 49,80 ").unwrap().minor(),
            4_980
        );
        assert_eq!(kwd.from_decimal("1.250").unwrap().minor(), 1_250);
        for bad in ["", "-1", "4.999", "1e3", ".5", "5.", "1,000.00", "€5"] {
            assert_eq!(
                Currency::EUR.from_decimal(bad),
                Err(MoneyError::NotAnAmount),
                "{bad}"
            );
        }
        assert_eq!(
            Currency::EUR.from_decimal("99999999999999999999"),
            Err(MoneyError::Overflow)
        );
    }

    #[test]
    fn euros_and_yen_are_never_added() {
        let yen = Currency::parse("JPY").unwrap().minor(1);
        assert!(matches!(
            Currency::EUR.minor(1).checked_add(yen),
            Err(MoneyError::CurrencyMismatch(..))
        ));
        assert_eq!(
            Currency::EUR
                .minor(i64::MAX)
                .checked_add(Currency::EUR.minor(1)),
            Err(MoneyError::Overflow)
        );
    }

    #[test]
    fn halves_round_away_from_zero_or_to_even() {
        let net = Currency::EUR.minor(50);
        let rate = Rate::basis_points(100);
        assert_eq!(net.apply(rate, Rounding::HalfUp).unwrap().minor(), 1);
        assert_eq!(net.apply(rate, Rounding::HalfEven).unwrap().minor(), 0);
        assert_eq!(
            Currency::EUR
                .minor(-50)
                .apply(rate, Rounding::HalfUp)
                .unwrap()
                .minor(),
            -1
        );
        assert_eq!(
            Currency::EUR
                .minor(12_100)
                .included(Rate::basis_points(2_100), Rounding::HalfUp)
                .unwrap()
                .minor(),
            2_100
        );
    }

    #[test]
    fn a_gross_price_moves_to_another_tax_with_its_net_price_kept() {
        let (dutch, german) = (Rate::basis_points(2_100), Rate::basis_points(1_900));
        let moved = |minor, from, to| {
            Currency::EUR
                .minor(minor)
                .with_other_tax(from, to, Rounding::HalfUp)
                .unwrap()
                .minor()
        };
        assert_eq!(moved(12_100, dutch, german), 11_900);
        assert_eq!(moved(12_100, dutch, Rate::ZERO), 10_000);
        assert_eq!(moved(9_999, dutch, dutch), 9_999);
    }

    #[test]
    fn rates_are_shown_without_needless_zeros() {
        assert_eq!(Rate::basis_points(2_100).percent(), "21");
        assert_eq!(Rate::basis_points(550).percent(), "5.5");
        assert_eq!(Rate::basis_points(1_925).percent(), "19.25");
    }

    proptest! {
        #[test]
        fn parts_always_add_up_to_the_whole(minor in -1_000_000_000_i64..1_000_000_000, weights in prop::collection::vec(0_i64..1_000_000, 1..40)) {
            prop_assume!(weights.iter().any(|w| *w > 0));
            let parts = Currency::EUR.minor(minor).allocate(&weights).unwrap();
            prop_assert_eq!(parts.iter().map(|p| p.minor()).sum::<i64>(), minor);
            for (part, weight) in parts.iter().zip(&weights) {
                if *weight == 0 { prop_assert!(part.is_zero()); }
                prop_assert!(part.minor().signum() * minor.signum() >= 0);
            }
        }

        #[test]
        fn tax_within_a_gross_price_is_what_the_net_price_would_add(net in 0_i64..1_000_000_000, bps in 0_i64..10_000) {
            let rate = Rate::basis_points(bps);
            let tax = Currency::EUR.minor(net).apply(rate, Rounding::HalfUp).unwrap();
            let gross = Currency::EUR.minor(net).checked_add(tax).unwrap();
            let back = gross.included(rate, Rounding::HalfUp).unwrap();
            prop_assert!((back.minor() - tax.minor()).abs() <= 1);
        }
    }
}
