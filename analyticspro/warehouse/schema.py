"""The tables of the warehouse, as steps from one version to the next.

`events` holds every version of every event. A version is live while `retired` is null;
one that was superseded or retracted keeps its row, with the revision that retired it, so
that an earlier moment can be read again.
"""

from __future__ import annotations

from analyticspro.warehouse.archive_tables import ARCHIVE_TABLES
from analyticspro.warehouse.promotions import PROMOTED_TABLES
from analyticspro.warehouse.registry_tables import REGISTRY_TABLES
from analyticspro.warehouse.sync_tables import SYNC_TABLES

__all__ = ["HIGH", "ID", "LOW", "MIGRATIONS", "PAYLOAD", "PROMOTED"]

# Halves of a hash of 128 bits; MD5 because it will be the same in every version of DuckDB.
ID = "md5_number(concat_ws(chr(31), {}, event_id))"
HIGH = "({}::UHUGEINT >> 64)::UBIGINT"
LOW = "({}::UHUGEINT & 18446744073709551615::UHUGEINT)::UBIGINT"
# All that an event says, as one text.
PAYLOAD = """concat_ws(chr(31), name, epoch_us(occurred_at),
    coalesce(customer_id, chr(30)), coalesce(user_id, chr(30)), coalesce(session_id, chr(30)),
    coalesce(amount_minor::VARCHAR, chr(30)), coalesce(currency, chr(30)), properties,
    coalesce(raw, chr(30)))"""

# Properties kept as typed columns besides the JSON: what metrics count and break down by.
PROMOTED = {
    "order_id": "VARCHAR",
    "country": "VARCHAR",
    "product_id": "VARCHAR",
    "product": "VARCHAR",
    "quantity": "BIGINT",
    "plan": "VARCHAR",
    "channel": "VARCHAR",
    "status": "VARCHAR",
    "method": "VARCHAR",
    "path": "VARCHAR",
    "bytes_sent": "BIGINT",
    "response_us": "BIGINT",
    "monitor": "VARCHAR",
    "observed_seconds": "BIGINT",
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

_ROLLED = """source VARCHAR NOT NULL, name VARCHAR NOT NULL, currency VARCHAR, country VARCHAR,
    plan VARCHAR, channel VARCHAR, events BIGINT NOT NULL, late BIGINT NOT NULL,
    amounts BIGINT NOT NULL, amount_minor HUGEINT NOT NULL, quantity HUGEINT NOT NULL,
    first TIMESTAMP, last TIMESTAMP, gone BIGINT NOT NULL"""
_MEMBERS = """bucket DATE NOT NULL, source VARCHAR NOT NULL, name VARCHAR NOT NULL,
    member UBIGINT NOT NULL, events BIGINT NOT NULL"""
# From here on a version has a number of its own, so that it can be found and what came
# since can be added up; its id's hash, by which repeats are told; and every commit says
# what it did.
_SECOND = f"""
CREATE TABLE ledger (
    revision BIGINT NOT NULL,         -- 1, 2, 3 …; never reused; a row for each part it touched
    committed_at TIMESTAMP NOT NULL,  -- UTC; for people: the order is that of `revision`
    source VARCHAR,                   -- null: the commit touched no events
    part VARCHAR,
    seen BIGINT NOT NULL,             -- records = new + changed + duplicates + rejected
    new BIGINT NOT NULL,
    changed BIGINT NOT NULL,          -- new versions, each of which superseded one
    duplicates BIGINT NOT NULL,
    conflicts BIGINT NOT NULL,        -- of these, those with another payload
    late BIGINT NOT NULL,             -- of the new
    rejected BIGINT NOT NULL,
    retracted BIGINT NOT NULL,
    cursor VARCHAR,                   -- JSON, the connector's own: where a stream goes on
    note VARCHAR                      -- why events were retracted if not by their source:
);                                    -- erased, expired
ALTER TABLE events RENAME TO events_1;
CREATE TABLE events (
    seq BIGINT NOT NULL,            -- 1, 2, 3 … in the order of coming; may leave some out
    revision BIGINT NOT NULL,       -- the commit that added this version
    retired BIGINT,                 -- the commit that superseded or retracted it
    id_high UBIGINT NOT NULL,       -- MD5 of source and event_id, in two halves
    id_low UBIGINT NOT NULL,
    content_hash UBIGINT NOT NULL,  -- tells a changed record from a repeated one
    version BIGINT,                 -- of WriteMode.MERGE: the higher supersedes the lower
    source VARCHAR NOT NULL,
    part VARCHAR NOT NULL,          -- the piece of the source it came in: a file, a stream
    event_id VARCHAR NOT NULL,
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
    channel VARCHAR,
    status VARCHAR,
    method VARCHAR,
    path VARCHAR,
    bytes_sent BIGINT,
    response_us BIGINT,
    monitor VARCHAR,
    observed_seconds BIGINT
);
INSERT INTO events
SELECT row_number() OVER (ORDER BY revision, rowid), revision, retired,
    {HIGH.format(ID.format("source"))}, {LOW.format(ID.format("source"))},
    {LOW.format(f"md5_number({PAYLOAD})")}, NULL, source, part, event_id, name, occurred_at,
    received_at, is_late, customer_id, user_id, session_id, amount_minor, currency, properties,
    raw, schema_version, order_id, country, product_id, product, quantity, plan, channel,
    properties->>'status',
    properties->>'method',
    properties->>'path',
    try_cast(properties->>'bytes_sent' AS BIGINT),
    try_cast(properties->>'response_us' AS BIGINT),
    properties->>'monitor',
    try_cast(properties->>'observed_seconds' AS BIGINT)
FROM events_1;
DROP TABLE events_1;

-- What was not counted then follows from what is there, but for the duplicates.
INSERT INTO ledger
WITH versions AS (
    SELECT *, lag(retired) OVER (PARTITION BY id_high, id_low ORDER BY seq) AS freed,
        lead(revision) OVER (PARTITION BY id_high, id_low ORDER BY seq) AS next
    FROM events
), done AS (
    SELECT revision, source, part, (freed IS DISTINCT FROM revision)::INT AS new, is_late,
        0 AS rejected, 0 AS retracted
    FROM versions
    UNION ALL
    SELECT retired, source, part, NULL, NULL, 0, 1 FROM versions
    WHERE retired IS NOT NULL AND retired IS DISTINCT FROM next
    UNION ALL
    SELECT revision, source, part, NULL, NULL, 1, 0 FROM rejects
)
SELECT revision, any_value(committed_at), source, part, count(new) + coalesce(sum(rejected), 0),
    coalesce(sum(new), 0), count(new) - coalesce(sum(new), 0), 0, 0,
    count(*) FILTER (new = 1 AND is_late), coalesce(sum(rejected), 0),
    coalesce(sum(retracted), 0), NULL, NULL
FROM commits LEFT JOIN done USING (revision)
GROUP BY revision, source, part ORDER BY ALL;
DROP TABLE commits;

CREATE TABLE conflicts (
    revision BIGINT NOT NULL,
    source VARCHAR NOT NULL,
    part VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    content_hash UBIGINT NOT NULL,
    name VARCHAR NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    properties VARCHAR NOT NULL,
    raw VARCHAR
);

CREATE TABLE streams (
    source VARCHAR NOT NULL,
    stream VARCHAR NOT NULL,
    complete_at TIMESTAMP NOT NULL, -- UTC: all that the source had then is here
    PRIMARY KEY (source, stream)
);

ALTER TABLE rejects ALTER line DROP NOT NULL;

-- Sums and members, as of one revision; see rollups.py.
CREATE TABLE rolled (up_to BIGINT NOT NULL, zone VARCHAR NOT NULL, engine VARCHAR NOT NULL);
CREATE TABLE folded (name VARCHAR NOT NULL, rows BIGINT NOT NULL);
CREATE TABLE rollup_hour (bucket TIMESTAMP NOT NULL, {_ROLLED});
CREATE TABLE rollup_day (bucket DATE NOT NULL, {_ROLLED});
CREATE TABLE rollup_month (bucket DATE NOT NULL, {_ROLLED});
CREATE TABLE rollup_expired (bucket TIMESTAMP NOT NULL, {_ROLLED}); -- of events that are no more
CREATE TABLE members_customer_id ({_MEMBERS});
CREATE TABLE members_user_id ({_MEMBERS});
CREATE TABLE members_session_id ({_MEMBERS});
CREATE TABLE members_order_id ({_MEMBERS});

-- Sessions, as of one revision, and how many began each day of a zone; see sessions.py.
CREATE TABLE sessions_rolled (up_to BIGINT NOT NULL, zone VARCHAR NOT NULL);
CREATE TABLE sessions (
    source VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,  -- UTC, its first event
    ended_at TIMESTAMP NOT NULL,    -- UTC, its last event
    run_at TIMESTAMP,               -- since when there was no gap, if 24 hours were over before
    entry_id VARCHAR NOT NULL,      -- event_id of the first event, whose are also:
    session_id VARCHAR,             -- the source's own number; null: told by silence
    user_id VARCHAR,
    country VARCHAR,
    plan VARCHAR,
    channel VARCHAR,
    events BIGINT NOT NULL,
    page_views BIGINT NOT NULL,
    interactions BIGINT NOT NULL
);
CREATE TABLE session_days (
    bucket DATE NOT NULL, source VARCHAR NOT NULL, country VARCHAR, plan VARCHAR, channel VARCHAR,
    sessions HUGEINT NOT NULL, bounces HUGEINT NOT NULL, page_views HUGEINT NOT NULL,
    lasted_us HUGEINT NOT NULL);
"""

_THIRD = PROMOTED_TABLES + SYNC_TABLES

MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND + REGISTRY_TABLES + ARCHIVE_TABLES, _THIRD)
