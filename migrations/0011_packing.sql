-- Since when everything of an order that has yet to leave is in its parcel; NULL while it is not, and once nothing is left.
ALTER TABLE orders ADD COLUMN packed_at BIGINT;
