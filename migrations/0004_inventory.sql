CREATE TABLE stock_locations (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  position BIGINT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL
);

-- The figures of the ledger, kept beside it: on_hand and allocated are the sums of stock_movements, reserved is the sum of
-- the active reservations. Only crate::inventory writes here, and never without the row that explains it.
CREATE TABLE stock_levels (
  variant_id TEXT NOT NULL REFERENCES variants (id),
  location_id TEXT NOT NULL REFERENCES stock_locations (id),
  on_hand BIGINT NOT NULL CHECK (on_hand >= 0),
  allocated BIGINT NOT NULL CHECK (allocated >= 0),
  reserved BIGINT NOT NULL CHECK (reserved >= 0),
  backorder_limit BIGINT CHECK (backorder_limit IS NULL OR backorder_limit >= 0),  -- NULL: unlimited
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (variant_id, location_id),
  CHECK (backorder_limit IS NULL OR on_hand - allocated - reserved >= -backorder_limit)
);

CREATE TABLE stock_movements (
  id TEXT PRIMARY KEY,
  variant_id TEXT NOT NULL REFERENCES variants (id),
  location_id TEXT NOT NULL REFERENCES stock_locations (id),
  kind TEXT NOT NULL,                        -- received, allocated, released, shipped, returned, adjusted
  on_hand_change BIGINT NOT NULL,
  allocated_change BIGINT NOT NULL,
  order_id TEXT,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX stock_movements_by_variant ON stock_movements (variant_id, location_id, at, id);
CREATE INDEX stock_movements_by_order ON stock_movements (order_id);

CREATE TABLE reservations (
  id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL,
  variant_id TEXT NOT NULL REFERENCES variants (id),
  location_id TEXT NOT NULL REFERENCES stock_locations (id),
  quantity BIGINT NOT NULL CHECK (quantity > 0),
  status TEXT NOT NULL,                      -- active, committed, released, expired
  expires_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX reservations_by_order ON reservations (order_id, status);
CREATE INDEX reservations_by_variant ON reservations (variant_id, status, expires_at);
CREATE INDEX reservations_by_expiry ON reservations (status, expires_at);
