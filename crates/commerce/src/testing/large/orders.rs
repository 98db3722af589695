//! Orders with their lines, money, goods and stock, and whoever placed them.
//!
//! Most are long done. One in twenty-five was called off, another refunded in part; of the latest, many wait to be packed
//! or paid.

use db::{Db, DbError, Tx, Value, in_list, params};
use kernel::address::Address;
use kernel::stored::ToValue;
use kernel::{Country, Currency, OrderId, Rate};
use pricing::{RoundingPolicy, TaxLine};

use super::Make;
use super::text::{FIRST_NAMES, LAST_NAMES, count, table};
use crate::error::Internal;
use crate::inventory::with_ids;
use crate::orders::agreement;

/// What delivery costs, and the tax in it, in cents.
const DELIVERY: i64 = 490;
const DELIVERY_TAX: i64 = 85;

/// The shop's last order number; the numbers of these orders are taken from the counter.
pub(super) fn numbers(tx: &mut Tx<'_>, make: &Make) -> Result<i64, DbError> {
    let count = i64::from(make.plan.orders);
    let (last,): (i64,) = tx.query_one(
        "UPDATE counters SET value = value + $1 WHERE name = 'order_number' RETURNING value",
        params![count],
    )?;
    Ok(last.saturating_sub(count))
}

/// One statement of a chunk.
pub(super) type Statement = fn(&Make) -> String;

/// What completes a chunk of orders, in this order.
pub(super) const STATEMENTS: &[Statement] = &[
    lines,
    sums,
    payments,
    payment_events,
    refunds,
    refund_lines,
    fulfillments,
    fulfillment_lines,
    timeline,
    movements,
    mails,
    words,
];

/// The orders made now, as a table: number, what became of it, who bought, how many lines, when.
fn made(make: &Make) -> String {
    let recent = make
        .plan
        .orders
        .saturating_sub(make.plan.orders.div_ceil(25));
    let span = super::AGE.checked_div(i64::from(make.plan.orders.max(1)));
    format!(
        "n (i) AS (SELECT CAST({} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {}),
         o (i, kind, buyer, lines, at) AS (
           SELECT i,
                  CASE WHEN i > {recent} THEN CASE WHEN i % 10 < 6 THEN 'to_pack' WHEN i % 10 < 8 THEN 'to_pay' ELSE 'shipped' END
                       WHEN i % 25 = 3 THEN 'canceled' WHEN i % 25 = 7 THEN 'refunded' ELSE 'shipped' END,
                  {}, 1 + i % 3, {} + i * {} - 60000
             FROM n
         )",
        make.first,
        make.last,
        make.dice("i", 11, make.buyers()),
        make.opening(),
        span.unwrap_or(0)
    )
}

/// People with their names and addresses, to be joined with `o.buyer`.
fn people() -> String {
    format!("{}, {}", table("f", FIRST_NAMES), table("s", LAST_NAMES))
}

/// How a buyer's number leads to a name.
fn named(buyer: &str) -> String {
    let (first, last) = (count(FIRST_NAMES), count(LAST_NAMES));
    format!(
        "JOIN f ON f.place = {buyer} % {first} JOIN s ON s.place = ({buyer} / {first}) % {last}"
    )
}

/// The address of a buyer with this number; no two plans have one in common.
fn email(make: &Make, buyer: &str) -> String {
    let seed = make.plan.seed;
    format!("f.folded || '.' || s.folded || CAST({buyer} AS TEXT) || '.{seed}@example.com'")
}

/// The orders themselves, as yet without lines.
pub(super) fn orders(tx: &mut Tx<'_>, make: &Make) -> Result<(), DbError> {
    let sql = format!(
        "INSERT INTO orders
           (id, number, cart_id, link_token, status, payment_status, fulfillment_status, currency, email, email_folded, address,
            delivery_method_id, delivery_name, delivery_pickup, delivery_from_at, delivery_to_at, prices_include_tax, rounding,
            subtotal_minor, delivery_minor, delivery_tax_minor, delivery_tax, delivery_refunded_minor, tax_added_minor,
            tax_included_minor, total_minor, payment_method, cancel_reason, version, created_at, changed_at, placed_at, canceled_at)
         WITH RECURSIVE {}, {}
         SELECT {}, {} + o.i, {}, {},
                CASE o.kind WHEN 'canceled' THEN 'canceled' WHEN 'shipped' THEN 'completed' WHEN 'refunded' THEN 'completed' ELSE 'placed' END,
                CASE o.kind WHEN 'canceled' THEN 'voided' WHEN 'shipped' THEN 'paid' WHEN 'refunded' THEN 'partially_refunded'
                            WHEN 'to_pay' THEN 'pending' ELSE 'authorized' END,
                CASE o.kind WHEN 'canceled' THEN 'canceled' WHEN 'shipped' THEN 'fulfilled' WHEN 'refunded' THEN 'fulfilled'
                            ELSE 'unfulfilled' END,
                'EUR', {email}, {email}, REPLACE($1, '@', f.word || ' ' || s.word),
                {}, 'Post', FALSE, o.at + 86400000, o.at + 172800000, TRUE, $2,
                0, {DELIVERY}, {DELIVERY_TAX}, $3, 0, 0, {DELIVERY_TAX}, {DELIVERY},
                CASE o.kind WHEN 'to_pay' THEN 'bank_transfer' ELSE 'test' END,
                CASE o.kind WHEN 'canceled' THEN 'changed their mind' END, 1, o.at, o.at, o.at,
                CASE o.kind WHEN 'canceled' THEN o.at + 3600000 END
           FROM o {}",
        made(make),
        people(),
        make.id("ord", "o.i"),
        make.numbers_from,
        make.id("cart", "o.i"),
        make.id("link", "o.i"),
        make.id("dlv", "1"),
        named("o.buyer"),
        email = email(make, "o.buyer"),
    );
    let parameters = params![
        document(&an_address()?)?,
        document(&RoundingPolicy::default())?,
        document(&delivery_taxes())?
    ];
    tx.execute(&sql, parameters)?;
    Ok(())
}

fn document<T: serde::Serialize>(value: &T) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| unfit(&error))
}

fn unfit(error: &dyn std::fmt::Display) -> DbError {
    DbError::from(kernel::stored::StoredError {
        wanted: "a document",
        found: error.to_string(),
    })
}

/// Everybody lives there; the name is put in where the `@` is.
fn an_address() -> Result<Address, DbError> {
    Ok(Address {
        name: "@".to_owned(),
        company: None,
        line1: "Prinsengracht 1".to_owned(),
        line2: None,
        postcode: Some("1015 DK".to_owned()),
        city: Some("Amsterdam".to_owned()),
        region: None,
        country: Country::parse("NL").map_err(|error| unfit(&error))?,
        phone: None,
    })
}

fn delivery_taxes() -> Vec<TaxLine> {
    vec![TaxLine {
        name: "VAT".to_owned(),
        rate: Rate::basis_points(2_100),
        taxable: Currency::EUR.minor(DELIVERY.saturating_sub(DELIVERY_TAX)),
        tax: Currency::EUR.minor(DELIVERY_TAX),
        included: true,
    }]
}

/// The lines of an order are numbered from 0.
const LINES: &str = "k (k) AS (VALUES (0), (1), (2))";

fn lines(make: &Make) -> String {
    // Neighbouring products, each in its first size, so that no order has a variant twice.
    let product = format!(
        "1 + ({} + k.k) % {}",
        make.dice("o.i", 12, make.plan.products),
        make.plan.products
    );
    let is_back = "o.kind = 'refunded' AND k.k = 0";
    format!(
        "INSERT INTO order_lines
           (id, order_id, position, variant_id, product_slug, sku, title, variant_title, options, media_id, unit_price_minor, quantity,
            total_minor, tax_name, tax_rate_bps, tax_minor, tax_included, weight_grams, stock_tracked, fulfilled_quantity,
            canceled_quantity, refunded_quantity, refunded_minor, refunded_tax_minor)
         WITH RECURSIVE {}, {LINES}, l (i, k, kind, variant_id, quantity, is_back) AS (
           SELECT o.i, k.k, o.kind, {}, 1 + (o.i + k.k) % 3, {is_back} FROM o JOIN k ON k.k < o.lines
         )
         SELECT {}, {}, l.k + 1, v.id, p.slug, v.sku, p.title, v.title,
                CASE WHEN v.title = '' THEN '[]' ELSE '[[\"Size\",\"' || v.title || '\"]]' END, NULL, v.price_minor, l.quantity,
                v.price_minor * l.quantity, 'VAT', 2100, {tax}, TRUE, v.weight_grams, v.stock_tracked,
                CASE WHEN l.kind IN ('shipped', 'refunded') THEN l.quantity ELSE 0 END, 0,
                CASE WHEN l.is_back THEN l.quantity ELSE 0 END, CASE WHEN l.is_back THEN v.price_minor * l.quantity ELSE 0 END,
                CASE WHEN l.is_back THEN {tax} ELSE 0 END
           FROM l
           JOIN variants v ON v.id = l.variant_id
           JOIN products p ON p.id = v.product_id",
        made(make),
        make.id("var", &format!("({product}) * 10")),
        make.id("oli", "l.i * 10 + l.k"),
        make.id("ord", "l.i"),
        tax = "(v.price_minor * l.quantity * 21 + 60) / 121",
    )
}

/// The orders made now, as a condition on their ids.
fn of_chunk(make: &Make, column: &str) -> String {
    format!(
        "{column} >= {} AND {column} <= {}",
        make.id("ord", &make.first.to_string()),
        make.id("ord", &make.last.to_string())
    )
}

/// What follows from the lines, and where the order stands.
fn sums(make: &Make) -> String {
    let of_lines = |column: &str| {
        format!(
            "(SELECT CAST(SUM(l.{column}) AS BIGINT) FROM order_lines l WHERE l.order_id = orders.id)"
        )
    };
    format!(
        "UPDATE orders
            SET subtotal_minor = {goods}, total_minor = {goods} + {DELIVERY}, tax_included_minor = {} + {DELIVERY_TAX},
                net_minor = CASE WHEN status = 'canceled' THEN NULL ELSE {goods} + {DELIVERY} - {} END,
                queue = CASE WHEN status = 'canceled' THEN 'canceled' WHEN status = 'completed' THEN 'shipped'
                             WHEN payment_status = 'pending' THEN 'to_pay' ELSE 'to_pack' END
          WHERE {}",
        of_lines("tax_minor"),
        of_lines("refunded_minor"),
        of_chunk(make, "id"),
        goods = of_lines("total_minor"),
    )
}

/// What came back of a refunded order.
fn given_back(order: &str) -> String {
    format!(
        "(SELECT CAST(SUM(l.refunded_minor) AS BIGINT) FROM order_lines l WHERE l.order_id = {order})"
    )
}

fn payments(make: &Make) -> String {
    format!(
        "INSERT INTO payments
           (id, order_id, gateway, status, currency, amount_minor, authorized_minor, captured_minor, refunded_minor, gateway_ref,
            live, created_at, changed_at)
         WITH RECURSIVE {}
         SELECT {}, r.id, r.payment_method,
                CASE o.kind WHEN 'to_pay' THEN 'processing' WHEN 'canceled' THEN 'canceled' WHEN 'to_pack' THEN 'authorized' ELSE 'captured' END,
                'EUR', r.total_minor, CASE WHEN o.kind IN ('to_pay', 'canceled') THEN 0 ELSE r.total_minor END,
                CASE WHEN o.kind IN ('shipped', 'refunded') THEN r.total_minor ELSE 0 END,
                CASE WHEN o.kind = 'refunded' THEN {} ELSE 0 END, {}, FALSE, o.at, o.at
           FROM o
           JOIN orders r ON r.id = {}",
        made(make),
        make.id("pay", "o.i"),
        given_back("r.id"),
        make.id("ref", "o.i"),
        make.id("ord", "o.i")
    )
}

fn payment_events(make: &Make) -> String {
    format!(
        "INSERT INTO payment_events (id, payment_id, kind, status, currency, amount_minor, effect_key, detail, at, settled_at)
         WITH RECURSIVE {}, e (of_kind, place, kind) AS (
           VALUES ('to_pack', 0, 'authorize'), ('shipped', 0, 'authorize'), ('shipped', 1, 'capture'), ('refunded', 0, 'authorize'),
                  ('refunded', 1, 'capture'), ('refunded', 2, 'refund'), ('canceled', 0, 'authorize'), ('canceled', 1, 'void')
         )
         SELECT {}, p.id, e.kind, 'succeeded', 'EUR', CASE e.kind WHEN 'refund' THEN p.refunded_minor ELSE p.amount_minor END,
                CASE e.kind WHEN 'refund' THEN 'refund:' || {} ELSE e.kind || ':' || p.id END, '', o.at + e.place * 60000,
                o.at + e.place * 60000
           FROM o
           JOIN e ON e.of_kind = o.kind
           JOIN payments p ON p.id = {}",
        made(make),
        make.id("pev", "o.i * 10 + e.place"),
        make.id("rfd", "o.i"),
        make.id("pay", "o.i")
    )
}

fn refunds(make: &Make) -> String {
    format!(
        "INSERT INTO refunds
           (id, order_id, payment_id, request_key, status, amount_minor, delivery_minor, currency, reason, actor, created_at, settled_at)
         WITH RECURSIVE {}
         SELECT {}, p.order_id, p.id, 'large', 'succeeded', p.refunded_minor, 0, 'EUR', 'arrived broken', 'system', o.at + 120000, o.at + 120000
           FROM o
           JOIN payments p ON p.id = {}
          WHERE o.kind = 'refunded'",
        made(make),
        make.id("rfd", "o.i"),
        make.id("pay", "o.i")
    )
}

fn refund_lines(make: &Make) -> String {
    format!(
        "INSERT INTO refund_lines (refund_id, order_line_id, quantity, canceled_quantity, restocked_quantity, amount_minor, tax_minor)
         WITH RECURSIVE {}
         SELECT {}, l.id, l.refunded_quantity, 0, 0, l.refunded_minor, l.refunded_tax_minor
           FROM o
           JOIN order_lines l ON l.order_id = {}
          WHERE o.kind = 'refunded' AND l.refunded_quantity > 0",
        made(make),
        make.id("rfd", "o.i"),
        make.id("ord", "o.i")
    )
}

fn fulfillments(make: &Make) -> String {
    format!(
        "INSERT INTO fulfillments
           (id, order_id, request_key, status, carrier, tracking_number, tracking_url, actor, created_at, changed_at)
         WITH RECURSIVE {}
         SELECT {}, {}, 'large', 'fulfilled', 'Post', CAST(900000000 + o.i AS TEXT), NULL, 'system', o.at + 90000, o.at + 90000
           FROM o
          WHERE o.kind IN ('shipped', 'refunded')",
        made(make),
        make.id("ful", "o.i"),
        make.id("ord", "o.i")
    )
}

fn fulfillment_lines(make: &Make) -> String {
    format!(
        "INSERT INTO fulfillment_lines (fulfillment_id, order_line_id, quantity)
         WITH RECURSIVE {}
         SELECT {}, l.id, l.fulfilled_quantity
           FROM o
           JOIN order_lines l ON l.order_id = {}
          WHERE o.kind IN ('shipped', 'refunded')",
        made(make),
        make.id("ful", "o.i"),
        make.id("ord", "o.i")
    )
}

fn timeline(make: &Make) -> String {
    format!(
        "INSERT INTO order_timeline (id, order_id, at, actor, kind, detail)
         WITH RECURSIVE {}, t (of_kind, place, kind) AS (
           VALUES ('to_pay', 0, 'placed'), ('to_pack', 0, 'payment_authorized'), ('to_pack', 1, 'placed'),
                  ('shipped', 0, 'payment_authorized'), ('shipped', 1, 'placed'), ('shipped', 2, 'payment_captured'),
                  ('shipped', 3, 'shipped'), ('shipped', 4, 'completed'),
                  ('refunded', 0, 'payment_authorized'), ('refunded', 1, 'placed'), ('refunded', 2, 'payment_captured'),
                  ('refunded', 3, 'shipped'), ('refunded', 4, 'completed'), ('refunded', 5, 'refunded'),
                  ('canceled', 0, 'payment_authorized'), ('canceled', 1, 'placed'), ('canceled', 2, 'canceled'),
                  ('canceled', 3, 'payment_voided')
         )
         SELECT {}, {}, o.at + t.place * 30000, 'system', t.kind, '{{}}' FROM o JOIN t ON t.of_kind = o.kind",
        made(make),
        make.id("tl", "o.i * 10 + t.place"),
        make.id("ord", "o.i")
    )
}

/// Everything is sold from the first location.
fn movements(make: &Make) -> String {
    format!(
        "INSERT INTO stock_movements
           (id, variant_id, location_id, kind, on_hand_change, allocated_change, order_id, actor, reason, at)
         WITH RECURSIVE {}, m (of_kind, place, kind, on_hand, allocated) AS (
           VALUES ('to_pay', 0, 'allocated', 0, 1), ('to_pack', 0, 'allocated', 0, 1), ('shipped', 0, 'allocated', 0, 1),
                  ('shipped', 1, 'shipped', -1, -1), ('refunded', 0, 'allocated', 0, 1), ('refunded', 1, 'shipped', -1, -1),
                  ('canceled', 0, 'allocated', 0, 1), ('canceled', 1, 'released', 0, -1)
         )
         SELECT {}, l.variant_id, {}, m.kind, m.on_hand * l.quantity, m.allocated * l.quantity, l.order_id, 'system', 'order',
                o.at + m.place * 90000
           FROM o
           JOIN m ON m.of_kind = o.kind
           JOIN order_lines l ON l.order_id = {}
          WHERE l.stock_tracked",
        made(make),
        make.id("mov", "o.i * 100 + l.position * 10 + m.place"),
        make.id("loc", "1"),
        make.id("ord", "o.i")
    )
}

/// One confirmation each; one in five hundred was refused.
fn mails(make: &Make) -> String {
    format!(
        "INSERT INTO mails
           (id, kind, effect_key, order_id, recipient, recipient_folded, subject, html_body, text_body, status, attempts, last_error,
            created_at, sent_at)
         WITH RECURSIVE {}
         SELECT {}, 'order_confirmation', 'order_confirmation:' || r.id, r.id, r.email, r.email_folded,
                'Your order ' || CAST(r.number AS TEXT), '<p>Thank you.</p>', 'Thank you.',
                CASE WHEN o.i % 500 = 9 THEN 'dead' ELSE 'sent' END, 1, CASE WHEN o.i % 500 = 9 THEN 'no such mailbox' END,
                o.at + 5000, CASE WHEN o.i % 500 = 9 THEN NULL ELSE o.at + 6000 END
           FROM o
           JOIN orders r ON r.id = {}",
        made(make),
        make.id("mail", "o.i"),
        make.id("ord", "o.i")
    )
}

fn words(make: &Make) -> String {
    format!(
        "INSERT INTO desk_words (subject_id, word, kind, at)
         WITH RECURSIVE {}, {}, x (id, first, last, at) AS (
           SELECT {}, f.folded, s.folded, o.at FROM o {}
         )
         SELECT id, first, 'order', at FROM x UNION ALL SELECT id, last, 'order', at FROM x",
        made(make),
        people(),
        make.id("ord", "o.i"),
        named("o.buyer")
    )
}

/// Orders sealed by one statement.
const SEALED_AT_ONCE: usize = 500;

/// Takes the fingerprints of the orders made now.
pub(super) async fn seal(db: &Db, make: &Make) -> Result<(), Internal> {
    let condition = of_chunk(make, "id");
    let ids: Vec<(OrderId,)> = db
        .read(move |tx| {
            tx.query(
                &format!("SELECT id FROM orders WHERE {condition} ORDER BY id"),
                params![],
            )
            .map_err(Internal::from)
        })
        .await?;
    let ids: Vec<OrderId> = ids.into_iter().map(|(id,)| id).collect();
    for some in ids.chunks(SEALED_AT_ONCE) {
        let some = some.to_vec();
        db.write(move |tx| seal_some(tx, &some)).await?;
    }
    Ok(())
}

fn seal_some(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<(), DbError> {
    let hashes = agreement::fingerprints(tx, ids)?;
    let mut parameters: Vec<Value> = Vec::with_capacity(ids.len().saturating_mul(3));
    let mut cases = Vec::with_capacity(ids.len());
    for (id, hash) in &hashes {
        parameters.extend([id.to_value(), hash.to_value()]);
        let last = parameters.len();
        cases.push(format!("(${}, ${last})", last.saturating_sub(1)));
    }
    let first = parameters.len().saturating_add(1);
    tx.execute(
        &format!(
            "WITH h (id, hash) AS (VALUES {})
             UPDATE orders SET agreed_hash = (SELECT h.hash FROM h WHERE h.id = orders.id) WHERE id IN ({})",
            cases.join(", "),
            in_list(first, ids.len())
        ),
        &with_ids(&parameters, ids),
    )?;
    Ok(())
}

/// Of every counted variant, as many came in as were ordered, and from none to thirty-nine more.
pub(super) fn stock(tx: &mut Tx<'_>, make: &Make) -> Result<(), DbError> {
    let last = make.plan.products;
    let received = |location: &str, salt: u32, number: &str, sold: &str, which: &str| {
        format!(
            "SELECT {}, v.id, {}, 'received', {sold} + CASE WHEN {dice} < 10 THEN {dice} % 7 ELSE {dice} END, 0, NULL, 'system', 'opening stock', {}
               FROM n JOIN z ON TRUE JOIN variants v ON v.id = {} WHERE v.stock_tracked AND {which}",
            make.id("mov", number),
            make.id("loc", location),
            make.opening(),
            make.id("var", "n.i * 10 + z.k"),
            dice = make.dice("n.i * 10 + z.k", 21_u32.saturating_add(salt), 40),
        )
    };
    let sold = "CAST(COALESCE((SELECT SUM(m.allocated_change - m.on_hand_change) FROM stock_movements m WHERE m.variant_id = v.id), 0) AS BIGINT)";
    // Numbers behind those of the orders' movements.
    let behind = u64::from(make.plan.orders)
        .saturating_mul(100)
        .saturating_add(1_000);
    let one = received("1", 0, &format!("{behind} + n.i * 100 + z.k"), sold, "TRUE");
    let two = received(
        "2",
        1,
        &format!("{behind} + n.i * 100 + 10 + z.k"),
        "0",
        "n.i % 4 = 2",
    );
    tx.execute(
        &format!(
            "INSERT INTO stock_movements
               (id, variant_id, location_id, kind, on_hand_change, allocated_change, order_id, actor, reason, at)
             WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {last}),
                  z (k) AS (VALUES (0), (1), (2))
             {one} UNION ALL {two}"
        ),
        params![],
    )?;
    Ok(())
}

/// The figures that follow from the movements.
pub(super) fn levels(tx: &mut Tx<'_>, make: &Make) -> Result<(), DbError> {
    let (one, two) = (make.id("loc", "1"), make.id("loc", "2"));
    tx.execute(
        &format!(
            "INSERT INTO stock_levels (variant_id, location_id, on_hand, allocated, reserved, backorder_limit, changed_at)
             SELECT variant_id, location_id, CAST(SUM(on_hand_change) AS BIGINT), CAST(SUM(allocated_change) AS BIGINT), 0, 0, MAX(at)
               FROM stock_movements
              WHERE location_id IN ({one}, {two})
              GROUP BY variant_id, location_id"
        ),
        params![],
    )?;
    Ok(())
}

/// The buyers' numbers from 0, as a table.
fn buyers(make: &Make) -> String {
    format!(
        "b (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM b WHERE i < {})",
        make.buyers().saturating_sub(1)
    )
}

/// Whoever bought.
pub(super) fn customers(tx: &mut Tx<'_>, make: &Make) -> Result<(), DbError> {
    tx.execute(
        &format!(
            "INSERT INTO customers
               (id, email, email_folded, name, name_folded, order_count, currency, spent_minor, first_order_at, last_order_at)
             WITH RECURSIVE {}, {}, x (email, order_count, spent, first_at, last_at) AS (
               SELECT email_folded, COUNT(net_minor), CAST(COALESCE(SUM(net_minor), 0) AS BIGINT), MIN(placed_at), MAX(placed_at)
                 FROM orders
                WHERE {} GROUP BY email_folded
             )
             SELECT {}, x.email, x.email, f.word || ' ' || s.word, f.folded || ' ' || s.folded, x.order_count, 'EUR', x.spent,
                    x.first_at, x.last_at
               FROM b {} JOIN x ON x.email = {}",
            buyers(make),
            people(),
            of_chunk(&make.of(1, make.plan.orders), "id"),
            make.id("cus", "b.i"),
            named("b.i"),
            email(make, "b.i")
        ),
        params![],
    )?;
    Ok(())
}

/// The words they are found by.
pub(super) fn customer_words(tx: &mut Tx<'_>, make: &Make) -> Result<(), DbError> {
    let word = |column: &str| {
        format!(
            "SELECT c.id, {column}.folded, 'customer', c.first_order_at FROM b {} JOIN customers c ON c.id = {}",
            named("b.i"),
            make.id("cus", "b.i")
        )
    };
    tx.execute(
        &format!(
            "INSERT INTO desk_words (subject_id, word, kind, at) WITH RECURSIVE {}, {} {} UNION ALL {}",
            buyers(make),
            people(),
            word("f"),
            word("s")
        ),
        params![],
    )?;
    Ok(())
}
