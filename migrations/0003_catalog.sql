CREATE TABLE products (
  id TEXT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  title_folded TEXT NOT NULL,                -- without accents and case: what lists sort by
  summary TEXT NOT NULL,
  description TEXT NOT NULL,
  facts TEXT NOT NULL,                       -- one fact a line
  status TEXT NOT NULL,                      -- draft, active, archived
  tax_class TEXT NOT NULL,
  currency TEXT NOT NULL,
  min_price_minor BIGINT NOT NULL,           -- of its variants, kept by the one writer of variants; for sorting lists
  max_price_minor BIGINT NOT NULL,
  version BIGINT NOT NULL,                   -- goes up with each change by a person: two editors notice each other
  revision BIGINT NOT NULL,                  -- from counters.catalog_revision: what an index or cache has seen
  published_at BIGINT,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);
CREATE INDEX products_by_revision ON products (revision, id);
CREATE INDEX products_by_status ON products (status, published_at, id);

CREATE TABLE product_options (
  id TEXT PRIMARY KEY,
  product_id TEXT NOT NULL REFERENCES products (id),
  position BIGINT NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (product_id, slug),
  UNIQUE (product_id, position)
);

CREATE TABLE product_option_values (
  id TEXT PRIMARY KEY,
  option_id TEXT NOT NULL REFERENCES product_options (id),
  position BIGINT NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  swatch TEXT,                               -- a colour as #rrggbb
  UNIQUE (option_id, slug),
  UNIQUE (option_id, position)
);

CREATE TABLE variants (
  id TEXT PRIMARY KEY,
  product_id TEXT NOT NULL REFERENCES products (id),
  position BIGINT NOT NULL,
  combination TEXT NOT NULL,                 -- its option value slugs in option order, joined by '/'; '' without options
  title TEXT NOT NULL,                       -- the value names joined by ' / '; '' without options
  sku TEXT NOT NULL UNIQUE,
  barcode TEXT,
  currency TEXT NOT NULL,
  price_minor BIGINT NOT NULL CHECK (price_minor >= 0),
  compare_at_minor BIGINT CHECK (compare_at_minor IS NULL OR compare_at_minor >= 0),
  weight_grams BIGINT NOT NULL CHECK (weight_grams >= 0),
  content_amount BIGINT CHECK (content_amount > 0),       -- how much is in it, for a price per kilogram, litre or piece
  content_unit TEXT,                         -- g, ml, piece
  stock_tracked BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  UNIQUE (product_id, combination),
  CHECK ((content_amount IS NULL) = (content_unit IS NULL))
);
CREATE INDEX variants_by_barcode ON variants (barcode);

CREATE TABLE variant_option_values (
  variant_id TEXT NOT NULL REFERENCES variants (id),
  option_id TEXT NOT NULL REFERENCES product_options (id),
  value_id TEXT NOT NULL REFERENCES product_option_values (id),
  PRIMARY KEY (variant_id, option_id)
);
CREATE INDEX variant_option_values_by_value ON variant_option_values (value_id);

CREATE TABLE categories (
  id TEXT PRIMARY KEY,
  parent_id TEXT REFERENCES categories (id),
  slug TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  intro TEXT NOT NULL,
  position BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);
CREATE INDEX categories_by_parent ON categories (parent_id, position);

-- A product stands in each category it was put into and, by inheritance, in all categories above it.
CREATE TABLE category_products (
  category_id TEXT NOT NULL REFERENCES categories (id),
  product_id TEXT NOT NULL REFERENCES products (id),
  position BIGINT NOT NULL,
  inherited BOOLEAN NOT NULL,
  PRIMARY KEY (category_id, product_id)
);
CREATE INDEX category_products_by_position ON category_products (category_id, position, product_id);
CREATE INDEX category_products_by_product ON category_products (product_id);

CREATE TABLE collections (
  id TEXT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  intro TEXT NOT NULL,
  position BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);

CREATE TABLE collection_products (
  collection_id TEXT NOT NULL REFERENCES collections (id),
  product_id TEXT NOT NULL REFERENCES products (id),
  position BIGINT NOT NULL,
  PRIMARY KEY (collection_id, product_id)
);
CREATE INDEX collection_products_by_position ON collection_products (collection_id, position, product_id);
CREATE INDEX collection_products_by_product ON collection_products (product_id);

-- A picture is known by what is in it: the same bytes sent twice are stored once.
CREATE TABLE media (
  id TEXT PRIMARY KEY,
  content_hash TEXT NOT NULL UNIQUE,         -- SHA-256 of the bytes sent, in hex
  width BIGINT NOT NULL,
  height BIGINT NOT NULL,
  widths TEXT NOT NULL,                      -- the widths made of it, ascending, as a JSON list
  ground TEXT NOT NULL,                      -- its backdrop colour as #rrggbb
  created_at BIGINT NOT NULL
);

CREATE TABLE product_media (
  product_id TEXT NOT NULL REFERENCES products (id),
  media_id TEXT NOT NULL REFERENCES media (id),
  position BIGINT NOT NULL,
  alt TEXT NOT NULL,
  PRIMARY KEY (product_id, media_id),
  UNIQUE (product_id, position)
);
CREATE INDEX product_media_by_media ON product_media (media_id);
