//! Products in lists for staff, as rows.

use std::collections::{HashMap, HashSet};

use db::{DbError, FromRow, Row, Tx, Value, in_list, params};
use kernel::stored::ToValue;
use kernel::{CategoryId, Currency, MediaId, PageRequest, ProductId, Total};

use super::products::values_of;
use crate::catalog::desk::{ProductRow, ProductSort, ProductStock};
use crate::catalog::{ProductPicture, ProductStatus};
use crate::inventory::with_ids;
use crate::lookup::{self, end_of};
use crate::media::Picture;

/// What is neither promised nor held on a shelf. The index `stock_levels_by_left` is in this order.
const LEFT: &str = "(s.on_hand - s.allocated - s.reserved)";

/// What a list is narrowed down to beside its ids.
pub(crate) struct Narrowed<'a> {
    status: Option<ProductStatus>,
    category: Option<&'a CategoryId>,
}

impl<'a> Narrowed<'a> {
    pub(crate) const fn of(
        status: Option<ProductStatus>,
        category: Option<&'a CategoryId>,
    ) -> Self {
        Self { status, category }
    }

    /// The condition on `p`, which begins with AND, where the category is parameter `number`; its value is added then.
    ///
    /// Counted instead of asked whether it exists, so that each product is looked up in the category and not the category
    /// gone through for the products.
    fn in_category(&self, parameters: &mut Vec<Value>) -> String {
        let Some(category) = self.category else {
            return String::new();
        };
        parameters.push(category.to_value());
        format!(
            " AND (SELECT COUNT(*) FROM category_products cp WHERE cp.category_id = ${} AND cp.product_id = p.id) = 1",
            parameters.len()
        )
    }

    /// The condition on the status of products known by their ids: not one to look them up by.
    fn in_status(&self, parameters: &mut Vec<Value>) -> String {
        let Some(status) = self.status else {
            return String::new();
        };
        parameters.push(status.to_value());
        format!(" AND p.status || '' = ${}", parameters.len())
    }
}

/// The column a list is sorted by, and its direction.
const fn key(sort: ProductSort) -> (&'static str, &'static str) {
    match sort {
        ProductSort::Changed | ProductSort::Stock => ("changed_at", "DESC"),
        ProductSort::Title => ("title_folded", "ASC"),
        ProductSort::Price => ("min_price_minor", "ASC"),
    }
}

/// A page of a list and one more, read off the index of its status and sort; of every status, the firsts of each are
/// merged.
pub(crate) fn walk(
    tx: &mut Tx<'_>,
    (sort, page): (ProductSort, PageRequest),
    narrowed: &Narrowed<'_>,
) -> Result<Vec<ProductId>, DbError> {
    let (column, direction) = key(sort);
    let one_more = page.size().saturating_add(1);
    let mut parameters = params![
        one_more,
        page.offset(),
        page.offset().saturating_add(one_more)
    ]
    .to_vec();
    let category = narrowed.in_category(&mut parameters);
    let statuses = match &narrowed.status {
        Some(status) => std::slice::from_ref(status),
        None => ProductStatus::ALL,
    };
    let firsts: Vec<String> = statuses
        .iter()
        .map(|status| {
            format!(
                "SELECT id, key FROM (SELECT p.id, p.{column} AS key FROM products p WHERE p.status = '{status}'{category}
                  ORDER BY p.{column} {direction}, p.id {direction} LIMIT $3) AS of_{status}"
            )
        })
        .collect();
    let rows: Vec<(ProductId,)> = tx.query(
        &format!(
            "SELECT id FROM ({}) AS merged ORDER BY key {direction}, id {direction} LIMIT $1 OFFSET $2",
            firsts.join(" UNION ALL ")
        ),
        &parameters,
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// How long a list is, as far as it is counted.
pub(crate) fn count(tx: &mut Tx<'_>, narrowed: &Narrowed<'_>) -> Result<Total, DbError> {
    let mut parameters = params![Total::CAP.saturating_add(1)].to_vec();
    let category = narrowed.in_category(&mut parameters);
    let (condition, order) = match narrowed.status {
        Some(status) => (
            format!("p.status = '{status}'{category}"),
            "p.changed_at, p.id",
        ),
        None => (format!("p.id > ''{category}"), "p.id"),
    };
    let (counted,): (u32,) = tx.query_one(
        &format!(
            "SELECT COUNT(*) FROM (SELECT p.id FROM products p WHERE {condition} ORDER BY {order} LIMIT $1) AS counted"
        ),
        &parameters,
    )?;
    Ok(Total::capped(counted))
}

/// A page of those of these products that are asked for and one more, sorted.
pub(crate) fn sorted(
    tx: &mut Tx<'_>,
    ids: &[ProductId],
    (sort, page): (ProductSort, PageRequest),
    narrowed: &Narrowed<'_>,
) -> Result<Vec<ProductId>, DbError> {
    let (column, direction) = key(sort);
    let mut parameters = with_ids(params![page.size().saturating_add(1), page.offset()], ids);
    let status = narrowed.in_status(&mut parameters);
    let category = narrowed.in_category(&mut parameters);
    let rows: Vec<(ProductId,)> = tx.query(
        &format!(
            "SELECT p.id FROM products p
              WHERE p.id IN ({}){status}{category}
              ORDER BY p.{column} {direction}, p.id {direction}
              LIMIT $1 OFFSET $2",
            in_list(3, ids.len())
        ),
        &parameters,
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Which of these products are asked for.
pub(crate) fn those_in(
    tx: &mut Tx<'_>,
    ids: &[ProductId],
    narrowed: &Narrowed<'_>,
) -> Result<HashSet<ProductId>, DbError> {
    let mut parameters = values_of(ids);
    let status = narrowed.in_status(&mut parameters);
    let category = narrowed.in_category(&mut parameters);
    let rows: Vec<(ProductId,)> = tx.query(
        &format!(
            "SELECT p.id FROM products p WHERE p.id IN ({}){status}{category}",
            in_list(1, ids.len())
        ),
        &parameters,
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The products in a category or below it, at most [`lookup::MOST`] and one more.
pub(crate) fn in_category(
    tx: &mut Tx<'_>,
    category: &CategoryId,
) -> Result<Vec<ProductId>, DbError> {
    let rows: Vec<(ProductId,)> = tx.query(
        "SELECT product_id FROM category_products WHERE category_id = $1 ORDER BY position, product_id LIMIT $2",
        params![category, lookup::MOST.saturating_add(1)],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Products by the beginning of an article number, as typed, in capitals or in small letters, or by a whole barcode.
pub(crate) fn by_number(tx: &mut Tx<'_>, typed: &str) -> Result<Vec<ProductId>, DbError> {
    let most = lookup::MOST.saturating_add(1);
    let (upper, lower) = (typed.to_uppercase(), typed.to_lowercase());
    let by_sku = |first: u32| {
        let end = first.saturating_add(1);
        format!(
            "SELECT product_id FROM (SELECT product_id FROM variants WHERE sku >= ${first} AND sku < ${end} ORDER BY sku LIMIT $1) AS from_{first}"
        )
    };
    let rows: Vec<(ProductId,)> = tx.query(
        &format!(
            "{} UNION ALL {} UNION ALL {}
              UNION ALL
             SELECT product_id FROM (SELECT product_id FROM variants WHERE barcode = $2 ORDER BY barcode LIMIT $1) AS by_barcode",
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
    Ok(lookup::each_once(rows.into_iter().map(|(id,)| id)))
}

/// The products of the emptiest shelves, the emptiest first.
pub(crate) struct Scarce {
    pub(crate) products: Vec<(ProductId, ProductStatus)>,
    /// Whether there are more shelves than were looked at.
    pub(crate) is_cut_off: bool,
}

/// What there is least of, or of what there are at most so many pieces left. One statement.
///
/// A variant with little left has a shelf with little on it, so the emptiest shelves are looked at, and then all shelves of
/// their variants. What belongs to each of them is asked for one by one: they are few, and the tables are not.
pub(crate) fn scarce(tx: &mut Tx<'_>, at_most: Option<i64>) -> Result<Scarce, DbError> {
    let shelves = lookup::MOST.saturating_add(1);
    let rows: Vec<(Option<ProductId>, Option<ProductStatus>, i64)> = tx.query(
        &format!(
            "SELECT x.product_id, x.status, x.pieces
               FROM (SELECT (SELECT v.product_id FROM variants v WHERE v.id = e.variant_id AND v.stock_tracked = $3) AS product_id,
                            (SELECT p.status FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = e.variant_id) AS status,
                            (SELECT CAST(SUM({LEFT}) AS BIGINT) FROM stock_levels s WHERE s.variant_id = e.variant_id) AS pieces
                       FROM (SELECT s.variant_id FROM stock_levels s WHERE {LEFT} <= $1
                              ORDER BY {LEFT}, s.variant_id, s.location_id LIMIT $2) AS e) AS x
              ORDER BY x.pieces, x.product_id"
        ),
        params![at_most.unwrap_or(i64::MAX), shelves, true],
    )?;
    let is_cut_off = rows.len() > usize::try_from(lookup::MOST).unwrap_or(usize::MAX);
    let products = rows
        .into_iter()
        .filter(|(_, _, pieces)| at_most.is_none_or(|most| *pieces <= most))
        .filter_map(|(product, status, _)| product.zip(status));
    Ok(Scarce {
        products: lookup::each_once(products),
        is_cut_off,
    })
}

/// These products by the variant there is least of, the scarcest first: those with counted variants, and, if asked, with one
/// of which there are at most so many pieces left. One statement.
pub(crate) fn scarce_among(
    tx: &mut Tx<'_>,
    ids: &[ProductId],
    at_most: Option<i64>,
) -> Result<Vec<(ProductId, ProductStatus)>, DbError> {
    let rows: Vec<(ProductId, ProductStatus, i64)> = tx.query(
        &format!(
            "SELECT x.product_id, x.status, MIN(x.pieces) AS least
               FROM (SELECT v.product_id, (SELECT p.status FROM products p WHERE p.id = v.product_id) AS status,
                            CAST(COALESCE((SELECT SUM({LEFT}) FROM stock_levels s WHERE s.variant_id = v.id), 0) AS BIGINT) AS pieces
                       FROM variants v
                      WHERE v.product_id IN ({}) AND v.stock_tracked = $1) AS x
              GROUP BY x.product_id, x.status
             HAVING MIN(x.pieces) <= $2
              ORDER BY least, x.product_id",
            in_list(3, ids.len())
        ),
        &with_ids(params![true, at_most.unwrap_or(i64::MAX)], ids),
    )?;
    let named = rows.into_iter().map(|(id, status, _)| (id, status));
    Ok(named.collect())
}

impl FromRow for ProductRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        let picture = match row.get::<Option<MediaId>>("media_id")? {
            None => None,
            Some(id) => Some(ProductPicture {
                picture: Picture {
                    id,
                    hash: row.get("content_hash")?,
                    width: row.get("width")?,
                    height: row.get("height")?,
                    widths: row.get("widths")?,
                    ground: row.get("ground")?,
                },
                alt: row.get("alt")?,
            }),
        };
        Ok(Self {
            id: row.get("id")?,
            slug: row.get("slug")?,
            title: row.get("title")?,
            picture,
            status: row.get("status")?,
            variant_count: 0,
            min_price: currency.minor(row.get("min_price_minor")?),
            max_price: currency.minor(row.get("max_price_minor")?),
            stock: None,
            categories: Vec::new(),
            changed_at: row.get("changed_at")?,
            version: row.get("version")?,
        })
    }
}

/// These products with their stock and categories. Three statements.
pub(crate) fn rows(
    tx: &mut Tx<'_>,
    ids: &[ProductId],
) -> Result<HashMap<ProductId, ProductRow>, DbError> {
    let list = in_list(1, ids.len());
    let rows: Vec<ProductRow> = tx.query(
        &format!(
            "SELECT p.id, p.slug, p.title, p.status, p.currency, p.min_price_minor, p.max_price_minor, p.changed_at, p.version,
                    m.id AS media_id, m.content_hash, m.width, m.height, m.widths, m.ground, pm.alt
               FROM products p
               LEFT JOIN product_media pm ON pm.product_id = p.id AND pm.position = 0
               LEFT JOIN media m ON m.id = pm.media_id
              WHERE p.id IN ({list})"
        ),
        &values_of(ids),
    )?;
    let mut rows: HashMap<ProductId, ProductRow> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    for (id, variants, counted, left, least) in stock_of(tx, ids)? {
        if let Some(row) = rows.get_mut(&id) {
            row.variant_count = variants;
            row.stock = least.map(|least| ProductStock {
                left,
                least,
                counted,
            });
        }
    }
    let categories: Vec<(ProductId, String)> = tx.query(
        &format!(
            "SELECT cp.product_id, c.title
               FROM category_products cp
               JOIN categories c ON c.id = cp.category_id
              WHERE cp.product_id IN ({list}) AND NOT cp.inherited
              ORDER BY cp.product_id, c.position, c.id"
        ),
        &values_of(ids),
    )?;
    for (id, title) in categories {
        if let Some(row) = rows.get_mut(&id) {
            row.categories.push(title);
        }
    }
    Ok(rows)
}

/// Of each product its variants, how many are counted, what is left of those, and of the scarcest of them.
type StockOf = (ProductId, u32, u32, i64, Option<i64>);

fn stock_of(tx: &mut Tx<'_>, ids: &[ProductId]) -> Result<Vec<StockOf>, DbError> {
    tx.query(
        &format!(
            "SELECT x.product_id, COUNT(*), CAST(SUM(x.counted) AS BIGINT), CAST(SUM(x.counted * x.pieces) AS BIGINT),
                    MIN(CASE WHEN x.counted = 1 THEN x.pieces END)
               FROM (SELECT v.product_id, CASE WHEN v.stock_tracked THEN 1 ELSE 0 END AS counted,
                            CAST(COALESCE((SELECT SUM({LEFT}) FROM stock_levels s WHERE s.variant_id = v.id), 0) AS BIGINT) AS pieces
                       FROM variants v
                      WHERE v.product_id IN ({})) AS x
              GROUP BY x.product_id",
            in_list(1, ids.len())
        ),
        &values_of(ids),
    )
}
