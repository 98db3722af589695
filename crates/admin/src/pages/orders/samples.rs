//! What the samples of these pages have in common.

use kernel::{Currency, Money, Timestamp};

/// Some amount.
pub(in crate::pages) fn euros(cents: i64) -> Money {
    Currency::EUR.minor(cents)
}

/// Wed 25 November 2026, 14:05 in Amsterdam.
pub(in crate::pages) fn at() -> Timestamp {
    Timestamp::from_millis(1_795_611_900_000)
}
