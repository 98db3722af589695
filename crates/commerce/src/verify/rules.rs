//! The invariants that one statement can judge.

/// An invariant: its statement's rows are the breaches, as what is wrong, what is stored, what it should be.
pub(super) struct Rule {
    pub(super) invariant: &'static str,
    pub(super) fault: &'static str,
    pub(super) sql: &'static str,
}

/// Every invariant that one statement can judge.
pub(super) const RULES: &[Rule] = &[
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
               WHERE p.amount_minor <> o.total_minor AND o.total_minor > 0
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
        invariant: "refunds are the sums of their lines",
        fault: "tax refunded on a line",
        sql: "SELECT l.id, l.refunded_tax_minor,
                     CAST(COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN x.tax_minor ELSE 0 END), 0) AS BIGINT)
                FROM order_lines l
                LEFT JOIN refund_lines x ON x.order_line_id = l.id
                LEFT JOIN refunds r ON r.id = x.refund_id
               GROUP BY l.id, l.refunded_tax_minor
              HAVING l.refunded_tax_minor <> COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN x.tax_minor ELSE 0 END), 0)",
    },
    Rule {
        invariant: "refunds are the sums of their lines",
        fault: "pieces of a line refunded before they left",
        sql: "SELECT l.id, l.canceled_quantity,
                     CAST(COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN x.canceled_quantity ELSE 0 END), 0) AS BIGINT)
                FROM order_lines l
                LEFT JOIN refund_lines x ON x.order_line_id = l.id
                LEFT JOIN refunds r ON r.id = x.refund_id
               GROUP BY l.id, l.canceled_quantity
              HAVING l.canceled_quantity <> COALESCE(SUM(CASE WHEN r.status <> 'failed' THEN x.canceled_quantity ELSE 0 END), 0)",
    },
    Rule {
        invariant: "refunds are the sums of their lines",
        fault: "the amount of a refund against its lines and its delivery",
        sql: "SELECT x.id, x.amount_minor, x.parts
                FROM (SELECT r.id AS id, r.amount_minor AS amount_minor, o.prices_include_tax AS inclusive, o.delivery_tax_minor AS most_tax,
                             r.delivery_minor + CAST(COALESCE((SELECT SUM(y.amount_minor) FROM refund_lines y WHERE y.refund_id = r.id), 0) AS BIGINT) AS parts
                        FROM refunds r JOIN orders o ON o.id = r.order_id) x
               WHERE x.amount_minor < x.parts
                  OR x.amount_minor > x.parts + CASE WHEN x.inclusive THEN 0 ELSE x.most_tax END",
    },
    Rule {
        invariant: "never more refunded than was paid for it",
        fault: "money refunded on a line against what it cost",
        sql: "SELECT id, refunded_minor, total_minor + CASE WHEN tax_included THEN 0 ELSE tax_minor END
                FROM order_lines
               WHERE refunded_minor > total_minor + CASE WHEN tax_included THEN 0 ELSE tax_minor END
                  OR (refunded_quantity = quantity AND refunded_minor <> total_minor + CASE WHEN tax_included THEN 0 ELSE tax_minor END)",
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
        sql: "SELECT o.id, CAST(0 AS BIGINT), CAST(1 AS BIGINT) FROM orders o JOIN carts c ON c.id = o.cart_id WHERE o.placed_at IS NOT NULL AND c.completed_at IS NULL",
    },
    Rule {
        invariant: "one cart, at most one order; a placed order ends its cart",
        fault: "a completed cart without a placed order",
        sql: "SELECT c.id, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM carts c
               WHERE c.completed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.cart_id = c.id AND o.placed_at IS NOT NULL)",
    },
    Rule {
        invariant: "one cart, at most one order; a placed order ends its cart",
        fault: "orders of one cart",
        sql: "SELECT cart_id, COUNT(*), CAST(1 AS BIGINT) FROM orders GROUP BY cart_id HAVING COUNT(*) > 1",
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
        fault: "pieces promised to an order's line against pieces to send",
        sql: "SELECT x.id, x.promised, x.due
                FROM (SELECT l.id AS id,
                             CAST(COALESCE((SELECT SUM(m.allocated_change) FROM stock_movements m
                                             WHERE m.order_id = l.order_id AND m.variant_id = l.variant_id), 0) AS BIGINT) AS promised,
                             CASE WHEN o.status IN ('placed', 'completed') AND l.stock_tracked
                                  THEN l.quantity - l.fulfilled_quantity - l.canceled_quantity
                                     + CAST(COALESCE((SELECT SUM(y.canceled_quantity) FROM refund_lines y JOIN refunds r ON r.id = y.refund_id
                                                       WHERE y.order_line_id = l.id AND r.status = 'pending'), 0) AS BIGINT)
                                  ELSE 0 END AS due
                        FROM order_lines l JOIN orders o ON o.id = l.order_id) x
               WHERE x.promised <> x.due",
    },
    Rule {
        invariant: "stock moves only for what was ordered",
        fault: "pieces moved for an order that has no such line",
        sql: "SELECT m.id, m.on_hand_change + m.allocated_change, CAST(0 AS BIGINT)
                FROM stock_movements m
               WHERE m.order_id IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = m.order_id AND l.variant_id = m.variant_id)",
    },
    Rule {
        invariant: "what left the building is what was sent",
        fault: "pieces that left for a line against pieces sent",
        sql: "SELECT l.id, CAST(COALESCE(SUM(CASE WHEN m.kind = 'shipped' THEN -m.on_hand_change ELSE 0 END), 0) AS BIGINT), l.fulfilled_quantity
                FROM order_lines l
                LEFT JOIN stock_movements m ON m.order_id = l.order_id AND m.variant_id = l.variant_id
               WHERE l.stock_tracked
               GROUP BY l.id, l.fulfilled_quantity
              HAVING COALESCE(SUM(CASE WHEN m.kind = 'shipped' THEN -m.on_hand_change ELSE 0 END), 0) <> l.fulfilled_quantity",
    },
    Rule {
        invariant: "what left the building is what was sent",
        fault: "pieces back on the shelf against those its refunds tell of",
        sql: "SELECT x.id, x.back, x.told
                FROM (SELECT l.id AS id,
                             CAST(COALESCE((SELECT SUM(m.on_hand_change) FROM stock_movements m
                                             WHERE m.order_id = l.order_id AND m.variant_id = l.variant_id AND m.kind = 'returned'), 0) AS BIGINT) AS back,
                             CAST(COALESCE((SELECT SUM(y.restocked_quantity) FROM refund_lines y WHERE y.order_line_id = l.id), 0) AS BIGINT) AS told
                        FROM order_lines l) x
               WHERE x.back <> x.told",
    },
    Rule {
        invariant: "stock is held only for checkouts under way",
        fault: "active reservations of an order that is not a draft",
        sql: "SELECT r.id, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM reservations r JOIN orders o ON o.id = r.order_id WHERE r.status = 'active' AND o.status <> 'draft'",
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
    Rule {
        invariant: "one order, one currency",
        fault: "payments of an order in another currency than its own",
        sql: "SELECT p.id, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.currency <> o.currency",
    },
    Rule {
        invariant: "one order, one currency",
        fault: "facts of a payment in another currency than its own",
        sql: "SELECT e.id, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM payment_events e JOIN payments p ON p.id = e.payment_id WHERE e.currency <> p.currency",
    },
    Rule {
        invariant: "one order, one currency",
        fault: "refunds of an order in another currency than its own",
        sql: "SELECT r.id, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.currency <> o.currency",
    },
    Rule {
        invariant: "a payment's status follows its money",
        fault: "money held by a payment that is to have none",
        sql: "SELECT id, authorized_minor, CAST(0 AS BIGINT) FROM payments
               WHERE authorized_minor <> 0
                 AND (status IN ('created', 'requires_action', 'needs_review', 'failed', 'expired') OR (status = 'canceled' AND captured_minor = 0))",
    },
    Rule {
        invariant: "a payment's status follows its money",
        fault: "facts behind a payment that is authorised or captured",
        sql: "SELECT p.id, CAST(0 AS BIGINT), CAST(1 AS BIGINT) FROM payments p
               WHERE p.status IN ('authorized', 'captured')
                 AND NOT EXISTS (SELECT 1 FROM payment_events e
                                  WHERE e.payment_id = p.id AND e.status = 'succeeded'
                                    AND e.kind = CASE WHEN p.status = 'captured' THEN 'capture' ELSE 'authorize' END)",
    },
    Rule {
        invariant: "a payment's status follows its money",
        fault: "captures of a payment that is only authorised",
        sql: "SELECT p.id, COUNT(*), CAST(0 AS BIGINT)
                FROM payments p JOIN payment_events e ON e.payment_id = p.id
               WHERE p.status = 'authorized' AND e.kind = 'capture' AND e.status = 'succeeded'
               GROUP BY p.id",
    },
    Rule {
        invariant: "an order stands on money held, received or awaited",
        fault: "payments behind a placed order",
        sql: "SELECT o.id, CAST(0 AS BIGINT), CAST(1 AS BIGINT) FROM orders o
               WHERE o.status <> 'draft' AND o.total_minor > 0
                 AND NOT EXISTS (SELECT 1 FROM payments p
                                  WHERE p.order_id = o.id
                                    AND (p.status = 'processing' OR (p.status = 'canceled' AND o.status = 'canceled')
                                         OR EXISTS (SELECT 1 FROM payment_events e
                                                     WHERE e.payment_id = p.id AND e.kind = 'authorize' AND e.status = 'succeeded')))",
    },
    Rule {
        invariant: "a state has its time",
        fault: "the time an order was placed or called off",
        sql: "SELECT id, COALESCE(placed_at, 0), COALESCE(canceled_at, 0) FROM orders
               WHERE (placed_at IS NULL) <> (status = 'draft') OR (canceled_at IS NULL) <> (status <> 'canceled')",
    },
    Rule {
        invariant: "a state has its time",
        fault: "the time a fact of a payment was settled",
        sql: "SELECT id, COALESCE(settled_at, 0), at FROM payment_events WHERE (settled_at IS NULL) <> (status = 'pending')",
    },
    Rule {
        invariant: "a state has its time",
        fault: "the time a refund was settled",
        sql: "SELECT id, COALESCE(settled_at, 0), created_at FROM refunds WHERE (settled_at IS NULL) <> (status = 'pending')",
    },
    Rule {
        invariant: "a state has its time",
        fault: "the time a reservation ended",
        sql: "SELECT id, COALESCE(ended_at, 0), created_at FROM reservations WHERE (ended_at IS NULL) <> (status = 'active')",
    },
    Rule {
        invariant: "a state has its time",
        fault: "the time a mail was sent",
        sql: "SELECT id, COALESCE(sent_at, 0), created_at FROM mails WHERE (sent_at IS NULL) <> (status <> 'sent')",
    },
    Rule {
        invariant: "an order is over when nothing is left to do",
        fault: "pieces to send of a completed order",
        sql: "SELECT l.id, l.quantity - l.fulfilled_quantity - l.canceled_quantity, CAST(0 AS BIGINT)
                FROM order_lines l JOIN orders o ON o.id = l.order_id
               WHERE o.status = 'completed' AND l.quantity <> l.fulfilled_quantity + l.canceled_quantity",
    },
    Rule {
        invariant: "every change is in the timeline",
        fault: "the entries of an order's placing, completing and calling off",
        sql: "SELECT x.id, x.told, x.happened
                FROM (SELECT o.id AS id,
                             (SELECT COUNT(*) FROM order_timeline t
                               WHERE t.order_id = o.id AND t.kind IN ('placed', 'completed', 'canceled')) AS told,
                             CASE WHEN o.placed_at IS NULL THEN 0 ELSE 1 END
                               + CASE WHEN o.status IN ('completed', 'canceled') THEN 1 ELSE 0 END AS happened
                        FROM orders o) x
               WHERE x.told <> x.happened",
    },
    Rule {
        invariant: "every change is in the timeline",
        fault: "the entries of money held, taken, let go of and given back",
        sql: "SELECT x.id, x.told, x.happened
                FROM (SELECT o.id AS id,
                             (SELECT COUNT(*) FROM order_timeline t
                               WHERE t.order_id = o.id
                                 AND t.kind IN ('payment_authorized', 'payment_captured', 'payment_voided', 'refunded')) AS told,
                             (SELECT COUNT(*) FROM payment_events e JOIN payments p ON p.id = e.payment_id
                               WHERE p.order_id = o.id AND e.status = 'succeeded' AND e.effect_key NOT LIKE 'authorize:transfer:%') AS happened
                        FROM orders o) x
               WHERE x.told <> x.happened",
    },
    Rule {
        invariant: "every change is in the timeline",
        fault: "the entries of parcels",
        sql: "SELECT x.id, x.told, x.happened
                FROM (SELECT o.id AS id,
                             (SELECT COUNT(*) FROM order_timeline t WHERE t.order_id = o.id AND t.kind = 'shipped') AS told,
                             (SELECT COUNT(*) FROM fulfillments f WHERE f.order_id = o.id) AS happened
                        FROM orders o) x
               WHERE x.told <> x.happened",
    },
    Rule {
        invariant: "stock figures are the sums of the ledger",
        fault: "movements of stock that has no figures",
        sql: "SELECT m.id, m.on_hand_change, m.allocated_change FROM stock_movements m
               WHERE NOT EXISTS (SELECT 1 FROM stock_levels s WHERE s.variant_id = m.variant_id AND s.location_id = m.location_id)",
    },
    Rule {
        invariant: "stock figures are the sums of the ledger",
        fault: "reservations of stock that has no figures",
        sql: "SELECT r.id, r.quantity, CAST(0 AS BIGINT) FROM reservations r
               WHERE r.status = 'active'
                 AND NOT EXISTS (SELECT 1 FROM stock_levels s WHERE s.variant_id = r.variant_id AND s.location_id = r.location_id)",
    },
    Rule {
        invariant: "stock is held only for checkouts under way",
        fault: "active reservations of an order that does not exist",
        sql: "SELECT r.id, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM reservations r
               WHERE r.status = 'active' AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = r.order_id)",
    },
    Rule {
        invariant: "stock is held only for checkouts under way",
        fault: "pieces held for a draft against pieces it is about",
        sql: "SELECT x.id, x.held, x.wanted
                FROM (SELECT r.order_id AS id, CAST(SUM(r.quantity) AS BIGINT) AS held,
                             CAST(COALESCE((SELECT SUM(l.quantity) FROM order_lines l
                                             WHERE l.order_id = r.order_id AND l.variant_id = r.variant_id), 0) AS BIGINT) AS wanted
                        FROM reservations r
                       WHERE r.status = 'active'
                       GROUP BY r.order_id, r.variant_id) x
               WHERE x.held > x.wanted",
    },
];
