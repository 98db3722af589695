//! What no single statement can judge: derived statuses and frozen documents, order by order.

use db::{DbError, Tx, in_list, params};
use kernel::{Address, OrderId};
use pricing::{RoundingPolicy, TaxLine};
use serde::de::DeserializeOwned;

use super::Breach;
use crate::inventory::with_ids;
use crate::orders::state::{fulfillment_status, payment_status};
use crate::orders::{FulfillmentStatus, OrderStatus, PaymentStatus};
use crate::payments::Sums;

/// Orders looked at in one transaction.
const BATCH: u32 = 500;

type Facts = (OrderId, OrderStatus, PaymentStatus, FulfillmentStatus, i64);

/// Judges the orders after `after`; answers with the last one looked at, `None` at the end.
pub(super) fn next(
    tx: &mut Tx<'_>,
    after: Option<&OrderId>,
) -> Result<(Vec<Breach>, Option<OrderId>), DbError> {
    let orders: Vec<Facts> = tx.query(
        "SELECT id, status, payment_status, fulfillment_status, total_minor FROM orders WHERE id > $1 ORDER BY id LIMIT $2",
        params![after.map_or("", OrderId::as_str), BATCH],
    )?;
    let Some(last) = orders.last().map(|order| order.0.clone()) else {
        return Ok((Vec::new(), None));
    };
    let ids: Vec<OrderId> = orders.iter().map(|order| order.0.clone()).collect();
    let list = in_list(1, ids.len());
    let events: Vec<(OrderId, String, i64)> = tx.query(
        &format!(
            "SELECT p.order_id, e.kind, CAST(SUM(e.amount_minor) AS BIGINT)
               FROM payment_events e JOIN payments p ON p.id = e.payment_id
              WHERE p.order_id IN ({list}) AND e.status = 'succeeded'
              GROUP BY p.order_id, e.kind"
        ),
        &with_ids(&[], &ids),
    )?;
    let open: Vec<(OrderId, i64)> = tx.query(
        &format!(
            "SELECT order_id, COUNT(*) FROM payments
              WHERE order_id IN ({list}) AND status IN ('created', 'requires_action', 'processing') GROUP BY order_id"
        ),
        &with_ids(&[], &ids),
    )?;
    let pieces: Vec<(OrderId, i64, i64)> = tx.query(
        &format!(
            "SELECT order_id, CAST(SUM(quantity - canceled_quantity) AS BIGINT), CAST(SUM(fulfilled_quantity) AS BIGINT)
               FROM order_lines WHERE order_id IN ({list}) GROUP BY order_id"
        ),
        &with_ids(&[], &ids),
    )?;
    let refunding: Vec<(OrderId,)> = tx.query(
        &format!("SELECT DISTINCT order_id FROM refunds WHERE order_id IN ({list}) AND status = 'pending'"),
        &with_ids(&[], &ids),
    )?;
    let mut breaches = unreadable(tx, &ids)?;
    for (id, status, paid, sent, total) in orders {
        let sum = |kind: &str| {
            events
                .iter()
                .find(|row| row.0 == id && row.1 == kind)
                .map_or(0, |row| row.2)
        };
        let sums = Sums {
            authorized: sum("authorize"),
            captured: sum("capture"),
            voided: sum("void"),
            refunded: sum("refund"),
            open: open.iter().find(|row| row.0 == id).map_or(0, |row| row.1),
        };
        // A draft's payment comes and goes; its status is settled with the draft.
        let right = payment_status(total, &sums);
        if status != OrderStatus::Draft && right != paid {
            breaches.push(derived(
                &id,
                "payment status",
                (paid.as_str(), right.as_str()),
            ));
        }
        let (ordered, left) = pieces
            .iter()
            .find(|row| row.0 == id)
            .map_or((0, 0), |row| (row.1, row.2));
        let right = fulfillment_status(status, ordered, left);
        if status != OrderStatus::Draft && right != sent {
            breaches.push(derived(
                &id,
                "fulfilment status",
                (sent.as_str(), right.as_str()),
            ));
        }
        let waits = refunding.iter().any(|row| row.0 == id);
        if status == OrderStatus::Placed && sums.captured >= total && left >= ordered && !waits {
            breaches.push(derived(&id, "status", ("placed", "completed")));
        }
    }
    Ok((breaches, Some(last)))
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
