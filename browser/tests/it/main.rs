//! Journeys through the real binary in headless Chromium.

mod axe;
mod guest_checkout;
mod harness;
