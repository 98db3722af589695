CREATE TABLE tax_rates (
  id TEXT PRIMARY KEY,
  country TEXT NOT NULL,
  tax_class TEXT NOT NULL,
  name TEXT NOT NULL,
  rate_bps BIGINT NOT NULL CHECK (rate_bps >= 0),
  UNIQUE (country, tax_class)
);

CREATE TABLE delivery_zones (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  position BIGINT NOT NULL
);

CREATE TABLE delivery_zone_countries (
  country TEXT PRIMARY KEY,                  -- a country is delivered to by one zone
  zone_id TEXT NOT NULL REFERENCES delivery_zones (id)
);

CREATE TABLE delivery_methods (
  id TEXT PRIMARY KEY,
  zone_id TEXT REFERENCES delivery_zones (id),          -- NULL: pick-up, offered everywhere
  location_id TEXT REFERENCES stock_locations (id),     -- where to pick up
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  rule TEXT NOT NULL,                        -- pricing::DeliveryRule as JSON: flat, by weight, pick-up; free over
  currency TEXT NOT NULL,
  min_days BIGINT NOT NULL,
  max_days BIGINT NOT NULL,
  position BIGINT NOT NULL,
  active BOOLEAN NOT NULL
);

CREATE TABLE carts (
  id TEXT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,           -- SHA-256 of the visitor's cookie, in hex
  currency TEXT NOT NULL,
  email TEXT,
  address TEXT,                              -- the address as typed, as JSON: kept even while it has faults
  delivery_method_id TEXT,
  payment_method TEXT,
  version BIGINT NOT NULL,
  claimed_until BIGINT NOT NULL,             -- while in the future, a payment is under way and the cart stands still
  completed_at BIGINT,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX carts_by_expiry ON carts (expires_at);

CREATE TABLE cart_lines (
  id TEXT PRIMARY KEY,
  cart_id TEXT NOT NULL REFERENCES carts (id),
  variant_id TEXT NOT NULL REFERENCES variants (id),
  quantity BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 9999),
  seen_price_minor BIGINT NOT NULL,          -- the price the shopper saw last: a change is shown, never slipped in
  added_at BIGINT NOT NULL,
  UNIQUE (cart_id, variant_id)
);
