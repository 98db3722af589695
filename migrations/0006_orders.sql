CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  number BIGINT UNIQUE,                      -- given at placement
  cart_id TEXT NOT NULL UNIQUE,              -- one cart, at most one order
  link_token TEXT NOT NULL UNIQUE,           -- the unguessable part of the status page's address
  status TEXT NOT NULL,                      -- draft, placed, completed, canceled
  payment_status TEXT NOT NULL,
  fulfillment_status TEXT NOT NULL,
  currency TEXT NOT NULL,
  email TEXT NOT NULL,
  email_folded TEXT NOT NULL,
  address TEXT NOT NULL,                     -- frozen, as JSON
  delivery_method_id TEXT NOT NULL,
  delivery_name TEXT NOT NULL,
  delivery_pickup BOOLEAN NOT NULL,
  delivery_from_at BIGINT,                   -- the promise given at placement
  delivery_to_at BIGINT,
  prices_include_tax BOOLEAN NOT NULL,
  rounding TEXT NOT NULL,                    -- the rounding policy in force, as JSON, for later refunds
  subtotal_minor BIGINT NOT NULL,
  delivery_minor BIGINT NOT NULL,
  delivery_tax_minor BIGINT NOT NULL,
  delivery_tax TEXT NOT NULL,                -- name and rate, as JSON
  delivery_refunded_minor BIGINT NOT NULL,
  tax_added_minor BIGINT NOT NULL,
  tax_included_minor BIGINT NOT NULL,
  total_minor BIGINT NOT NULL,
  payment_method TEXT NOT NULL,
  cancel_reason TEXT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  placed_at BIGINT,
  agreed_hash TEXT,                          -- SHA-256 over everything that was agreed at placement: copies never change
  canceled_at BIGINT,
  CHECK (subtotal_minor >= 0 AND delivery_minor >= 0 AND tax_added_minor >= 0 AND total_minor >= 0),
  CHECK (subtotal_minor + delivery_minor + tax_added_minor = total_minor),
  CHECK (delivery_refunded_minor BETWEEN 0 AND delivery_minor)
);
CREATE INDEX orders_by_placed ON orders (placed_at, id);
CREATE INDEX orders_by_status ON orders (status, changed_at, id);
CREATE INDEX orders_by_email ON orders (email_folded, placed_at);

CREATE TABLE order_lines (
  id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders (id),
  position BIGINT NOT NULL,
  variant_id TEXT NOT NULL REFERENCES variants (id),
  product_slug TEXT NOT NULL,
  sku TEXT NOT NULL,
  title TEXT NOT NULL,
  variant_title TEXT NOT NULL,
  options TEXT NOT NULL,                     -- its option names and values then, as a JSON list of pairs
  media_id TEXT,
  unit_price_minor BIGINT NOT NULL,
  quantity BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 9999),
  total_minor BIGINT NOT NULL,
  tax_name TEXT NOT NULL,
  tax_rate_bps BIGINT NOT NULL,
  tax_minor BIGINT NOT NULL,
  tax_included BOOLEAN NOT NULL,
  weight_grams BIGINT NOT NULL,
  stock_tracked BOOLEAN NOT NULL,
  fulfilled_quantity BIGINT NOT NULL,
  canceled_quantity BIGINT NOT NULL,         -- refunded before they left: they never will
  refunded_quantity BIGINT NOT NULL,
  refunded_minor BIGINT NOT NULL,            -- what the buyer got back for this line, tax included or added alike
  refunded_tax_minor BIGINT NOT NULL,
  UNIQUE (order_id, position),
  CHECK (unit_price_minor * quantity = total_minor),
  CHECK (fulfilled_quantity >= 0 AND fulfilled_quantity + canceled_quantity <= quantity),
  CHECK (0 <= canceled_quantity AND canceled_quantity <= refunded_quantity AND refunded_quantity <= quantity)
);

CREATE TABLE order_timeline (
  id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders (id),
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL                       -- what belongs to the kind, as JSON
);
CREATE INDEX order_timeline_by_order ON order_timeline (order_id, at, id);

-- One conversation with one gateway about one order. The balances are the sums of payment_events, kept for the guards.
CREATE TABLE payments (
  id TEXT PRIMARY KEY,                       -- also the idempotency key towards the gateway
  order_id TEXT NOT NULL REFERENCES orders (id),
  gateway TEXT NOT NULL,
  status TEXT NOT NULL,                      -- created, requires_action, processing, authorized, captured, failed, canceled, expired
  currency TEXT NOT NULL,
  amount_minor BIGINT NOT NULL CHECK (amount_minor >= 0),
  authorized_minor BIGINT NOT NULL,
  captured_minor BIGINT NOT NULL,
  refunded_minor BIGINT NOT NULL,
  gateway_ref TEXT,
  action_url TEXT,
  failure TEXT,
  live BOOLEAN NOT NULL,                     -- false: test mode, no money moves
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  CHECK (0 <= refunded_minor AND refunded_minor <= captured_minor AND captured_minor <= authorized_minor),
  UNIQUE (gateway, gateway_ref)
);
CREATE INDEX payments_by_order ON payments (order_id, created_at, id);
CREATE INDEX payments_by_status ON payments (status, changed_at, id);

-- The ledger of money moved. Rows are added and their status settles once; nothing else ever changes.
CREATE TABLE payment_events (
  id TEXT PRIMARY KEY,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  kind TEXT NOT NULL,                        -- authorize, capture, void, refund
  status TEXT NOT NULL,                      -- pending, succeeded, failed
  currency TEXT NOT NULL,
  amount_minor BIGINT NOT NULL CHECK (amount_minor >= 0),
  effect_key TEXT NOT NULL UNIQUE,           -- one effect, one row
  detail TEXT NOT NULL,
  at BIGINT NOT NULL,
  settled_at BIGINT
);
CREATE INDEX payment_events_by_payment ON payment_events (payment_id, at, id);
CREATE INDEX payment_events_by_status ON payment_events (status, at);

-- What a gateway told us unasked: each of its events counts once.
CREATE TABLE gateway_events (
  gateway TEXT NOT NULL,
  event_id TEXT NOT NULL,
  payment_id TEXT,
  received_at BIGINT NOT NULL,
  PRIMARY KEY (gateway, event_id)
);

CREATE TABLE refunds (
  id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders (id),
  payment_id TEXT NOT NULL REFERENCES payments (id),
  request_key TEXT NOT NULL,                 -- the same request twice is one refund
  status TEXT NOT NULL,                      -- pending, succeeded, failed
  amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
  delivery_minor BIGINT NOT NULL CHECK (delivery_minor >= 0),
  currency TEXT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  settled_at BIGINT,
  UNIQUE (order_id, request_key)
);
CREATE INDEX refunds_by_order ON refunds (order_id, created_at);

CREATE TABLE refund_lines (
  refund_id TEXT NOT NULL REFERENCES refunds (id),
  order_line_id TEXT NOT NULL REFERENCES order_lines (id),
  quantity BIGINT NOT NULL CHECK (quantity > 0),
  canceled_quantity BIGINT NOT NULL CHECK (canceled_quantity BETWEEN 0 AND quantity),  -- of these, how many had not left
  restocked_quantity BIGINT NOT NULL CHECK (restocked_quantity BETWEEN 0 AND quantity - canceled_quantity),
  amount_minor BIGINT NOT NULL,
  tax_minor BIGINT NOT NULL,
  PRIMARY KEY (refund_id, order_line_id)
);
CREATE INDEX refund_lines_by_order_line ON refund_lines (order_line_id);

CREATE TABLE fulfillments (
  id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders (id),
  request_key TEXT NOT NULL,
  status TEXT NOT NULL,                      -- packed, fulfilled, delivered, canceled
  carrier TEXT,
  tracking_number TEXT,
  tracking_url TEXT,
  actor TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  UNIQUE (order_id, request_key)
);
CREATE INDEX fulfillments_by_order ON fulfillments (order_id, created_at);

CREATE TABLE fulfillment_lines (
  fulfillment_id TEXT NOT NULL REFERENCES fulfillments (id),
  order_line_id TEXT NOT NULL REFERENCES order_lines (id),
  quantity BIGINT NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (fulfillment_id, order_line_id)
);
CREATE INDEX fulfillment_lines_by_order_line ON fulfillment_lines (order_line_id);

-- The outbox: a mail is written in the transaction of the fact it tells, and stays readable after it was sent.
CREATE TABLE mails (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  effect_key TEXT NOT NULL UNIQUE,           -- one fact, one mail
  order_id TEXT,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  html_body TEXT NOT NULL,
  text_body TEXT NOT NULL,
  status TEXT NOT NULL,                      -- kept, pending, sent, dead
  attempts BIGINT NOT NULL,
  last_error TEXT,
  created_at BIGINT NOT NULL,
  sent_at BIGINT
);
CREATE INDEX mails_by_created ON mails (created_at, id);
CREATE INDEX mails_by_order ON mails (order_id);

-- The test gateway's own books: what a real payment service would hold on its side. Nothing of the shop reads them.
CREATE TABLE test_gateway_payments (
  ref TEXT PRIMARY KEY,                      -- unguessable: it is in the address of the page
  idempotency_key TEXT NOT NULL UNIQUE,      -- the shop's id of the payment
  account TEXT NOT NULL,
  reference TEXT NOT NULL,                   -- what the buyer sees: the shop's word for the order
  currency TEXT NOT NULL,
  amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
  state TEXT NOT NULL,                       -- open, step, late, never, approved, declined, canceled
  late_answer_at BIGINT,                     -- in state late: when it becomes approved; kept then
  return_url TEXT NOT NULL,
  captured_minor BIGINT NOT NULL,
  voided_minor BIGINT NOT NULL,
  refunded_minor BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  CHECK (0 <= refunded_minor AND refunded_minor <= captured_minor),
  CHECK (0 <= voided_minor AND captured_minor + voided_minor <= amount_minor),
  CHECK (state = 'approved' OR captured_minor + voided_minor = 0),
  CHECK (state <> 'late' OR late_answer_at IS NOT NULL)
);

CREATE TABLE test_gateway_operations (
  idempotency_key TEXT PRIMARY KEY,
  ref TEXT NOT NULL REFERENCES test_gateway_payments (ref),
  kind TEXT NOT NULL,                        -- capture, void, refund
  amount_minor BIGINT NOT NULL,
  refusal TEXT,                              -- why nothing moved, if nothing did
  at BIGINT NOT NULL
);

CREATE TABLE test_gateway_notices (
  event_id TEXT PRIMARY KEY,
  ref TEXT NOT NULL UNIQUE REFERENCES test_gateway_payments (ref),
  kind TEXT NOT NULL,                        -- payment.approved, payment.declined
  due_at BIGINT NOT NULL,                    -- when to deliver it, or to deliver it again
  attempts BIGINT NOT NULL,
  delivered_at BIGINT
);
CREATE INDEX test_gateway_notices_by_due ON test_gateway_notices (delivered_at, due_at, event_id);
