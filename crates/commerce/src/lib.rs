//! The shop itself: one module per business area, with its rules, SQL, events and jobs.
//!
//! Two kinds of function live here. An *operation* takes [`Shop`], then who asks, then one command; it owns its
//! transactions and may talk to the world between them. A *building block* takes `&mut Tx` first and can do neither.
//!
//! Modules stand in reading order: a module may use those above it, never those below. A test holds this.

pub mod error;
pub mod ports;
pub mod staff;
pub mod shop;
pub mod event;
pub mod settings;
mod fold;
pub mod inventory;
pub mod media;
pub mod catalog;
pub mod tax;
pub mod delivery;
pub mod carts;
pub mod payments;
pub mod orders;
pub mod notifications;
pub mod checkout;
pub mod reactions;

pub use error::Internal;
pub use shop::{Act, Shop, Shopper};
pub use staff::Actor;
