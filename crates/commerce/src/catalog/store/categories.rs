//! Categories and what stands in them, as rows.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, Value, in_list, params};
use kernel::stored::ToValue;
use kernel::{CategoryId, ProductId, Slug, Timestamp};

use crate::catalog::Category;
use crate::media::Picture;

impl FromRow for Category {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            parent_id: row.get("parent_id")?,
            slug: row.get("slug")?,
            title: row.get("title")?,
            intro: row.get("intro")?,
        })
    }
}

struct Counted(Category, u32);

impl FromRow for Counted {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self(Category::from_row(row)?, row.get("product_count")?))
    }
}

/// Every category with how many active products stand in it, by place among its siblings.
pub(crate) fn all_with_counts(tx: &mut Tx<'_>) -> Result<Vec<(Category, u32)>, DbError> {
    let rows: Vec<Counted> = tx.query(
        "SELECT c.id, c.parent_id, c.slug, c.title, c.intro,
                (SELECT COUNT(*)
                   FROM category_products cp
                   JOIN products p ON p.id = cp.product_id
                  WHERE cp.category_id = c.id AND p.status = 'active') AS product_count
           FROM categories c
          ORDER BY c.position, c.id",
        params![],
    )?;
    Ok(rows
        .into_iter()
        .map(|Counted(category, count)| (category, count))
        .collect())
}

/// The category.
pub(crate) fn find(tx: &mut Tx<'_>, id: &CategoryId) -> Result<Option<Category>, DbError> {
    tx.query_opt(
        "SELECT id, parent_id, slug, title, intro FROM categories WHERE id = $1",
        params![id],
    )
}

/// The category with this address.
pub(crate) fn id_by_slug(tx: &mut Tx<'_>, slug: &Slug) -> Result<Option<CategoryId>, DbError> {
    let row: Option<(CategoryId,)> =
        tx.query_opt("SELECT id FROM categories WHERE slug = $1", params![slug])?;
    Ok(row.map(|(id,)| id))
}

/// Whether categories stand below this one.
pub(crate) fn has_children(tx: &mut Tx<'_>, id: &CategoryId) -> Result<bool, DbError> {
    let (count,) = tx.query_one::<(u32,)>(
        "SELECT COUNT(*) FROM categories WHERE parent_id = $1",
        params![id],
    )?;
    Ok(count > 0)
}

/// A category and all above it, nearest first; empty if there is no such category.
pub(crate) fn with_ancestors(tx: &mut Tx<'_>, id: &CategoryId) -> Result<Vec<CategoryId>, DbError> {
    let rows: Vec<(CategoryId,)> = tx.query(
        "WITH RECURSIVE path (id, parent_id, depth) AS (
           SELECT id, parent_id, 0 FROM categories WHERE id = $1
            UNION ALL
           SELECT c.id, c.parent_id, path.depth + 1 FROM path JOIN categories c ON c.id = path.parent_id
         )
         SELECT id FROM path ORDER BY depth",
        params![id],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// How many levels a category and those below it take up; a new one takes one.
pub(crate) fn levels_from(tx: &mut Tx<'_>, id: &CategoryId) -> Result<usize, DbError> {
    let (levels,) = tx.query_one::<(u32,)>(
        "WITH RECURSIVE below (id, depth) AS (
           SELECT id, 1 FROM categories WHERE id = $1
            UNION ALL
           SELECT c.id, below.depth + 1 FROM below JOIN categories c ON c.parent_id = below.id
         )
         SELECT CAST(COALESCE(MAX(depth), 1) AS BIGINT) FROM below",
        params![id],
    )?;
    Ok(usize::try_from(levels).unwrap_or(usize::MAX))
}

/// The way down to the first category a product was put into, from the top.
pub(crate) fn path_of_product(
    tx: &mut Tx<'_>,
    product: &ProductId,
) -> Result<Vec<Category>, DbError> {
    tx.query(
        "WITH RECURSIVE path (id, parent_id, slug, title, intro, depth) AS (
           SELECT first.id, first.parent_id, first.slug, first.title, first.intro, 0
             FROM (SELECT c.id, c.parent_id, c.slug, c.title, c.intro
                     FROM category_products cp
                     JOIN categories c ON c.id = cp.category_id
                    WHERE cp.product_id = $1 AND NOT cp.inherited
                    ORDER BY c.position, c.id
                    LIMIT 1) AS first
            UNION ALL
           SELECT c.id, c.parent_id, c.slug, c.title, c.intro, path.depth + 1
             FROM path
             JOIN categories c ON c.id = path.parent_id
         )
         SELECT id, parent_id, slug, title, intro FROM path ORDER BY depth DESC",
        params![product],
    )
}

/// The picture of the first product in each of these categories that has one.
pub(crate) fn pictures(
    tx: &mut Tx<'_>,
    categories: &[CategoryId],
) -> Result<HashMap<CategoryId, Picture>, DbError> {
    struct Of(CategoryId, Picture);
    impl FromRow for Of {
        fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
            Ok(Self(row.get("category_id")?, Picture::from_row(row)?))
        }
    }
    if categories.is_empty() {
        return Ok(HashMap::new());
    }
    // Each is read off the index of its category, and no further than the first.
    let one = |number: usize| {
        format!(
            "SELECT category_id, media_id
               FROM (SELECT l.category_id, pm.media_id
                       FROM category_products l
                       JOIN products p ON p.id = l.product_id
                       JOIN product_media pm ON pm.product_id = p.id AND pm.position = 0
                      WHERE l.category_id = ${number} AND p.status = 'active'
                      ORDER BY l.position, l.product_id
                      LIMIT 1) AS c{number}"
        )
    };
    let parts: Vec<String> = (1..=categories.len()).map(one).collect();
    let sql = format!(
        "WITH first AS ({})
         SELECT first.category_id, m.id, m.content_hash, m.width, m.height, m.widths, m.ground
           FROM first
           JOIN media m ON m.id = first.media_id",
        parts.join(" UNION ALL ")
    );
    let parameters: Vec<Value> = categories.iter().map(ToValue::to_value).collect();
    Ok(tx
        .query::<Of>(&sql, &parameters)?
        .into_iter()
        .map(|Of(category, picture)| (category, picture))
        .collect())
}

/// Writes a category, new or known.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    category: &Category,
    position: u32,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO categories (id, parent_id, slug, title, intro, position, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE
            SET parent_id = excluded.parent_id, slug = excluded.slug, title = excluded.title, intro = excluded.intro,
                position = excluded.position, changed_at = excluded.changed_at",
        params![category.id, category.parent_id, category.slug, category.title, category.intro, position, now],
    )?;
    Ok(())
}

/// Deletes a category without any below it.
pub(crate) fn delete(tx: &mut Tx<'_>, id: &CategoryId) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM category_products WHERE category_id = $1",
        params![id],
    )?;
    tx.execute("DELETE FROM categories WHERE id = $1", params![id])?;
    Ok(())
}

/// Puts categories that stand beside each other into this order.
pub(crate) fn put_in_order(
    tx: &mut Tx<'_>,
    order: &[CategoryId],
    now: Timestamp,
) -> Result<(), DbError> {
    let mut parameters = vec![now.to_value()];
    let mut cases = Vec::with_capacity(order.len());
    for (position, id) in (0_i64..).zip(order) {
        parameters.push(id.to_value());
        cases.push(format!("WHEN ${} THEN {position}", parameters.len()));
    }
    if cases.is_empty() {
        return Ok(());
    }
    tx.execute(
        &format!(
            "UPDATE categories SET changed_at = $1, position = CASE id {} ELSE position END WHERE id IN ({})",
            cases.join(" "),
            in_list(2, order.len())
        ),
        &parameters,
    )?;
    Ok(())
}

/// Leaves this revision on every product in a category or below it.
pub(crate) fn stamp_products(
    tx: &mut Tx<'_>,
    category: &CategoryId,
    revision: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE products SET revision = $2, changed_at = $3
          WHERE id IN (SELECT product_id FROM category_products WHERE category_id = $1)",
        params![category, revision, now],
    )?;
    Ok(())
}

/// Rows inserted by one statement: both databases limit its parameters.
const ROWS_AT_ONCE: usize = 1_000;

/// The products that were put into a category itself, in order.
pub(crate) fn placed(tx: &mut Tx<'_>, category: &CategoryId) -> Result<Vec<ProductId>, DbError> {
    let rows: Vec<(ProductId,)> = tx.query(
        "SELECT product_id FROM category_products WHERE category_id = $1 AND NOT inherited ORDER BY position, product_id LIMIT 10000",
        params![category],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Puts exactly these products into a category itself, in this order.
pub(crate) fn replace_products(
    tx: &mut Tx<'_>,
    category: &CategoryId,
    products: &[ProductId],
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM category_products WHERE category_id = $1 AND NOT inherited",
        params![category],
    )?;
    let placed: Vec<(i64, &ProductId)> = (0_i64..).zip(products).collect();
    for some in placed.chunks(ROWS_AT_ONCE) {
        let mut parameters = vec![category.to_value()];
        let mut rows = Vec::with_capacity(some.len());
        for (position, product) in some {
            parameters.push(product.to_value());
            parameters.push(position.to_value());
            let count = parameters.len();
            rows.push(format!(
                "($1, ${}, ${count}, FALSE)",
                count.saturating_sub(1)
            ));
        }
        tx.execute(
            &format!(
                "INSERT INTO category_products (category_id, product_id, position, inherited) VALUES {}
                 ON CONFLICT (category_id, product_id)
                 DO UPDATE SET position = excluded.position, inherited = excluded.inherited",
                rows.join(", ")
            ),
            &parameters,
        )?;
    }
    Ok(())
}

/// Works out anew in which categories above their own the products of this revision stand.
///
/// What was put into a category by hand stays as it was put; what is inherited comes after it, in the order of the
/// categories below.
pub(crate) fn inherit(tx: &mut Tx<'_>, revision: i64) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM category_products
          WHERE inherited AND product_id IN (SELECT id FROM products WHERE revision = $1)",
        params![revision],
    )?;
    tx.execute(
        "INSERT INTO category_products (category_id, product_id, position, inherited)
         WITH RECURSIVE above (category_id, ancestor_id) AS (
           SELECT id, parent_id FROM categories WHERE parent_id IS NOT NULL
            UNION ALL
           SELECT above.category_id, c.parent_id
             FROM above
             JOIN categories c ON c.id = above.ancestor_id
            WHERE c.parent_id IS NOT NULL
         )
         SELECT above.ancestor_id, cp.product_id, MIN((c.position + 1) * 100000 + cp.position), TRUE
           FROM category_products cp
           JOIN above ON above.category_id = cp.category_id
           JOIN categories c ON c.id = cp.category_id
           JOIN products p ON p.id = cp.product_id
          WHERE NOT cp.inherited AND p.revision = $1
          GROUP BY above.ancestor_id, cp.product_id
         ON CONFLICT (category_id, product_id) DO NOTHING",
        params![revision],
    )?;
    Ok(())
}

/// The names of the categories each of these products stands in, for the index.
pub(crate) fn names_of(
    tx: &mut Tx<'_>,
    products: &[ProductId],
) -> Result<Vec<(ProductId, String)>, DbError> {
    let sql = format!(
        "SELECT cp.product_id, c.title
           FROM category_products cp
           JOIN categories c ON c.id = cp.category_id
          WHERE cp.product_id IN ({})
          ORDER BY cp.product_id, c.position, c.id",
        in_list(1, products.len())
    );
    tx.query(&sql, &super::products::values_of(products))
}
