"""Moves old events into files beside the warehouse, where they are read as before.

A file is written and checked while everybody goes on; then one transaction takes its rows
out of the table and makes the file known. A kill before that leaves a file that nobody knows,
which the next run deletes; a kill after it leaves nothing to do. A file is never changed:
another one takes its place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from analyticspro.errors import RetriableError, WarehouseError
from analyticspro.warehouse.database import Database
from analyticspro.warehouse.memory import plain
from analyticspro.warehouse.partitions import Partition, added, digest, point, quoted, removed
from analyticspro.warehouse.partitions import write as written
from analyticspro.warehouse.promotions import OWN

__all__ = ["Archive", "month_of"]

_ROWS_A_FILE = 2_000_000
_FILES_A_MONTH = 8


@dataclass(frozen=True)
class _Span:
    """What goes into one file: the events of some days of a month, until before `end`."""

    month: date
    start: date
    end: date
    rows: int


class Archive:
    """The archive of an open warehouse."""

    def __init__(self, database: Database, writing: threading.Lock, folder: Path) -> None:
        """Make it.

        Args:
            database: The open file.
            writing: Held by whoever writes.
            folder: Where its files are.
        """
        self._database = database
        self._writing = writing
        self._folder = folder
        self._keeping = threading.RLock()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Keep the files as they are; who reads and writes goes on."""
        with self._keeping:
            yield

    def partitions(self) -> list[Partition]:
        """Return the files, the oldest months first."""
        with self._database.cursor() as cursor:
            found = cursor.execute(
                "SELECT * EXCLUDE (written_at) FROM archive ORDER BY month, partition"
            ).fetchall()
        return [Partition(*row) for row in found]

    def run(
        self, before: datetime, *, at: datetime, progress: Callable[[int, int], None]
    ) -> list[Partition]:
        """Move the events of whole months that were over by `before`; return the new files.

        Args:
            before: Events of its month (UTC), and later ones, stay.
            at: The time of this, UTC.
            progress: Called with events moved, and events in all.

        Raises:
            RetriableError: No space is left.
            WarehouseError: A file cannot be read back.
        """
        made = []
        with self._keeping:
            self.tidy()
            with self._database.cursor() as cursor:
                spans = _spans(cursor, month_of(before))
            done, total = 0, sum(span.rows for span in spans)
            for span in spans:
                progress(done, total)
                made.append(self._move(span, at))
                done += span.rows
            self._fold(at)
            if made:
                self._checkpoint()
            progress(done, total)
        return made

    def check(self, progress: Callable[[int, int], None]) -> list[Partition]:
        """Read all files to their last byte; return those that are not what was written."""
        bad, done = [], 0
        with self._keeping:
            found = self.partitions()
            total = sum(partition.size for partition in found)
            for partition in found:
                file = self._folder / partition.file
                try:
                    is_good = digest(file) == partition.sha256
                except OSError:
                    is_good = False
                if not is_good:
                    bad.append(partition)
                done += partition.size
                progress(done, total)
        return bad

    def rewrite(self, numbers: Sequence[int], at: datetime) -> None:
        """Put one file in the place of some of a month, without what was taken back of them."""
        with self._keeping:
            [month] = {part.month for part in self.partitions() if part.number in numbers}
            chosen = ", ".join(f"{number:d}" for number in numbers)
            rows = f"SELECT {OWN} FROM archived WHERE partition IN ({chosen})"
            made = self._write(month, rows)
            with self._changing() as cursor:
                if made.rows:
                    # What was taken back since is so of the new file too. It is told by what
                    # is still to be seen: a version may be in several files, taken back from
                    # all of them but the last.
                    cursor.execute(
                        "INSERT INTO taken_back SELECT partition, seq FROM "
                        f"read_parquet({quoted(self._folder / made.file)}) "
                        "ANTI JOIN (FROM archived WHERE partition = ANY($numbers)) USING (seq)",
                        {"numbers": list(numbers)},
                    )
                    added(cursor, made, plain(at))
                removed(cursor, numbers)
            self.tidy()

    def tidy(self) -> None:
        """Delete the files that are none of the archive, once nobody reads them.

        Raises:
            RetriableError: Somebody reads for too long; they are deleted the next time.
        """
        with self._keeping:
            known = {self._folder / partition.file for partition in self.partitions()}
            others = [file for file in self._folder.glob("*/*") if file not in known]
            if others and not self._database.outlast():
                raise RetriableError(
                    f"{len(others)} file(s) in {self._folder} are read for too long to be "
                    "deleted. Try again."
                )
            for file in others:
                file.unlink()
            for folder in self._folder.glob("*/"):
                if not any(folder.iterdir()):
                    folder.rmdir()

    def show(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Have readers see the columns that there are now, in a transaction that is open."""
        point(cursor, self._folder)

    def drop(self, cursor: duckdb.DuckDBPyConnection, numbers: Sequence[int]) -> None:
        """Have files be none of the archive any more, in a transaction that is open."""
        removed(cursor, numbers)
        point(cursor, self._folder)

    def _move(self, span: _Span, at: datetime) -> Partition:
        within = f"occurred_at >= '{span.start}' AND occurred_at < '{span.end}'"
        made = self._write(span.month, f"SELECT {OWN} FROM hot WHERE {within}")
        file = f"read_parquet({quoted(self._folder / made.file)})"
        with self._changing() as cursor:
            # What befell a version while the file was written is known of the table alone.
            [(kept,)] = cursor.execute(
                f"INSERT INTO taken_back SELECT partition, seq FROM {file} f JOIN hot h "
                f"USING (seq) WHERE h.retired IS DISTINCT FROM f.retired OR h.part <> f.part"
            ).fetchall()
            [(moved,)] = cursor.execute(
                f"DELETE FROM hot WHERE {within} AND seq IN (SELECT seq FROM {file}) AND seq "
                "NOT IN (SELECT seq FROM taken_back WHERE partition = $number)",
                {"number": made.number},
            ).fetchall()
            if kept + moved != made.rows:
                raise WarehouseError(
                    f"{made.file} holds {made.rows:,} events, of which {kept + moved:,} are in "
                    "the warehouse. Nothing was moved."
                )
            added(cursor, made, plain(at))
        return made

    def _fold(self, at: datetime) -> None:
        """Make one file of those of a month that have become many."""
        months: dict[date, list[Partition]] = {}
        for partition in self.partitions():
            if partition.rows < _ROWS_A_FILE // 2:
                months.setdefault(partition.month, []).append(partition)
        for found in months.values():
            if len(found) >= _FILES_A_MONTH:
                self.rewrite([partition.number for partition in found], at)

    def _write(self, month: date, rows: str) -> Partition:
        with self._database.cursor("BEGIN TRANSACTION") as cursor:
            [(last,)] = cursor.execute("SELECT last_partition FROM archive_place").fetchall()
            try:
                return written(cursor, self._folder, last + 1, month, rows)
            finally:
                cursor.rollback()

    @contextmanager
    def _changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor for what changes the files; it is committed, or undone, as a whole."""
        with self._writing, self._database.cursor("BEGIN TRANSACTION") as cursor:
            try:
                yield cursor
                point(cursor, self._folder)
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()

    def _checkpoint(self) -> None:
        with self._writing, self._database.cursor() as cursor:
            cursor.execute("CHECKPOINT")


def month_of(moment: datetime) -> date:
    """Return the first day of the month, in UTC, that `moment` is in."""
    return moment.astimezone(UTC).date().replace(day=1)


def _spans(connection: duckdb.DuckDBPyConnection, before: date) -> list[_Span]:
    """Return what is to be moved, in parts that are no larger than a file should be."""
    days = connection.execute(
        "SELECT occurred_at::DATE AS day, count(*) FROM hot WHERE occurred_at < $before "
        "GROUP BY ALL ORDER BY ALL",
        {"before": before},
    ).fetchall()
    spans: list[_Span] = []
    for day, rows in days:
        month, end = day.replace(day=1), day + timedelta(days=1)
        last = spans[-1] if spans else None
        if last is not None and last.month == month and last.rows + rows <= _ROWS_A_FILE:
            spans[-1] = _Span(month, last.start, end, last.rows + rows)
        else:
            spans.append(_Span(month, day, end, rows))
    return spans
