//! The back office over HTTP, one file for each of its parts.

mod categories;
mod inventory;
mod permissions;
mod products;
