-- What the merchant decides, one row per section; the body is the section as JSON, read whole and written whole.
CREATE TABLE settings (
  section TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  version BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);

-- Keys the nodes of one shop share, made once by whichever node starts first.
CREATE TABLE server_keys (
  name TEXT PRIMARY KEY,
  key BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);

-- Numbers that only go up: the next order number, the catalogue's revision.
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('order_number', 1000), ('catalog_revision', 0);
