//! The judge of everything: recomputes every invariant from the stored facts and names each breach with the rows involved.
//!
//! Read-only. One statement or a batched walk for each invariant; runs beside a selling shop.

use db::{DbError, Engine, Tx, in_list, params};
use kernel::OrderId;

use crate::error::Internal;
use crate::inventory::with_ids;
use crate::orders::state::{fulfillment_status, payment_status};
use crate::orders::{FulfillmentStatus, OrderStatus, PaymentStatus};
use crate::payments::Sums;
use crate::shop::Shop;

/// Most breaches shown for one invariant: more are the same fault again.
const SHOWN: u32 = 20;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which invariant.
    pub invariant: &'static str,
    /// Which rows, and what is wrong with them.
    pub what: String,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// An invariant that one statement can judge: its rows are the breaches, as what is wrong, what is stored, what it should be.
struct Rule {
    invariant: &'static str,
    fault: &'static str,
    sql: &'static str,
}

/// Every invariant that one statement can judge.
const RULES: &[Rule] = &[
    Rule {
        invariant: "order totals add up",
        fault: "unit price times quantity is not the line's total",
        sql: "SELECT id, total_minor, unit_price_minor * quantity FROM order_lines WHERE unit_price_minor * quantity <> total_minor",
    },
    Rule {
        invariant: "order totals add up",
        fault: "the lines do not add up to the subtotal",
        sql: "SELECT o.id, o.subtotal_minor, CAST(COALESCE(SUM(l.total_minor), 0) AS BIGINT)
                FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
               GROUP BY o.id, o.subtotal_minor HAVING o.subtotal_minor <> COALESCE(SUM(l.total_minor), 0)",
    },
    Rule {
        invariant: "order totals add up",
        fault: "subtotal, delivery and taxes on top do not add up to the total",
        sql: "SELECT id, total_minor, subtotal_minor + delivery_minor + tax_added_minor
                FROM orders WHERE subtotal_minor + delivery_minor + tax_added_minor <> total_minor",
    },
    Rule {
        invariant: "order totals add up",
        fault: "the taxes on top are not those of lines and delivery",
        sql: "SELECT o.id, o.tax_added_minor, CAST(COALESCE(SUM(CASE WHEN l.tax_included THEN 0 ELSE l.tax_minor END), 0) AS BIGINT)
                     + CASE WHEN o.prices_include_tax THEN 0 ELSE o.delivery_tax_minor END
                FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
               GROUP BY o.id, o.tax_added_minor, o.prices_include_tax, o.delivery_tax_minor
              HAVING o.tax_added_minor <> COALESCE(SUM(CASE WHEN l.tax_included THEN 0 ELSE l.tax_minor END), 0)
                     + CASE WHEN o.prices_include_tax THEN 0 ELSE o.delivery_tax_minor END",
    },
    Rule {
        invariant: "order totals add up",
        fault: "the taxes within the prices are not those of lines and delivery",
        sql: "SELECT o.id, o.tax_included_minor, CAST(COALESCE(SUM(CASE WHEN l.tax_included THEN l.tax_minor ELSE 0 END), 0) AS BIGINT)
                     + CASE WHEN o.prices_include_tax THEN o.delivery_tax_minor ELSE 0 END
                FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
               GROUP BY o.id, o.tax_included_minor, o.prices_include_tax, o.delivery_tax_minor
              HAVING o.tax_included_minor <> COALESCE(SUM(CASE WHEN l.tax_included THEN l.tax_minor ELSE 0 END), 0)
                     + CASE WHEN o.prices_include_tax THEN o.delivery_tax_minor ELSE 0 END",
    },
    Rule {
        invariant: "money asked for is money owed",
        fault: "an open or authorised payment asks for another amount than its order's total",
        sql: "SELECT p.id, p.amount_minor, o.total_minor
                FROM payments p JOIN orders o ON o.id = p.order_id
               WHERE p.amount_minor <> o.total_minor
                 AND p.id = (SELECT MAX(q.id) FROM payments q WHERE q.order_id = o.id)
                 AND p.status IN ('created', 'requires_action', 'processing', 'authorized', 'captured')",
    },
    Rule {
        invariant: "payments are the sums of their events",
        fault: "the authorised balance",
        sql: "SELECT p.id, p.authorized_minor,
                     CAST(COALESCE(SUM(CASE WHEN e.kind = 'authorize' AND e.status = 'succeeded' THEN e.amount_minor
                                            WHEN e.kind = 'void' AND e.status <> 'failed' THEN -e.amount_minor ELSE 0 END), 0) AS BIGINT)
                FROM payments p LEFT JOIN payment_events e ON e.payment_id = p.id
               GROUP BY p.id, p.authorized_minor
              HAVING p.authorized_minor <> COALESCE(SUM(CASE WHEN e.kind = 'authorize' AND e.status = 'succeeded' THEN e.amount_minor
                                            WHEN e.kind = 'void' AND e.status <> 'failed' THEN -e.amount_minor ELSE 0 END), 0)",
    },
    Rule {
        invariant: "payments are the sums of their events",
        fault: "the captured balance",
        sql: "SELECT p.id, p.captured_minor,
                     CAST(COALESCE(SUM(CASE WHEN e.kind = 'capture' AND e.status <> 'failed' THEN e.amount_minor ELSE 0 END), 0) AS BIGINT)
                FROM payments p LEFT JOIN payment_events e ON e.payment_id = p.id
               GROUP BY p.id, p.captured_minor
              HAVING p.captured_minor <> COALESCE(SUM(CASE WHEN e.kind = 'capture' AND e.status <> 'failed' THEN e.amount_minor ELSE 0 END), 0)",
    },
    Rule {
        invariant: "payments are the sums of their events",
        fault: "the refunded balance",
        sql: "SELECT p.id, p.refunded_minor,
                     CAST(COALESCE(SUM(CASE WHEN e.kind = 'refund' AND e.status <> 'failed' THEN e.amount_minor ELSE 0 END), 0) AS BIGINT)
                FROM payments p LEFT JOIN payment_events e ON e.payment_id = p.id
               GROUP BY p.id, p.refunded_minor
              HAVING p.refunded_minor <> COALESCE(SUM(CASE WHEN e.kind = 'refund' AND e.status <> 'failed' THEN e.amount_minor ELSE 0 END), 0)",
    },
    Rule {
        invariant: "never more refunded than captured, never more captured than authorised",
        fault: "captured against authorised",
        sql: "SELECT id, captured_minor, authorized_minor FROM payments WHERE captured_minor > authorized_minor",
    },
    Rule {
        invariant: "never more refunded than captured, never more captured than authorised",
        fault: "refunded against captured",
        sql: "SELECT id, refunded_minor, captured_minor FROM payments WHERE refunded_minor > captured_minor OR refunded_minor < 0",
    },
    Rule {
        invariant: "refunds are the sums of their lines",
        fault: "pieces refunded on a line",
        sql: "SELECT l.id, l.refunded_quantity,
                     CAST(COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN x.quantity ELSE 0 END), 0) AS BIGINT)
                FROM order_lines l
                LEFT JOIN refund_lines x ON x.order_line_id = l.id
                LEFT JOIN refunds r ON r.id = x.refund_id
               GROUP BY l.id, l.refunded_quantity
              HAVING l.refunded_quantity <> COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN x.quantity ELSE 0 END), 0)",
    },
    Rule {
        invariant: "refunds are the sums of their lines",
        fault: "money refunded on a line",
        sql: "SELECT l.id, l.refunded_minor,
                     CAST(COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN x.amount_minor ELSE 0 END), 0) AS BIGINT)
                FROM order_lines l
                LEFT JOIN refund_lines x ON x.order_line_id = l.id
                LEFT JOIN refunds r ON r.id = x.refund_id
               GROUP BY l.id, l.refunded_minor
              HAVING l.refunded_minor <> COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN x.amount_minor ELSE 0 END), 0)",
    },
    Rule {
        invariant: "refunds are the sums of their lines",
        fault: "delivery refunded on an order",
        sql: "SELECT o.id, o.delivery_refunded_minor,
                     CAST(COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN r.delivery_minor ELSE 0 END), 0) AS BIGINT)
                FROM orders o LEFT JOIN refunds r ON r.order_id = o.id
               GROUP BY o.id, o.delivery_refunded_minor
              HAVING o.delivery_refunded_minor <> COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN r.delivery_minor ELSE 0 END), 0)",
    },
    Rule {
        invariant: "a refund has one event in the ledger",
        fault: "the refund's amount against its event",
        sql: "SELECT r.id, r.amount_minor, COALESCE(e.amount_minor, -1)
                FROM refunds r LEFT JOIN payment_events e ON e.effect_key = 'refund:' || r.id
               WHERE e.amount_minor IS NULL OR e.amount_minor <> r.amount_minor OR e.status <> r.status OR e.payment_id <> r.payment_id",
    },
    Rule {
        invariant: "one cart, at most one order; a placed order ends its cart",
        fault: "a placed order whose cart is open",
        sql: "SELECT o.id, 0, 1 FROM orders o JOIN carts c ON c.id = o.cart_id WHERE o.placed_at IS NOT NULL AND c.completed_at IS NULL",
    },
    Rule {
        invariant: "one cart, at most one order; a placed order ends its cart",
        fault: "a completed cart without a placed order",
        sql: "SELECT c.id, 1, 0 FROM carts c
               WHERE c.completed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.cart_id = c.id AND o.placed_at IS NOT NULL)",
    },
    Rule {
        invariant: "one cart, at most one order; a placed order ends its cart",
        fault: "orders of one cart",
        sql: "SELECT cart_id, COUNT(*), 1 FROM orders GROUP BY cart_id HAVING COUNT(*) > 1",
    },
    Rule {
        invariant: "order numbers are unique and given at placement",
        fault: "the number against the counter",
        sql: "SELECT o.id, COALESCE(o.number, -1), c.value
                FROM orders o CROSS JOIN counters c
               WHERE c.name = 'order_number'
                 AND ((o.placed_at IS NOT NULL AND o.number IS NULL) OR (o.placed_at IS NULL AND o.number IS NOT NULL) OR o.number > c.value)",
    },
    Rule {
        invariant: "stock figures are the sums of the ledger",
        fault: "on hand",
        sql: "SELECT s.variant_id, s.on_hand, CAST(COALESCE(SUM(m.on_hand_change), 0) AS BIGINT)
                FROM stock_levels s
                LEFT JOIN stock_movements m ON m.variant_id = s.variant_id AND m.location_id = s.location_id
               GROUP BY s.variant_id, s.location_id, s.on_hand HAVING s.on_hand <> COALESCE(SUM(m.on_hand_change), 0)",
    },
    Rule {
        invariant: "stock figures are the sums of the ledger",
        fault: "allocated",
        sql: "SELECT s.variant_id, s.allocated, CAST(COALESCE(SUM(m.allocated_change), 0) AS BIGINT)
                FROM stock_levels s
                LEFT JOIN stock_movements m ON m.variant_id = s.variant_id AND m.location_id = s.location_id
               GROUP BY s.variant_id, s.location_id, s.allocated HAVING s.allocated <> COALESCE(SUM(m.allocated_change), 0)",
    },
    Rule {
        invariant: "stock figures are the sums of the ledger",
        fault: "reserved against the active reservations",
        sql: "SELECT s.variant_id, s.reserved, CAST(COALESCE(SUM(r.quantity), 0) AS BIGINT)
                FROM stock_levels s
                LEFT JOIN reservations r ON r.variant_id = s.variant_id AND r.location_id = s.location_id AND r.status = 'active'
               GROUP BY s.variant_id, s.location_id, s.reserved HAVING s.reserved <> COALESCE(SUM(r.quantity), 0)",
    },
    Rule {
        invariant: "never sold more than there is",
        fault: "what is available against the back-order limit",
        sql: "SELECT variant_id, on_hand - allocated - reserved, -backorder_limit
                FROM stock_levels
               WHERE on_hand < 0 OR allocated < 0 OR reserved < 0
                  OR (backorder_limit IS NOT NULL AND on_hand - allocated - reserved < -backorder_limit)",
    },
    Rule {
        invariant: "stock is promised to exactly what has yet to leave",
        fault: "pieces allocated to an order against pieces to ship",
        sql: "SELECT o.id,
                     CAST(COALESCE((SELECT SUM(m.allocated_change) FROM stock_movements m WHERE m.order_id = o.id), 0) AS BIGINT),
                     CAST(COALESCE((SELECT SUM(l.quantity - l.fulfilled_quantity) FROM order_lines l
                                     WHERE l.order_id = o.id AND l.stock_tracked AND o.status = 'placed'), 0) AS BIGINT)
                FROM orders o
               WHERE COALESCE((SELECT SUM(m.allocated_change) FROM stock_movements m WHERE m.order_id = o.id), 0)
                  <> COALESCE((SELECT SUM(l.quantity - l.fulfilled_quantity) FROM order_lines l
                                WHERE l.order_id = o.id AND l.stock_tracked AND o.status = 'placed'), 0)",
    },
    Rule {
        invariant: "stock is held only for checkouts under way",
        fault: "active reservations of an order that is not a draft",
        sql: "SELECT r.id, 1, 0 FROM reservations r JOIN orders o ON o.id = r.order_id WHERE r.status = 'active' AND o.status <> 'draft'",
    },
    Rule {
        invariant: "parcels hold what was ordered",
        fault: "pieces that left on a line against its parcels",
        sql: "SELECT l.id, l.fulfilled_quantity,
                     CAST(COALESCE(SUM(CASE WHEN f.status <> 'canceled' THEN x.quantity ELSE 0 END), 0) AS BIGINT)
                FROM order_lines l
                LEFT JOIN fulfillment_lines x ON x.order_line_id = l.id
                LEFT JOIN fulfillments f ON f.id = x.fulfillment_id
               GROUP BY l.id, l.fulfilled_quantity
              HAVING l.fulfilled_quantity <> COALESCE(SUM(CASE WHEN f.status <> 'canceled' THEN x.quantity ELSE 0 END), 0)",
    },
];

/// Recomputes every invariant. An empty answer is a clean shop.
pub async fn verify(shop: &Shop) -> Result<Vec<Breach>, Internal> {
    let mut breaches = Vec::new();
    for rule in RULES {
        breaches.extend(shop.db.read(move |tx| judge(tx, rule)).await?);
    }
    breaches.extend(shop.db.read(files_are_whole).await?);
    let mut after: Option<OrderId> = None;
    loop {
        let from = after.clone();
        let (found, last) = shop
            .db
            .read(move |tx| derived_statuses(tx, from.as_ref()))
            .await?;
        breaches.extend(found);
        after = last;
        if after.is_none() {
            return Ok(breaches);
        }
    }
}

/// How many invariants are judged.
pub fn rules() -> usize {
    RULES.len().saturating_add(2)
}

fn judge(tx: &mut Tx<'_>, rule: &Rule) -> Result<Vec<Breach>, DbError> {
    let rows: Vec<(String, i64, i64)> =
        tx.query(&format!("{} LIMIT {SHOWN}", rule.sql), params![])?;
    Ok(rows
        .into_iter()
        .map(|(id, stored, expected)| Breach {
            invariant: rule.invariant,
            what: format!(
                "{id}: {}: {stored} is stored, {expected} is right",
                rule.fault
            ),
        })
        .collect())
}

/// Whether the database file itself is whole. PostgreSQL looks after its own pages.
fn files_are_whole(tx: &mut Tx<'_>) -> Result<Vec<Breach>, DbError> {
    if tx.engine() != Engine::Sqlite {
        return Ok(Vec::new());
    }
    let faults: Vec<(String,)> = tx.query(
        "SELECT integrity_check FROM pragma_integrity_check LIMIT 20",
        params![],
    )?;
    let orphans: Vec<(String,)> = tx.query(
        "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 20",
        params![],
    )?;
    let damaged = faults
        .into_iter()
        .filter(|(fault,)| fault != "ok")
        .map(|(fault,)| fault);
    let orphaned = orphans
        .into_iter()
        .map(|(table,)| format!("a row of {table} points at nothing"));
    Ok(damaged
        .chain(orphaned)
        .map(|what| Breach {
            invariant: "the database file is whole",
            what,
        })
        .collect())
}

/// Orders looked at in one transaction.
const BATCH: u32 = 500;

type Facts = (OrderId, OrderStatus, PaymentStatus, FulfillmentStatus, i64);

/// Recomputes the derived statuses of the orders after `after`; answers with the last one looked at, `None` at the end.
fn derived_statuses(
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
            "SELECT order_id, CAST(SUM(quantity) AS BIGINT), CAST(SUM(fulfilled_quantity) AS BIGINT)
               FROM order_lines WHERE order_id IN ({list}) GROUP BY order_id"
        ),
        &with_ids(&[], &ids),
    )?;
    let mut breaches = Vec::new();
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
    }
    Ok((breaches, Some(last)))
}

fn derived(id: &OrderId, which: &str, (stored, right): (&str, &str)) -> Breach {
    Breach {
        invariant: "derived statuses follow the facts",
        what: format!("{id}: {which}: {stored} is stored, {right} is right"),
    }
}
