//! Carts: what a visitor wants, at what price it was seen, and what the checkout form holds so far.
//!
//! # Invariants
//! - A cart is found by the visitor's secret alone, stored only as its hash; no id of a cart opens anything.
//! - A line holds 1 to 9,999 pieces, a cart at most [`MAX_LINES`] lines, a variant one line.
//! - While a payment is under way the cart stands still: its rows change only when the claim is over.
//! - A cart never states a price: what is owed is quoted anew from the catalogue each time.

mod edit;
mod quote;
mod store;
#[cfg(test)]
mod tests;

use kernel::address::AddressInput;
use kernel::{
    CartId, CartLineId, Currency, MediaId, Money, ProductId, Quantity, Sku, Slug, Timestamp,
    VariantId,
};
use pricing::TaxClass;

pub use edit::{
    AddToCart, Added, CartError, CheckoutForm, QuantitySet, Removed, add_to_cart, remove_line,
    save_checkout_form, set_quantity,
};
pub use quote::{CartQuote, DeliveryOffer, LineState, QuotedCart, quote_cart};
pub(crate) use store::{claim, complete, forget_expired, lock_by_visitor, release_claim};
pub use store::{find_by_visitor, item_count};

/// The most lines a cart can have.
pub const MAX_LINES: usize = 100;

/// How long a cart is kept after it was last touched.
pub const KEPT_FOR: i64 = 30 * kernel::time::DAY;

/// A cart with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Its id: for us, never for an address.
    pub id: CartId,
    /// The currency of its prices.
    pub currency: Currency,
    /// What the checkout form holds.
    pub form: CheckoutForm,
    /// Until when a payment holds the cart; in the past if none does.
    pub claimed_until: Timestamp,
    /// When it became an order.
    pub completed_at: Option<Timestamp>,
    /// Its lines, oldest first.
    pub lines: Vec<CartLine>,
}

impl Cart {
    /// Whether a payment is under way.
    pub fn is_claimed(&self, now: Timestamp) -> bool {
        self.completed_at.is_none() && self.claimed_until > now
    }

    /// The address as typed so far.
    pub fn address(&self) -> AddressInput {
        self.form.address.clone().unwrap_or_default()
    }
}

/// A line of a cart, with what the catalogue says of it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartLine {
    /// Its id.
    pub id: CartLineId,
    /// What is wanted.
    pub variant_id: VariantId,
    /// The product it belongs to.
    pub product_id: ProductId,
    /// For the link to its page.
    pub product_slug: Slug,
    /// The product's title.
    pub title: String,
    /// The variant's title: `Spruce / 24 cm`; empty without options.
    pub variant_title: String,
    /// Its options: names and values, in the product's order.
    pub options: Vec<(String, String)>,
    /// The variant's number.
    pub sku: Sku,
    /// Its picture, if the product has any.
    pub media_id: Option<MediaId>,
    /// How many are wanted.
    pub quantity: Quantity,
    /// What one costs now.
    pub unit_price: Money,
    /// What one cost before a reduction.
    pub compare_at: Option<Money>,
    /// What one cost when the shopper saw it last.
    pub seen_price: Money,
    /// Whether the product can be bought at all.
    pub for_sale: bool,
    /// Whether its stock is counted.
    pub stock_tracked: bool,
    /// What can be bought now; `None` is unlimited.
    pub available: Option<i64>,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// What one weighs.
    pub weight_grams: i64,
}
