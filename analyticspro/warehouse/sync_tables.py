"""The tables of what befalls sources: their syncs, backfills, and what was pushed and refused."""

from __future__ import annotations

__all__ = ["SYNC_TABLES"]

SYNC_TABLES = """
CREATE TABLE syncs (
    id BIGINT NOT NULL,             -- 1, 2, 3 …
    source VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,          -- sync, replay, backfill
    started_at TIMESTAMP NOT NULL,  -- UTC
    seconds DOUBLE,                 -- null while it is at work, and if it was killed
    outcome VARCHAR                 -- JSON: its report
);
-- Of the time before, the last sync of each source is known.
INSERT INTO syncs
SELECT row_number() OVER (ORDER BY synced_at, name), name, 'sync', synced_at,
    coalesce(try_cast(outcome->>'seconds' AS DOUBLE), 0), outcome
FROM sources WHERE declaration->>'connector' IS DISTINCT FROM 'collector';

CREATE TABLE backfills (            -- the newest of each stream
    source VARCHAR NOT NULL,
    stream VARCHAR NOT NULL,
    since TIMESTAMP NOT NULL,       -- UTC, the range: this is in it
    until TIMESTAMP NOT NULL,       -- UTC, and this is not
    cursor VARCHAR,                 -- JSON, the connector's own: where it goes on
    records BIGINT NOT NULL,
    is_done BOOLEAN NOT NULL,
    PRIMARY KEY (source, stream)
);

-- What a pushed message that was set aside does not say itself, and a replay has to know.
CREATE TABLE pushed_rejects (
    source VARCHAR NOT NULL,
    record VARCHAR NOT NULL,        -- MD5 of `rejects.raw`
    received_at TIMESTAMP NOT NULL, -- UTC, when it came first
    behind_us BIGINT,               -- by how much its sender's clock was behind ours
    kind VARCHAR,                   -- the type that its address took; null for any
    PRIMARY KEY (source, record)
);
"""
