"""What befell each source: its syncs, and how far the backfill of a range has come."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import polars as pl

from analyticspro.warehouse.database import Database
from analyticspro.warehouse.memory import plain

__all__ = ["Backfill", "PushedReject", "Syncs", "keep_pushed", "move_backfill"]

_MOST_KEPT = 1000  # of each source


@dataclass(frozen=True)
class Backfill:
    """How far the backfill of a stream is.

    Attributes:
        since: UTC, inclusive; `until`, exclusive.
        cursor: Where it goes on; None before its first page.
        records: Those it has read so far.
    """

    since: datetime
    until: datetime
    cursor: str | None = None
    records: int = 0
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class PushedReject:
    """What is known of a message beside its text, `raw`; see the table `pushed_rejects`."""

    raw: str
    received_at: datetime
    behind_us: int | None
    kind: str | None


class Syncs:
    """The syncs of an open warehouse, and what is known of them afterwards."""

    def __init__(self, database: Database, writing: threading.Lock) -> None:
        """Make it.

        Args:
            database: The open file.
            writing: Held by whoever writes.
        """
        self._database = database
        self._writing = writing
        self._at_work: set[int] = set()

    def begin(self, source: str, kind: str, at: datetime) -> int:
        """Note that a sync begins; return its number. Of those before, the newest are kept."""
        with self._writing, self._database.cursor() as cursor:
            [(number,)] = cursor.execute(
                "INSERT INTO syncs SELECT coalesce(max(id), 0) + 1, $source, $kind, $at, NULL, "
                "NULL FROM syncs RETURNING id",
                {"source": source, "kind": kind, "at": plain(at)},
            ).fetchall()
            cursor.execute(
                "DELETE FROM syncs WHERE source = $source AND id NOT IN (SELECT id FROM syncs "
                f"WHERE source = $source ORDER BY id DESC LIMIT {_MOST_KEPT})",
                {"source": source},
            )
            self._at_work.add(number)
            return int(number)

    def end(self, number: int, *, seconds: float, outcome: str) -> None:
        """Note how a sync ended (its report, as JSON), and how long it took."""
        try:
            with self._writing, self._database.cursor() as cursor:
                cursor.execute(
                    "UPDATE syncs SET seconds = $seconds, outcome = $outcome WHERE id = $number",
                    {"seconds": seconds, "outcome": outcome, "number": number},
                )
        finally:
            self._at_work.discard(number)

    def history(self, source: str | None = None, *, limit: int) -> pl.DataFrame:
        """Return the newest syncs, of one source or of all.

        Returns:
            One row per sync, the newest first: id (Int64), source, kind (String), started_at
            (Datetime, UTC), seconds (Float64), outcome (String: JSON; null if it was killed),
            is_at_work (Boolean).
        """
        with self._database.cursor("BEGIN TRANSACTION READ ONLY") as cursor:
            found = pl.from_arrow(
                cursor.sql(
                    "FROM syncs WHERE $source IS NULL OR source = $source "
                    "ORDER BY id DESC LIMIT $limit",
                    params={"source": source, "limit": limit},
                ).to_arrow_table()
            )
        assert isinstance(found, pl.DataFrame)
        return found.with_columns(
            pl.col("started_at").dt.replace_time_zone("UTC"),
            pl.col("id").is_in(list(self._at_work)).alias("is_at_work"),
        )

    def latest(self) -> pl.DataFrame:
        """Return how the syncs of each source went.

        Returns:
            One row per source, in order: source (String), succeeded_at (Datetime, UTC: start
            of the last sync that ended well; null if none did), failures (Int64: how many
            ended otherwise since), error (String: JSON of the last one's, null if it ended
            well or was killed), is_at_work (Boolean).
        """
        with self._database.cursor("BEGIN TRANSACTION READ ONLY") as cursor:
            found = pl.from_arrow(
                cursor.sql(_LATEST, params={"at_work": list(self._at_work)}).to_arrow_table()
            )
        assert isinstance(found, pl.DataFrame)
        return found.with_columns(pl.col("succeeded_at").dt.replace_time_zone("UTC"))

    def backfill(self, source: str, stream: str) -> Backfill | None:
        """Return the newest backfill of a stream."""
        with self._database.cursor() as cursor:
            rows = cursor.execute(
                "SELECT since, until, cursor, records, is_done FROM backfills "
                "WHERE source = $source AND stream = $stream",
                {"source": source, "stream": stream},
            ).fetchall()
        for since, until, *rest in rows:
            return Backfill(since.replace(tzinfo=UTC), until.replace(tzinfo=UTC), *rest)
        return None

    def pushed(self, source: str, raws: Sequence[str]) -> dict[str, PushedReject]:
        """Return what is known of messages of `source` that were set aside, by their text."""
        with self._database.cursor() as cursor:
            rows = cursor.execute(
                "SELECT raw, received_at, behind_us, kind "
                "FROM (SELECT DISTINCT unnest($raws::VARCHAR[]) AS raw) "
                "JOIN pushed_rejects ON record = md5(raw) WHERE source = $source",
                {"source": source, "raws": list(raws)},
            ).fetchall()
        return {
            raw: PushedReject(raw, at.replace(tzinfo=UTC), behind_us, kind)
            for raw, at, behind_us, kind in rows
        }


_LATEST = """
    WITH numbered AS (
        SELECT *, list_contains($at_work::BIGINT[], id) AS works,
            outcome IS NOT NULL AND outcome->>'error' IS NULL AS is_good
        FROM syncs WHERE kind = 'sync')
    SELECT source, max(started_at) FILTER (is_good) AS succeeded_at,
        count(*) FILTER (NOT is_good AND NOT works AND id > good) AS failures,
        max_by(outcome->'error', id) FILTER (NOT works) AS error,
        bool_or(works) AS is_at_work
    FROM numbered JOIN (
        SELECT source, coalesce(max(id) FILTER (is_good), 0) AS good FROM numbered
        GROUP BY source) USING (source)
    GROUP BY source ORDER BY source
"""


def move_backfill(
    connection: duckdb.DuckDBPyConnection, source: str, stream: str, backfill: Backfill
) -> None:
    """Keep how far a backfill is; in the commit that holds the events, or on its own."""
    connection.execute(
        "INSERT OR REPLACE INTO backfills VALUES "
        "($source, $stream, $since, $until, $cursor, $records, $is_done)",
        {
            **vars(backfill),
            "since": plain(backfill.since),
            "until": plain(backfill.until),
            "source": source,
            "stream": stream,
        },
    )


def keep_pushed(
    connection: duckdb.DuckDBPyConnection, source: str, rejects: Sequence[PushedReject]
) -> None:
    """Keep what a replay has to know of pushed rejects; in the commit that sets them aside."""
    if not rejects:
        return
    connection.executemany(
        "INSERT INTO pushed_rejects VALUES (?, md5(?), ?, ?, ?) ON CONFLICT DO NOTHING",
        [[source, r.raw, plain(r.received_at), r.behind_us, r.kind] for r in rejects],
    )
