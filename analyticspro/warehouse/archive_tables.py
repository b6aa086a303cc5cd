"""The tables of what is archived, erased or deleted for good, and what readers know as `events`."""

from __future__ import annotations

__all__ = ["ARCHIVE_TABLES"]

ARCHIVE_TABLES = """
-- Versions that are not in the archive. Only the writer knows them by this name: to all who
-- read, `events` are these and the archived ones.
ALTER TABLE events RENAME TO hot;

-- The files of the archive: what is not told of here is none of it.
CREATE TABLE archive (
    partition BIGINT NOT NULL,      -- 1, 2, 3 …; never reused
    file VARCHAR NOT NULL,          -- within the folder `archive`
    month DATE NOT NULL,            -- of `occurred_at`, UTC
    rows BIGINT NOT NULL,
    size BIGINT NOT NULL,           -- bytes
    sha256 VARCHAR NOT NULL,
    last_seq BIGINT NOT NULL,
    last_revision BIGINT NOT NULL,
    written_at TIMESTAMP NOT NULL   -- UTC
);
-- Archived versions that are in `hot` again, as something befell them since.
CREATE TABLE taken_back (partition BIGINT NOT NULL, seq BIGINT NOT NULL);
CREATE TABLE archive_place (folder VARCHAR NOT NULL, last_partition BIGINT NOT NULL);
INSERT INTO archive_place VALUES ('', 0);

-- Months whose events were deleted for good; sums of them are kept.
CREATE TABLE expired (
    month DATE NOT NULL,
    rows BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    expired_at TIMESTAMP NOT NULL   -- UTC
);
-- Ids of events that are no more, and never come back.
CREATE TABLE tombstones (id_high UBIGINT NOT NULL, id_low UBIGINT NOT NULL);
-- Hashes of records that were set aside and erased; they are not set aside again.
CREATE TABLE buried (record VARCHAR NOT NULL);
CREATE TABLE erasures (
    number BIGINT NOT NULL,         -- 1, 2, 3 …
    revision BIGINT NOT NULL,       -- from then on nobody sees the person's events
    stage VARCHAR NOT NULL,         -- see erasing.py
    subject VARCHAR,                -- JSON; null once nothing is left of the person
    receipt VARCHAR NOT NULL        -- JSON
);
CREATE TABLE erasing (number BIGINT NOT NULL, seq BIGINT NOT NULL);  -- until they are gone

CREATE VIEW archived AS SELECT 0::BIGINT AS partition, * FROM hot WHERE false;
CREATE VIEW events AS SELECT * FROM hot;
"""
