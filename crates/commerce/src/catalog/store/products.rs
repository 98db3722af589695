//! Products, their options, variants and pictures as rows.

use db::{DbError, FromRow, Row, Tx, Value, in_list, params};
use kernel::stored::ToValue;
use kernel::{
    Currency, MediaId, OptionId, OptionValueId, ProductId, Sku, Slug, Timestamp, VariantId,
};

use crate::catalog::{
    Content, OptionValue, Product, ProductOption, ProductPicture, ProductStatus, Variant,
};
use crate::fold::fold;
use crate::media::Picture;
use crate::schema::SHELVES;

const PRODUCT_COLUMNS: &str =
    "id, slug, title, summary, description, facts, status, tax_class, currency, min_price_minor,
       max_price_minor, version, revision, published_at, created_at, changed_at";

impl FromRow for Product {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        let facts: String = row.get("facts")?;
        Ok(Self {
            id: row.get("id")?,
            slug: row.get("slug")?,
            title: row.get("title")?,
            summary: row.get("summary")?,
            description: row.get("description")?,
            facts: facts.lines().map(str::to_owned).collect(),
            status: row.get("status")?,
            tax_class: row.get("tax_class")?,
            currency,
            min_price: currency.minor(row.get("min_price_minor")?),
            max_price: currency.minor(row.get("max_price_minor")?),
            version: row.get("version")?,
            revision: row.get("revision")?,
            published_at: row.get("published_at")?,
            created_at: row.get("created_at")?,
            changed_at: row.get("changed_at")?,
        })
    }
}

impl FromRow for Variant {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        let compare_at: Option<i64> = row.get("compare_at_minor")?;
        let amount: Option<u32> = row.get("content_amount")?;
        let unit = row.get("content_unit")?;
        Ok(Self {
            id: row.get("id")?,
            product_id: row.get("product_id")?,
            combination: row.get("combination")?,
            title: row.get("title")?,
            sku: row.get("sku")?,
            barcode: row.get("barcode")?,
            price: currency.minor(row.get("price_minor")?),
            compare_at: compare_at.map(|minor| currency.minor(minor)),
            weight_grams: row.get("weight_grams")?,
            content: amount
                .zip(unit)
                .map(|(amount, unit)| Content { amount, unit }),
            stock_tracked: row.get("stock_tracked")?,
        })
    }
}

impl FromRow for ProductPicture {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            picture: Picture::from_row(row)?,
            alt: row.get("alt")?,
        })
    }
}

/// The product at this address, whatever its status.
pub(crate) fn product_by_slug(tx: &mut Tx<'_>, slug: &Slug) -> Result<Option<Product>, DbError> {
    tx.query_opt(
        &format!("SELECT {PRODUCT_COLUMNS} FROM products WHERE slug = $1"),
        params![slug],
    )
}

/// The product, whatever its status.
pub(crate) fn product_by_id(tx: &mut Tx<'_>, id: &ProductId) -> Result<Option<Product>, DbError> {
    tx.query_opt(
        &format!("SELECT {PRODUCT_COLUMNS} FROM products WHERE id = $1"),
        params![id],
    )
}

struct OptionRow {
    option_id: OptionId,
    option_slug: Slug,
    option_name: String,
    value: OptionValue,
}

impl FromRow for OptionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            option_id: row.get("option_id")?,
            option_slug: row.get("option_slug")?,
            option_name: row.get("option_name")?,
            value: OptionValue {
                id: row.get("id")?,
                slug: row.get("slug")?,
                name: row.get("name")?,
                swatch: row.get("swatch")?,
            },
        })
    }
}

/// The options of a product with their values, both in the merchant's order.
pub(crate) fn options_of(
    tx: &mut Tx<'_>,
    product: &ProductId,
) -> Result<Vec<ProductOption>, DbError> {
    let rows: Vec<OptionRow> = tx.query(
        "SELECT o.id AS option_id, o.slug AS option_slug, o.name AS option_name, v.id, v.slug, v.name, v.swatch
           FROM product_options o
           JOIN product_option_values v ON v.option_id = o.id
          WHERE o.product_id = $1
          ORDER BY o.position, v.position",
        params![product],
    )?;
    let mut options: Vec<ProductOption> = Vec::new();
    for row in rows {
        match options.last_mut() {
            Some(option) if option.id == row.option_id => option.values.push(row.value),
            Some(_) | None => options.push(ProductOption {
                id: row.option_id,
                slug: row.option_slug,
                name: row.option_name,
                values: vec![row.value],
            }),
        }
    }
    Ok(options)
}

const VARIANT_COLUMNS: &str =
    "id, product_id, combination, title, sku, barcode, currency, price_minor, compare_at_minor,
       weight_grams, content_amount, content_unit, stock_tracked";

/// The variants of a product in the merchant's order.
pub(crate) fn variants_of(tx: &mut Tx<'_>, product: &ProductId) -> Result<Vec<Variant>, DbError> {
    tx.query(
        &format!(
            "SELECT {VARIANT_COLUMNS} FROM variants WHERE product_id = $1 ORDER BY position, id"
        ),
        params![product],
    )
}

/// The title of the active product a variant belongs to.
pub(crate) fn title_of_variant(
    tx: &mut Tx<'_>,
    variant: &VariantId,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx.query_opt(
        "SELECT p.title FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = $1 AND p.status = 'active'",
        params![variant],
    )?;
    Ok(row.map(|(title,)| title))
}

/// The pictures of a product, the first one first.
pub(crate) fn pictures_of(
    tx: &mut Tx<'_>,
    product: &ProductId,
) -> Result<Vec<ProductPicture>, DbError> {
    tx.query(
        "SELECT m.id, m.content_hash, m.width, m.height, m.widths, m.ground, pm.alt
           FROM product_media pm
           JOIN media m ON m.id = pm.media_id
          WHERE pm.product_id = $1
          ORDER BY pm.position",
        params![product],
    )
}

/// What a row of `products` is given when it is written.
pub(crate) struct ProductRow<'a> {
    pub(crate) id: &'a ProductId,
    pub(crate) slug: &'a Slug,
    pub(crate) title: &'a str,
    pub(crate) summary: &'a str,
    pub(crate) description: &'a str,
    pub(crate) facts: &'a str,
    pub(crate) tax_class: crate::catalog::TaxClass,
    pub(crate) currency: Currency,
    pub(crate) min_price_minor: i64,
    pub(crate) max_price_minor: i64,
    pub(crate) revision: i64,
    pub(crate) now: Timestamp,
}

/// A new product, as a draft of version 1.
pub(crate) fn insert_product(tx: &mut Tx<'_>, row: &ProductRow<'_>) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO products (id, slug, title, title_folded, summary, description, facts, status, tax_class, currency,
                               min_price_minor, max_price_minor, version, revision, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14, $14)",
        params![
            row.id,
            row.slug,
            row.title,
            fold(row.title),
            row.summary,
            row.description,
            row.facts,
            ProductStatus::Draft,
            row.tax_class,
            row.currency.code(),
            row.min_price_minor,
            row.max_price_minor,
            row.revision,
            row.now,
        ],
    )?;
    Ok(())
}

/// Changes a product if it still has the version its editor saw; says whether it had.
pub(crate) fn update_product(
    tx: &mut Tx<'_>,
    row: &ProductRow<'_>,
    seen: i64,
) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE products
            SET slug = $2, title = $3, summary = $4, description = $5, facts = $6, tax_class = $7, currency = $8,
                min_price_minor = $9, max_price_minor = $10, revision = $11, changed_at = $12, title_folded = $13,
                version = version + 1
          WHERE id = $1 AND version = $14",
        params![
            row.id,
            row.slug,
            row.title,
            row.summary,
            row.description,
            row.facts,
            row.tax_class,
            row.currency.code(),
            row.min_price_minor,
            row.max_price_minor,
            row.revision,
            row.now,
            fold(row.title),
            seen,
        ],
    )?;
    Ok(changed == 1)
}

/// Gives a product another status if it still has the version its editor saw; says whether it had.
pub(crate) fn update_status(
    tx: &mut Tx<'_>,
    product: &Product,
    to: ProductStatus,
    revision: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let first_published =
        (to == ProductStatus::Active && product.published_at.is_none()).then_some(now);
    let changed = tx.execute(
        "UPDATE products
            SET status = $3, revision = $4, changed_at = $5, version = version + 1,
                published_at = COALESCE(published_at, $6)
          WHERE id = $1 AND version = $2",
        params![
            product.id,
            product.version,
            to,
            revision,
            now,
            first_published
        ],
    )?;
    // Only what is on sale is counted on the shelves.
    tx.count_change(SHELVES);
    Ok(changed == 1)
}

/// Moves the unique fields of a product's options, values and variants out of the way, so that what follows may swap them.
pub(crate) fn make_room(tx: &mut Tx<'_>, product: &ProductId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE product_options SET position = -1 - position, slug = '-' || id WHERE product_id = $1",
        params![product],
    )?;
    tx.execute(
        "UPDATE product_option_values SET position = -1 - position, slug = '-' || id
          WHERE option_id IN (SELECT id FROM product_options WHERE product_id = $1)",
        params![product],
    )?;
    tx.execute(
        "UPDATE variants SET combination = '-' || id, sku = '-' || id WHERE product_id = $1",
        params![product],
    )?;
    tx.execute(
        "DELETE FROM variant_option_values WHERE variant_id IN (SELECT id FROM variants WHERE product_id = $1)",
        params![product],
    )?;
    tx.execute(
        "DELETE FROM product_media WHERE product_id = $1",
        params![product],
    )?;
    Ok(())
}

/// Writes an option, new or known.
pub(crate) fn put_option(
    tx: &mut Tx<'_>,
    product: &ProductId,
    position: i64,
    option: &ProductOption,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO product_options (id, product_id, position, slug, name) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET position = excluded.position, slug = excluded.slug, name = excluded.name",
        params![option.id, product, position, option.slug, option.name],
    )?;
    Ok(())
}

/// Writes a value of an option, new or known.
pub(crate) fn put_value(
    tx: &mut Tx<'_>,
    option: &OptionId,
    position: i64,
    value: &OptionValue,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO product_option_values (id, option_id, position, slug, name, swatch) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE
            SET position = excluded.position, slug = excluded.slug, name = excluded.name, swatch = excluded.swatch",
        params![value.id, option, position, value.slug, value.name, value.swatch],
    )?;
    Ok(())
}

/// Writes a variant, new or known, with its values.
pub(crate) fn put_variant(
    tx: &mut Tx<'_>,
    position: i64,
    variant: &Variant,
    values: &[(OptionId, OptionValueId)],
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO variants (id, product_id, position, combination, title, sku, barcode, currency, price_minor,
                               compare_at_minor, weight_grams, content_amount, content_unit, stock_tracked, created_at,
                               changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
         ON CONFLICT (id) DO UPDATE
            SET position = excluded.position, combination = excluded.combination, title = excluded.title,
                sku = excluded.sku, barcode = excluded.barcode, currency = excluded.currency,
                price_minor = excluded.price_minor, compare_at_minor = excluded.compare_at_minor,
                weight_grams = excluded.weight_grams, content_amount = excluded.content_amount,
                content_unit = excluded.content_unit, stock_tracked = excluded.stock_tracked,
                changed_at = excluded.changed_at",
        params![
            variant.id,
            variant.product_id,
            position,
            variant.combination,
            variant.title,
            variant.sku,
            variant.barcode,
            variant.price.currency().code(),
            variant.price.minor(),
            variant.compare_at.map(kernel::Money::minor),
            variant.weight_grams,
            variant.content.map(|content| content.amount),
            variant.content.map(|content| content.unit),
            variant.stock_tracked,
            now,
        ],
    )?;
    for (option, value) in values {
        tx.execute(
            "INSERT INTO variant_option_values (variant_id, option_id, value_id) VALUES ($1, $2, $3)",
            params![variant.id, option, value],
        )?;
    }
    Ok(())
}

/// Puts a picture at a place of a product's row of pictures.
pub(crate) fn put_picture(
    tx: &mut Tx<'_>,
    product: &ProductId,
    position: i64,
    media: &MediaId,
    alt: &str,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO product_media (product_id, media_id, position, alt) VALUES ($1, $2, $3, $4)",
        params![product, media, position, alt],
    )?;
    Ok(())
}

/// How often a variant that is to go appears elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantUse {
    /// The variant's article number.
    pub sku: Sku,
    /// Its values' names.
    pub title: String,
    /// Orders with it.
    pub orders: u32,
    /// Carts with it.
    pub carts: u32,
    /// Whether stock of it was ever counted.
    pub has_stock_history: bool,
}

impl FromRow for VariantUse {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            sku: row.get("sku")?,
            title: row.get("title")?,
            orders: row.get("orders")?,
            carts: row.get("carts")?,
            has_stock_history: row.get::<u32>("levels")? > 0,
        })
    }
}

/// Which of these variants appear elsewhere and where; those that do not are left out.
pub(crate) fn uses_of(tx: &mut Tx<'_>, variants: &[VariantId]) -> Result<Vec<VariantUse>, DbError> {
    let sql = format!(
        "SELECT sku, title, orders, carts, levels
           FROM (SELECT v.position, v.sku, v.title,
                        (SELECT COUNT(DISTINCT l.order_id) FROM order_lines l WHERE l.variant_id = v.id) AS orders,
                        (SELECT COUNT(*) FROM cart_lines c WHERE c.variant_id = v.id) AS carts,
                        (SELECT COUNT(*) FROM stock_levels s
                          WHERE s.variant_id = v.id
                            AND (s.on_hand + s.allocated + s.reserved > 0
                                 OR EXISTS (SELECT 1 FROM stock_movements m WHERE m.variant_id = v.id)
                                 OR EXISTS (SELECT 1 FROM reservations r WHERE r.variant_id = v.id))) AS levels
                   FROM variants v
                  WHERE v.id IN ({})) AS used
          WHERE orders > 0 OR carts > 0 OR levels > 0
          ORDER BY position",
        in_list(1, variants.len())
    );
    tx.query(&sql, &values_of(variants))
}

/// Deletes variants that nothing refers to, with the shelves that never held any.
pub(crate) fn delete_variants(tx: &mut Tx<'_>, variants: &[VariantId]) -> Result<(), DbError> {
    let list = in_list(1, variants.len());
    let values = values_of(variants);
    tx.execute(
        &format!("DELETE FROM stock_levels WHERE variant_id IN ({list})"),
        &values,
    )?;
    tx.execute(
        &format!("DELETE FROM variant_option_values WHERE variant_id IN ({list})"),
        &values,
    )?;
    tx.execute(
        &format!("DELETE FROM variants WHERE id IN ({list})"),
        &values,
    )?;
    Ok(())
}

/// Deletes the options and values of a product that are not among those kept.
pub(crate) fn delete_other_options(
    tx: &mut Tx<'_>,
    product: &ProductId,
    kept_options: &[OptionId],
    kept_values: &[OptionValueId],
) -> Result<(), DbError> {
    let mut parameters = vec![product.to_value()];
    parameters.extend(kept_values.iter().map(ToValue::to_value));
    tx.execute(
        &format!(
            "DELETE FROM product_option_values
              WHERE option_id IN (SELECT id FROM product_options WHERE product_id = $1){}",
            except("id", kept_values.len())
        ),
        &parameters,
    )?;
    parameters.truncate(1);
    parameters.extend(kept_options.iter().map(ToValue::to_value));
    tx.execute(
        &format!(
            "DELETE FROM product_options WHERE product_id = $1{}",
            except("id", kept_options.len())
        ),
        &parameters,
    )?;
    Ok(())
}

pub(super) fn except(column: &str, count: usize) -> String {
    if count == 0 {
        String::new()
    } else {
        format!(" AND {column} NOT IN ({})", in_list(2, count))
    }
}

pub(super) fn values_of<T: ToValue>(items: &[T]) -> Vec<Value> {
    items.iter().map(ToValue::to_value).collect()
}

/// Which of these article numbers belong to other products.
pub(crate) fn skus_of_others(
    tx: &mut Tx<'_>,
    product: &ProductId,
    skus: &[Sku],
) -> Result<Vec<Sku>, DbError> {
    let mut parameters = vec![product.to_value()];
    parameters.extend(skus.iter().map(ToValue::to_value));
    let sql = format!(
        "SELECT sku FROM variants WHERE product_id <> $1 AND sku IN ({}) ORDER BY sku",
        in_list(2, skus.len())
    );
    let taken: Vec<(Sku,)> = tx.query(&sql, &parameters)?;
    Ok(taken.into_iter().map(|(sku,)| sku).collect())
}

/// How many of these products there are.
pub(crate) fn count_known(tx: &mut Tx<'_>, products: &[ProductId]) -> Result<u32, DbError> {
    let sql = format!(
        "SELECT COUNT(*) FROM products WHERE id IN ({})",
        in_list(1, products.len())
    );
    let (count,) = tx.query_one::<(u32,)>(&sql, &values_of(products))?;
    Ok(count)
}
