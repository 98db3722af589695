//! What is sold: products with their options and variants, and the categories and collections they stand in.
//!
//! **Invariants.** A product has between one and [`limits::VARIANTS`] variants, each with one value of every option and no
//! two with the same values. An article number is used once in the whole shop. A product's price range is that of its
//! variants. Every change takes a new number from the catalogue's revision and leaves it on each product it touches, in the
//! same transaction: whoever follows the revisions (the search index, a cache) misses nothing.
//!
//! Deliberately not here: how many there are (`inventory`), what a cart costs (`pricing`), pictures as files (`media`).

pub mod categories;
pub mod collections;
pub mod desk;
pub mod edit;
pub mod listing;
pub mod page;
mod prose;
pub(crate) mod store;
#[cfg(test)]
pub(crate) mod tests;
mod told;
pub mod workbench;

use kernel::{
    Currency, Money, OptionId, OptionValueId, ProductId, Sku, Slug, Timestamp, VariantId,
};
use serde::Serialize;

pub use categories::{
    Category, CategoryNode, CategoryPage, SaveCategory, ShelfError, category_tree, delete_category,
    find_category, place_products, save_category,
};
pub use collections::{
    Collection, SaveCollection, delete_collection, find_collection, list_collections,
    save_collection,
};
pub use desk::{
    ProductFilter, ProductRow, ProductSort, ProductStock, ProductView, count_low_stock,
    find_products, list_products, product_rows,
};
pub use edit::{
    Fault, OpenedProduct, Problem, SaveOption, SavePicture, SaveProduct, SaveProductError,
    SaveValue, SaveVariant, Saved, Target, open_product, save_product, set_status,
};
pub use listing::{Card, Listing, Scope, Sort, list_cards, list_cards_by_id};
pub use page::{OnSale, ProductPage, Shown, find_product_page};
pub use prose::to_html;

pub use crate::media::Color;
use crate::media::Picture;

/// The signal given in this process when the catalogue has changed.
pub const CATALOG_CHANGED: &str = "catalog.changed";

/// How much of anything one product can hold. Beyond it an editor or a page would stop being usable.
pub mod limits {
    /// Options of a product.
    pub const OPTIONS: usize = 3;
    /// Values of an option.
    pub const VALUES: usize = 100;
    /// Variants of a product.
    pub const VARIANTS: usize = 2_000;
    /// Pictures of a product.
    pub const PICTURES: usize = 24;
    /// Facts of a product.
    pub const FACTS: usize = 12;
    /// Characters in a title.
    pub const TITLE: usize = 120;
    /// Characters in a summary, a fact or a picture's description.
    pub const SUMMARY: usize = 400;
    /// Characters in a description or an introduction.
    pub const DESCRIPTION: usize = 20_000;
}

kernel::words! {
    /// Where a product stands between the workbench and the shelf.
    pub enum ProductStatus {
        /// Being prepared: only staff see it.
        Draft = "draft",
        /// In the shop.
        Active = "active",
        /// Taken out for good; old links say so.
        Archived = "archived",
    }
}

kernel::words! {
    /// Which of a country's tax rates a product falls under.
    pub enum TaxClass {
        /// The normal rate.
        Standard = "standard",
        /// The lower rate many countries have for food, books and the like.
        Reduced = "reduced",
        /// No tax.
        Zero = "zero",
    }
}

kernel::words! {
    /// What the content of a pack is counted in.
    pub enum ContentUnit {
        /// Grams; compared by the kilogram.
        Gram = "g",
        /// Millilitres; compared by the litre.
        Millilitre = "ml",
        /// Pieces; compared by the piece.
        Piece = "piece",
    }
}

impl ContentUnit {
    /// The unit prices are compared in.
    pub const fn compared_per(self) -> &'static str {
        match self {
            Self::Gram => "kg",
            Self::Millilitre => "l",
            Self::Piece => "piece",
        }
    }

    const fn in_compared(self) -> i64 {
        match self {
            Self::Gram | Self::Millilitre => 1_000,
            Self::Piece => 1,
        }
    }
}

/// How much is in a pack: 250 g, four pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Content {
    /// How many of the unit; more than nothing.
    pub amount: u32,
    /// What is counted.
    pub unit: ContentUnit,
}

/// A price per kilogram, litre or piece, for comparing packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UnitPrice {
    /// What one unit costs.
    pub price: Money,
    /// `kg`, `l` or `piece`.
    pub per: &'static str,
}

/// A product: the name and the story of something that is sold as one or more variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its place in the shop's addresses.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Two plain sentences.
    pub summary: String,
    /// Paragraphs and lists as plain text; see [`to_html`].
    pub description: String,
    /// Short statements, one thing each.
    pub facts: Vec<String>,
    /// Whether it is sold.
    pub status: ProductStatus,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// What its prices are in.
    pub currency: Currency,
    /// The cheapest variant's price.
    pub min_price: Money,
    /// The dearest variant's price.
    pub max_price: Money,
    /// Goes up with each change made by a person.
    pub version: i64,
    /// The catalogue's revision that last touched it.
    pub revision: i64,
    /// When it was first sold.
    pub published_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

/// An option of a product, such as its glaze, with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductOption {
    /// Its id.
    pub id: OptionId,
    /// Its name in a page's address.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// What can be chosen, in the merchant's order.
    pub values: Vec<OptionValue>,
}

/// One value of an option, such as Spruce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionValue {
    /// Its id.
    pub id: OptionValueId,
    /// Its name in a page's address.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// The colour it is shown by.
    pub swatch: Option<Color>,
}

/// A variant: what has a price and an article number and is put into a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Its id.
    pub id: VariantId,
    /// The product it belongs to.
    pub product_id: ProductId,
    /// Its values' slugs in the order of the options, joined by `/`; empty without options.
    pub combination: String,
    /// Its values' names joined by ` / `; empty without options.
    pub title: String,
    /// Its article number.
    pub sku: Sku,
    /// What a scanner reads.
    pub barcode: Option<String>,
    /// What it costs.
    pub price: Money,
    /// What it cost before, if it is reduced.
    pub compare_at: Option<Money>,
    /// What it weighs with its packing.
    pub weight_grams: u32,
    /// How much is in it, where a price per unit helps or the law wants one.
    pub content: Option<Content>,
    /// Whether its stock is counted. If not, it can always be bought.
    pub stock_tracked: bool,
}

impl Variant {
    /// The slugs of its values, in the order of the product's options.
    pub fn value_slugs(&self) -> impl Iterator<Item = &str> {
        self.combination.split('/').filter(|slug| !slug.is_empty())
    }

    /// How much less it costs than before; nothing unless it really costs less.
    pub fn saving(&self) -> Option<Money> {
        saving(self.price, self.compare_at)
    }

    /// Its price per kilogram, litre or piece. Of a single piece that would be the price again, so there is none.
    pub fn unit_price(&self) -> Option<UnitPrice> {
        unit_price(self.price, self.content)
    }
}

/// A colour with its name, for a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Swatch {
    /// The value's name: a colour is never shown without it.
    pub name: String,
    /// The colour.
    pub color: Color,
}

/// A product's picture with the words for those who do not see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductPicture {
    /// The picture.
    #[serde(flatten)]
    pub picture: Picture,
    /// What it shows.
    pub alt: String,
}

fn saving(price: Money, compare_at: Option<Money>) -> Option<Money> {
    compare_at
        .and_then(|before| before.checked_sub(price).ok())
        .filter(|less| less.minor() > 0)
}

fn unit_price(price: Money, content: Option<Content>) -> Option<UnitPrice> {
    let content = content.filter(|content| {
        *content
            != Content {
                amount: 1,
                unit: ContentUnit::Piece,
            }
    })?;
    let amount = i64::from(content.amount);
    let half = amount.checked_div(2)?;
    let minor = price
        .minor()
        .checked_mul(content.unit.in_compared())?
        .checked_add(half)?
        .checked_div(amount)?;
    Some(UnitPrice {
        price: price.currency().minor(minor),
        per: content.unit.compared_per(),
    })
}
