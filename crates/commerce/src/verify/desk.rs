//! The invariants of what the lists of the back office are kept by.

use super::rules::Rule;

/// Every invariant of those that one statement can judge.
pub(super) const RULES: &[Rule] = &[
    Rule {
        invariant: "an order counts for what it brought",
        fault: "what an order counts for in sales",
        sql: "SELECT x.id, COALESCE(x.net_minor, -1), COALESCE(x.right_minor, -1)
                FROM (SELECT o.id AS id, o.net_minor AS net_minor,
                             CASE WHEN o.status IN ('placed', 'completed')
                                  THEN o.total_minor - CAST(COALESCE((SELECT SUM(r.amount_minor) FROM refunds r
                                                                       WHERE r.order_id = o.id AND r.status = 'succeeded'), 0) AS BIGINT)
                             END AS right_minor
                        FROM orders o) x
               WHERE (x.net_minor IS NULL) <> (x.right_minor IS NULL) OR x.net_minor <> x.right_minor",
    },
    Rule {
        invariant: "customers' figures are those of their orders",
        fault: "the orders of a customer",
        sql: "SELECT c.id, c.order_count, COUNT(o.net_minor)
                FROM customers c LEFT JOIN orders o ON o.email_folded = c.email_folded
               GROUP BY c.id, c.order_count HAVING c.order_count <> COUNT(o.net_minor)",
    },
    Rule {
        invariant: "customers' figures are those of their orders",
        fault: "what a customer spent",
        sql: "SELECT c.id, c.spent_minor, CAST(COALESCE(SUM(o.net_minor), 0) AS BIGINT)
                FROM customers c LEFT JOIN orders o ON o.email_folded = c.email_folded AND o.currency = c.currency
               GROUP BY c.id, c.spent_minor HAVING c.spent_minor <> COALESCE(SUM(o.net_minor), 0)",
    },
    Rule {
        invariant: "customers' figures are those of their orders",
        fault: "the time of a customer's first order",
        sql: "SELECT c.id, c.first_order_at, COALESCE(MIN(o.placed_at), -1)
                FROM customers c LEFT JOIN orders o ON o.email_folded = c.email_folded
               GROUP BY c.id, c.first_order_at HAVING c.first_order_at <> COALESCE(MIN(o.placed_at), -1)",
    },
    Rule {
        invariant: "customers' figures are those of their orders",
        fault: "the time of a customer's latest order",
        sql: "SELECT c.id, c.last_order_at, COALESCE(MAX(o.placed_at), -1)
                FROM customers c LEFT JOIN orders o ON o.email_folded = c.email_folded
               GROUP BY c.id, c.last_order_at HAVING c.last_order_at <> COALESCE(MAX(o.placed_at), -1)",
    },
    Rule {
        invariant: "whoever bought is a customer",
        fault: "customers behind a placed order",
        sql: "SELECT o.id, CAST(0 AS BIGINT), CAST(1 AS BIGINT)
                FROM orders o
               WHERE o.placed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.email_folded = o.email_folded)",
    },
    Rule {
        invariant: "what is found by its words is there",
        fault: "orders, products or customers behind a word",
        sql: "SELECT w.subject_id || '/' || w.word, CAST(0 AS BIGINT), CAST(1 AS BIGINT)
                FROM desk_words w
               WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE w.kind = 'order' AND o.id = w.subject_id AND o.placed_at IS NOT NULL)
                 AND NOT EXISTS (SELECT 1 FROM products p WHERE w.kind = 'product' AND p.id = w.subject_id)
                 AND NOT EXISTS (SELECT 1 FROM customers c WHERE w.kind = 'customer' AND c.id = w.subject_id)",
    },
];
