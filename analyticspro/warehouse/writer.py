"""Writes into the warehouse: each commit is one transaction with one revision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import polars as pl

from analyticspro.warehouse.schema import PROMOTED

__all__ = ["Cursor", "Stored", "Writer"]


@dataclass(frozen=True)
class Cursor:
    """What a part was when it was read to its end."""

    fingerprint: str
    size: int
    changed_ns: int
    records: int = 0
    rounded: int = 0


@dataclass(frozen=True)
class Stored:
    """What became of a batch of events.

    Attributes:
        new: Events that were not there.
        changed: New versions of events that were there with other content.
        unchanged: Events that were there just so.
    """

    new: int
    changed: int
    unchanged: int


class Writer:
    """The one writer. Its methods are used inside `commit()`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._revision = 0

    @contextmanager
    def commit(self, at: datetime) -> Iterator[int]:
        """Open a transaction, give its revision, and commit it; undo all on an error.

        Args:
            at: The time of the commit, UTC.
        """
        self._connection.begin()
        try:
            found = self._connection.execute("SELECT max(revision) FROM commits").fetchall()
            self._revision = int(found[0][0] or 0) + 1
            self._run("INSERT INTO commits VALUES ($revision, $at)", at=_plain(at))
            yield self._revision
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def store(
        self,
        source: str,
        part: str,
        events: pl.DataFrame,
        *,
        received_at: datetime,
        watermark: datetime | None,
    ) -> Stored:
        """Add the events that are new or changed; a changed one retires its older version.

        Args:
            source: The source they came from.
            part: The part of it; it owns these events from now on.
            events: Rows of `events.SCHEMA`; an id may occur once.
            received_at: UTC.
            watermark: That of the source before; an older event is marked late, unless it is
                a new version of one that was in time.
        """
        late_before = None if watermark is None else _plain(min(watermark, received_at))
        self._connection.register("incoming", events)
        try:
            self._run(
                f"""
                CREATE OR REPLACE TEMP TABLE staged AS
                SELECT incoming.* REPLACE (occurred_at::TIMESTAMP AS occurred_at),
                    {_CONTENT_HASH} AS content_hash,
                    from_json(properties, $promoted) AS promoted
                FROM incoming
                """,
                promoted=_PROMOTED_TYPES,
            )
        finally:
            self._connection.unregister("incoming")
        self._run(
            """
            CREATE OR REPLACE TEMP TABLE known AS
            SELECT event_id, e.content_hash = s.content_hash AS is_same, e.is_late,
                e.part <> $part AS is_elsewhere
            FROM events e JOIN staged s USING (event_id)
            WHERE e.retired IS NULL AND e.source = $source
            """,
            source=source,
            part=part,
        )
        [(unchanged, changed, moved)] = self._connection.execute(
            "SELECT count(*) FILTER (is_same), count(*) FILTER (NOT is_same), "
            "count(*) FILTER (is_same AND is_elsewhere) FROM known"
        ).fetchall()
        if moved:
            self._run(
                """
                UPDATE events SET part = $part
                WHERE retired IS NULL AND source = $source
                  AND event_id IN (SELECT event_id FROM known WHERE is_same AND is_elsewhere)
                """,
                source=source,
                part=part,
            )
        if changed:
            self._run(
                """
                UPDATE events SET retired = $revision
                WHERE retired IS NULL AND source = $source
                  AND event_id IN (SELECT event_id FROM known WHERE NOT is_same)
                """,
                source=source,
            )
        self._run(
            f"""
            INSERT INTO events
            SELECT $revision, NULL, $source, $part, event_id, content_hash, name, occurred_at,
                $received_at, coalesce(is_late, occurred_at < $late_before::TIMESTAMP, false),
                customer_id, user_id, session_id, amount_minor, currency, properties, raw, 1,
                {", ".join(f"promoted.{name}" for name in PROMOTED)}
            FROM staged LEFT JOIN known USING (event_id)
            WHERE is_same IS NOT true
            """,
            source=source,
            part=part,
            received_at=_plain(received_at),
            late_before=late_before,
        )
        self._run("INSERT INTO seen SELECT event_id FROM staged")
        return Stored(events.height - unchanged - changed, changed, unchanged)

    def set_aside(self, source: str, part: str, rejects: pl.DataFrame) -> None:
        """Keep rejects (`connectors.REJECTS`), at most one open reject for each line.

        One that is there just so stays; one that says something else is resolved by it.
        """
        if rejects.height == 0:
            return
        self._connection.register("incoming", rejects)
        try:
            self._run(
                """
                UPDATE rejects AS r SET resolved = $revision FROM incoming AS i
                WHERE r.resolved IS NULL AND r.source = $source AND r.part = $part
                  AND r.line = i.line
                  AND (r.field IS DISTINCT FROM i.field OR r.value IS DISTINCT FROM i.value
                       OR r.reason <> i.reason OR r.raw IS DISTINCT FROM i.raw)
                """,
                source=source,
                part=part,
            )
            self._run(
                """
                INSERT INTO rejects
                SELECT $revision, NULL, $source, $part, i.* FROM incoming i
                WHERE NOT EXISTS (
                    FROM rejects r
                    WHERE r.resolved IS NULL AND r.source = $source AND r.part = $part
                      AND r.line = i.line)
                """,
                source=source,
                part=part,
            )
        finally:
            self._connection.unregister("incoming")

    def begin_part(self) -> None:
        """Forget what was seen of an earlier part: a part is read from its start."""
        self._run("CREATE OR REPLACE TEMP TABLE seen (event_id VARCHAR)")

    def finish_part(self, source: str, part: str, rejects: pl.DataFrame, cursor: Cursor) -> int:
        """Mark a part as read to its end; return how many of its events vanished from it.

        An event of the part that was not in it since `begin_part` is retracted; a reject
        whose line is not among those of `rejects` is resolved.
        """
        retracted = self._run(
            """
            UPDATE events SET retired = $revision
            WHERE retired IS NULL AND source = $source AND part = $part
              AND event_id NOT IN (FROM seen)
            """,
            source=source,
            part=part,
        )
        self._connection.register("incoming", rejects)
        try:
            self._run(
                """
                UPDATE rejects SET resolved = $revision
                WHERE resolved IS NULL AND source = $source AND part = $part
                  AND line NOT IN (SELECT line FROM incoming)
                """,
                source=source,
                part=part,
            )
        finally:
            self._connection.unregister("incoming")
        self._run(
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
        return retracted

    def note_source(
        self, name: str, *, declaration: str, synced_at: datetime, outcome: str
    ) -> None:
        """Keep what a source was declared as, and how its last sync ended (both JSON)."""
        self._connection.execute(
            "INSERT OR REPLACE INTO sources VALUES ($name, $declaration, $synced_at, $outcome)",
            {
                "name": name,
                "declaration": declaration,
                "synced_at": _plain(synced_at),
                "outcome": outcome,
            },
        )

    def cursors(self, source: str) -> dict[str, Cursor]:
        """Return the cursor of each whole part of `source`."""
        rows = self._connection.execute(
            "SELECT part, fingerprint, size, changed_ns, records, rounded FROM cursors "
            "WHERE source = $source",
            {"source": source},
        ).fetchall()
        return {part: Cursor(*values) for part, *values in rows}

    def forget(self, source: str) -> None:
        """Have every part of `source` read again by the next sync; its figures stay."""
        self._connection.execute(
            "UPDATE cursors SET fingerprint = '' WHERE source = $source", {"source": source}
        )

    def touch(self, source: str, part: str, *, size: int, changed_ns: int) -> None:
        """Note that a part has another size or time of change, and the same content."""
        self._connection.execute(
            "UPDATE cursors SET size = $size, changed_ns = $changed_ns "
            "WHERE source = $source AND part = $part",
            {"source": source, "part": part, "size": size, "changed_ns": changed_ns},
        )

    def _run(self, sql: str, **values: object) -> int:
        if "$revision" in sql:
            values["revision"] = self._revision
        done = self._connection.execute(sql, values).fetchall()
        return int(done[0][0]) if done else 0


_CONTENT_HASH = """md5_number_lower(concat_ws(chr(31), name, epoch_us(occurred_at),
    coalesce(customer_id, chr(30)), coalesce(user_id, chr(30)), coalesce(session_id, chr(30)),
    coalesce(amount_minor::VARCHAR, chr(30)), coalesce(currency, chr(30)), properties,
    coalesce(raw, chr(30))))"""

_PROMOTED_TYPES = "{" + ", ".join(f'"{name}": "{kind}"' for name, kind in PROMOTED.items()) + "}"


def _plain(at: datetime) -> datetime:
    """Return `at` as the naive UTC time that the tables hold."""
    return at.astimezone(UTC).replace(tzinfo=None)
