-- How many transactions have changed each area that pages show, counted in the transactions themselves. Whoever keeps what
-- was read compares the sums to know whether it still holds. Each writer adds in a lane of its own, so that none waits for
-- another: the count of an area is the sum of its lanes.
CREATE TABLE change_counts (
  area TEXT NOT NULL,
  lane BIGINT NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (area, lane)
);
