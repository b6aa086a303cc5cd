"""What is noted of sources: how they are declared, and how far each part and stream was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from analyticspro.warehouse.memory import plain
from analyticspro.warehouse.open_commit import OpenCommit

__all__ = [
    "Cursor",
    "complete",
    "cursors",
    "forget",
    "keep_cursor",
    "note_source",
    "stream_cursor",
    "touch",
]


@dataclass(frozen=True)
class Cursor:
    """What a part was when it was read to its end."""

    fingerprint: str
    size: int
    changed_ns: int
    records: int = 0
    rounded: int = 0


def note_source(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    declaration: str,
    synced_at: datetime,
    outcome: str,
) -> None:
    """Keep what a source was declared as, and how its last sync ended (both JSON)."""
    connection.execute(
        "INSERT OR REPLACE INTO sources VALUES ($name, $declaration, $synced_at, $outcome)",
        {
            "name": name,
            "declaration": declaration,
            "synced_at": plain(synced_at),
            "outcome": outcome,
        },
    )


def cursors(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, Cursor]:
    """Return the cursor of each whole part of `source`."""
    rows = connection.execute(
        "SELECT part, fingerprint, size, changed_ns, records, rounded FROM cursors "
        "WHERE source = $source",
        {"source": source},
    ).fetchall()
    return {part: Cursor(*values) for part, *values in rows}


def keep_cursor(opened: OpenCommit, source: str, part: str, cursor: Cursor) -> None:
    """Keep what a part was, and the time of its last event as it is now."""
    opened.run(
        """
        INSERT OR REPLACE INTO cursors
        SELECT $source, $part, $fingerprint, $size, $changed_ns, $records, $rounded,
            (SELECT max(occurred_at) FROM events
             WHERE retired IS NULL AND source = $source AND part = $part), $revision
        """,
        source=source,
        part=part,
        **vars(cursor),
    )


def stream_cursor(connection: duckdb.DuckDBPyConnection, source: str, stream: str) -> str | None:
    """Return where the reading of a stream goes on; None before its first page."""
    found = connection.execute(
        "SELECT max_by(cursor, revision) FROM ledger "
        "WHERE source = $source AND part = $stream AND cursor IS NOT NULL",
        {"source": source, "stream": stream},
    ).fetchall()
    return None if found[0][0] is None else str(found[0][0])


def complete(connection: duckdb.DuckDBPyConnection, source: str, stream: str, at: datetime) -> None:
    """Note that all of a stream that its source had at `at` is here."""
    connection.execute(
        "INSERT OR REPLACE INTO streams VALUES ($source, $stream, $at)",
        {"source": source, "stream": stream, "at": plain(at)},
    )


def forget(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Have every part of `source` read again by the next sync; its figures stay."""
    connection.execute(
        "UPDATE cursors SET fingerprint = '' WHERE source = $source", {"source": source}
    )


def touch(
    connection: duckdb.DuckDBPyConnection, source: str, part: str, *, size: int, changed_ns: int
) -> None:
    """Note that a part has another size or time of change, and the same content."""
    connection.execute(
        "UPDATE cursors SET size = $size, changed_ns = $changed_ns "
        "WHERE source = $source AND part = $part",
        {"source": source, "part": part, "size": size, "changed_ns": changed_ns},
    )
