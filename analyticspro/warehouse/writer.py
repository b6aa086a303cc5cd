"""Writes into the warehouse: each commit is one transaction with one revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime

import duckdb
import numpy as np
import polars as pl

from analyticspro.events import WriteMode
from analyticspro.warehouse import rejects as aside
from analyticspro.warehouse import source_notes, versions
from analyticspro.warehouse.adding import Coming, add
from analyticspro.warehouse.incoming import Prepared, prepare
from analyticspro.warehouse.known_ids import Signed, Unsigned
from analyticspro.warehouse.marks import Breach, Dropped, note
from analyticspro.warehouse.memory import Memory, next_note, plain
from analyticspro.warehouse.open_commit import OpenCommit
from analyticspro.warehouse.promotions import Promotion
from analyticspro.warehouse.source_notes import Cursor
from analyticspro.warehouse.standing import Standing
from analyticspro.warehouse.storing import Outcome, Stored, decide
from analyticspro.warehouse.syncs import PushedReject, keep_pushed

__all__ = ["Cursor", "Writer"]


class Writer:
    """The one writer. Its methods are used inside `commit()`."""

    def __init__(
        self, standing: Standing, memory: Memory, promoted: Sequence[Promotion] = ()
    ) -> None:
        self._standing = standing
        self._connection = standing.connection
        self._memory = memory
        self._promoted = promoted
        self._open: OpenCommit | None = None

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
        self._open = opened = OpenCommit.after(memory, self._standing, at)
        try:
            yield opened.revision
            opened.enter()
        except BaseException:
            self._open = None
            with suppress(duckdb.Error):  # what went wrong is told, not what followed from it
                self._connection.rollback()
            self._standing.forget()
            raise
        self._open = None
        memory.is_sound = False  # until what follows is done: an error may come after the commit
        self._connection.commit()
        opened.remember(memory)
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
        found = versions.stored_under(opened, prepared, seq)
        decided = decide(prepared, (seq, content), found, part=part, next_seq=opened.next_seq)
        late = 0
        if len(decided.added):
            late_before = None if watermark is None else plain(min(watermark, received_at))
            coming = Coming(opened.revision, source, part, plain(received_at), late_before)
            late = add(self._standing, prepared, decided, coming, self._promoted)
            ids = decided.ids(prepared)
            opened.added.add(ids)
            opened.next_seq += len(ids)
        versions.retire(opened, decided.retired)
        versions.move(opened, decided.moved, part)
        counts = np.bincount(decided.outcomes, minlength=len(Outcome))
        new, changed, duplicates, conflicts = (int(count) for count in counts)
        if conflicts:
            aside.keep_conflicts(opened, source, part, prepared, decided.outcomes)
        stored = Stored(
            new, changed, duplicates + conflicts, conflicts, late, decided.outcomes, decided.seqs
        )
        opened.tally(source, part).count(stored)
        return stored

    def _find(self, high: Unsigned, low: Unsigned) -> tuple[Signed, Unsigned]:
        added = self._opened().added
        seq, content = self._memory.known.find(high, low)
        if len(added):
            newer_seq, newer_content = added.find(high, low)
            is_newer = newer_seq != 0
            seq[is_newer], content[is_newer] = newer_seq[is_newer], newer_content[is_newer]
        return seq, content

    def bring_back(self, seqs: Signed) -> int:
        """Have those of the versions that are archived be in `hot` again; return how many."""
        return versions.bring_back(self._opened(), seqs)

    def retract(self, seqs: Signed, *, note: str) -> int:
        """Retire versions that no source took back; return how many were live.

        Args:
            seqs: Their numbers; those that are not live stay as they are.
            note: Why, for the ledger.
        """
        return versions.retract(self._opened(), seqs, note=note)

    def retract_unseen(self, source: str, part: str, seen: Signed) -> int:
        """Retract what a part holds besides `seen` (`Stored.seqs`); return how many events."""
        return versions.retract_unseen(self._opened(), source, part, seen)

    def write_off(self, source: str, part: str, events: int, *, note: str) -> None:
        """Have the ledger say that events of a part are no more, and why."""
        self._opened().tally(source, part).write_off(events, note)

    def bury(self, high: Unsigned, low: Unsigned) -> None:
        """Have ids be known for ever, though nothing of their events is left."""
        versions.bury(self._opened(), high, low)

    def set_aside(self, source: str, part: str, rejects: pl.DataFrame) -> None:
        """Keep rejects (`connectors.REJECTS`), at most one open reject for each line.

        One that is there just so stays; one that says something else is resolved by it. A
        record without a line is told by what it is.
        """
        aside.set_aside(self._opened(), source, part, rejects)

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
        return aside.take_back(self._opened(), source, part, before=before, most=most)

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
        opened = self._opened()
        retracted = versions.retract_unseen(opened, source, part, seen)
        aside.resolve_others(opened, source, part, rejects)
        source_notes.keep_cursor(opened, source, part, cursor)
        return retracted

    def note_source(
        self, name: str, *, declaration: str, synced_at: datetime, outcome: str
    ) -> None:
        """Keep what a source was declared as, and how its last sync ended (both JSON)."""
        source_notes.note_source(
            self._connection, name, declaration=declaration, synced_at=synced_at, outcome=outcome
        )
        self._memory.noted = next_note()

    def cursors(self, source: str) -> dict[str, Cursor]:
        """Return the cursor of each whole part of `source`."""
        return source_notes.cursors(self._connection, source)

    def stream_cursor(self, source: str, stream: str) -> str | None:
        """Return where the reading of a stream goes on; None before its first page."""
        return source_notes.stream_cursor(self._connection, source, stream)

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
        source_notes.complete(self._connection, source, stream, at)

    def reached(self, source: str, stream: str, at: datetime) -> None:
        """Note the same outside of a commit: nothing came, and that is known."""
        self.complete(source, stream, at)
        self._memory.noted = next_note()

    def keep_pushed(self, source: str, rejects: Sequence[PushedReject]) -> None:
        """Keep what a replay has to know of rejects that were pushed, beside their records."""
        keep_pushed(self._connection, source, rejects)

    def forget(self, source: str) -> None:
        """Have every part of `source` read again by the next sync; its figures stay."""
        source_notes.forget(self._connection, source)

    def touch(self, source: str, part: str, *, size: int, changed_ns: int) -> None:
        """Note that a part has another size or time of change, and the same content."""
        source_notes.touch(self._connection, source, part, size=size, changed_ns=changed_ns)

    def given(self, name: str, rows: pl.DataFrame) -> AbstractContextManager[None]:
        """Let statements of this commit know `rows` by a name."""
        return self._opened().given(name, rows)

    def _opened(self) -> OpenCommit:
        assert self._open is not None, "outside of commit()"
        return self._open
