"""What ingest asks of a warehouse: the seam where another engine than DuckDB's file comes in.

Beside what types can say, an engine keeps what `tests/seams/test_event_store.py` asks of it: a
commit is there as a whole once it returns, whatever is killed after; one writes at a time, and
revisions have no gaps; a reader sees one moment, and keeps nobody from writing; an id that was
ever stored is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from analyticspro.events import WriteMode
from analyticspro.policy import Scope
from analyticspro.warehouse import (
    Breach,
    Cursor,
    Dropped,
    Prepared,
    Properties,
    PushedReject,
    Reader,
    Stored,
    Syncs,
)

__all__ = ["EventStore", "EventWriter"]


class EventWriter(Protocol):
    """The one who writes. `Writer` of the warehouse says what each of its methods means."""

    def commit(self, at: datetime, /) -> AbstractContextManager[int]:
        """Open a transaction, give its revision, and commit it; undo all on an error."""

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
        """Add the events that are new or changed."""

    def set_aside(self, source: str, part: str, rejects: pl.DataFrame) -> None:
        """Keep rejects."""

    def take_back(self, source: str, part: str, *, before: int, most: int) -> pl.DataFrame:
        """Resolve open rejects of a part and return them."""

    def finish_part(
        self,
        source: str,
        part: str,
        *,
        seen: npt.NDArray[np.int64],
        rejects: pl.DataFrame,
        cursor: Cursor,
    ) -> int:
        """Mark a part as read to its end; return how many of its events vanished from it."""

    def retract_unseen(self, source: str, part: str, seen: npt.NDArray[np.int64]) -> int:
        """Retract what a part holds besides `seen`."""

    def note_source(
        self, name: str, *, declaration: str, synced_at: datetime, outcome: str
    ) -> None:
        """Keep what a source was declared as, and how its last sync ended."""

    def note_properties(
        self, source: str, dropped: Sequence[Dropped], breaches: Sequence[Breach]
    ) -> None:
        """Count what was left out of events, and what they broke of contracts."""

    def cursors(self, source: str) -> dict[str, Cursor]:
        """Return the cursor of each whole part of `source`."""

    def stream_cursor(self, source: str, stream: str) -> str | None:
        """Return where the reading of a stream goes on."""

    def advance(self, source: str, stream: str, cursor: str) -> None:
        """Note where the reading of a stream goes on, once this commit is made."""

    def complete(self, source: str, stream: str, at: datetime) -> None:
        """Note that all of a stream that its source had at `at` is here."""

    def reached(self, source: str, stream: str, at: datetime) -> None:
        """Note the same outside of a commit."""

    def keep_pushed(self, source: str, rejects: Sequence[PushedReject]) -> None:
        """Keep what a replay has to know of rejects that were pushed."""

    def forget(self, source: str) -> None:
        """Have every part of `source` read again by the next sync."""

    def touch(self, source: str, part: str, *, size: int, changed_ns: int) -> None:
        """Note that a part has another size or time of change, and the same content."""


class EventStore(Protocol):
    """An open warehouse, as far as ingest is concerned.

    Readers are the warehouse's own: every engine that is thought of is read by DuckDB.
    """

    @property
    def properties(self) -> Properties:
        """What was decided about properties."""

    @property
    def syncs(self) -> Syncs:
        """The history of syncs."""

    def reader(
        self, scope: Scope, *, as_of: datetime | None = None
    ) -> AbstractContextManager[Reader]:
        """Give a reader that sees one moment."""

    def writer(self) -> AbstractContextManager[EventWriter]:
        """Give the writer, once whoever has it is done."""

    def turn(self, source: str) -> AbstractContextManager[None]:
        """Wait until no other sync of `source` is at work, and keep them waiting."""

    def prepare(self, source: str, events: pl.DataFrame, mode: WriteMode) -> Prepared:
        """Return `events` ready to be stored; whoever writes need not wait for this."""
