//! The back office over HTTP, one file for each of its parts.

mod categories;
mod customers;
mod door;
mod inventory;
mod jump;
mod mails;
mod orders;
pub(crate) mod permissions;
mod poisoned;
mod products;
mod second_factor;
mod settings;
mod shop_settings;
