//! What pages show, in the shapes templates receive: `themes/default/CONTEXTS.md`, "Shared types".

mod card;
mod field;
mod line;
mod listing;
mod picture;
mod promise;
mod quote;

use serde::Serialize;

pub use card::{Card, Swatch, UnitPrice};
pub use commerce::notifications::view::{
    OptionView, OrderLineView, PictureView, PromiseView, QuoteView, TaxView, WithinView,
};
pub use field::{Choice, Field};
pub use line::Line;
pub use listing::{Keep, Listing, ListingChild, PageNumber, Pagination, Sort, SortChoice};

pub(crate) use card::{cards, next_not_new};
pub(crate) use field::{
    Fault, Faults, address_faults, address_fields, country_field, email_field, phone_field,
};
pub(crate) use line::{lines, pictures_of, samples as line_samples};
pub(crate) use listing::{ListOf, PAGE_SIZE, Wanted, escaped, listing, sample as listing_sample};
pub(crate) use picture::{picture, product_picture};
pub(crate) use promise::{first_parcel, promise};
pub(crate) use quote::quote;

pub(crate) use card::samples as card_samples;

/// A place to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// A step of the way down to a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crumb {
    /// Its name.
    pub name: String,
    /// Its address; the page itself has none.
    pub url: Option<String>,
}

/// A sentence at the top of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// `info`, `success`, `warning` or `danger`.
    pub kind: &'static str,
    /// The sentence.
    pub text: String,
}

/// What was refused, and where to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormError {
    /// The id of the control.
    pub field: Option<String>,
    /// What to do.
    pub message: String,
}
