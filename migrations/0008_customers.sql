-- Where an order stands for those who work through it: to_pay, to_pack, shipped, canceled. Derived like the statuses and
-- kept by their one writer; NULL while it is a draft.
ALTER TABLE orders ADD COLUMN queue TEXT;
-- What it counts for in sales: its total less what was given back. NULL while it counts for nothing: a draft, or called off.
ALTER TABLE orders ADD COLUMN net_minor BIGINT;

-- Whoever bought, known by their e-mail address. The figures are those of their orders, kept by one writer beside them.
CREATE TABLE customers (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL,                       -- as typed the last time
  email_folded TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,                        -- of the latest order's address
  name_folded TEXT NOT NULL,
  order_count BIGINT NOT NULL CHECK (order_count >= 0),  -- placed and not called off
  currency TEXT NOT NULL,                    -- of their first order; spent counts what they bought in it
  spent_minor BIGINT NOT NULL,
  first_order_at BIGINT NOT NULL,            -- called-off orders included
  last_order_at BIGINT NOT NULL
);

-- The words staff find things by: of a product's title, of a buyer's name. Folded; a search asks for a range of words.
CREATE TABLE desk_words (
  subject_id TEXT NOT NULL,                  -- of the order, the product or the customer
  word TEXT NOT NULL,
  kind TEXT NOT NULL,                        -- order, product, customer
  at BIGINT NOT NULL,                        -- the newest of equals is found first
  PRIMARY KEY (subject_id, word)
);
CREATE INDEX desk_words_by_word ON desk_words (kind, word, at DESC, subject_id);

-- How far the job has come that splits what was there before into words; a kind that is done has no row.
CREATE TABLE desk_backfill (
  kind TEXT PRIMARY KEY,
  after_id TEXT NOT NULL
);

-- To whom, folded: staff look for a mail by it.
ALTER TABLE mails ADD COLUMN recipient_folded TEXT NOT NULL DEFAULT '';
