"""The tables of the registry of properties, of what is done with these, and of contracts."""

from __future__ import annotations

__all__ = ["REGISTRY_TABLES"]

_SEEN = """events BIGINT NOT NULL, first_at TIMESTAMP NOT NULL, last_at TIMESTAMP NOT NULL,
    first_revision BIGINT NOT NULL, last_revision BIGINT NOT NULL"""

REGISTRY_TABLES = f"""
-- What properties events have, as of one revision; see registry.py. A name that is null
-- stands for all beyond the limit. `path` is written as registry_state.path_of does.
CREATE TABLE registered (up_to BIGINT NOT NULL, form VARCHAR NOT NULL);
CREATE TABLE registry_names (name VARCHAR, other BIGINT NOT NULL, {_SEEN});
CREATE TABLE registry_properties (
    name VARCHAR NOT NULL, path VARCHAR NOT NULL, kind VARCHAR NOT NULL, {_SEEN});
CREATE TABLE registry_values (
    name VARCHAR NOT NULL, path VARCHAR NOT NULL, hash UBIGINT NOT NULL, value VARCHAR);

CREATE TABLE marks (
    name VARCHAR NOT NULL,          -- of the events; '*' for all
    path VARCHAR NOT NULL,
    mark VARCHAR NOT NULL,          -- a tag; or ':blocked'
    set_at TIMESTAMP NOT NULL,      -- UTC
    PRIMARY KEY (name, path, mark)
);
CREATE TABLE contracts (declared VARCHAR NOT NULL);  -- JSON, one row; ingest/contracts.py
CREATE TABLE dropped (              -- values of blocked properties that came, by their mark
    name VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    events BIGINT NOT NULL,
    last_at TIMESTAMP NOT NULL,     -- UTC, of the commit
    PRIMARY KEY (name, path)
);
CREATE TABLE breaches (             -- of contracts: what was stored nevertheless
    source VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    events BIGINT NOT NULL,
    first_at TIMESTAMP NOT NULL,    -- UTC, of the commit
    last_at TIMESTAMP NOT NULL,
    examples VARCHAR[] NOT NULL,    -- the first values that broke it
    PRIMARY KEY (source, name, path, reason)
);
"""
