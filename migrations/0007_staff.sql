-- Who works in the shop. A member who left keeps their row: history names them.
CREATE TABLE staff (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  email_folded TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL,                        -- owner, manager, fulfilment, catalogue, support, viewer
  password_hash TEXT,                        -- argon2id as a PHC string; NULL until a first password is chosen
  totp_secret BYTEA,                         -- the shared secret of RFC 6238; NULL: no second factor
  totp_last_step BIGINT,                     -- the last time step that was used: no code counts twice
  disabled_at BIGINT,                        -- since when they are shut out
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  signed_in_at BIGINT                        -- when they last signed in
);

CREATE TABLE staff_recovery_codes (
  staff_id TEXT NOT NULL REFERENCES staff (id),
  code_hash TEXT NOT NULL,                   -- SHA-256 in hex
  used_at BIGINT,
  PRIMARY KEY (staff_id, code_hash)
);

-- One browser somebody is signed in with. What the cookie holds is kept as its hash only.
CREATE TABLE staff_sessions (
  id TEXT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,           -- SHA-256 in hex
  staff_id TEXT NOT NULL REFERENCES staff (id),
  browser TEXT NOT NULL,                     -- what the browser calls itself, for the list of sessions
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,                   -- kept to the minute
  ended_at BIGINT
);
CREATE INDEX staff_sessions_by_staff ON staff_sessions (staff_id, created_at);

-- Browsers somebody has signed in with before. Whoever guesses at passwords from elsewhere cannot use up their tries.
CREATE TABLE staff_devices (
  device_hash TEXT NOT NULL,                 -- SHA-256 in hex of what the browser keeps
  staff_id TEXT NOT NULL REFERENCES staff (id),
  seen_at BIGINT NOT NULL,                   -- when it was last signed in with
  PRIMARY KEY (staff_id, device_hash)
);

-- Links that work once: to claim a new shop, to sign in, to accept an invitation, to choose a new password.
CREATE TABLE staff_links (
  token_hash TEXT PRIMARY KEY,               -- SHA-256 in hex
  purpose TEXT NOT NULL,                     -- claim, sign_in, invitation
  staff_id TEXT REFERENCES staff (id),       -- NULL: to claim the shop
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);

-- Who changed what: one row for each thing a person did, chained by hashes so that no row can be changed or left out.
CREATE TABLE audit (
  sequence BIGINT PRIMARY KEY,               -- from counters.audit: dense, in order of commit
  id TEXT NOT NULL UNIQUE,                   -- the act: the rows it wrote carry it as act_id
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,                      -- such as product.save
  subject TEXT NOT NULL,                     -- such as product:prod_01k...
  before TEXT,                               -- what was changed, as JSON
  after TEXT,                                -- what it became, as JSON
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL                         -- SHA-256 over the previous hash and this row
);
CREATE INDEX audit_by_subject ON audit (subject, sequence);
CREATE INDEX audit_by_actor ON audit (actor, sequence);
CREATE INDEX audit_by_action ON audit (action, sequence);
-- How many audit rows and how many accounts there ever were. Taking the second one's row is taking turns: who claims a
-- shop, and whether an owner is left, is decided by one transaction at a time.
INSERT INTO counters (name, value) VALUES ('audit', 0), ('staff', 0);

-- The act that wrote a row, where a person's doing can have written it.
ALTER TABLE order_timeline ADD COLUMN act_id TEXT;
ALTER TABLE stock_movements ADD COLUMN act_id TEXT;
ALTER TABLE refunds ADD COLUMN act_id TEXT;
ALTER TABLE fulfillments ADD COLUMN act_id TEXT;
