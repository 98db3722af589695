//! The pages a shopper sees.

mod assets;
mod cart;
mod category;
mod checkout;
mod collection;
mod errors;
mod health;
mod home;
mod media;
mod orders;
mod product;
mod search;
mod test_gateway;
mod webhooks;

/// What is no quantity, however it is written.
pub(crate) const NO_QUANTITIES: &[&str] = &[
    "-1",
    "1e309",
    "9223372036854775808",
    "18446744073709551616",
    "2147483648",
    "1e3",
    "0.5",
    "1,5",
    "NaN",
    "[1]",
    "",
    "10000",
    "10001",
    "0x10",
    "\u{661}",
    "two",
];

/// Names of fields that somebody who wants to pay less would send.
pub(crate) const TAMPERED: &[&str] = &[
    "price",
    "unit_price",
    "total",
    "tax",
    "discount",
    "currency",
    "shipping",
    "delivery",
    "currency_rate",
    "price_minor",
    "is_staff",
    "customer_group",
    "id",
];
