//! Products in lists for staff: all of them, whatever their status, with their stock.
//!
//! A list is read off an index in its order, or, where it is narrowed down to at most [`lookup::MOST`] products by a search,
//! a category or scarcity, sorted from their ids.

use db::{DbError, Tx};
use kernel::{CategoryId, LongPage, Money, PageRequest, ProductId, Slug, Timestamp, Total};

use super::store::desk as store;
use super::{ProductPicture, ProductStatus};
use crate::lookup::{self, Kind};

kernel::words! {
    /// Which products a list is of.
    pub enum ProductView {
        /// Every product.
        All = "all",
        /// In the shop.
        Active = "active",
        /// Being prepared.
        Draft = "draft",
        /// Not archived, and some variant is at or below the low mark, or gone.
        LowStock = "low_stock",
        /// Not archived, and some variant has nothing left that is not promised.
        OutOfStock = "out_of_stock",
        /// Taken out for good.
        Archived = "archived",
    }
}

impl ProductView {
    const fn status(self) -> Option<ProductStatus> {
        match self {
            Self::All | Self::LowStock | Self::OutOfStock => None,
            Self::Active => Some(ProductStatus::Active),
            Self::Draft => Some(ProductStatus::Draft),
            Self::Archived => Some(ProductStatus::Archived),
        }
    }
}

kernel::words! {
    /// In which order products are listed.
    pub enum ProductSort {
        /// The latest change first.
        Changed = "changed",
        /// By title.
        Title = "title",
        /// The cheapest first.
        Price = "price",
        /// The scarcest first: by the variant there is least of. Only products whose stock is counted, and no more of them
        /// than the emptiest [`lookup::MOST`] shelves belong to.
        Stock = "stock",
    }
}

/// Which products, in which order, and which page of them.
#[derive(Debug, Clone)]
pub struct ProductFilter {
    /// Which list.
    pub view: ProductView,
    /// Beginnings of words of the title, the beginning of an article number, or a barcode.
    pub search: Option<String>,
    /// Only those in this category or below it.
    pub category: Option<CategoryId>,
    /// In which order.
    pub sort: ProductSort,
    /// Which page.
    pub page: PageRequest,
    /// From this figure down, stock is low: `settings.selling.low_stock_at`.
    pub low_stock_at: u32,
}

/// A product as staff see it in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRow {
    /// Its id.
    pub id: ProductId,
    /// Its place in the shop's addresses.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Its first picture.
    pub picture: Option<ProductPicture>,
    /// Whether it is sold.
    pub status: ProductStatus,
    /// In how many forms it comes.
    pub variant_count: u32,
    /// The cheapest variant's price.
    pub min_price: Money,
    /// The dearest variant's price.
    pub max_price: Money,
    /// What there is of it; nothing if the stock of none of its variants is counted.
    pub stock: Option<ProductStock>,
    /// The titles of the categories it was put into, in their order.
    pub categories: Vec<String>,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// Its version, for actions on the list.
    pub version: i64,
}

/// The stock of a product's counted variants, over all locations: what is neither promised to an order nor held for a
/// checkout. Below zero where more was sold than there is, as back-orders allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductStock {
    /// Of all variants together.
    pub left: i64,
    /// Of the variant there is least of.
    pub least: i64,
    /// How many variants are counted.
    pub counted: u32,
}

/// One page of a list of products. At most nine statements, however many products there are.
pub fn list_products(
    tx: &mut Tx<'_>,
    filter: &ProductFilter,
) -> Result<LongPage<ProductRow>, DbError> {
    let page = filter.page;
    let (ids, total) = page_of(tx, filter)?;
    let page = LongPage::new(page, total, ids);
    let mut rows = store::rows(tx, &page.items)?;
    Ok(LongPage {
        items: page.items.iter().filter_map(|id| rows.remove(id)).collect(),
        total: page.total,
        has_next: page.has_next,
        number: page.number,
        size: page.size,
    })
}

/// How many products have a variant at or below `low_stock_at`, as far as they are counted: for badges.
pub fn count_low_stock(tx: &mut Tx<'_>, low_stock_at: u32) -> Result<Total, DbError> {
    let scarce = store::scarce(tx, Some(i64::from(low_stock_at)))?;
    let kept = scarce
        .products
        .iter()
        .filter(|(_, status)| *status != ProductStatus::Archived)
        .count();
    Ok(found(kept, scarce.is_cut_off))
}

/// The ids of the products a search means; see [`ProductFilter::search`]. At most [`lookup::MOST`] and one more. Two
/// statements.
pub fn find_products(tx: &mut Tx<'_>, search: &str) -> Result<Vec<ProductId>, DbError> {
    let by_number = store::by_number(tx, search.trim())?;
    let by_title: Vec<ProductId> = lookup::find(tx, Kind::Product, search)?;
    let mut ids = lookup::each_once(by_number.into_iter().chain(by_title));
    ids.truncate(usize::try_from(lookup::MOST.saturating_add(1)).unwrap_or(usize::MAX));
    Ok(ids)
}

/// These products as staff see them, in this order; those that are not there any more are left out. Three statements.
pub fn product_rows(tx: &mut Tx<'_>, ids: &[ProductId]) -> Result<Vec<ProductRow>, DbError> {
    let mut rows = store::rows(tx, ids)?;
    Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
}

/// The products a list is narrowed down to before its view and sort: by a search, or by a category that is not too large.
/// Also whether there are more of them than were found.
fn narrowed_down(
    tx: &mut Tx<'_>,
    filter: &ProductFilter,
) -> Result<Option<(Vec<ProductId>, bool)>, DbError> {
    let most = usize::try_from(lookup::MOST).unwrap_or(usize::MAX);
    let search = filter.search.as_deref().unwrap_or_default().trim();
    if !search.is_empty() {
        let ids = find_products(tx, search)?;
        let is_cut_off = ids.len() > most;
        return Ok(Some((ids, is_cut_off)));
    }
    let Some(category) = &filter.category else {
        return Ok(None);
    };
    let ids = store::in_category(tx, category)?;
    Ok((ids.len() <= most).then_some((ids, false)))
}

/// The ids of a page and one more, and how long the list is.
fn page_of(tx: &mut Tx<'_>, filter: &ProductFilter) -> Result<(Vec<ProductId>, Total), DbError> {
    let found = narrowed_down(tx, filter)?;
    let most = match filter.view {
        ProductView::LowStock => Some(i64::from(filter.low_stock_at)),
        ProductView::OutOfStock => Some(0),
        ProductView::All | ProductView::Active | ProductView::Draft | ProductView::Archived => None,
    };
    if most.is_some() || filter.sort == ProductSort::Stock {
        return by_scarcity(tx, filter, (found, most));
    }
    if let Some((ids, is_cut_off)) = found {
        return among(tx, filter, (&ids, is_cut_off));
    }
    let narrowed = store::Narrowed::of(filter.view.status(), filter.category.as_ref());
    let ids = store::walk(tx, (filter.sort, filter.page), &narrowed)?;
    Ok((ids, store::count(tx, &narrowed)?))
}

/// What was found by its scarcity, or what the emptiest shelves hold, narrowed down to what is asked for.
fn by_scarcity(
    tx: &mut Tx<'_>,
    filter: &ProductFilter,
    (found_before, most): (Option<(Vec<ProductId>, bool)>, Option<i64>),
) -> Result<(Vec<ProductId>, Total), DbError> {
    let scarce = match found_before {
        Some((ids, is_cut_off)) => store::Scarce {
            products: store::scarce_among(tx, &ids, most)?,
            is_cut_off,
        },
        None => store::scarce(tx, most)?,
    };
    let ids: Vec<ProductId> = scarce
        .products
        .into_iter()
        .filter(|(_, status)| most.is_none() || *status != ProductStatus::Archived)
        .map(|(id, _)| id)
        .collect();
    if filter.sort != ProductSort::Stock {
        return among(tx, filter, (&ids, scarce.is_cut_off));
    }
    let narrowed = store::Narrowed::of(filter.view.status(), filter.category.as_ref());
    let kept = store::those_in(tx, &ids, &narrowed)?;
    let ids: Vec<ProductId> = ids.into_iter().filter(|id| kept.contains(id)).collect();
    let total = found(ids.len(), scarce.is_cut_off);
    let (from, size) = (
        usize::try_from(filter.page.offset()).unwrap_or(usize::MAX),
        usize::try_from(filter.page.size()).unwrap_or(usize::MAX),
    );
    let page = ids
        .into_iter()
        .skip(from)
        .take(size.saturating_add(1))
        .collect();
    Ok((page, total))
}

/// A page of those of these products that are asked for, sorted.
fn among(
    tx: &mut Tx<'_>,
    filter: &ProductFilter,
    (ids, is_cut_off): (&[ProductId], bool),
) -> Result<(Vec<ProductId>, Total), DbError> {
    let narrowed = store::Narrowed::of(filter.view.status(), filter.category.as_ref());
    let kept = store::those_in(tx, ids, &narrowed)?;
    let total = found(kept.len(), is_cut_off);
    let page = store::sorted(tx, ids, (filter.sort, filter.page), &narrowed)?;
    Ok((page, total))
}

/// How long a list is of which so many were found before the search for them was cut off, if it was.
fn found(count: usize, is_cut_off: bool) -> Total {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if is_cut_off {
        Total::MoreThan(count.min(Total::CAP))
    } else {
        Total::capped(count)
    }
}
