//! What must hold of any form staff send: for fuzzing, and for the tests that replay what it found.

pub use crate::pages::products::fuzzing::product_form;
pub use crate::pages::settings::taxes::percentages;
pub use crate::told::notes;

/// A function that panics on bytes that break a promise.
pub type Target = fn(&[u8]);

/// Every target with the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("notes", notes),
    ("percentages", percentages),
    ("product_form", product_form),
];
