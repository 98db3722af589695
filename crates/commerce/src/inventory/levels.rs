//! Stock in lists: every variant with its figures at each location, and the movements behind them.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use db::{DbError, FromRow, Row, Tx, in_list, params};
use kernel::{
    LocationId, LongPage, PageRequest, ProductId, Sku, Slug, StockMovementId, TextError, Timestamp,
    Total, VariantId,
};

use super::store::{levels, with_ids};
use super::{StockLevel, StockMovement};
use crate::lookup::{self, Kind, end_of};

kernel::words! {
    /// Which variants a list is of.
    pub enum StockView {
        /// All of them, by article number.
        All = "all",
        /// At or below the low mark, or gone; the emptiest first.
        Low = "low",
        /// Nothing left that is not promised or held; the emptiest first.
        Out = "out",
        /// Those whose stock is not counted, by article number.
        NotCounted = "not_counted",
    }
}

/// Which variants, and which page of them.
#[derive(Debug, Clone)]
pub struct StockFilter {
    /// Which list.
    pub view: StockView,
    /// Beginnings of words of the product's title, the beginning of an article number, or a barcode.
    pub search: Option<String>,
    /// Only the figures of this location.
    pub location: Option<LocationId>,
    /// Which page.
    pub page: PageRequest,
    /// From this figure down, stock is low: `settings.selling.low_stock_at`.
    pub low_stock_at: u32,
}

/// A variant with its stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRow {
    /// The variant.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// The product's place in the shop's addresses.
    pub product_slug: Slug,
    /// The product's title.
    pub product_title: String,
    /// The variant's title; empty without options.
    pub variant_title: String,
    /// Its article number.
    pub sku: Sku,
    /// What a scanner reads.
    pub barcode: Option<String>,
    /// Whether its stock is counted.
    pub stock_tracked: bool,
    /// What is neither promised to an order nor held for a checkout, over the levels shown.
    pub left: i64,
    /// Its figures where it ever was, nearest location first.
    pub levels: Vec<StockLevel>,
}

impl FromRow for StockRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            variant_id: row.get("id")?,
            product_id: row.get("product_id")?,
            product_slug: row.get("slug")?,
            product_title: row.get("product_title")?,
            variant_title: row.get("title")?,
            sku: row.get("sku")?,
            barcode: row.get("barcode")?,
            stock_tracked: row.get("stock_tracked")?,
            left: 0,
            levels: Vec::new(),
        })
    }
}

impl StockLevel {
    /// What is neither promised to an order nor held for a checkout; below zero where back-orders were taken.
    pub fn left(&self) -> i64 {
        self.on_hand
            .saturating_sub(self.allocated)
            .saturating_sub(self.reserved)
    }
}

/// One page of the stock. At most six statements.
pub fn list_stock(tx: &mut Tx<'_>, filter: &StockFilter) -> Result<LongPage<StockRow>, DbError> {
    let search = filter.search.as_deref().unwrap_or_default().trim();
    let searched = if search.is_empty() {
        None
    } else {
        Some(find_variants(tx, search)?)
    };
    let at_most = match filter.view {
        StockView::Low => Some(i64::from(filter.low_stock_at)),
        StockView::Out => Some(0),
        StockView::All | StockView::NotCounted => None,
    };
    let (ids, total) = match (at_most, searched) {
        (Some(at_most), searched) => {
            let location = filter.location.as_ref();
            let scarce = match searched {
                Some(found) => emptiest_of(tx, (&found, at_most), location)?,
                None => emptiest(tx, at_most, location)?,
            };
            (slice(&scarce, filter.page), counted(scarce.len()))
        }
        (None, Some(found)) => among(tx, filter, &found)?,
        (None, None) => walk(tx, filter)?,
    };
    let page = LongPage::new(filter.page, total, ids);
    let mut rows = rows(tx, &page.items, filter.location.as_ref())?;
    let items = page
        .items
        .iter()
        .filter_map(|id| rows.remove(id))
        .collect::<Vec<_>>();
    Ok(LongPage {
        items,
        total: page.total,
        has_next: page.has_next,
        number: page.number,
        size: page.size,
    })
}

/// The stock of one variant, if there is such a variant.
pub fn stock_of(tx: &mut Tx<'_>, variant: &VariantId) -> Result<Option<StockRow>, DbError> {
    Ok(rows(tx, std::slice::from_ref(variant), None)?.remove(variant))
}

/// The stock of these variants, by their ids. Two statements, however many they are.
pub fn stock_rows(
    tx: &mut Tx<'_>,
    variants: &[VariantId],
) -> Result<HashMap<VariantId, StockRow>, DbError> {
    rows(tx, variants, None)
}

fn counted(count: usize) -> Total {
    Total::capped(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A page and one more of a list that is all there.
fn slice(ids: &[VariantId], page: PageRequest) -> Vec<VariantId> {
    let from = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(page.size()).unwrap_or(usize::MAX);
    ids.iter()
        .skip(from)
        .take(size.saturating_add(1))
        .cloned()
        .collect()
}

fn one_column(rows: Vec<(VariantId,)>) -> Vec<VariantId> {
    rows.into_iter().map(|(id,)| id).collect()
}

/// The variants a search means, at most [`lookup::MOST`] and one more. Three statements.
fn find_variants(tx: &mut Tx<'_>, typed: &str) -> Result<Vec<VariantId>, DbError> {
    let most = lookup::MOST.saturating_add(1);
    let (upper, lower) = (typed.to_uppercase(), typed.to_lowercase());
    let by_sku = |first: u32| {
        let end = first.saturating_add(1);
        format!(
            "SELECT id FROM (SELECT id FROM variants WHERE sku >= ${first} AND sku < ${end} ORDER BY sku LIMIT $1) AS from_{first}"
        )
    };
    let by_number: Vec<(VariantId,)> = tx.query(
        &format!(
            "{} UNION ALL {} UNION ALL {}
              UNION ALL
             SELECT id FROM (SELECT id FROM variants WHERE barcode = $2 ORDER BY barcode LIMIT $1) AS by_barcode",
            by_sku(2),
            by_sku(4),
            by_sku(6)
        ),
        params![
            most,
            typed,
            end_of(typed),
            upper,
            end_of(&upper),
            lower,
            end_of(&lower)
        ],
    )?;
    let products: Vec<ProductId> = lookup::find(tx, Kind::Product, typed)?;
    let of_products: Vec<(VariantId,)> = tx.query(
        &format!(
            "SELECT id FROM variants WHERE product_id IN ({}) ORDER BY product_id, combination LIMIT $1",
            in_list(2, products.len())
        ),
        &with_ids(params![most], &products),
    )?;
    let all = by_number.into_iter().chain(of_products);
    let mut found = lookup::each_once(all.map(|(id,)| id));
    found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(found)
}

/// The counted variants with at most so many pieces left, the emptiest first: the emptiest shelves are looked at, and then
/// all shelves of their variants, as what is little together is little everywhere. One statement.
fn emptiest(
    tx: &mut Tx<'_>,
    at_most: i64,
    location: Option<&LocationId>,
) -> Result<Vec<VariantId>, DbError> {
    let rows: Vec<(VariantId,)> = tx.query(
        "SELECT x.variant_id
           FROM (SELECT e.variant_id,
                        (SELECT CAST(SUM(s.on_hand - s.allocated - s.reserved) AS BIGINT) FROM stock_levels s
                          WHERE s.variant_id = e.variant_id AND s.location_id = COALESCE($2, s.location_id)) AS pieces,
                        (SELECT COUNT(*) FROM variants v JOIN products p ON p.id = v.product_id
                          WHERE v.id = e.variant_id AND v.stock_tracked = $4 AND p.status <> 'archived') AS counted
                   FROM (SELECT s.variant_id
                           FROM stock_levels s
                          WHERE (s.on_hand - s.allocated - s.reserved) <= $1 AND s.location_id = COALESCE($2, s.location_id)
                          ORDER BY (s.on_hand - s.allocated - s.reserved), s.variant_id, s.location_id
                          LIMIT $3) AS e) AS x
          WHERE x.counted = 1 AND x.pieces <= $1
          ORDER BY x.pieces, x.variant_id",
        params![at_most, location, lookup::MOST.saturating_add(1), true],
    )?;
    Ok(lookup::each_once(rows.into_iter().map(|(id,)| id)))
}

/// Those of these variants with at most so many pieces left, as [`emptiest`] has them. One statement.
fn emptiest_of(
    tx: &mut Tx<'_>,
    (ids, at_most): (&[VariantId], i64),
    location: Option<&LocationId>,
) -> Result<Vec<VariantId>, DbError> {
    let rows: Vec<(VariantId,)> = tx.query(
        &format!(
            "SELECT x.id
               FROM (SELECT v.id,
                            (SELECT CAST(SUM(s.on_hand - s.allocated - s.reserved) AS BIGINT) FROM stock_levels s
                              WHERE s.variant_id = v.id AND s.location_id = COALESCE($2, s.location_id)) AS pieces,
                            (SELECT COUNT(*) FROM products p WHERE p.id = v.product_id AND p.status <> 'archived') AS kept
                       FROM variants v
                      WHERE v.id IN ({}) AND v.stock_tracked = $3) AS x
              WHERE x.kept = 1 AND x.pieces <= $1
              ORDER BY x.pieces, x.id",
            in_list(4, ids.len())
        ),
        &with_ids(params![at_most, location, true], ids),
    )?;
    Ok(one_column(rows))
}

/// The condition that makes a list of those not counted; the index is of these words.
const NOT_COUNTED: &str = "NOT stock_tracked";

fn walk(tx: &mut Tx<'_>, filter: &StockFilter) -> Result<(Vec<VariantId>, Total), DbError> {
    let condition = match filter.view {
        StockView::NotCounted => NOT_COUNTED,
        StockView::All | StockView::Low | StockView::Out => "sku > ''",
    };
    let rows: Vec<(VariantId,)> = tx.query(
        &format!("SELECT id FROM variants WHERE {condition} ORDER BY sku LIMIT $1 OFFSET $2"),
        params![filter.page.size().saturating_add(1), filter.page.offset()],
    )?;
    let (count,): (u32,) = tx.query_one(
        &format!(
            "SELECT COUNT(*) FROM (SELECT id FROM variants WHERE {condition} ORDER BY sku LIMIT $1) AS counted"
        ),
        params![Total::CAP.saturating_add(1)],
    )?;
    Ok((one_column(rows), Total::capped(count)))
}

/// A page of those of these variants that are in the view, by article number.
fn among(
    tx: &mut Tx<'_>,
    filter: &StockFilter,
    ids: &[VariantId],
) -> Result<(Vec<VariantId>, Total), DbError> {
    let condition = match filter.view {
        StockView::NotCounted => "AND stock_tracked = FALSE",
        StockView::All | StockView::Low | StockView::Out => "",
    };
    let rows: Vec<(VariantId,)> = tx.query(
        &format!(
            "SELECT id FROM variants WHERE id IN ({}) {condition} ORDER BY sku LIMIT $1",
            in_list(2, ids.len())
        ),
        &with_ids(params![lookup::MOST.saturating_add(1)], ids),
    )?;
    let all = one_column(rows);
    Ok((slice(&all, filter.page), counted(all.len())))
}

/// These variants with their figures. Two statements.
fn rows(
    tx: &mut Tx<'_>,
    ids: &[VariantId],
    location: Option<&LocationId>,
) -> Result<HashMap<VariantId, StockRow>, DbError> {
    let rows: Vec<StockRow> = tx.query(
        &format!(
            "SELECT v.id, v.product_id, v.title, v.sku, v.barcode, v.stock_tracked, p.slug, p.title AS product_title
               FROM variants v
               JOIN products p ON p.id = v.product_id
              WHERE v.id IN ({})",
            in_list(1, ids.len())
        ),
        &with_ids(&[], ids),
    )?;
    let mut rows: HashMap<VariantId, StockRow> = rows
        .into_iter()
        .map(|row| (row.variant_id.clone(), row))
        .collect();
    for level in levels(tx, ids)? {
        let is_shown = location.is_none_or(|location| *location == level.location_id);
        if let Some(row) = rows.get_mut(&level.variant_id).filter(|_| is_shown) {
            row.left = row.left.saturating_add(level.left());
            row.levels.push(level);
        }
    }
    Ok(rows)
}

/// A place in the row of a variant's movements, for a link to what is before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovementCursor {
    at: Timestamp,
    id: StockMovementId,
}

impl fmt::Display for MovementCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.millis(), self.id)
    }
}

impl FromStr for MovementCursor {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let (at, id) = text.split_once('.').ok_or(TextError::NotAnId)?;
        let at = at.parse().map_err(|_error| TextError::NotAnId)?;
        Ok(Self {
            at: Timestamp::from_millis(at),
            id: id.parse()?,
        })
    }
}

/// Some of a variant's movements, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movements {
    /// What happened.
    pub items: Vec<StockMovement>,
    /// Where to go on, if there is more.
    pub next: Option<MovementCursor>,
}

/// Most movements read at once.
const MOVEMENTS: u32 = 100;

/// What happened to a variant's stock before that place, or lately: why the figures are what they are. One statement.
pub fn movements_before(
    tx: &mut Tx<'_>,
    variant: &VariantId,
    before: Option<&MovementCursor>,
    count: u32,
) -> Result<Movements, DbError> {
    struct Placed(MovementCursor, StockMovement);
    impl FromRow for Placed {
        fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
            let place = MovementCursor {
                at: row.get("at")?,
                id: row.get("id")?,
            };
            Ok(Self(place, StockMovement::from_row(row)?))
        }
    }
    let count = count.clamp(1, MOVEMENTS);
    let (at, id) = before.map_or((Timestamp::from_millis(i64::MAX), ""), |place| {
        (place.at, place.id.as_str())
    });
    let rows: Vec<Placed> = tx.query(
        "SELECT id, kind, location_id, on_hand_change, allocated_change, order_id, actor, reason, at
           FROM stock_movements
          WHERE variant_id = $1 AND (at, id) < ($2, $3)
          ORDER BY at DESC, id DESC
          LIMIT $4",
        params![variant, at, id, count.saturating_add(1)],
    )?;
    let size = usize::try_from(count).unwrap_or(usize::MAX);
    let has_more = rows.len() > size;
    let shown: Vec<Placed> = rows.into_iter().take(size).collect();
    let last = shown.last().map(|Placed(place, _)| place.clone());
    Ok(Movements {
        items: shown
            .into_iter()
            .map(|Placed(_, movement)| movement)
            .collect(),
        next: last.filter(|_| has_more),
    })
}
