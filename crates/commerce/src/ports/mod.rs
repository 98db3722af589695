//! What the shop needs from the world, one trait to a file. Crate `providers` has the adapters.

pub mod gateway;
pub mod mail;

use std::future::Future;
use std::pin::Pin;

/// The answer of a port: boxed, so that ports can be values.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
