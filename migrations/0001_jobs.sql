-- Work to be done after a transaction, kept in the transaction's own database.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL CONSTRAINT jobs_payload_is_small CHECK (LENGTH(payload) <= 65536),
    -- Set while the job waits for its first start: no second one with this key is added meanwhile.
    dedupe_key TEXT UNIQUE,
    state TEXT NOT NULL CONSTRAINT jobs_state_is_known CHECK (state IN ('ready', 'dead')),
    run_at BIGINT NOT NULL,
    -- Somebody works on it until then; 0 when nobody does.
    lease_until BIGINT NOT NULL,
    -- Rises with every lease, so that a holder that was too slow can tell, and be told.
    fence BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    last_error TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (state, run_at, id);

-- When each recurring job is to be put into the queue next.
CREATE TABLE job_schedules (
    kind TEXT NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL
);
