//! All SQL of the search.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, in_list, params};
use kernel::stored::ToValue;
use kernel::{ProductId, Timestamp};

use crate::catalog::ProductStatus;
use crate::fold::fold;
use crate::index::{Entry, Found, IndexedProduct, Order, Query, Reached};

/// Products read at once for the index.
pub(super) const BATCH: u32 = 500;

/// How far the catalogue has come, and which shop's it is: the first product ever made tells.
pub(super) fn reached(tx: &mut Tx<'_>) -> Result<Reached, DbError> {
    let (revision, first): (i64, Option<String>) = tx.query_one(
        "SELECT value, (SELECT MIN(id) FROM products) FROM counters WHERE name = 'catalog_revision'",
        params![],
    )?;
    Ok(Reached {
        shop: first.unwrap_or_default(),
        revision,
    })
}

/// A place in the row of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) revision: i64,
    pub(super) product: String,
}

struct Changed {
    id: ProductId,
    revision: i64,
    status: ProductStatus,
    entry: IndexedProduct,
}

impl FromRow for Changed {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let id: ProductId = row.get("id")?;
        let texts: [String; 3] = [
            row.get("summary")?,
            row.get("facts")?,
            row.get("description")?,
        ];
        let published_at: Option<Timestamp> = row.get("published_at")?;
        Ok(Self {
            revision: row.get("revision")?,
            status: row.get("status")?,
            entry: IndexedProduct {
                id: id.clone(),
                title: row.get("title")?,
                variants: Vec::new(),
                codes: Vec::new(),
                categories: Vec::new(),
                text: texts.join("\n"),
                min_price_minor: row.get("min_price_minor")?,
                max_price_minor: row.get("max_price_minor")?,
                published_at,
            },
            id,
        })
    }
}

/// The next products that changed after `from` and not after `to`, and where they end; nothing when there are no more.
pub(super) fn changed(
    tx: &mut Tx<'_>,
    from: &Place,
    to: i64,
) -> Result<Option<(Vec<Entry>, Place)>, DbError> {
    let mut rows: Vec<Changed> = tx.query(
        "SELECT id, title, summary, facts, description, status, min_price_minor, max_price_minor, published_at, revision
           FROM products
          WHERE (revision, id) > ($1, $2) AND revision <= $3
          ORDER BY revision, id
          LIMIT $4",
        params![from.revision, from.product, to, BATCH],
    )?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    let place = Place {
        revision: last.revision,
        product: last.id.to_string(),
    };
    let mut on_sale: HashMap<ProductId, &mut IndexedProduct> = rows
        .iter_mut()
        .filter(|row| row.status == ProductStatus::Active)
        .map(|row| (row.id.clone(), &mut row.entry))
        .collect();
    let ids: Vec<ProductId> = on_sale.keys().cloned().collect();
    for (product, title, sku, barcode) in variants(tx, &ids)? {
        if let Some(entry) = on_sale.get_mut(&product) {
            entry
                .variants
                .extend(Some(title).filter(|title| !title.is_empty()));
            entry.codes.push(sku);
            entry.codes.extend(barcode);
        }
    }
    for (product, category) in crate::catalog::store::categories::names_of(tx, &ids)? {
        if let Some(entry) = on_sale.get_mut(&product) {
            entry.categories.push(category);
        }
    }
    let entries = rows.into_iter().map(|row| match row.status {
        ProductStatus::Active => Entry::Put(Box::new(row.entry)),
        ProductStatus::Draft | ProductStatus::Archived => Entry::Remove(row.id),
    });
    Ok(Some((entries.collect(), place)))
}

type VariantTexts = (ProductId, String, String, Option<String>);

fn variants(tx: &mut Tx<'_>, products: &[ProductId]) -> Result<Vec<VariantTexts>, DbError> {
    let values: Vec<_> = products.iter().map(ToValue::to_value).collect();
    let sql = format!(
        "SELECT product_id, title, sku, barcode
           FROM variants
          WHERE product_id IN ({})
          ORDER BY product_id, position, id",
        in_list(1, products.len())
    );
    tx.query(&sql, &values)
}

/// What the database finds by itself: products with the query in their name or at the beginning of an article number.
pub(super) fn find_plainly(tx: &mut Tx<'_>, query: &Query) -> Result<Found, DbError> {
    let text: String = fold(&query.text)
        .chars()
        .filter(|c| *c != '\0')
        .take(crate::index::limits::QUERY)
        .collect();
    if text.is_empty() {
        return Ok(Found::default());
    }
    let literal = text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let order = match query.order {
        Order::Relevance => "title_folded, id",
        Order::Newest => "published_at DESC NULLS LAST, id DESC",
        Order::PriceUp => "min_price_minor, id",
        Order::PriceDown => "max_price_minor DESC, id",
    };
    let rows: Vec<(ProductId, u32)> = tx.query(
        &format!(
            "SELECT id, COUNT(*) OVER () AS total
               FROM products
              WHERE status = 'active'
                AND (title_folded LIKE $1 ESCAPE '\\'
                     OR id IN (SELECT product_id FROM variants WHERE LOWER(sku) LIKE $2 ESCAPE '\\' OR barcode = $3))
              ORDER BY {order}
              LIMIT $4 OFFSET $5"
        ),
        params![format!("%{literal}%"), format!("{literal}%"), text, query.page.size(), query.page.offset()],
    )?;
    let total = rows.first().map_or(0, |(_, total)| *total);
    Ok(Found {
        ids: rows.into_iter().map(|(id, _)| id).collect(),
        total,
        ..Found::default()
    })
}
