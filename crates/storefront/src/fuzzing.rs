//! What must hold of any form or query a shopper sends: for fuzzing, and for the tests that replay what it found.

/// A function that panics on bytes that break a promise.
pub type Target = fn(&[u8]);

/// Every target with the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("bag_form", bag_form),
    ("checkout_form", checkout_form),
    ("list_query", list_query),
];

pub use crate::pages::fuzzing::{bag_form, checkout_form, list_query};
