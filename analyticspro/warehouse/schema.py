"""The tables of the warehouse, as steps from one version to the next.

`events` holds every version of every event. A version is live while `retired` is null;
one that was superseded or retracted keeps its row, with the revision that retired it, so
that an earlier moment can be read again.
"""

from __future__ import annotations

__all__ = ["MIGRATIONS", "PROMOTED"]

# Properties kept as typed columns besides the JSON: what metrics count and break down by.
PROMOTED = {
    "order_id": "VARCHAR",
    "country": "VARCHAR",
    "product_id": "VARCHAR",
    "product": "VARCHAR",
    "quantity": "BIGINT",
    "plan": "VARCHAR",
    "channel": "VARCHAR",
}

_FIRST = """
CREATE TABLE commits (
    revision BIGINT NOT NULL,       -- 1, 2, 3 …; never reused
    committed_at TIMESTAMP NOT NULL -- UTC; for people: the order is that of `revision`
);

CREATE TABLE events (
    revision BIGINT NOT NULL,       -- the commit that added this version
    retired BIGINT,                 -- the commit that superseded or retracted it
    source VARCHAR NOT NULL,
    part VARCHAR NOT NULL,          -- the piece of the source it came in, such as a file
    event_id VARCHAR NOT NULL,
    content_hash UBIGINT NOT NULL,  -- tells a changed record from a repeated one
    name VARCHAR NOT NULL,
    occurred_at TIMESTAMP NOT NULL, -- UTC
    received_at TIMESTAMP NOT NULL, -- UTC
    is_late BOOLEAN NOT NULL,       -- older than its source's watermark when it came
    customer_id VARCHAR,
    user_id VARCHAR,
    session_id VARCHAR,
    amount_minor BIGINT,
    currency VARCHAR,
    properties VARCHAR NOT NULL,    -- a JSON object
    raw VARCHAR,                    -- the source's record as it came
    schema_version SMALLINT NOT NULL,
    order_id VARCHAR,               -- from here on: promoted properties
    country VARCHAR,
    product_id VARCHAR,
    product VARCHAR,
    quantity BIGINT,
    plan VARCHAR,
    channel VARCHAR
);

CREATE TABLE rejects (
    revision BIGINT NOT NULL,
    resolved BIGINT,                -- the commit after which the record was good, or gone
    source VARCHAR NOT NULL,
    part VARCHAR NOT NULL,
    line BIGINT NOT NULL,
    field VARCHAR,
    value VARCHAR,
    reason VARCHAR NOT NULL,
    raw VARCHAR
);

CREATE TABLE cursors (
    source VARCHAR NOT NULL,
    part VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,   -- of the content and of the mapping it was read with
    size BIGINT NOT NULL,
    changed_ns BIGINT NOT NULL,
    records BIGINT NOT NULL,
    rounded BIGINT NOT NULL,        -- amounts finer than their currency's minor unit
    newest_at TIMESTAMP,            -- UTC, the newest event in it
    revision BIGINT NOT NULL,
    PRIMARY KEY (source, part)
);

CREATE TABLE sources (
    name VARCHAR PRIMARY KEY,
    declaration VARCHAR NOT NULL,   -- JSON, as it was at the last sync
    synced_at TIMESTAMP NOT NULL,   -- UTC, start of the last sync
    outcome VARCHAR NOT NULL        -- JSON: the last sync's report, or its error
);
"""

MIGRATIONS: tuple[str, ...] = (_FIRST,)
