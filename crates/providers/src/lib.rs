//! Adapters to the outside world: payment gateways and mail.

#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod mail;
pub mod payments;
