//! Customers: whoever bought, known by their e-mail address, with or without an account.
//!
//! # Invariants
//! - There is one customer for each folded address that ever placed an order, from the transaction of the first one on.
//! - The figures are those of the orders: only [`follow`] writes them, in the transaction that changes what an order counts
//!   for.
//!
//! Deliberately not here: the orders of a customer (`orders::listing`), which know their buyer by the address.

mod list;
mod store;
#[cfg(test)]
mod tests;

use kernel::CustomerId;
use kernel::{Address, Email, Money, Timestamp};

pub use list::{CustomerFilter, CustomerSort, find_customers, list_customers};
pub(crate) use store::{Bought, follow};
pub use store::{addresses, find, find_by_email};

/// Somebody who bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Their id.
    pub id: CustomerId,
    /// Their address, as they typed it the last time.
    pub email: Email,
    /// Their name in the latest order's address; empty for a moment after an update from a release without customers.
    pub name: String,
    /// Orders placed and not called off.
    pub order_count: i64,
    /// What those orders came to, less what was given back. Orders in another currency than the first one's stay out.
    pub spent: Money,
    /// When they placed their first order, called off or not.
    pub first_order_at: Timestamp,
    /// When they placed their latest.
    pub last_order_at: Timestamp,
}

impl Customer {
    /// What an order of theirs comes to on average; nothing if all were called off.
    pub fn average(&self) -> Option<Money> {
        let half = self.order_count.checked_div(2)?;
        let minor = self
            .spent
            .minor()
            .checked_add(half)?
            .checked_div(self.order_count)?;
        Some(self.spent.currency().minor(minor))
    }
}

/// An address a customer had something sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAddress {
    /// The address.
    pub address: Address,
    /// When something was last ordered to it.
    pub last_used_at: Timestamp,
}
