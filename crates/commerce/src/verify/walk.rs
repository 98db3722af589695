//! What no single statement can judge: derived statuses and frozen documents, order by order.

use db::{DbError, Tx, in_list, params};
use kernel::{Address, OrderId, Timestamp};
use pricing::{RoundingPolicy, TaxLine};
use serde::de::DeserializeOwned;

use super::Breach;
use crate::inventory::with_ids;
use crate::orders::agreement;
use crate::orders::state::{fulfillment_status, payment_status, queue};
use crate::orders::{FulfillmentStatus, OrderQueue, OrderStatus, PaymentStatus};
use crate::payments::Sums;

/// Orders looked at in one transaction.
const BATCH: u32 = 500;

/// What is known of an order: what is stored, and what follows from.
struct Facts {
    id: OrderId,
    status: OrderStatus,
    payment: PaymentStatus,
    fulfillment: FulfillmentStatus,
    queue: Option<OrderQueue>,
    packed: bool,
    total: i64,
    sums: Sums,
    /// How many pieces are to leave in all.
    to_leave: i64,
    /// How many left.
    left: i64,
    /// Whether money is on its way back.
    refunding: bool,
}

/// Judges the orders after `after`; answers with the last one looked at, `None` at the end.
pub(super) fn next(
    tx: &mut Tx<'_>,
    after: Option<&OrderId>,
) -> Result<(Vec<Breach>, Option<OrderId>), DbError> {
    let orders = facts_after(tx, after)?;
    let Some(last) = orders.last().map(|order| order.id.clone()) else {
        return Ok((Vec::new(), None));
    };
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id.clone()).collect();
    let mut breaches = unreadable(tx, &ids)?;
    breaches.extend(agreement::changed(tx, &ids)?.into_iter().map(|id| Breach {
        invariant: "what was agreed never changes",
        what: format!("{id}: its texts, amounts or address are not those of its placement"),
    }));
    for order in &orders {
        judge(order, &mut breaches);
    }
    Ok((breaches, Some(last)))
}

/// A draft's payments come and go; its statuses are settled with the draft.
fn judge(order: &Facts, breaches: &mut Vec<Breach>) {
    let stored = (order.payment, order.fulfillment);
    let right = queue(order.status, stored, order.total, order.packed);
    if right != order.queue {
        let word = |queue: Option<OrderQueue>| queue.map_or("none", OrderQueue::as_str);
        breaches.push(derived(&order.id, "list", (word(order.queue), word(right))));
    }
    if order.status == OrderStatus::Draft {
        return;
    }
    let right = payment_status(order.total, &order.sums);
    if right != order.payment {
        let words = (order.payment.as_str(), right.as_str());
        breaches.push(derived(&order.id, "payment status", words));
    }
    let right = fulfillment_status(order.status, order.to_leave, order.left);
    if right != order.fulfillment {
        let words = (order.fulfillment.as_str(), right.as_str());
        breaches.push(derived(&order.id, "fulfilment status", words));
    }
    if order.packed && (order.status != OrderStatus::Placed || order.left >= order.to_leave) {
        breaches.push(derived(&order.id, "packing", ("packed", "nothing to pack")));
    }
    let is_done =
        order.sums.captured >= order.total && order.left >= order.to_leave && !order.refunding;
    if order.status == OrderStatus::Placed && is_done {
        breaches.push(derived(&order.id, "status", ("placed", "completed")));
    }
}

type Stored = (
    OrderId,
    OrderStatus,
    PaymentStatus,
    FulfillmentStatus,
    i64,
    Option<OrderQueue>,
    Option<Timestamp>,
);

/// What is known of the next orders. A constant number of statements.
fn facts_after(tx: &mut Tx<'_>, after: Option<&OrderId>) -> Result<Vec<Facts>, DbError> {
    let orders: Vec<Stored> = tx.query(
        "SELECT id, status, payment_status, fulfillment_status, total_minor, queue, packed_at FROM orders WHERE id > $1 ORDER BY id LIMIT $2",
        params![after.map_or("", OrderId::as_str), BATCH],
    )?;
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<OrderId> = orders.iter().map(|order| order.0.clone()).collect();
    let (list, ids) = (in_list(1, ids.len()), with_ids(&[], &ids));
    let events: Vec<(OrderId, String, i64)> = tx.query(
        &format!(
            "SELECT p.order_id, e.kind, CAST(SUM(e.amount_minor) AS BIGINT)
               FROM payment_events e JOIN payments p ON p.id = e.payment_id
              WHERE p.order_id IN ({list}) AND e.status = 'succeeded'
              GROUP BY p.order_id, e.kind"
        ),
        &ids,
    )?;
    let open: Vec<(OrderId, i64)> = tx.query(
        &format!(
            "SELECT order_id, COUNT(*) FROM payments
              WHERE order_id IN ({list}) AND status IN ('created', 'requires_action', 'processing') GROUP BY order_id"
        ),
        &ids,
    )?;
    let pieces: Vec<(OrderId, i64, i64)> = tx.query(
        &format!(
            "SELECT order_id, CAST(SUM(quantity - canceled_quantity) AS BIGINT), CAST(SUM(fulfilled_quantity) AS BIGINT)
               FROM order_lines WHERE order_id IN ({list}) GROUP BY order_id"
        ),
        &ids,
    )?;
    let refunding: Vec<(OrderId,)> = tx.query(
        &format!("SELECT DISTINCT order_id FROM refunds WHERE order_id IN ({list}) AND status = 'pending'"),
        &ids,
    )?;
    let facts = orders.into_iter().map(
        |(id, status, payment, fulfillment, total, queue, packed_at)| {
            let sum = |kind: &str| {
                let found = events.iter().find(|row| row.0 == id && row.1 == kind);
                found.map_or(0, |row| row.2)
            };
            let sums = Sums {
                authorized: sum("authorize"),
                captured: sum("capture"),
                voided: sum("void"),
                refunded: sum("refund"),
                open: open.iter().find(|row| row.0 == id).map_or(0, |row| row.1),
            };
            let counted = pieces.iter().find(|row| row.0 == id);
            let (to_leave, left) = counted.map_or((0, 0), |row| (row.1, row.2));
            let refunding = refunding.iter().any(|row| row.0 == id);
            Facts {
                id,
                status,
                payment,
                fulfillment,
                queue,
                packed: packed_at.is_some(),
                total,
                sums,
                to_leave,
                left,
                refunding,
            }
        },
    );
    Ok(facts.collect())
}

fn derived(id: &OrderId, which: &str, (stored, right): (&str, &str)) -> Breach {
    Breach {
        invariant: "derived statuses follow the facts",
        what: format!("{id}: {which}: {stored} is stored, {right} is right"),
    }
}

/// The frozen documents of these orders that cannot be read any more.
fn unreadable(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Vec<Breach>, DbError> {
    let list = in_list(1, ids.len());
    let orders: Vec<(OrderId, String, String, String)> = tx.query(
        &format!("SELECT id, address, delivery_tax, rounding FROM orders WHERE id IN ({list}) ORDER BY id"),
        &with_ids(&[], ids),
    )?;
    let lines: Vec<(OrderId, String)> = tx.query(
        &format!("SELECT order_id, options FROM order_lines WHERE order_id IN ({list}) ORDER BY order_id, position"),
        &with_ids(&[], ids),
    )?;
    let mut breaches = Vec::new();
    let mut judge = |id: &OrderId, what: &str, is_readable: bool| {
        if !is_readable {
            breaches.push(Breach {
                invariant: "frozen documents can be read",
                what: format!("{id}: {what} is no JSON of its shape"),
            });
        }
    };
    for (id, address, delivery_tax, rounding) in &orders {
        judge(id, "the address", reads::<Address>(address));
        judge(
            id,
            "the tax of the delivery",
            reads::<Vec<TaxLine>>(delivery_tax),
        );
        judge(id, "the rounding policy", reads::<RoundingPolicy>(rounding));
    }
    for (id, options) in &lines {
        judge(
            id,
            "the options of a line",
            reads::<Vec<(String, String)>>(options),
        );
    }
    Ok(breaches)
}

fn reads<T: DeserializeOwned>(document: &str) -> bool {
    serde_json::from_str::<T>(document).is_ok()
}
