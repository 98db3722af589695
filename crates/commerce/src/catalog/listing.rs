//! Lists of products as cards: a category, a collection, everything, or a given row of ids.

use std::collections::HashMap;

use db::{DbError, Tx};
use kernel::{
    CategoryId, CollectionId, Money, Page, PageRequest, ProductId, Slug, Timestamp, VariantId,
};

use super::store::lists::{self, CardRow, CardVariant};
use super::{Content, ProductPicture, Swatch, UnitPrice};
use crate::{Internal, Shop, inventory};

/// Which products a list is of. Only products on sale are ever listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those in a category or below it.
    Category(CategoryId),
    /// Those in a collection.
    Collection(CollectionId),
    /// All of them.
    All,
}

kernel::words! {
    /// In which order.
    pub enum Sort {
        /// As the merchant arranged them, sold-out ones last.
        Featured = "featured",
        /// The latest first.
        Newest = "newest",
        /// The cheapest first.
        PriceUp = "price_up",
        /// The dearest first.
        PriceDown = "price_down",
        /// By name.
        Name = "name",
    }
}

/// A list and the part of it that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Which products.
    pub scope: Scope,
    /// In which order.
    pub sort: Sort,
    /// Which page.
    pub page: PageRequest,
}

/// A product as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Which product.
    pub id: ProductId,
    /// Its place in the shop's addresses.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Two plain sentences; may be empty.
    pub summary: String,
    /// Its first picture.
    pub picture: Option<ProductPicture>,
    /// The cheapest variant's price.
    pub price: Money,
    /// Whether other variants cost more.
    pub price_varies: bool,
    /// What the cheapest variant cost before, if it is reduced.
    pub compare_at: Option<Money>,
    /// The cheapest variant's price per kilogram, litre or piece.
    pub unit_price: Option<UnitPrice>,
    /// How many can be bought of all variants together; nothing if the stock of any is not counted. 0 is sold out.
    pub available: Option<i64>,
    /// The only variant, for products that come in one form.
    pub only_variant: Option<VariantId>,
    /// The colours it comes in, in the merchant's order.
    pub swatches: Vec<Swatch>,
    /// When it was first sold.
    pub published_at: Option<Timestamp>,
}

impl Card {
    /// Whether none can be bought now.
    pub fn is_sold_out(&self) -> bool {
        self.available == Some(0)
    }

    /// How much less the cheapest variant costs than before.
    pub fn saving(&self) -> Option<Money> {
        super::saving(self.price, self.compare_at)
    }
}

/// One page of a list of products on sale. Five to seven statements, however many products there are.
pub async fn list_cards(shop: &Shop, listing: Listing) -> Result<Page<Card>, Internal> {
    let now = shop.clock.now();
    shop.db.read(move |tx| cards(tx, now, &listing)).await
}

/// These products as cards, in this order; those not on sale are left out.
pub async fn list_cards_by_id(shop: &Shop, ids: Vec<ProductId>) -> Result<Vec<Card>, Internal> {
    let now = shop.clock.now();
    shop.db.read(move |tx| cards_by_id(tx, now, &ids)).await
}

/// Building block of [`list_cards`].
pub fn cards(tx: &mut Tx<'_>, now: Timestamp, listing: &Listing) -> Result<Page<Card>, Internal> {
    let total = lists::count(tx, &listing.scope)?;
    cards_of(tx, now, listing, total)
}

/// One page of a list whose length is known.
pub fn cards_of(
    tx: &mut Tx<'_>,
    now: Timestamp,
    listing: &Listing,
    total: u32,
) -> Result<Page<Card>, Internal> {
    let rows = lists::page(tx, listing)?;
    Ok(Page::new(listing.page, total, assemble(tx, now, rows)?))
}

/// The first so many of a list in the merchant's order.
pub fn first_cards(
    tx: &mut Tx<'_>,
    now: Timestamp,
    scope: Scope,
    most: u32,
) -> Result<Vec<Card>, Internal> {
    let listing = Listing {
        scope,
        sort: Sort::Featured,
        page: PageRequest::new(1, most),
    };
    let rows = lists::page(tx, &listing)?;
    assemble(tx, now, rows)
}

/// How many products are on sale.
pub fn count_on_sale(tx: &mut Tx<'_>) -> Result<u32, Internal> {
    Ok(lists::count(tx, &Scope::All)?)
}

/// Building block of [`list_cards_by_id`].
pub fn cards_by_id(
    tx: &mut Tx<'_>,
    now: Timestamp,
    ids: &[ProductId],
) -> Result<Vec<Card>, Internal> {
    let mut rows = lists::by_id(tx, ids)?;
    let places: HashMap<&ProductId, usize> = ids
        .iter()
        .enumerate()
        .map(|(place, id)| (id, place))
        .collect();
    rows.sort_by_key(|row| places.get(&row.id).copied());
    assemble(tx, now, rows)
}

/// The first `each` cards of each of these collections, as their own pages show them first. Collections without any are
/// left out. Four statements, however many collections there are.
pub fn first_of_collections(
    tx: &mut Tx<'_>,
    now: Timestamp,
    collections: &[CollectionId],
    each: u32,
) -> Result<Vec<(CollectionId, Vec<Card>)>, Internal> {
    let mut placed = lists::first_of_collections(tx, collections, each)?;
    let mut ids: Vec<ProductId> = placed.values().flatten().cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    let cards: HashMap<ProductId, Card> = cards_by_id(tx, now, &ids)?
        .into_iter()
        .map(|card| (card.id.clone(), card))
        .collect();
    let row = |id: &CollectionId| {
        let cards: Vec<Card> = placed
            .remove(id)?
            .iter()
            .filter_map(|product| cards.get(product).cloned())
            .collect();
        (!cards.is_empty()).then(|| (id.clone(), cards))
    };
    Ok(collections.iter().filter_map(row).collect())
}

/// Variants asked about at once; both databases limit the parameters of a statement.
const AT_ONCE: usize = 5_000;

fn assemble(tx: &mut Tx<'_>, now: Timestamp, rows: Vec<CardRow>) -> Result<Vec<Card>, Internal> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ProductId> = rows.iter().map(|row| row.id.clone()).collect();
    let mut variants = lists::variants(tx, &ids)?;
    let mut swatches = lists::swatches(tx, &ids)?;
    let available = stock(tx, now, variants.values().flatten())?;
    let cards = rows.into_iter().map(|row| {
        let variants = variants.remove(&row.id).unwrap_or_default();
        let swatches = swatches.remove(&row.id).unwrap_or_default();
        card(row, &variants, swatches, &available)
    });
    Ok(cards.collect())
}

fn stock<'a>(
    tx: &mut Tx<'_>,
    now: Timestamp,
    variants: impl Iterator<Item = &'a CardVariant>,
) -> Result<HashMap<VariantId, Option<i64>>, DbError> {
    let ids: Vec<VariantId> = variants.map(|variant| variant.id.clone()).collect();
    let mut available = HashMap::new();
    for some in ids.chunks(AT_ONCE) {
        available.extend(inventory::available(tx, now, some)?);
    }
    Ok(available)
}

fn card(
    row: CardRow,
    variants: &[CardVariant],
    swatches: Vec<Swatch>,
    available: &HashMap<VariantId, Option<i64>>,
) -> Card {
    let price = row.currency.minor(row.min_price_minor);
    let cheapest = variants
        .iter()
        .find(|variant| variant.price_minor == row.min_price_minor);
    let compare_at = cheapest
        .and_then(|variant| variant.compare_at_minor)
        .map(|minor| row.currency.minor(minor));
    let content: Option<Content> = cheapest.and_then(|variant| variant.content);
    let available = variants.iter().try_fold(0_i64, |sum, variant| {
        available
            .get(&variant.id)
            .copied()
            .flatten()
            .map(|count| sum.saturating_add(count.max(0)))
    });
    let only_variant = match variants {
        [only] if only.is_without_options => Some(only.id.clone()),
        _ => None,
    };
    Card {
        id: row.id,
        slug: row.slug,
        title: row.title,
        summary: row.summary,
        picture: row.picture,
        price,
        price_varies: row.min_price_minor != row.max_price_minor,
        compare_at,
        unit_price: super::unit_price(price, content),
        available,
        only_variant,
        swatches,
        published_at: row.published_at,
    }
}
