//! All SQL of orders.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, in_list, params};
use kernel::stored::StoredError;
use kernel::{
    ActId, Address, CartId, Currency, FulfillmentId, Money, OrderId, OrderLineId, Page,
    PageRequest, Rate, TimelineId, Timestamp,
};
use pricing::TaxLine;
use serde_json::Value as Json;

use super::state::{fulfillment_status, net, payment_status, queue};
use super::{
    Fulfillment, Order, OrderDelivery, OrderLine, OrderStatus, Refund, TimelineEntry, TimelineKind,
};
use crate::customers;
use crate::inventory::with_ids;
use crate::payments;
use crate::shop::Act;
use crate::staff::Actor;

/// The columns an [`Order`] is read from.
const ORDER: &str = "id, number, link_token, status, payment_status, fulfillment_status, currency, email, address, delivery_method_id,
    delivery_name, delivery_pickup, delivery_from_at, delivery_to_at, prices_include_tax, subtotal_minor, delivery_minor, delivery_tax_minor,
    delivery_refunded_minor, tax_added_minor, tax_included_minor, total_minor, payment_method, cancel_reason, created_at, placed_at, canceled_at,
    packed_at";

impl FromRow for Order {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        let money =
            |column: &str| -> Result<Money, DbError> { Ok(currency.minor(row.get(column)?)) };
        let address: String = row.get("address")?;
        let from: Option<Timestamp> = row.get("delivery_from_at")?;
        let to: Option<Timestamp> = row.get("delivery_to_at")?;
        Ok(Self {
            id: row.get("id")?,
            number: row.get("number")?,
            link_token: row.get("link_token")?,
            status: row.get("status")?,
            payment_status: row.get("payment_status")?,
            fulfillment_status: row.get("fulfillment_status")?,
            email: row.get("email")?,
            address: json::<Address>(&address, "an address")?,
            delivery: OrderDelivery {
                method_id: row.get("delivery_method_id")?,
                name: row.get("delivery_name")?,
                pickup: row.get("delivery_pickup")?,
                promise: from.zip(to),
                price: money("delivery_minor")?,
                tax: money("delivery_tax_minor")?,
                refunded: money("delivery_refunded_minor")?,
            },
            prices_include_tax: row.get("prices_include_tax")?,
            subtotal: money("subtotal_minor")?,
            tax_added: money("tax_added_minor")?,
            tax_included: money("tax_included_minor")?,
            total: money("total_minor")?,
            payment_method: row.get("payment_method")?,
            cancel_reason: row.get("cancel_reason")?,
            created_at: row.get("created_at")?,
            placed_at: row.get("placed_at")?,
            canceled_at: row.get("canceled_at")?,
            packed_at: row.get("packed_at")?,
        })
    }
}

/// Reads a frozen document out of a column.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    text: &str,
    wanted: &'static str,
) -> Result<T, DbError> {
    // The text may hold a name or an address: it does not belong into an error.
    serde_json::from_str(text).map_err(|_error| {
        DbError::from(StoredError {
            wanted,
            found: "JSON of another shape".to_owned(),
        })
    })
}

impl FromRow for OrderLine {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        let money =
            |column: &str| -> Result<Money, DbError> { Ok(currency.minor(row.get(column)?)) };
        let options: String = row.get("options")?;
        Ok(Self {
            id: row.get("id")?,
            variant_id: row.get("variant_id")?,
            product_slug: row.get("product_slug")?,
            sku: row.get("sku")?,
            title: row.get("title")?,
            variant_title: row.get("variant_title")?,
            options: json(&options, "options of a line")?,
            media_id: row.get("media_id")?,
            unit_price: money("unit_price_minor")?,
            quantity: row.get("quantity")?,
            total: money("total_minor")?,
            tax_name: row.get("tax_name")?,
            tax_rate: Rate::basis_points(row.get("tax_rate_bps")?),
            tax: money("tax_minor")?,
            tax_included: row.get("tax_included")?,
            weight_grams: row.get("weight_grams")?,
            stock_tracked: row.get("stock_tracked")?,
            fulfilled: row.get("fulfilled_quantity")?,
            canceled: row.get("canceled_quantity")?,
            refunded: row.get("refunded_quantity")?,
            refunded_amount: money("refunded_minor")?,
            refunded_tax: money("refunded_tax_minor")?,
        })
    }
}

/// The columns an [`OrderLine`] is read from, with its order's currency.
const LINE: &str = "l.id, l.variant_id, l.product_slug, l.sku, l.title, l.variant_title, l.options, l.media_id, l.unit_price_minor, l.quantity,
    l.total_minor, l.tax_name, l.tax_rate_bps, l.tax_minor, l.tax_included, l.weight_grams, l.stock_tracked, l.fulfilled_quantity,
    l.canceled_quantity, l.refunded_quantity, l.refunded_minor, l.refunded_tax_minor, o.currency";

/// The order of that id.
pub fn get(tx: &mut Tx<'_>, id: &OrderId) -> Result<Option<Order>, DbError> {
    tx.query_opt(
        &format!("SELECT {ORDER} FROM orders WHERE id = $1"),
        params![id],
    )
}

/// The order, locked until the transaction ends.
pub(crate) fn lock(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &OrderId,
) -> Result<Option<Order>, DbError> {
    tx.query_opt(&format!("UPDATE orders SET version = version + 1, changed_at = $1 WHERE id = $2 RETURNING {ORDER}"), params![now, id])
}

/// The order a cart became or is becoming.
pub fn find_by_cart(tx: &mut Tx<'_>, cart: &CartId) -> Result<Option<Order>, DbError> {
    tx.query_opt(
        &format!("SELECT {ORDER} FROM orders WHERE cart_id = $1"),
        params![cart],
    )
}

/// The order whose status page has this secret. Drafts have none.
pub fn find_by_link(tx: &mut Tx<'_>, token: &kernel::Secret) -> Result<Option<Order>, DbError> {
    tx.query_opt(
        &format!("SELECT {ORDER} FROM orders WHERE link_token = $1 AND placed_at IS NOT NULL"),
        params![token.expose()],
    )
}

/// The order of that number.
pub fn find_by_number(tx: &mut Tx<'_>, number: i64) -> Result<Option<Order>, DbError> {
    tx.query_opt(
        &format!("SELECT {ORDER} FROM orders WHERE number = $1"),
        params![number],
    )
}

/// The ids of the orders of these numbers, those there are, by number. One statement.
pub fn ids_of_numbers(tx: &mut Tx<'_>, numbers: &[i64]) -> Result<Vec<(i64, OrderId)>, DbError> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    tx.query(
        &format!(
            "SELECT number, id FROM orders WHERE number IN ({}) ORDER BY number",
            in_list(1, numbers.len())
        ),
        &with_ids(&[], numbers),
    )
}

/// The placed orders of these numbers with their lines, by number. Two statements.
pub fn with_lines(
    tx: &mut Tx<'_>,
    numbers: &[i64],
) -> Result<Vec<(Order, Vec<OrderLine>)>, DbError> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let list = in_list(1, numbers.len());
    let numbers = with_ids(&[], numbers);
    let orders: Vec<Order> = tx.query(
        &format!("SELECT {ORDER} FROM orders WHERE number IN ({list}) ORDER BY number"),
        &numbers,
    )?;
    let mut lines: HashMap<i64, Vec<OrderLine>> = HashMap::new();
    let found: Vec<Numbered> = tx.query(
        &format!(
            "SELECT {LINE}, o.number
               FROM order_lines l
               JOIN orders o ON o.id = l.order_id
              WHERE o.number IN ({list})
              ORDER BY o.number, l.position"
        ),
        &numbers,
    )?;
    for Numbered(number, line) in found {
        lines.entry(number).or_default().push(line);
    }
    let orders = orders.into_iter().map(|order| {
        let lines = order.number.and_then(|number| lines.remove(&number));
        (order, lines.unwrap_or_default())
    });
    Ok(orders.collect())
}

/// A line with the number of its order.
struct Numbered(i64, OrderLine);

impl FromRow for Numbered {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("number")?, OrderLine::from_row(row)?))
    }
}

/// Placed orders, newest first.
pub fn list(tx: &mut Tx<'_>, page: PageRequest) -> Result<Page<Order>, DbError> {
    let items = tx.query(
        &format!("SELECT {ORDER} FROM orders WHERE placed_at IS NOT NULL ORDER BY placed_at DESC, id DESC LIMIT $1 OFFSET $2"),
        params![page.size(), page.offset()],
    )?;
    let (total,): (i64,) = tx.query_one(
        "SELECT COUNT(*) FROM orders WHERE placed_at IS NOT NULL",
        params![],
    )?;
    Ok(Page::new(
        page,
        u32::try_from(total).unwrap_or(u32::MAX),
        items,
    ))
}

/// The lines of an order, in its order.
pub fn lines(tx: &mut Tx<'_>, order: &OrderId) -> Result<Vec<OrderLine>, DbError> {
    tx.query(
        &format!(
            "SELECT {LINE}
               FROM order_lines l
               JOIN orders o ON o.id = l.order_id
              WHERE l.order_id = $1
              ORDER BY l.position"
        ),
        params![order],
    )
}

/// The taxes of an order, one line for each name and rate: goods and delivery together.
pub(crate) fn delivery_taxes(tx: &mut Tx<'_>, order: &OrderId) -> Result<Vec<TaxLine>, DbError> {
    let (taxes,): (String,) = tx.query_one(
        "SELECT delivery_tax FROM orders WHERE id = $1",
        params![order],
    )?;
    json(&taxes, "taxes of a delivery")
}

/// What a draft is written from: everything a copy.
pub(crate) struct Draft<'a> {
    pub(crate) cart: &'a CartId,
    pub(crate) email: &'a kernel::Email,
    pub(crate) address: &'a Address,
    pub(crate) delivery: &'a OrderDelivery,
    pub(crate) delivery_taxes: &'a [TaxLine],
    pub(crate) rounding: &'a pricing::RoundingPolicy,
    pub(crate) prices_include_tax: bool,
    pub(crate) subtotal: Money,
    pub(crate) tax_added: Money,
    pub(crate) tax_included: Money,
    pub(crate) total: Money,
    pub(crate) payment_method: &'a str,
    pub(crate) lines: &'a [OrderLine],
}

/// A frozen document on its way into a column.
fn document(value: Result<String, serde_json::Error>) -> Result<String, DbError> {
    value.map_err(|error| {
        DbError::from(StoredError {
            wanted: "a document",
            found: error.to_string(),
        })
    })
}

/// Writes the draft of a cart's order: a new one, or over the draft there is.
pub(crate) fn write_draft(
    tx: &mut Tx<'_>,
    act: &Act,
    draft: &Draft<'_>,
) -> Result<OrderId, DbError> {
    let address = document(serde_json::to_string(draft.address))?;
    let delivery_tax = document(serde_json::to_string(draft.delivery_taxes))?;
    let rounding = document(serde_json::to_string(draft.rounding))?;
    let (from, to) = draft.delivery.promise.unzip();
    let (id,): (OrderId,) = tx.query_one(
        "INSERT INTO orders
           (id, cart_id, link_token, status, payment_status, fulfillment_status, currency, email, email_folded, address,
            delivery_method_id, delivery_name, delivery_pickup, delivery_from_at, delivery_to_at, prices_include_tax, rounding,
            subtotal_minor, delivery_minor, delivery_tax_minor, delivery_tax, delivery_refunded_minor, tax_added_minor, tax_included_minor,
            total_minor, payment_method, version, created_at, changed_at)
         VALUES ($1, $2, $3, 'draft', 'none', 'unfulfilled', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, $19, $20,
                 $21, $22, 1, $23, $23)
         ON CONFLICT (cart_id) DO UPDATE
           SET currency = excluded.currency, email = excluded.email, email_folded = excluded.email_folded, address = excluded.address,
               delivery_method_id = excluded.delivery_method_id, delivery_name = excluded.delivery_name,
               delivery_pickup = excluded.delivery_pickup, delivery_from_at = excluded.delivery_from_at,
               delivery_to_at = excluded.delivery_to_at, prices_include_tax = excluded.prices_include_tax, rounding = excluded.rounding,
               subtotal_minor = excluded.subtotal_minor, delivery_minor = excluded.delivery_minor,
               delivery_tax_minor = excluded.delivery_tax_minor, delivery_tax = excluded.delivery_tax,
               tax_added_minor = excluded.tax_added_minor, tax_included_minor = excluded.tax_included_minor,
               total_minor = excluded.total_minor, payment_method = excluded.payment_method, version = orders.version + 1,
               changed_at = excluded.changed_at
         RETURNING id",
        params![
            OrderId::new(act.ids.as_ref()),
            draft.cart,
            act.ids.secret().expose(),
            draft.total.currency(),
            draft.email,
            draft.email.folded(),
            address,
            draft.delivery.method_id,
            draft.delivery.name,
            draft.delivery.pickup,
            from,
            to,
            draft.prices_include_tax,
            rounding,
            draft.subtotal.minor(),
            draft.delivery.price.minor(),
            draft.delivery.tax.minor(),
            delivery_tax,
            draft.tax_added.minor(),
            draft.tax_included.minor(),
            draft.total.minor(),
            draft.payment_method,
            act.now
        ],
    )?;
    tx.execute("DELETE FROM order_lines WHERE order_id = $1", params![id])?;
    for (position, line) in (1_i64..).zip(draft.lines) {
        insert_line(tx, &id, position, line)?;
    }
    Ok(id)
}

fn insert_line(
    tx: &mut Tx<'_>,
    order: &OrderId,
    position: i64,
    line: &OrderLine,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO order_lines
           (id, order_id, position, variant_id, product_slug, sku, title, variant_title, options, media_id, unit_price_minor, quantity,
            total_minor, tax_name, tax_rate_bps, tax_minor, tax_included, weight_grams, stock_tracked, fulfilled_quantity,
            canceled_quantity, refunded_quantity, refunded_minor, refunded_tax_minor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0, 0, 0, 0, 0)",
        params![
            line.id,
            order,
            position,
            line.variant_id,
            line.product_slug,
            line.sku,
            line.title,
            line.variant_title,
            document(serde_json::to_string(&line.options))?,
            line.media_id,
            line.unit_price.minor(),
            line.quantity,
            line.total.minor(),
            line.tax_name,
            line.tax_rate.bps(),
            line.tax.minor(),
            line.tax_included,
            line.weight_grams,
            line.stock_tracked
        ],
    )?;
    Ok(())
}

/// The stock of what this line is about is not counted any more.
pub(crate) fn stop_counting(tx: &mut Tx<'_>, line: &OrderLineId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE order_lines SET stock_tracked = $1 WHERE id = $2",
        params![false, line],
    )?;
    Ok(())
}

/// Moves an order from one status to the next; false if the table does not allow it or it was elsewhere.
pub(crate) fn set_status(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &OrderId,
    (from, to): (OrderStatus, OrderStatus),
) -> Result<bool, DbError> {
    if !from.can_become(to) {
        return Ok(false);
    }
    let changed = tx.execute(
        "UPDATE orders SET status = $1, changed_at = $2 WHERE id = $3 AND status = $4",
        params![to, now, id, from],
    )?;
    Ok(changed == 1)
}

/// Gives a draft its number and places it. The counter is the last row locked: every placement wants it.
pub(crate) fn place(tx: &mut Tx<'_>, now: Timestamp, id: &OrderId) -> Result<Option<i64>, DbError> {
    if !set_status(tx, now, id, (OrderStatus::Draft, OrderStatus::Placed))? {
        return Ok(None);
    }
    let (number,): (i64,) = tx.query_one(
        "UPDATE counters SET value = value + 1 WHERE name = 'order_number' RETURNING value",
        params![],
    )?;
    tx.execute(
        "UPDATE orders SET number = $1, placed_at = $2 WHERE id = $3",
        params![number, now, id],
    )?;
    Ok(Some(number))
}

/// Notes why and when an order was called off.
pub(crate) fn note_canceled(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &OrderId,
    reason: &str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE orders SET canceled_at = $1, cancel_reason = $2 WHERE id = $3",
        params![now, reason, id],
    )?;
    Ok(())
}

/// The one writer of the derived statuses: recomputes them from the facts and completes an order with nothing left to do.
pub(crate) fn refresh_statuses(tx: &mut Tx<'_>, act: &Act, id: &OrderId) -> Result<(), DbError> {
    let Some(order) = get(tx, id)? else {
        return Ok(());
    };
    let sums = payments::settled_sums(tx, id)?;
    let (ordered, left): (i64, i64) = tx.query_one(
        "SELECT CAST(COALESCE(SUM(quantity - canceled_quantity), 0) AS BIGINT), CAST(COALESCE(SUM(fulfilled_quantity), 0) AS BIGINT)
           FROM order_lines
          WHERE order_id = $1",
        params![id],
    )?;
    // What is being refunded may yet not be: then it has to be sent after all.
    let (refunding, given_back, counted): (i64, i64, Option<i64>) = tx.query_one(
        "SELECT CAST(COALESCE(SUM(CASE WHEN status = 'pending' THEN 1 ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(CASE WHEN status = 'succeeded' THEN amount_minor ELSE 0 END), 0) AS BIGINT),
                (SELECT o.net_minor FROM orders o WHERE o.id = $1)
           FROM refunds
          WHERE order_id = $1",
        params![id],
    )?;
    let total = order.total.minor();
    let paid = payment_status(total, &sums);
    let sent = fulfillment_status(order.status, ordered, left);
    let counts = net(order.status, total, given_back);
    let packed_at = order
        .packed_at
        .filter(|_| order.status == OrderStatus::Placed && left < ordered);
    let queue = queue(order.status, (paid, sent), total, packed_at.is_some());
    tx.execute(
        "UPDATE orders
            SET payment_status = $1, fulfillment_status = $2, queue = $3, net_minor = $4, changed_at = $5, packed_at = $6
          WHERE id = $7",
        params![paid, sent, queue, counts, act.now, packed_at, id],
    )?;
    follow(tx, act, &order, (counted, counts))?;
    let settled = sums.captured >= order.total.minor() && refunding == 0;
    if order.status == OrderStatus::Placed
        && settled
        && left >= ordered
        && set_status(
            tx,
            act.now,
            id,
            (OrderStatus::Placed, OrderStatus::Completed),
        )?
    {
        add_to_timeline(tx, act, id, (TimelineKind::Completed, Json::Null))?;
    }
    Ok(())
}

/// Keeps the buyer's figures and the words the order is found by.
fn follow(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &Order,
    (before, after): (Option<i64>, Option<i64>),
) -> Result<(), DbError> {
    let bought = customers::Bought {
        order: &order.id,
        email: &order.email,
        name: &order.address.name,
        at: order.placed_at.unwrap_or(act.now),
        currency: order.total.currency(),
    };
    customers::follow(tx, act, &bought, (before, after))
}

/// Adds a line to the timeline.
pub(crate) fn add_to_timeline(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
    (kind, detail): (TimelineKind, Json),
) -> Result<(), DbError> {
    let by = (&act.actor, Some(&act.id));
    add_to_timeline_by(tx, act, by, order, (kind, detail))
}

/// Adds a line about what somebody did earlier, in an act of theirs.
pub(super) fn add_to_timeline_by(
    tx: &mut Tx<'_>,
    act: &Act,
    (actor, done_in): (&Actor, Option<&ActId>),
    order: &OrderId,
    (kind, detail): (TimelineKind, Json),
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO order_timeline (id, order_id, at, actor, kind, detail, act_id) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![TimelineId::new(act.ids.as_ref()), order, act.now, actor, kind, detail.to_string(), done_in],
    )?;
    Ok(())
}

impl FromRow for TimelineEntry {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let detail: String = row.get("detail")?;
        Ok(Self {
            id: row.get("id")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            kind: row.get("kind")?,
            detail: json(&detail, "a timeline entry")?,
        })
    }
}

/// What happened to an order, oldest first.
pub fn timeline(tx: &mut Tx<'_>, order: &OrderId) -> Result<Vec<TimelineEntry>, DbError> {
    tx.query(
        "SELECT id, at, actor, kind, detail FROM order_timeline WHERE order_id = $1 ORDER BY at, id LIMIT 500",
        params![order],
    )
}

impl FromRow for Refund {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        Ok(Self {
            id: row.get("id")?,
            order_id: row.get("order_id")?,
            status: row.get("status")?,
            amount: currency.minor(row.get("amount_minor")?),
            delivery: currency.minor(row.get("delivery_minor")?),
            reason: row.get("reason")?,
            actor: row.get("actor")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// The refunds of an order, oldest first.
pub fn refunds(tx: &mut Tx<'_>, order: &OrderId) -> Result<Vec<Refund>, DbError> {
    tx.query(
        "SELECT id, order_id, status, currency, amount_minor, delivery_minor, reason, actor, created_at
           FROM refunds
          WHERE order_id = $1
          ORDER BY created_at, id
          LIMIT 200",
        params![order],
    )
}

/// The parts of an order that left, oldest first. Two statements.
pub fn fulfillments(tx: &mut Tx<'_>, order: &OrderId) -> Result<Vec<Fulfillment>, DbError> {
    let mut parts: Vec<Fulfillment> = tx.query(
        "SELECT id, status, carrier, tracking_number, tracking_url, created_at
           FROM fulfillments
          WHERE order_id = $1
          ORDER BY created_at, id
          LIMIT 200",
        params![order],
    )?;
    if parts.is_empty() {
        return Ok(parts);
    }
    let ids: Vec<FulfillmentId> = parts.iter().map(|part| part.id.clone()).collect();
    let rows: Vec<(FulfillmentId, OrderLineId, i64)> = tx.query(
        &format!(
            "SELECT fulfillment_id, order_line_id, quantity FROM fulfillment_lines WHERE fulfillment_id IN ({}) ORDER BY fulfillment_id, order_line_id",
            in_list(1, ids.len())
        ),
        &with_ids(&[], &ids),
    )?;
    let mut contents: HashMap<FulfillmentId, Vec<(OrderLineId, i64)>> = HashMap::new();
    for (part, line, quantity) in rows {
        contents.entry(part).or_default().push((line, quantity));
    }
    for part in &mut parts {
        part.lines = contents.remove(&part.id).unwrap_or_default();
    }
    Ok(parts)
}

impl FromRow for Fulfillment {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            status: row.get("status")?,
            carrier: row.get("carrier")?,
            tracking_number: row.get("tracking_number")?,
            tracking_url: row.get("tracking_url")?,
            lines: Vec::new(),
            created_at: row.get("created_at")?,
        })
    }
}
