"""Writes into the warehouse: each commit is one transaction with one revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from datetime import datetime

import duckdb
import numpy as np
import polars as pl

from analyticspro.events import WriteMode
from analyticspro.warehouse.adding import Coming, add
from analyticspro.warehouse.incoming import Prepared, prepare
from analyticspro.warehouse.known_ids import KnownIds, Signed, Unsigned
from analyticspro.warehouse.marks import Breach, Dropped, note
from analyticspro.warehouse.memory import Memory, buried, next_note, plain
from analyticspro.warehouse.promotions import Promotion
from analyticspro.warehouse.standing import Standing
from analyticspro.warehouse.storing import Outcome, Outcomes, Stored, decide
from analyticspro.warehouse.syncs import PushedReject, keep_pushed

__all__ = ["Cursor", "Writer"]

_NO_VERSIONS = pl.DataFrame(
    schema={
        "seq": pl.Int64,
        "is_live": pl.Boolean,
        "is_late": pl.Boolean,
        "part": pl.String,
        "version": pl.Int64,
    }
)


_LEDGER: dict[str, type[pl.DataType]] = {
    **{"revision": pl.Int64, "committed_at": pl.Datetime, "source": pl.String, "part": pl.String},
    **dict.fromkeys(("seen", "new", "changed", "duplicates", "conflicts"), pl.Int64),
    **dict.fromkeys(("late", "rejected", "retracted"), pl.Int64),
    **{"cursor": pl.String, "note": pl.String},
}


@dataclass(frozen=True)
class Cursor:
    """What a part was when it was read to its end."""

    fingerprint: str
    size: int
    changed_ns: int
    records: int = 0
    rounded: int = 0


@dataclass
class _Tally:
    """What a commit did to one part of a source: a row of the ledger."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    rejected: int = 0
    retracted: int = 0
    cursor: str | None = None
    note: str | None = None


@dataclass
class _Open:
    """The commit that is open."""

    revision: int
    at: datetime
    next_seq: int
    added: KnownIds = field(default_factory=KnownIds)
    tallies: dict[tuple[str | None, str | None], _Tally] = field(default_factory=dict)

    def tally(self, source: str, part: str) -> _Tally:
        return self.tallies.setdefault((source, part), _Tally())


class Writer:
    """The one writer. Its methods are used inside `commit()`."""

    def __init__(
        self, standing: Standing, memory: Memory, promoted: Sequence[Promotion] = ()
    ) -> None:
        self._standing = standing
        self._connection = standing.connection
        self._memory = memory
        self._promoted = promoted
        self._open: _Open | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """What writes; for statements that are to be part of a commit."""
        return self._connection

    @contextmanager
    def commit(self, at: datetime) -> Iterator[int]:
        """Open a transaction, give its revision, and commit it; undo all on an error.

        Args:
            at: The time of the commit, UTC.
        """
        memory = self._memory
        assert memory.is_sound, "a commit failed: take the writer anew"
        self._connection.begin()
        # A clock that was set back must not change what was known at an earlier moment.
        at = max(plain(at), memory.committed_at)
        self._open = opened = _Open(memory.revision + 1, at, memory.next_seq)
        try:
            yield opened.revision
            self._enter(opened)
        except BaseException:
            self._open = None
            with suppress(duckdb.Error):  # what went wrong is told, not what followed from it
                self._connection.rollback()
            self._standing.forget()
            raise
        self._open = None
        memory.is_sound = False  # until what follows is done: an error may come after the commit
        self._connection.commit()
        memory.since_compacted += opened.next_seq - memory.next_seq
        memory.revision, memory.next_seq = opened.revision, opened.next_seq
        memory.committed_at = opened.at
        memory.known.add_all(opened.added)
        memory.is_sound = True

    def store(
        self,
        source: str,
        part: str,
        events: pl.DataFrame | Prepared,
        *,
        mode: WriteMode = WriteMode.REPLACE,
        received_at: datetime,
        watermark: datetime | None,
    ) -> Stored:
        """Add the events that are new or changed; a changed one retires its older version.

        Args:
            source: The source they came from.
            part: The part of it; under `REPLACE` it owns these events from now on.
            events: Rows of `events.SCHEMA`; or these, prepared.
            mode: What a second record under the same id means, unless they are prepared.
            received_at: UTC.
            watermark: That of the source before; an older event is marked late, unless it is
                a new version of one that was in time.
        """
        opened = self._opened()
        prepared = (
            events
            if isinstance(events, Prepared)
            else prepare(self._connection, source, events, mode)
        )
        seq, content = self._find(prepared.numbers("id_high"), prepared.numbers("id_low"))
        versions = self._versions(prepared, seq)
        decided = decide(prepared, (seq, content), versions, part=part, next_seq=opened.next_seq)
        late = 0
        if len(decided.added):
            late_before = None if watermark is None else plain(min(watermark, received_at))
            coming = Coming(opened.revision, source, part, plain(received_at), late_before)
            late = add(self._standing, prepared, decided, coming, self._promoted)
            ids = decided.ids(prepared)
            opened.added.add(ids)
            opened.next_seq += len(ids)
        self._retire(decided.retired)
        self._move(decided.moved, part)
        counts = np.bincount(decided.outcomes, minlength=len(Outcome))
        if counts[Outcome.CONFLICT]:
            self._note_conflicts(source, part, prepared, decided.outcomes)
        new, changed, duplicates, conflicts = (int(count) for count in counts)
        tally = opened.tally(source, part)
        tally.seen += len(seq)
        tally.new += new
        tally.changed += changed
        tally.duplicates += duplicates + conflicts
        tally.conflicts += conflicts
        tally.late += late
        return Stored(
            new, changed, duplicates + conflicts, conflicts, late, decided.outcomes, decided.seqs
        )

    def _find(self, high: Unsigned, low: Unsigned) -> tuple[Signed, Unsigned]:
        seq, content = self._memory.known.find(high, low)
        if len(self._opened().added):
            newer_seq, newer_content = self._opened().added.find(high, low)
            is_newer = newer_seq != 0
            seq[is_newer], content[is_newer] = newer_seq[is_newer], newer_content[is_newer]
        return seq, content

    def _versions(self, prepared: Prepared, seq: Signed) -> pl.DataFrame:
        wanted = np.unique(seq[seq > 0])
        if prepared.mode is WriteMode.APPEND or len(wanted) == 0:
            return _NO_VERSIONS
        with self.given("wanted", pl.DataFrame({"seq": wanted})):
            found = self._connection.sql(
                "SELECT seq, retired IS NULL AS is_live, is_late, part, version "
                "FROM events JOIN wanted USING (seq)"
            ).to_arrow_table()
        versions = pl.from_arrow(found)
        assert isinstance(versions, pl.DataFrame)
        return versions

    def _retire(self, seqs: Signed) -> None:
        if len(seqs) == 0:
            return
        with self.given("gone", pl.DataFrame({"seq": seqs})):
            retire = "UPDATE hot SET retired = $revision FROM gone WHERE hot.seq = gone.seq"
            if self._run(retire) < len(seqs):
                self.bring_back(seqs)
                self._run(retire)

    def _move(self, seqs: Signed, part: str) -> None:
        if len(seqs) == 0:
            return
        with self.given("moved", pl.DataFrame({"seq": seqs})):
            move = "UPDATE hot SET part = $part FROM moved WHERE hot.seq = moved.seq"
            if self._run(move, part=part) < len(seqs):
                self.bring_back(seqs)
                self._run(move, part=part)

    def bring_back(self, seqs: Signed) -> int:
        """Have those of the versions that are archived be in `hot` again; return how many.

        Files of the archive are not written to. What befalls an archived version is written
        beside the others, and the file's own copy of it no longer counts.
        """
        with self.given("wanted", pl.DataFrame({"seq": seqs})):
            back = "archived SEMI JOIN wanted USING (seq)"
            count = self._run(f"INSERT INTO hot BY NAME SELECT * EXCLUDE (partition) FROM {back}")
            if count:
                self._run(f"INSERT INTO taken_back SELECT partition, seq FROM {back}")
        return count

    def retract(self, seqs: Signed, *, note: str) -> int:
        """Retire versions that no source took back; return how many were live.

        Args:
            seqs: Their numbers; those that are not live stay as they are.
            note: Why, for the ledger.
        """
        with self.given("wanted", pl.DataFrame({"seq": seqs})):
            found = self._connection.execute(
                "SELECT source, part, list(seq) FROM hot SEMI JOIN wanted USING (seq) "
                "WHERE retired IS NULL GROUP BY ALL"
            ).fetchall()
        for source, part, live in found:
            self._retire(np.array(live, np.int64))
            self.write_off(source, part, len(live), note=note)
        return sum(len(live) for *_, live in found)

    def write_off(self, source: str, part: str, events: int, *, note: str) -> None:
        """Have the ledger say that events of a part are no more, and why."""
        tally = self._opened().tally(source, part)
        tally.retracted += events
        tally.note = note

    def bury(self, high: Unsigned, low: Unsigned) -> None:
        """Have ids be known for ever, though nothing of their events is left."""
        with self.given("dead", pl.DataFrame({"id_high": high, "id_low": low})):
            self._run("INSERT INTO tombstones FROM dead")
        self._opened().added.add(buried(high, low))

    def _note_conflicts(
        self, source: str, part: str, prepared: Prepared, outcomes: Outcomes
    ) -> None:
        rows = prepared.rows.filter(pl.Series(outcomes == Outcome.CONFLICT))
        with self.given("incoming", rows.unique(["event_id", "content_hash"])):
            self._run(
                """
                INSERT INTO conflicts
                SELECT $revision, $source, $part, event_id, content_hash, name, occurred_at,
                    properties, raw
                FROM incoming ANTI JOIN (FROM conflicts WHERE source = $source)
                    USING (event_id, content_hash)
                """,
                source=source,
                part=part,
            )

    def set_aside(self, source: str, part: str, rejects: pl.DataFrame) -> None:
        """Keep rejects (`connectors.REJECTS`), at most one open reject for each line.

        One that is there just so stays; one that says something else is resolved by it. A
        record without a line is told by what it is.
        """
        if rejects.height == 0:
            return
        tally = self._opened().tally(source, part)
        tally.seen += rejects.height
        tally.rejected += rejects.height
        with self.given("incoming", rejects.unique(maintain_order=True)):
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
                      AND r.line IS NOT DISTINCT FROM i.line
                      AND r.raw IS NOT DISTINCT FROM i.raw
                      AND r.reason = i.reason AND r.field IS NOT DISTINCT FROM i.field)
                  AND coalesce(md5(i.raw), '') NOT IN (SELECT record FROM buried)
                """,
                source=source,
                part=part,
            )

    def take_back(self, source: str, part: str, *, before: int, most: int) -> pl.DataFrame:
        """Resolve open rejects of a part and return them, to be stored or set aside again.

        Args:
            source: The source.
            part: The part.
            before: Only those of commits before this revision.
            most: How many at most.

        Returns:
            line (Int64), raw (String): those whose record was kept, the oldest first.
        """
        chosen = self._connection.sql(
            """
            SELECT rowid AS row, line, raw FROM rejects
            WHERE resolved IS NULL AND source = $source AND part = $part
              AND revision < $before AND raw IS NOT NULL
            ORDER BY rowid LIMIT $most
            """,
            params={"source": source, "part": part, "before": before, "most": most},
        ).to_arrow_table()
        found = pl.from_arrow(chosen)
        assert isinstance(found, pl.DataFrame)
        with self.given("taken", found):
            self._run(
                "UPDATE rejects SET resolved = $revision FROM taken WHERE rejects.rowid = taken.row"
            )
        tally = self._opened().tally(source, part)
        tally.seen -= found.height
        tally.rejected -= found.height
        return found.drop("row")

    def finish_part(
        self, source: str, part: str, *, seen: Signed, rejects: pl.DataFrame, cursor: Cursor
    ) -> int:
        """Mark a part as read to its end; return how many of its events vanished from it.

        Args:
            source: The source.
            part: The part.
            seen: `Stored.seqs` of all that was read of it; its other events are retracted.
            rejects: What was set aside of it; rejects of other lines are resolved.
            cursor: What it was.
        """
        retracted = self.retract_unseen(source, part, seen)
        with self.given("incoming", rejects):
            self._run(
                """
                UPDATE rejects SET resolved = $revision
                WHERE resolved IS NULL AND source = $source AND part = $part
                  AND line NOT IN (SELECT line FROM incoming)
                """,
                source=source,
                part=part,
            )
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

    def retract_unseen(self, source: str, part: str, seen: Signed) -> int:
        """Retract what a part holds besides `seen` (`Stored.seqs`); return how many events."""
        with self.given("seen", pl.DataFrame({"seq": seen})):
            archived = self._connection.execute(
                "SELECT seq FROM archived WHERE retired IS NULL AND source = $source "
                "AND part = $part AND seq NOT IN (SELECT seq FROM seen)",
                {"source": source, "part": part},
            ).fetchnumpy()["seq"]
            if len(archived):
                self.bring_back(archived)
            retracted = self._run(
                """
                UPDATE hot SET retired = $revision
                WHERE retired IS NULL AND source = $source AND part = $part
                  AND seq NOT IN (SELECT seq FROM seen)
                """,
                source=source,
                part=part,
            )
        self._opened().tally(source, part).retracted += retracted
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
                "synced_at": plain(synced_at),
                "outcome": outcome,
            },
        )
        self._memory.noted = next_note()

    def cursors(self, source: str) -> dict[str, Cursor]:
        """Return the cursor of each whole part of `source`."""
        rows = self._connection.execute(
            "SELECT part, fingerprint, size, changed_ns, records, rounded FROM cursors "
            "WHERE source = $source",
            {"source": source},
        ).fetchall()
        return {part: Cursor(*values) for part, *values in rows}

    def stream_cursor(self, source: str, stream: str) -> str | None:
        """Return where the reading of a stream goes on; None before its first page."""
        found = self._connection.execute(
            "SELECT max_by(cursor, revision) FROM ledger "
            "WHERE source = $source AND part = $stream AND cursor IS NOT NULL",
            {"source": source, "stream": stream},
        ).fetchall()
        return None if found[0][0] is None else str(found[0][0])

    def advance(self, source: str, stream: str, cursor: str) -> None:
        """Note where the reading of a stream goes on, once this commit is made."""
        self._opened().tally(source, stream).cursor = cursor

    def note_properties(
        self, source: str, dropped: Sequence[Dropped], breaches: Sequence[Breach]
    ) -> None:
        """Count what was left out of a source's events, and what they broke of contracts."""
        note(self._connection, source, self._opened().at, dropped, breaches)

    def complete(self, source: str, stream: str, at: datetime) -> None:
        """Note that all of a stream that its source had at `at` is here."""
        self._run(
            "INSERT OR REPLACE INTO streams VALUES ($source, $stream, $at)",
            source=source,
            stream=stream,
            at=plain(at),
        )

    def reached(self, source: str, stream: str, at: datetime) -> None:
        """Note the same outside of a commit: nothing came, and that is known."""
        self.complete(source, stream, at)
        self._memory.noted = next_note()

    def keep_pushed(self, source: str, rejects: Sequence[PushedReject]) -> None:
        """Keep what a replay has to know of rejects that were pushed, beside their records."""
        keep_pushed(self._connection, source, rejects)

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

    def _enter(self, opened: _Open) -> None:
        """Write the ledger's rows of this commit."""
        tallies = opened.tallies or {(None, None): _Tally()}
        rows = [
            (opened.revision, opened.at, *place, *astuple(tally))
            for place, tally in tallies.items()
        ]
        self._standing.run(
            "INSERT INTO ledger FROM {rows}", pl.DataFrame(rows, schema=_LEDGER, orient="row")
        )

    @contextmanager
    def given(self, name: str, rows: pl.DataFrame) -> Iterator[None]:
        """Let statements know `rows` by a name."""
        self._connection.register(name, rows)
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # of a transaction that failed: its own error is told
                self._connection.unregister(name)

    def _opened(self) -> _Open:
        assert self._open is not None, "outside of commit()"
        return self._open

    def _run(self, sql: str, **values: object) -> int:
        if "$revision" in sql:
            values["revision"] = self._opened().revision
        done = self._connection.execute(sql, values).fetchall()
        return int(done[0][0]) if done else 0
