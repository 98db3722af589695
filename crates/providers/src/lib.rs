//! Adapters to the outside world: payment gateways and mail.

pub mod mail;
pub mod payments;
