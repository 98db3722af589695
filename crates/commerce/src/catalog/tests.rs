//! The catalogue on both databases.

mod desk;
mod editing;
mod fixture;
mod lists;
mod rows;
mod shelves;
mod workbench;

pub(crate) use fixture::{mug, shop, staff, stock, vase};
