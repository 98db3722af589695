//! The payment gateways. A new one is a module here and a line in [`gateways`].

mod bank_transfer;
mod creditor_reference;
#[cfg(any(test, feature = "testing"))]
mod faulty;
pub(crate) mod test;

#[cfg(test)]
mod contract;

use std::sync::Arc;

use commerce::ports::gateway::Gateways;

pub use bank_transfer::BankTransfer;
pub use creditor_reference::{creditor_reference, is_creditor_reference};
#[cfg(any(test, feature = "testing"))]
pub use faulty::{Call, Fault, FaultyGateway};
pub use test::{
    Choice, Decision, LATE, PageError, PageState, SignedNotice, Stage, TOLERANCE, TestGateway,
};

/// Every gateway the shop can offer. Which of them it does offer is a setting of the merchant's.
pub fn gateways(test: TestGateway) -> Gateways {
    Gateways::default()
        .with(Arc::new(test))
        .with(Arc::new(BankTransfer))
}
