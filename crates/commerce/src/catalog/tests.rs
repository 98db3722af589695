//! The catalogue on both databases.

mod desk;
mod editing;
mod fixture;
mod lists;
mod rows;
mod shelves;

pub(crate) use fixture::{mug, shop, staff, stock, vase};
