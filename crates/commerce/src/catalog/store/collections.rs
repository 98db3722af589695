//! Collections and what is in them, as rows.

use db::{DbError, FromRow, Row, Tx, params};
use kernel::stored::ToValue;
use kernel::{CollectionId, ProductId, Slug, Timestamp};

use crate::catalog::Collection;

impl FromRow for Collection {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            slug: row.get("slug")?,
            title: row.get("title")?,
            intro: row.get("intro")?,
            count: row.get("product_count")?,
        })
    }
}

const COLUMNS: &str = "c.id, c.slug, c.title, c.intro,
       (SELECT COUNT(*)
          FROM collection_products cp
          JOIN products p ON p.id = cp.product_id
         WHERE cp.collection_id = c.id AND p.status = 'active') AS product_count";

/// The most collections a list shows.
const MOST: i64 = 500;

/// All collections in the merchant's order.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<Collection>, DbError> {
    tx.query(
        &format!("SELECT {COLUMNS} FROM collections c ORDER BY c.position, c.id LIMIT $1"),
        params![MOST],
    )
}

/// The collection with this address.
pub(crate) fn find_by_slug(tx: &mut Tx<'_>, slug: &Slug) -> Result<Option<Collection>, DbError> {
    tx.query_opt(
        &format!("SELECT {COLUMNS} FROM collections c WHERE c.slug = $1"),
        params![slug],
    )
}

/// The collection of that id.
pub(crate) fn find(tx: &mut Tx<'_>, id: &CollectionId) -> Result<Option<Collection>, DbError> {
    tx.query_opt(
        &format!("SELECT {COLUMNS} FROM collections c WHERE c.id = $1"),
        params![id],
    )
}

/// The products in a collection, in order.
pub(crate) fn placed(tx: &mut Tx<'_>, id: &CollectionId) -> Result<Vec<ProductId>, DbError> {
    let rows: Vec<(ProductId,)> = tx.query(
        "SELECT product_id FROM collection_products WHERE collection_id = $1 ORDER BY position, product_id LIMIT 10000",
        params![id],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether there is such a collection.
pub(crate) fn exists(tx: &mut Tx<'_>, id: &CollectionId) -> Result<bool, DbError> {
    let row: Option<(CollectionId,)> =
        tx.query_opt("SELECT id FROM collections WHERE id = $1", params![id])?;
    Ok(row.is_some())
}

/// Writes a collection, new or known.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    collection: &Collection,
    position: u32,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO collections (id, slug, title, intro, position, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE
            SET slug = excluded.slug, title = excluded.title, intro = excluded.intro, position = excluded.position,
                changed_at = excluded.changed_at",
        params![collection.id, collection.slug, collection.title, collection.intro, position, now],
    )?;
    Ok(())
}

/// Rows inserted by one statement: both databases limit its parameters.
const ROWS_AT_ONCE: usize = 1_000;

/// Puts exactly these products into a collection, in this order.
pub(crate) fn replace_products(
    tx: &mut Tx<'_>,
    collection: &CollectionId,
    products: &[ProductId],
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM collection_products WHERE collection_id = $1",
        params![collection],
    )?;
    let placed: Vec<(i64, &ProductId)> = (0_i64..).zip(products).collect();
    for some in placed.chunks(ROWS_AT_ONCE) {
        let mut parameters = vec![collection.to_value()];
        let mut rows = Vec::with_capacity(some.len());
        for (position, product) in some {
            parameters.push(product.to_value());
            parameters.push(position.to_value());
            let count = parameters.len();
            rows.push(format!("($1, ${}, ${count})", count.saturating_sub(1)));
        }
        tx.execute(
            &format!(
                "INSERT INTO collection_products (collection_id, product_id, position) VALUES {}",
                rows.join(", ")
            ),
            &parameters,
        )?;
    }
    Ok(())
}

/// Deletes a collection; says whether there was one.
pub(crate) fn delete(tx: &mut Tx<'_>, id: &CollectionId) -> Result<bool, DbError> {
    tx.execute(
        "DELETE FROM collection_products WHERE collection_id = $1",
        params![id],
    )?;
    Ok(tx.execute("DELETE FROM collections WHERE id = $1", params![id])? == 1)
}
