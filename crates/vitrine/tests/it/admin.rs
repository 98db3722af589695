//! The back office over HTTP, one file for each of its parts.

mod categories;
mod customers;
mod door;
mod inventory;
mod mails;
mod orders;
pub(crate) mod permissions;
mod products;
mod settings;
