-- What orders placed before were sorted into, and what they count for.
UPDATE orders
   SET queue = CASE
         WHEN status = 'canceled' OR fulfillment_status = 'canceled' THEN 'canceled'
         WHEN fulfillment_status = 'fulfilled'
              AND (payment_status IN ('paid', 'overpaid', 'partially_refunded', 'refunded')
                   OR (payment_status = 'none' AND total_minor = 0)) THEN 'shipped'
         WHEN fulfillment_status <> 'fulfilled'
              AND (payment_status IN ('authorized', 'paid', 'overpaid', 'partially_refunded')
                   OR (payment_status = 'none' AND total_minor = 0)) THEN 'to_pack'
         ELSE 'to_pay'
       END,
       net_minor = CASE
         WHEN status = 'canceled' THEN NULL
         ELSE total_minor - CAST(COALESCE((SELECT SUM(r.amount_minor) FROM refunds r
                                            WHERE r.order_id = orders.id AND r.status = 'succeeded'), 0) AS BIGINT)
       END
 WHERE placed_at IS NOT NULL;

-- Everybody who bought. Names are in frozen documents, which SQL does not read: the job below fills them in.
INSERT INTO customers (id, email, email_folded, name, name_folded, order_count, currency, spent_minor, first_order_at, last_order_at)
SELECT REPLACE(x.first_id, 'ord_', 'cus_'),
       (SELECT o.email FROM orders o
         WHERE o.email_folded = x.email_folded AND o.placed_at IS NOT NULL ORDER BY o.placed_at DESC, o.id DESC LIMIT 1),
       x.email_folded, '', '', x.order_count, f.currency,
       CAST(COALESCE((SELECT SUM(o.net_minor) FROM orders o
                       WHERE o.email_folded = x.email_folded AND o.currency = f.currency), 0) AS BIGINT),
       x.first_at, x.last_at
  FROM (SELECT email_folded, MIN(id) AS first_id, COUNT(net_minor) AS order_count, MIN(placed_at) AS first_at, MAX(placed_at) AS last_at
          FROM orders
         WHERE placed_at IS NOT NULL
         GROUP BY email_folded) x
  JOIN orders f ON f.id = x.first_id;

-- A counted variant that never had any stock gets its empty shelf: it is out of stock, and found among those that are.
INSERT INTO stock_levels (variant_id, location_id, on_hand, allocated, reserved, backorder_limit, changed_at)
SELECT v.id, l.id, 0, 0, 0, 0, v.changed_at
  FROM variants v
  JOIN stock_locations l ON l.position = (SELECT MIN(f.position) FROM stock_locations f)
 WHERE v.stock_tracked AND NOT EXISTS (SELECT 1 FROM stock_levels s WHERE s.variant_id = v.id);

UPDATE mails SET recipient_folded = LOWER(recipient);

INSERT INTO desk_backfill (kind, after_id) SELECT DISTINCT 'order', '' FROM orders;
INSERT INTO desk_backfill (kind, after_id) SELECT DISTINCT 'product', '' FROM products;
INSERT INTO desk_backfill (kind, after_id) SELECT DISTINCT 'customer', '' FROM customers;
INSERT INTO jobs (id, kind, payload, dedupe_key, state, run_at, lease_until, fence, attempts, created_at)
SELECT 'desk-words', 'desk.words', 'null', 'desk.words', 'ready', 0, 0, 0, 0, 0 FROM desk_backfill ORDER BY kind LIMIT 1;

-- The lists of orders: drafts, which are most of what is written, stay out.
CREATE INDEX orders_by_queue ON orders (queue, placed_at, id) WHERE queue IS NOT NULL;
CREATE INDEX orders_by_due ON orders (queue, delivery_to_at, id) WHERE queue IS NOT NULL;
CREATE INDEX orders_by_total ON orders (queue, total_minor, id) WHERE queue IS NOT NULL;

-- The lists of products.
CREATE INDEX products_by_changed ON products (status, changed_at, id);
CREATE INDEX products_by_title ON products (status, title_folded, id);
CREATE INDEX products_by_price ON products (status, min_price_minor, id);

-- The lists of customers.
CREATE INDEX customers_by_last_order ON customers (last_order_at, id);
CREATE INDEX customers_by_spent ON customers (spent_minor, id);
CREATE INDEX customers_by_name ON customers (name_folded, id);

-- The emptiest shelves, and what has none.
CREATE INDEX stock_levels_by_left ON stock_levels ((on_hand - allocated - reserved), variant_id, location_id);
CREATE INDEX variants_not_counted ON variants (sku) WHERE NOT stock_tracked;

-- Movements are read by variant, newest first, whatever the location.
DROP INDEX stock_movements_by_variant;
CREATE INDEX stock_movements_by_variant ON stock_movements (variant_id, at, id);

-- The outbox by what became of a mail, and by whom it is for.
CREATE INDEX mails_by_status ON mails (status, created_at, id);
CREATE INDEX mails_by_recipient ON mails (recipient_folded, created_at, id);

-- Whether a variant may go asks who refers to it, and so does the database when it goes.
CREATE INDEX order_lines_by_variant ON order_lines (variant_id, order_id);
CREATE INDEX cart_lines_by_variant ON cart_lines (variant_id);
