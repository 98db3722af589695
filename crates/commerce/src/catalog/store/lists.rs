//! Lists of products as rows.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, Value, in_list};
use kernel::stored::ToValue;
use kernel::{CollectionId, Currency, MediaId, ProductId, Slug, Timestamp, VariantId};

use super::products::values_of;
use crate::catalog::listing::{Listing, Scope, Sort};
use crate::catalog::{Content, ProductPicture, Swatch};
use crate::media::Picture;

/// A product in a list, with its first picture.
pub(crate) struct CardRow {
    pub(crate) id: ProductId,
    pub(crate) slug: Slug,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) currency: Currency,
    pub(crate) min_price_minor: i64,
    pub(crate) max_price_minor: i64,
    pub(crate) published_at: Option<Timestamp>,
    pub(crate) picture: Option<ProductPicture>,
}

impl FromRow for CardRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
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
            summary: row.get("summary")?,
            currency: row.get("currency")?,
            min_price_minor: row.get("min_price_minor")?,
            max_price_minor: row.get("max_price_minor")?,
            published_at: row.get("published_at")?,
            picture,
        })
    }
}

/// What a list is taken from. The first parameter of the statement is the category's or collection's id.
const fn source(scope: &Scope) -> &'static str {
    match scope {
        Scope::Category(_) => {
            "category_products l JOIN products p ON p.id = l.product_id WHERE l.category_id = $1 AND p.status = 'active'"
        }
        Scope::Collection(_) => {
            "collection_products l JOIN products p ON p.id = l.product_id WHERE l.collection_id = $1 AND p.status = 'active'"
        }
        Scope::All => "products p WHERE p.status = 'active'",
    }
}

/// Whether some variant can be bought, near enough for the order of a list: stock held for checkouts that were given up
/// counts again as soon as it is swept up.
const BUYABLE: &str = "EXISTS (
             SELECT 1 FROM variants v LEFT JOIN stock_levels s ON s.variant_id = v.id
              WHERE v.product_id = p.id
                AND (NOT v.stock_tracked
                     OR (s.variant_id IS NOT NULL AND s.backorder_limit IS NULL)
                     OR s.on_hand - s.allocated - s.reserved + s.backorder_limit > 0)
           )";

/// What a list is sorted by: the columns, and their order. The id comes last, so that the order is total.
///
/// Where there is an index in that order, the columns are those of the index and nothing else, so that a page is read off it.
const fn order(sort: Sort, scope: &Scope) -> (&'static str, &'static str) {
    match (sort, scope) {
        (Sort::Newest, _) | (Sort::Featured, Scope::All) => (
            "p.id, COALESCE(p.published_at, 0) AS k1",
            "k1 DESC, id DESC",
        ),
        (Sort::Featured, Scope::Category(_) | Scope::Collection(_)) => {
            ("l.product_id AS id, l.position AS k1", "k1, id")
        }
        (Sort::PriceUp, _) => ("p.id, p.min_price_minor AS k1", "k1, id"),
        (Sort::PriceDown, _) => ("p.id, p.max_price_minor AS k1", "k1 DESC, id"),
        (Sort::Name, _) => ("p.id, p.title_folded AS k1", "k1, id"),
    }
}

fn scope_id(scope: &Scope) -> Vec<Value> {
    match scope {
        Scope::Category(id) => vec![id.to_value()],
        Scope::Collection(id) => vec![id.to_value()],
        Scope::All => Vec::new(),
    }
}

/// The rows of a page that was found, in its order. Only ids are sorted: a long list is walked through in narrow rows.
fn rows_of(page: &str, order: &str) -> String {
    format!(
        "WITH page AS ({page})
         SELECT p.id, p.slug, p.title, p.summary, p.currency, p.min_price_minor, p.max_price_minor, p.published_at,
                m.id AS media_id, m.content_hash, m.width, m.height, m.widths, m.ground, pm.alt
           FROM page
           JOIN products p ON p.id = page.id
           LEFT JOIN product_media pm ON pm.product_id = p.id AND pm.position = 0
           LEFT JOIN media m ON m.id = pm.media_id
          ORDER BY {order}"
    )
}

/// One page of a list of active products.
///
/// The merchant's own order has what is sold out last. It is read in two parts, each off its index, so that a page costs the
/// same however long the list is; the second only where the first does not fill the page.
pub(crate) fn page(tx: &mut Tx<'_>, listing: &Listing) -> Result<Vec<CardRow>, DbError> {
    let (size, offset) = (listing.page.size(), listing.page.offset());
    if listing.sort != Sort::Featured {
        return part(tx, listing, "", (size, offset));
    }
    let buyable = format!(" AND {BUYABLE}");
    let mut rows = part(tx, listing, &buyable, (size, offset))?;
    let found = u32::try_from(rows.len()).unwrap_or(size);
    let missing = size.saturating_sub(found);
    if missing == 0 {
        return Ok(rows);
    }
    let skip = if found > 0 || offset == 0 {
        0
    } else {
        offset.saturating_sub(counted(tx, &listing.scope, &buyable)?)
    };
    let sold_out = format!(" AND NOT {BUYABLE}");
    rows.extend(part(tx, listing, &sold_out, (missing, skip))?);
    Ok(rows)
}

/// So many of a list that also fulfil a condition, after so many.
fn part(
    tx: &mut Tx<'_>,
    listing: &Listing,
    condition: &str,
    (size, offset): (u32, u32),
) -> Result<Vec<CardRow>, DbError> {
    let mut parameters = scope_id(&listing.scope);
    let first = parameters.len().saturating_add(1);
    let second = first.saturating_add(1);
    parameters.push(size.to_value());
    parameters.push(offset.to_value());
    let (columns, order) = order(listing.sort, &listing.scope);
    let page = format!(
        "SELECT {columns} FROM {}{condition} ORDER BY {order} LIMIT ${first} OFFSET ${second}",
        source(&listing.scope)
    );
    let outer = order.replace("id", "page.id");
    tx.query(&rows_of(&page, &outer), &parameters)
}

/// How many active products a list has.
pub(crate) fn count(tx: &mut Tx<'_>, scope: &Scope) -> Result<u32, DbError> {
    counted(tx, scope, "")
}

fn counted(tx: &mut Tx<'_>, scope: &Scope, condition: &str) -> Result<u32, DbError> {
    let sql = format!("SELECT COUNT(*) FROM {}{condition}", source(scope));
    let (count,) = tx.query_one::<(u32,)>(&sql, &scope_id(scope))?;
    Ok(count)
}

/// Those of these products that are active, in no particular order.
pub(crate) fn by_id(tx: &mut Tx<'_>, ids: &[ProductId]) -> Result<Vec<CardRow>, DbError> {
    let page = format!(
        "SELECT p.id FROM products p WHERE p.id IN ({}) AND p.status = 'active'",
        in_list(1, ids.len())
    );
    tx.query(&rows_of(&page, "page.id"), &values_of(ids))
}

/// The first `each` active products of each of these collections, as [`page`] orders them. Two statements at most.
pub(crate) fn first_of_collections(
    tx: &mut Tx<'_>,
    collections: &[CollectionId],
    each: u32,
) -> Result<HashMap<CollectionId, Vec<ProductId>>, DbError> {
    let mut all = HashMap::new();
    firsts(tx, collections, each, BUYABLE, &mut all)?;
    let most = usize::try_from(each).unwrap_or(usize::MAX);
    let short: Vec<CollectionId> = collections
        .iter()
        .filter(|id| all.get(*id).is_none_or(|found| found.len() < most))
        .cloned()
        .collect();
    firsts(tx, &short, each, &format!("NOT {BUYABLE}"), &mut all)?;
    for found in all.values_mut() {
        found.truncate(most);
    }
    Ok(all)
}

/// Adds the first of each collection that fulfil a condition, each read off the index of its collection.
fn firsts(
    tx: &mut Tx<'_>,
    collections: &[CollectionId],
    each: u32,
    condition: &str,
    all: &mut HashMap<CollectionId, Vec<ProductId>>,
) -> Result<(), DbError> {
    if collections.is_empty() {
        return Ok(());
    }
    let one = |number: usize| {
        format!(
            "SELECT collection_id, product_id, position
               FROM (SELECT l.collection_id, l.product_id, l.position
                       FROM collection_products l
                       JOIN products p ON p.id = l.product_id
                      WHERE l.collection_id = ${} AND p.status = 'active' AND {condition}
                      ORDER BY l.position, l.product_id
                      LIMIT $1) AS c{number}",
            number.saturating_add(2)
        )
    };
    let parts: Vec<String> = (0..collections.len()).map(one).collect();
    let sql = format!(
        "{} ORDER BY collection_id, position, product_id",
        parts.join(" UNION ALL ")
    );
    let mut parameters = vec![each.to_value()];
    parameters.extend(values_of(collections));
    for (collection, product, _) in tx.query::<(CollectionId, ProductId, i64)>(&sql, &parameters)? {
        all.entry(collection).or_default().push(product);
    }
    Ok(())
}

/// What a card says of a variant.
pub(crate) struct CardVariant {
    pub(crate) id: VariantId,
    pub(crate) product_id: ProductId,
    pub(crate) price_minor: i64,
    pub(crate) compare_at_minor: Option<i64>,
    pub(crate) content: Option<Content>,
    pub(crate) is_without_options: bool,
}

impl FromRow for CardVariant {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let amount: Option<u32> = row.get("content_amount")?;
        let unit = row.get("content_unit")?;
        Ok(Self {
            id: row.get("id")?,
            product_id: row.get("product_id")?,
            price_minor: row.get("price_minor")?,
            compare_at_minor: row.get("compare_at_minor")?,
            content: amount
                .zip(unit)
                .map(|(amount, unit)| Content { amount, unit }),
            is_without_options: row.get::<String>("combination")?.is_empty(),
        })
    }
}

/// The variants of these products, each product's in the merchant's order.
pub(crate) fn variants(
    tx: &mut Tx<'_>,
    products: &[ProductId],
) -> Result<HashMap<ProductId, Vec<CardVariant>>, DbError> {
    let sql = format!(
        "SELECT id, product_id, price_minor, compare_at_minor, content_amount, content_unit, combination
           FROM variants
          WHERE product_id IN ({})
          ORDER BY product_id, position, id",
        in_list(1, products.len())
    );
    let mut all: HashMap<ProductId, Vec<CardVariant>> = HashMap::new();
    for variant in tx.query::<CardVariant>(&sql, &values_of(products))? {
        all.entry(variant.product_id.clone())
            .or_default()
            .push(variant);
    }
    Ok(all)
}

/// The colours these products come in, in the merchant's order.
pub(crate) fn swatches(
    tx: &mut Tx<'_>,
    products: &[ProductId],
) -> Result<HashMap<ProductId, Vec<Swatch>>, DbError> {
    let sql = format!(
        "SELECT o.product_id, v.name, v.swatch
           FROM product_options o
           JOIN product_option_values v ON v.option_id = o.id
          WHERE v.swatch IS NOT NULL AND o.product_id IN ({})
          ORDER BY o.product_id, o.position, v.position",
        in_list(1, products.len())
    );
    let mut all: HashMap<ProductId, Vec<Swatch>> = HashMap::new();
    for (product, name, color) in tx.query(&sql, &values_of(products))? {
        all.entry(product).or_default().push(Swatch { name, color });
    }
    Ok(all)
}
