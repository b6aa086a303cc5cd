"""The commit that is open: its revision, what it writes with, and its rows of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from datetime import datetime

import duckdb
import polars as pl

from analyticspro.warehouse.known_ids import KnownIds
from analyticspro.warehouse.memory import Memory, plain
from analyticspro.warehouse.standing import Standing
from analyticspro.warehouse.storing import Stored

__all__ = ["OpenCommit", "Tally"]

_LEDGER: dict[str, type[pl.DataType]] = {
    **{"revision": pl.Int64, "committed_at": pl.Datetime, "source": pl.String, "part": pl.String},
    **dict.fromkeys(("seen", "new", "changed", "duplicates", "conflicts"), pl.Int64),
    **dict.fromkeys(("late", "rejected", "retracted"), pl.Int64),
    **{"cursor": pl.String, "note": pl.String},
}


@dataclass
class Tally:
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

    def count(self, stored: Stored) -> None:
        """Add what became of a batch of events."""
        self.seen += len(stored.seqs)
        self.new += stored.new
        self.changed += stored.changed
        self.duplicates += stored.unchanged
        self.conflicts += stored.conflicts
        self.late += stored.late

    def set_aside(self, records: int) -> None:
        """Add records that were set aside; below 0, those that no longer are."""
        self.seen += records
        self.rejected += records

    def write_off(self, events: int, note: str) -> None:
        """Add events that are no more, and say why."""
        self.retracted += events
        self.note = note


@dataclass
class OpenCommit:
    """The commit that is open.

    Attributes:
        standing: The statements of the connection that writes.
        revision: That of the commit.
        at: Its time, naive UTC.
        next_seq: Number of the next version.
        added: Ids that came with it, or were buried by it.
        tallies: What it did, by source and part.
    """

    standing: Standing
    revision: int
    at: datetime
    next_seq: int
    added: KnownIds = field(default_factory=KnownIds)
    tallies: dict[tuple[str | None, str | None], Tally] = field(default_factory=dict)

    @classmethod
    def after(cls, memory: Memory, standing: Standing, at: datetime) -> OpenCommit:
        """Return the commit that follows the last one.

        A clock that was set back must not change what was known at an earlier moment: no
        commit is older than the one before.
        """
        at = max(plain(at), memory.committed_at)
        return cls(standing, memory.revision + 1, at, memory.next_seq)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """What writes."""
        return self.standing.connection

    def tally(self, source: str, part: str) -> Tally:
        """Return what is counted of a part, to be added to."""
        return self.tallies.setdefault((source, part), Tally())

    @contextmanager
    def given(self, name: str, rows: pl.DataFrame) -> Iterator[None]:
        """Let statements know `rows` by a name."""
        self.connection.register(name, rows)
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # of a transaction that failed: its own error is told
                self.connection.unregister(name)

    def run(self, sql: str, **values: object) -> int:
        """Run a statement, `$revision` bound too; return how many rows it wrote."""
        if "$revision" in sql:
            values["revision"] = self.revision
        done = self.connection.execute(sql, values).fetchall()
        return int(done[0][0]) if done else 0

    def frame(self, sql: str, **values: object) -> pl.DataFrame:
        """Return what a query finds."""
        found = pl.from_arrow(self.connection.sql(sql, params=values or None).to_arrow_table())
        assert isinstance(found, pl.DataFrame)
        return found

    def enter(self) -> None:
        """Write the ledger's rows of this commit; a commit that did nothing has one too."""
        tallies = self.tallies or {(None, None): Tally()}
        rows = [
            (self.revision, self.at, *place, *astuple(tally)) for place, tally in tallies.items()
        ]
        self.standing.run(
            "INSERT INTO ledger FROM {rows}", pl.DataFrame(rows, schema=_LEDGER, orient="row")
        )

    def remember(self, memory: Memory) -> None:
        """Have `memory` know of this commit, once it is made."""
        memory.since_compacted += self.next_seq - memory.next_seq
        memory.revision, memory.next_seq = self.revision, self.next_seq
        memory.committed_at = self.at
        memory.known.add_all(self.added)
