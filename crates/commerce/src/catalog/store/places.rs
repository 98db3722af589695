//! Where one product stands: the categories and collections it was put into by hand.

use db::{DbError, Tx, in_list, params};
use kernel::stored::ToValue;
use kernel::{CategoryId, CollectionId, ProductId, Slug};

use super::products::except;

/// The categories a product was put into itself.
pub(crate) fn categories_of(
    tx: &mut Tx<'_>,
    product: &ProductId,
) -> Result<Vec<CategoryId>, DbError> {
    let rows: Vec<(CategoryId,)> = tx.query(
        "SELECT category_id FROM category_products WHERE product_id = $1 AND NOT inherited ORDER BY category_id LIMIT 10000",
        params![product],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The collections a product is in.
pub(crate) fn collections_of(
    tx: &mut Tx<'_>,
    product: &ProductId,
) -> Result<Vec<CollectionId>, DbError> {
    let rows: Vec<(CollectionId,)> = tx.query(
        "SELECT collection_id FROM collection_products WHERE product_id = $1 ORDER BY collection_id LIMIT 10000",
        params![product],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Leaves a product in exactly these categories: where it stood it keeps its place, elsewhere it comes last.
pub(crate) fn put_into_categories(
    tx: &mut Tx<'_>,
    product: &ProductId,
    categories: &[CategoryId],
) -> Result<(), DbError> {
    let mut parameters = vec![product.to_value()];
    parameters.extend(categories.iter().map(ToValue::to_value));
    tx.execute(
        &format!(
            "DELETE FROM category_products WHERE product_id = $1 AND NOT inherited{}",
            except("category_id", categories.len())
        ),
        &parameters,
    )?;
    tx.execute(
        &format!(
            "INSERT INTO category_products (category_id, product_id, position, inherited)
             SELECT c.id, p.id,
                    COALESCE((SELECT MAX(x.position) + 1 FROM category_products x
                               WHERE x.category_id = c.id AND NOT x.inherited), 0),
                    FALSE
               FROM categories c
               JOIN products p ON p.id = $1
              WHERE c.id IN ({})
             ON CONFLICT (category_id, product_id)
             DO UPDATE SET position = excluded.position, inherited = FALSE WHERE category_products.inherited",
            in_list(2, categories.len())
        ),
        &parameters,
    )?;
    Ok(())
}

/// Leaves a product in exactly these collections: where it stood it keeps its place, elsewhere it comes last.
pub(crate) fn put_into_collections(
    tx: &mut Tx<'_>,
    product: &ProductId,
    collections: &[CollectionId],
) -> Result<(), DbError> {
    let mut parameters = vec![product.to_value()];
    parameters.extend(collections.iter().map(ToValue::to_value));
    tx.execute(
        &format!(
            "DELETE FROM collection_products WHERE product_id = $1{}",
            except("collection_id", collections.len())
        ),
        &parameters,
    )?;
    tx.execute(
        &format!(
            "INSERT INTO collection_products (collection_id, product_id, position)
             SELECT c.id, p.id,
                    COALESCE((SELECT MAX(x.position) + 1 FROM collection_products x WHERE x.collection_id = c.id), 0)
               FROM collections c
               JOIN products p ON p.id = $1
              WHERE c.id IN ({})
             ON CONFLICT (collection_id, product_id) DO NOTHING",
            in_list(2, collections.len())
        ),
        &parameters,
    )?;
    Ok(())
}

/// Those addresses of products that are this one, or this one with a hyphen and more behind it.
pub(crate) fn slugs_like(tx: &mut Tx<'_>, slug: &str) -> Result<Vec<Slug>, DbError> {
    let from = format!("{slug}-");
    let rows: Vec<(Slug,)> = tx.query(
        "SELECT slug FROM products WHERE slug = $1 OR (slug >= $2 AND slug < $3) ORDER BY slug LIMIT 2000",
        params![slug, from, crate::lookup::end_of(&from)],
    )?;
    Ok(rows.into_iter().map(|(slug,)| slug).collect())
}
