//! Turns lines and rules into a quote with its reasons. Pure: no database, no clock, no network.
//!
//! Invariants, each held by a property test:
//! - line totals + delivery + taxes not included = total, in minor units, whatever the currency;
//! - the tax lines add up to the taxes of lines and delivery;
//! - the order of lines changes nothing in the totals;
//! - refunds of a line never exceed it, and together are exactly it;
//! - no input makes it panic.
//!
//! Money is divided in `kernel` only, and rounded once per line: the policy in force is kept with the order, so that
//! refunds years later use the same.

// Tests may calculate as they like: an overflow there is a failed test.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod delivery;
mod quote;
mod refund;
mod tax;
mod totals;

pub use delivery::{
    DeliveryKind, DeliveryReason, DeliveryRule, DeliveryRuleError, NoRate, WeightTier,
    delivery_price,
};
pub use quote::{
    DeliveryInput, LineInput, Quote, QuoteError, QuoteInput, QuotedDelivery, QuotedLine, Reason,
    RoundPer, RoundingPolicy, quote,
};
pub use refund::{
    DeliveryRefund, DeliveryToRefund, LineRefund, LineToRefund, RefundError, refund_delivery,
    refund_line,
};
pub use tax::{CrossBorder, DeliveryTax, Tax, TaxClass, TaxLine, TaxRates, TaxRule};
pub use totals::{Mismatch, Part, Parts, PartsLine, totals_add_up};
