"""Reads one stream of a database, page by page, on from a cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from analyticspro.connectors.batch import Batch
from analyticspro.connectors.mapping import Mapping as EventMapping
from analyticspro.connectors.page import Page
from analyticspro.connectors.sql_described import described
from analyticspro.connectors.sql_place import ByCount, ByTime, Mark, Place, Settling
from analyticspro.connectors.sql_range import span_of
from analyticspro.connectors.sql_rows import aside, rows_of, sources_of
from analyticspro.connectors.sql_session import Session
from analyticspro.connectors.sql_source import SqlSource
from analyticspro.errors import DataError, SourceError
from analyticspro.events import SCHEMA

__all__ = ["Reading"]

# How many rows are asked for before it is known how large they are, and how many bytes of
# text a page should have then.
_FIRST_ROWS = 1000
_PAGE_BYTES = 64_000_000
_COALESCE = (
    "Rows are read in its order. Let a query give one that is never empty, such as "
    "coalesce(updated_at, created_at)"
)


class Reading:
    """One stream, being read once."""

    def __init__(self, source: SqlSource, name: str, session: Session, now: datetime) -> None:
        self._stream = source.streams[name]
        self._place = f"Stream {source.name}.{name}"
        self._session = session
        self._now = now
        self._most_rows = source.page_rows
        self._limit = min(_FIRST_ROWS, source.page_rows)
        self._relation = described(session, self._stream, self._place)
        names = self._relation.names
        self._fields = sources_of(self._stream.columns(), names, self._place)
        self._order = [names.index(column) for column in self._stream.order]
        self._mapping = EventMapping(self._stream, source.name, name)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield the pages behind `cursor`."""
        place = Place.of_cursor(cursor, self._relation.identity)
        after = None if self._stream.is_whole else place.start
        for rejects in self._without_place(after):
            yield Page(
                Batch(pl.DataFrame(schema=SCHEMA), rejects, 0, rejects.height, 0), place.text()
            )
        if self._stream.is_whole:
            yield from self._whole(place)
        else:
            yield from self._changes(place)

    def count(self) -> int:
        """Return how many rows there are now."""
        [(count,)] = self._session.fetch(self._relation.count(), self._place).rows
        return int(count)

    def range(self, cursor: str | None, since: datetime, until: datetime) -> Iterator[Page]:
        """Yield the rows that were changed in a range, behind `cursor`; none has vanished by it."""
        of = f"{self._relation.identity} {since.isoformat()} {until.isoformat()}"
        after = Place.of_cursor(cursor, of).settled
        span = span_of(self._stream, since, until)
        is_last = False
        while not is_last:
            rows, is_last = self._fetch(after, span=span)
            after = self._marks(rows)[-1] if rows else after
            yield Page(self._batch(self._texts(rows)), Place(of, settled=after).text())

    def _without_place(self, after: Mark | None) -> Iterator[pl.DataFrame]:
        """Yield rejects for the rows that the order has no place for, as it has none for null."""
        for statement in self._relation.without_place(after, self._most_rows + 1):
            rows = self._session.fetch(statement, self._place).rows
            if len(rows) > self._most_rows:
                raise SourceError(
                    f"{self._place}: one of {', '.join(self._stream.order)} is empty in more than "
                    f"{self._most_rows:,} rows, which could not be read on from. {_COALESCE}"
                )
            if rows:
                yield aside(self._texts(rows), self._stream.order, f"is empty. {_COALESCE}")

    def _changes(self, place: Place) -> Iterator[Page]:
        """Yield the rows behind `place`, each page with how far all is read."""
        settling, settled = self._settling(), place.settled
        after = gap = place.reached
        if gap is None:
            after = place.settled
        is_last = False
        while not is_last:
            rows, is_last = self._fetch(after)
            if not rows and gap is None and place.reached is None:
                return
            texts, marks = self._texts(rows), self._marks(rows)
            after = marks[-1] if marks else after
            with self._in_order():
                settled = settling.settled(marks, texts[self._stream.order[0]]) or settled
            place = self._moved(place, after, settled, is_end=is_last, gap=gap)
            yield Page(self._batch(texts), place.text())
        if place.settled is None:
            with self._in_order():
                settling.check()
        if place.reached is not None:
            yield from self._between(place, gap, settled)

    @contextmanager
    def _in_order(self) -> Iterator[None]:
        try:
            yield
        except DataError as error:
            raise SourceError(
                f"{self._place}: {self._stream.order[0]} cannot be read on from: {error}. Set its "
                "format if it counts up; else let a query give it as a time."
            ) from None

    @staticmethod
    def _moved(
        place: Place, after: Mark | None, settled: Mark | None, *, is_end: bool, gap: Mark | None
    ) -> Place:
        """Return the place behind a page; what lies before `gap` was not read again yet."""
        if gap is not None and settled != place.settled:
            return replace(place, reached=after)
        is_at_mark = is_end or after == settled
        return replace(place, settled=settled, reached=None if is_at_mark else after)

    def _between(self, place: Place, end: Mark | None, settled: Mark | None) -> Iterator[Page]:
        """Yield the rows up to `end`, which were read by a sync that was cut off, once more."""
        after = place.settled
        is_last = False
        while not is_last:
            rows, is_last = self._fetch(after, end)
            after = self._marks(rows)[-1] if rows else None
            if is_last:
                place = replace(place, settled=settled, reached=None)
            yield Page(self._batch(self._texts(rows)), place.text())

    def _whole(self, place: Place) -> Iterator[Page]:
        """Yield all rows; with the last page, what none of them held has vanished."""
        after = None
        is_last = False
        while not is_last:
            rows, is_last = self._fetch(after)
            after = self._marks(rows)[-1] if rows else None
            yield Page(self._batch(self._texts(rows)), place.text(), complete=is_last)

    def _fetch(
        self, after: Mark | None, end: Mark | None = None, span: tuple[Any, Any] | None = None
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the next rows, and whether there are no more up to `end`, inclusive."""
        limit = self._limit
        statement = self._relation.page(after, limit + 1, end, span)
        rows = list(self._session.fetch(statement, self._place).rows)
        if len(rows) <= limit:
            return rows, True
        # Rows that share a place are not parted: the next page starts behind it.
        behind = self._marks(rows[limit:])[0]
        while rows and self._marks(rows[-1:])[0] == behind:
            rows.pop()
        if not rows:
            shown = ", ".join(self._stream.key)
            raise SourceError(
                f"{self._place}: {limit} rows have the same {shown}, so it is no key of theirs. "
                "Name the columns that tell rows from each other."
            )
        return rows, False

    def _marks(self, rows: Sequence[tuple[Any, ...]]) -> list[Mark]:
        return [tuple(row[at] for at in self._order) for row in rows]

    def _texts(self, rows: Sequence[tuple[Any, ...]]) -> dict[str, Sequence[str | None]]:
        values = zip(*rows, strict=True) if rows else [()] * len(self._relation.columns)
        return {
            column.name: self._session.database.text(column.code, list(found))
            for column, found in zip(self._relation.columns, values, strict=True)
        }

    def _batch(self, texts: Mapping[str, Sequence[str | None]]) -> Batch:
        rows, broken = rows_of(texts, self._fields)
        records = len(next(iter(texts.values())))
        if records:
            width = max(1, int(rows.estimated_size()) // records)
            self._limit = max(1, min(self._most_rows, _PAGE_BYTES // width))
        events, rejects, rounded = self._mapping.apply(rows)
        return Batch(events, pl.concat([broken, rejects]), rounded, records, 0)

    def _settling(self) -> Settling:
        stream = self._stream
        if not stream.is_timed:
            return ByCount(stream.overlap)
        assert stream.updated_at is not None
        with self._session.transaction(self._place) as connection:
            theirs = self._session.database.clock(connection)
        read_at = self._now
        if theirs is not None:  # a clock of ours that is ahead must not settle what is not
            read_at = min(read_at, datetime.fromtimestamp(theirs, UTC))
        form = stream.updated_at.format
        return ByTime(
            timedelta(seconds=stream.lookback),
            stream.overlap,
            [form] if form else [],
            ZoneInfo(stream.timezone),
            read_at,
        )
