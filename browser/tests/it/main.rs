//! Journeys through the real binary in headless Chromium.

#![cfg(test)] // so that the lints know every function here for a test

mod axe;
mod bag;
mod every_page;
mod guest_checkout;
mod harness;
mod keyboard;
mod merchant;
mod merchant_office;
mod payment;
mod product;
