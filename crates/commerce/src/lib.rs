//! The shop itself: one module per business area, with its rules, SQL, events and jobs.
//!
//! Two kinds of function live here. An *operation* takes [`Shop`], then who asks, then one command; it owns its
//! transactions and may talk to the world between them. A *building block* takes `&mut Tx` first and can do neither.
//!
//! In reading order: `error`, `lookup`, `ports`, `staff`, `shop`, `event`, `audit`, `settings`, `accounts`; `media`, `inventory`, `catalog`,
//! `search`; `tax`, `delivery`, `opening`, `carts`, `payments`, `customers`, `orders`, `notifications`, `checkout`; `figures`, `jump`; `reactions`, `jobs`, `verify`. A module may use
//! those before it, never those after. A test holds this (`structure`).

pub mod accounts;
pub mod audit;
pub mod carts;
pub mod catalog;
pub mod checkout;
pub mod customers;
pub mod delivery;
pub mod error;
pub mod event;
pub mod figures;
mod fold;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod index;
pub mod inventory;
pub mod jobs;
pub mod jump;
pub mod keys;
pub mod lookup;
pub mod media;
pub mod notifications;
pub mod opening;
pub mod orders;
pub mod payments;
pub mod ports;
pub mod reactions;
pub mod schema;
pub mod search;
pub mod settings;
pub mod shop;
pub mod staff;
pub mod tax;
pub mod verify;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(test)]
mod model;
#[cfg(test)]
mod structure;

pub use error::Internal;
pub use schema::MIGRATIONS;
pub use shop::{Act, Shop, Shopper};
pub use staff::Actor;
