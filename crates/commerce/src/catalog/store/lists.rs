//! Lists of products as rows.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, Value, in_list};
use kernel::stored::ToValue;
use kernel::{CollectionId, Currency, MediaId, ProductId, Slug, Timestamp, VariantId};

use super::products::values_of;
use crate::catalog::listing::{Listing, Scope, Sort};
use crate::catalog::{Content, ProductPicture, Swatch};
use crate::media::Picture;

/// A product in a list, with its first picture and the length of the whole list.
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
    pub(crate) total: u32,
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
            total: row.get("total")?,
        })
    }
}

/// What a list is taken from. The first parameter of the statement is the category's or collection's id.
const fn source(scope: &Scope) -> &'static str {
    match scope {
        Scope::Category(_) => {
            "category_products l JOIN products p ON p.id = l.product_id WHERE l.category_id = $1 AND"
        }
        Scope::Collection(_) => {
            "collection_products l JOIN products p ON p.id = l.product_id WHERE l.collection_id = $1 AND"
        }
        Scope::All => "products p WHERE",
    }
}

/// Whether some variant can be bought, near enough for the order of a list: stock held for checkouts that were given up
/// counts again as soon as it is swept up.
const BUYABLE_FIRST: &str = "CASE WHEN EXISTS (
             SELECT 1 FROM variants v LEFT JOIN stock_levels s ON s.variant_id = v.id
              WHERE v.product_id = p.id
                AND (NOT v.stock_tracked
                     OR (s.variant_id IS NOT NULL AND s.backorder_limit IS NULL)
                     OR s.on_hand - s.allocated - s.reserved + s.backorder_limit > 0)
           ) THEN 0 ELSE 1 END";

/// What a list is sorted by: the columns, and their order. Then comes the id, so that the order is total.
fn order(listing: &Listing) -> (String, &'static str) {
    let (keys, order) = match (listing.sort, &listing.scope) {
        (Sort::Featured, Scope::All) => (
            format!("{BUYABLE_FIRST} AS k1, p.published_at AS k2"),
            "k1, k2 DESC NULLS LAST, id DESC",
        ),
        (Sort::Featured, Scope::Category(_) | Scope::Collection(_)) => (
            format!("{BUYABLE_FIRST} AS k1, l.position AS k2"),
            "k1, k2, id",
        ),
        (Sort::Newest, _) => (
            "p.published_at AS k1".to_owned(),
            "k1 DESC NULLS LAST, id DESC",
        ),
        (Sort::PriceUp, _) => ("p.min_price_minor AS k1".to_owned(), "k1, id"),
        (Sort::PriceDown, _) => ("p.max_price_minor AS k1".to_owned(), "k1 DESC, id"),
        (Sort::Name, _) => ("p.title_folded AS k1".to_owned(), "k1, id"),
    };
    (keys, order)
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
                page.total, m.id AS media_id, m.content_hash, m.width, m.height, m.widths, m.ground, pm.alt
           FROM page
           JOIN products p ON p.id = page.id
           LEFT JOIN product_media pm ON pm.product_id = p.id AND pm.position = 0
           LEFT JOIN media m ON m.id = pm.media_id
          ORDER BY {order}"
    )
}

/// One page of a list of active products.
pub(crate) fn page(tx: &mut Tx<'_>, listing: &Listing) -> Result<Vec<CardRow>, DbError> {
    let mut parameters = scope_id(&listing.scope);
    let first = parameters.len().saturating_add(1);
    let second = first.saturating_add(1);
    parameters.push(listing.page.size().to_value());
    parameters.push(listing.page.offset().to_value());
    let (keys, order) = order(listing);
    let source = source(&listing.scope);
    let page = format!(
        "SELECT p.id, {keys}, (SELECT COUNT(*) FROM {source} p.status = 'active') AS total
           FROM {source} p.status = 'active'
          ORDER BY {order}
          LIMIT ${first} OFFSET ${second}"
    );
    let outer = order.replace("id", "page.id");
    tx.query(&rows_of(&page, &outer), &parameters)
}

/// How many active products a list has.
pub(crate) fn count(tx: &mut Tx<'_>, scope: &Scope) -> Result<u32, DbError> {
    let sql = format!("SELECT COUNT(*) FROM {} p.status = 'active'", source(scope));
    let (count,) = tx.query_one::<(u32,)>(&sql, &scope_id(scope))?;
    Ok(count)
}

/// Those of these products that are active, in no particular order.
pub(crate) fn by_id(tx: &mut Tx<'_>, ids: &[ProductId]) -> Result<Vec<CardRow>, DbError> {
    let page = format!(
        "SELECT p.id, 0 AS total FROM products p WHERE p.id IN ({}) AND p.status = 'active'",
        in_list(1, ids.len())
    );
    tx.query(&rows_of(&page, "page.id"), &values_of(ids))
}

/// The first `each` active products of each of these collections, as [`page`] orders them.
pub(crate) fn first_of_collections(
    tx: &mut Tx<'_>,
    collections: &[CollectionId],
    each: u32,
) -> Result<HashMap<CollectionId, Vec<ProductId>>, DbError> {
    let sql = format!(
        "SELECT ranked.collection_id, ranked.product_id
           FROM (SELECT l.collection_id, l.product_id,
                        ROW_NUMBER() OVER (PARTITION BY l.collection_id ORDER BY {BUYABLE_FIRST}, l.position, p.id) AS place
                   FROM collection_products l
                   JOIN products p ON p.id = l.product_id
                  WHERE l.collection_id IN ({}) AND p.status = 'active') AS ranked
          WHERE ranked.place <= $1
          ORDER BY ranked.collection_id, ranked.place",
        in_list(2, collections.len())
    );
    let mut parameters = vec![each.to_value()];
    parameters.extend(values_of(collections));
    let mut all: HashMap<CollectionId, Vec<ProductId>> = HashMap::new();
    for (collection, product) in tx.query::<(CollectionId, ProductId)>(&sql, &parameters)? {
        all.entry(collection).or_default().push(product);
    }
    Ok(all)
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
