-- The newest products first, read off in that order whatever the database thinks of missing dates.
CREATE INDEX products_by_newest ON products (status, COALESCE(published_at, 0), id);
