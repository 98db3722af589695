//! Products, their variants and where they stand.

use db::{DbError, Tx, params};

use super::Make;
use super::text::{ADJECTIVES, NOUNS, STORY, count, table};

/// Categories at the top.
const TOP: u32 = 8;
/// Categories below them, dealt out in turn.
const BELOW: u32 = 32;

/// The numbers from the first to the last of what is made now.
fn numbers(make: &Make) -> String {
    format!(
        "n (i) AS (SELECT CAST({} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {})",
        make.first, make.last
    )
}

/// Two locations and a tree of categories.
pub(super) fn shelves(tx: &mut Tx<'_>, make: &Make) -> Result<(), DbError> {
    let (opening, location) = (make.opening(), make.id("loc", "i"));
    tx.execute(
        &format!(
            "INSERT INTO stock_locations (id, name, position, created_at)
             WITH l (i, name) AS (VALUES (1, 'Hall'), (2, 'Cellar'))
             SELECT {location}, name, i + (SELECT COALESCE(MAX(position), 0) FROM stock_locations), {opening} FROM l"
        ),
        params![],
    )?;
    let seed = make.plan.seed;
    let insert = |which: &str, parent: &str| {
        format!(
            "INSERT INTO categories (id, parent_id, slug, title, intro, position, changed_at)
             WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {})
             SELECT {}, {parent}, 'shelf-{seed}-' || CAST(i AS TEXT), 'Shelf ' || CAST(i AS TEXT), '', i, {opening}
               FROM n WHERE {which}",
            TOP.saturating_add(BELOW),
            make.id("cat", "i")
        )
    };
    tx.execute(&insert(&format!("i <= {TOP}"), "NULL"), params![])?;
    let parent = make.id("cat", &format!("1 + i % {TOP}"));
    tx.execute(&insert(&format!("i > {TOP}"), &parent), params![])?;
    Ok(())
}

/// The products of a chunk with all that belongs to them, but for stock.
pub(super) fn products(tx: &mut Tx<'_>, make: &Make) -> Result<(), DbError> {
    let (revision,): (i64,) = tx.query_one(
        "UPDATE counters SET value = value + 1 WHERE name = 'catalog_revision' RETURNING value",
        params![],
    )?;
    let statements = [
        rows(make, revision),
        options(make),
        values(make),
        variants(make),
        chosen(make),
        words(make),
        placed(make),
        inherited(make),
    ];
    for sql in statements {
        tx.execute(&sql, params![])?;
    }
    Ok(())
}

/// Every third product comes in one form, the others in three sizes.
const HAS_SIZES: &str = "i % 3 <> 0";

/// The price of the smallest size, in cents.
fn price(make: &Make) -> String {
    format!("(500 + 10 * {})", make.dice("i", 1, 900))
}

/// A product's title, in this column of its words.
fn title(column: &str) -> String {
    format!("a.{column} || ' ' || w.{column} || ' ' || CAST(i AS TEXT)")
}

/// The numbers with the two words of each product's title.
fn titled(make: &Make) -> String {
    format!(
        "n JOIN a ON a.place = {} JOIN w ON w.place = {}",
        make.dice("i", 2, u32::try_from(count(ADJECTIVES)).unwrap_or(1)),
        make.dice("i", 3, u32::try_from(count(NOUNS)).unwrap_or(1))
    )
}

fn rows(make: &Make, revision: i64) -> String {
    let (opening, until, seed) = (make.opening(), make.plan.until.millis(), make.plan.seed);
    let changed = format!("({opening} + {} * 63072)", make.dice("i", 4, 1_000_000));
    format!(
        "INSERT INTO products
           (id, slug, title, title_folded, summary, description, facts, status, tax_class, currency, min_price_minor,
            max_price_minor, version, revision, published_at, created_at, changed_at)
         WITH RECURSIVE {}, {}, {}
         SELECT {}, 'thing-{seed}-' || CAST(i AS TEXT), {}, {}, 'Made by hand, one at a time.', '{STORY}', 'Made in small batches',
                CASE WHEN i % 20 = 0 THEN 'draft' WHEN i % 20 = 1 THEN 'archived' ELSE 'active' END, 'standard', 'EUR',
                {price}, {price} + CASE WHEN {HAS_SIZES} THEN 400 ELSE 0 END, 1, {revision},
                CASE WHEN i % 20 = 0 THEN NULL ELSE {changed} END, {opening}, CASE WHEN {changed} < {until} THEN {changed} ELSE {until} END
           FROM {}",
        numbers(make),
        table("a", ADJECTIVES),
        table("w", NOUNS),
        make.id("prod", "i"),
        title("word"),
        title("folded"),
        titled(make),
        price = price(make),
    )
}

fn options(make: &Make) -> String {
    format!(
        "INSERT INTO product_options (id, product_id, position, slug, name)
         WITH RECURSIVE {} SELECT {}, {}, 0, 'size', 'Size' FROM n WHERE {HAS_SIZES}",
        numbers(make),
        make.id("opt", "i"),
        make.id("prod", "i")
    )
}

/// The sizes: a number, a slug and a name.
const SIZES: &str = "z (k, slug, name) AS (VALUES (0, 'small', 'Small'), (1, 'medium', 'Medium'), (2, 'large', 'Large'))";

fn values(make: &Make) -> String {
    format!(
        "INSERT INTO product_option_values (id, option_id, position, slug, name, swatch)
         WITH RECURSIVE {}, {SIZES}
         SELECT {}, {}, z.k, z.slug, z.name, NULL FROM n CROSS JOIN z WHERE {HAS_SIZES}",
        numbers(make),
        make.id("val", "i * 10 + z.k"),
        make.id("opt", "i")
    )
}

/// One variant in fifty is not counted; one in four has a barcode.
fn variants(make: &Make) -> String {
    let (opening, seed) = (make.opening(), make.plan.seed);
    format!(
        "INSERT INTO variants
           (id, product_id, position, combination, title, sku, barcode, currency, price_minor, compare_at_minor, weight_grams,
            content_amount, content_unit, stock_tracked, created_at, changed_at)
         WITH RECURSIVE {}, {SIZES}
         SELECT {}, {}, z.k, CASE WHEN {HAS_SIZES} THEN z.slug ELSE '' END, CASE WHEN {HAS_SIZES} THEN z.name ELSE '' END,
                'T{seed}-' || SUBSTR(CAST(10000000 + i AS TEXT), 2) || '-' || CAST(z.k AS TEXT),
                CASE WHEN i % 4 = 0 THEN CAST(4000000000000 + i * 10 + z.k AS TEXT) END, 'EUR',
                {} + z.k * 200, NULL, 400 + z.k * 100, NULL, NULL, (i * 3 + z.k) % 50 <> 7, {opening}, {opening}
           FROM n CROSS JOIN z
          WHERE z.k = 0 OR {HAS_SIZES}",
        numbers(make),
        make.id("var", "i * 10 + z.k"),
        make.id("prod", "i"),
        price(make)
    )
}

fn chosen(make: &Make) -> String {
    format!(
        "INSERT INTO variant_option_values (variant_id, option_id, value_id)
         WITH RECURSIVE {}, {SIZES}
         SELECT {}, {}, {} FROM n CROSS JOIN z WHERE {HAS_SIZES}",
        numbers(make),
        make.id("var", "i * 10 + z.k"),
        make.id("opt", "i"),
        make.id("val", "i * 10 + z.k")
    )
}

fn words(make: &Make) -> String {
    format!(
        "INSERT INTO desk_words (subject_id, word, kind, at)
         WITH RECURSIVE {}, {}, {}, p (id, first, second, third) AS (
           SELECT {}, a.folded, w.folded, CAST(i AS TEXT) FROM {}
         )
         SELECT id, first, 'product', {opening} FROM p
          UNION ALL SELECT id, second, 'product', {opening} FROM p
          UNION ALL SELECT id, third, 'product', {opening} FROM p",
        numbers(make),
        table("a", ADJECTIVES),
        table("w", NOUNS),
        make.id("prod", "i"),
        titled(make),
        opening = make.opening()
    )
}

/// Every product stands in a category below, and every fourth in the first of those at the top as well.
fn placed(make: &Make) -> String {
    let below = format!("{} + i % {BELOW}", TOP.saturating_add(1));
    format!(
        "INSERT INTO category_products (category_id, product_id, position, inherited)
         WITH RECURSIVE {}
         SELECT {}, {product}, i, FALSE FROM n
          UNION ALL
         SELECT {}, {product}, i, FALSE FROM n WHERE i % 4 = 0",
        numbers(make),
        make.id("cat", &below),
        make.id("cat", "1"),
        product = make.id("prod", "i")
    )
}

fn inherited(make: &Make) -> String {
    let below = format!("({} + i % {BELOW})", TOP.saturating_add(1));
    format!(
        "INSERT INTO category_products (category_id, product_id, position, inherited)
         WITH RECURSIVE {}
         SELECT {}, {}, 100000 + i, TRUE FROM n WHERE TRUE
         ON CONFLICT (category_id, product_id) DO NOTHING",
        numbers(make),
        make.id("cat", &format!("1 + {below} % {TOP}")),
        make.id("prod", "i")
    )
}
