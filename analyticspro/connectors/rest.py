"""The generic REST connector: an API that needs nothing but a declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import polars as pl

from analyticspro.connectors.batch import REJECTS, Batch
from analyticspro.connectors.json_text import plain_text
from analyticspro.connectors.mapping import Mapping as EventMapping
from analyticspro.connectors.page import Page
from analyticspro.connectors.records import RECORDS_PER_BATCH
from analyticspro.connectors.rest_cursor import Newness, in_range
from analyticspro.connectors.rest_parts import paging_of, session_of, size_of
from analyticspro.connectors.rest_records import decode, rows
from analyticspro.connectors.rest_source import RestSource, RestStream
from analyticspro.connectors.values import integer
from analyticspro.errors import SourceError, UnknownName
from analyticspro.events import WriteMode
from analyticspro.extract import (
    PlaceRefused,
    Progress,
    Record,
    Reply,
    Request,
    Secrets,
    Session,
    Step,
    Timing,
    at_path,
    walk,
)

__all__ = ["RestConnector"]

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # counting asks for nothing that is new


class RestConnector:
    """Reads the streams of an API.

    A page is held in memory as a whole, up to `largest_page_mb`; a larger one is refused. Its
    records are handed on 50,000 at a time.
    """

    def __init__(self, source: RestSource, secrets: Secrets, timing: Timing | None = None) -> None:
        """Make the connector; nothing is asked yet.

        Args:
            source: What is declared.
            secrets: Gives the secrets that it names.
            timing: How to wait, and what time it is.
        """
        self.name = source.name
        self._source = source
        self._session = session_of(source, secrets, timing or Timing())
        self._hidden = self._session.authentication.hidden

    def streams(self) -> Mapping[str, WriteMode]:
        """Return the names of the streams, each with what a second record of an id means."""
        return {name: stream.write_mode for name, stream in self._source.streams.items()}

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        """Yield what is new since `cursor`, page by page; from the start without one.

        Args:
            stream: Which.
            cursor: That of the last page that was committed.
            now: When the sync began; stands in for a source that does not tell its time.

        Raises:
            UnknownName: There is no such stream.
            SettingError: A secret is not set, or a request cannot be sent.
            SourceError: The source cannot be read; what was yielded stays valid.
            RetriableError: Not now; what was yielded stays valid.
        """
        yield from self._pages(stream, self._declared(stream), cursor, now)

    def read_range(
        self, stream: str, cursor: str | None, *, since: datetime, until: datetime, now: datetime
    ) -> Iterator[Page]:
        """Yield what was changed since `since`, and before `until` if it can be asked for that."""
        declared = in_range(self._declared(stream), since, until)
        yield from self._pages(stream, declared, cursor, now)

    def beyond(self, stream: str) -> str | None:
        """Return what is read besides a range."""
        cursor = self._declared(stream).cursor
        if cursor is None or cursor.parameter is None:
            return f"{stream} cannot be asked for a range: all of it was read."
        if cursor.until is None:
            return (
                f"{stream} was read from the start of the range to the present. If the API takes "
                "an end too, name its parameter: cursor.until."
            )
        return None

    def count(self, stream: str) -> int | None:
        """Return how many records the API says it has, whenever they were changed."""
        declared = self._declared(stream)
        if declared.count_field is None:
            return None
        whole = declared.model_copy(update={"cursor": None})
        reading = _Reading(self._source, stream, whole, self._session, self._hidden, _ANY_TIME)
        with self._session.transport:
            return reading.count(declared.count_field)

    def _declared(self, stream: str) -> RestStream:
        if stream not in self._source.streams:
            raise UnknownName.of("stream", stream, self._source.streams, where=self.name)
        return self._source.streams[stream]

    def _pages(
        self, stream: str, declared: RestStream, cursor: str | None, now: datetime
    ) -> Iterator[Page]:
        reading = _Reading(self._source, stream, declared, self._session, self._hidden, now)
        with self._session.transport:
            yield from reading.pages(cursor)


@dataclass
class _Reading:
    """One reading of one stream."""

    source: RestSource
    name: str
    stream: RestStream
    session: Session
    hidden: frozenset[str]
    now: datetime

    def __post_init__(self) -> None:
        self._newness = Newness(self.stream)
        self._mapping = EventMapping(self.stream, self.source.name, self.name)
        self._decode = partial(decode, self.stream)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield the pages after `cursor`."""
        progress = self._newness.kept(cursor)
        try:
            yield from self._walk(progress, cursor)
        except PlaceRefused:  # as a token that has outlived its time; refused again, it is wrong
            yield from self._walk(progress.anew(), None)

    def _walk(self, progress: Progress, cursor: str | None) -> Iterator[Page]:
        first = self._first(progress)
        paging = paging_of(self.stream, self.hidden)
        before = self._newness.text(progress)
        has_records = False
        for step in walk(paging, self._ask, first, progress.place):
            has_records = has_records or bool(step.records)
            values = self._newness.values(step.records)
            place = None if self._newness.is_known(values, progress) else step.place
            asked_at = min(reply.asked_at for reply in step.replies)
            progress = progress.after(values, asked_at=asked_at, place=place)
            text = self._newness.text(progress)
            if step.records or text != cursor:
                yield from self._batches(step, before, text)
            before = cursor = text
            if place is None:
                break
        if has_records and progress.since is None:
            self._check_cursor()

    def count(self, path: str) -> int | None:
        """Return the number at `path` of the first page's document."""
        paging = paging_of(self.stream, self.hidden)
        step = next(walk(paging, self._ask, self._first(Progress()), None))
        try:
            return integer(plain_text(at_path(step.replies[0].body, path)) or "")
        except ValueError:
            raise SourceError(
                f"Source {self.source.name}: the document of stream {self.name} has no whole "
                f"number at {path!r}. Check count, or paging.total."
            ) from None

    def _first(self, progress: Progress) -> Request:
        return Request(
            f"{self.source.url.rstrip('/')}/{self.stream.path.lstrip('/')}",
            {
                **{name: plain_text(value) or "" for name, value in self.stream.parameters.items()},
                **size_of(self.stream.paging),
                **self._newness.parameters(progress),
            },
            self.source.headers,
        )

    def _ask(self, request: Request) -> Reply:
        response, (body, records) = self.session.fetch(
            request, lambda response: self._decode(response)
        )
        asked_at = (response.date or self.now) - timedelta(seconds=response.seconds)
        return Reply(request, response.headers, body, records, asked_at, len(response.body))

    def _check_cursor(self) -> None:
        """Raise SourceError if a walk has not told what is new: each would read all again."""
        if self._newness.field is not None:
            raise SourceError(
                f"Source {self.source.name}: no record of stream {self.name} has a "
                f"{self._newness.field!r} that can be read, so each sync would read all of them. "
                "Check cursor.field and cursor.format."
            )

    def _batches(self, step: Step, before: str, after: str) -> Iterator[Page]:
        """Yield the records; the cursor moves with the last of them."""
        size = sum(reply.size for reply in step.replies)
        records = step.records
        for start in range(0, max(1, len(records)), RECORDS_PER_BATCH):
            some = records[start : start + RECORDS_PER_BATCH]
            is_last = start + len(some) >= len(records)
            yield Page(self._batch(some, size if is_last else 0), after if is_last else before)

    def _batch(self, records: Sequence[Record], size: int) -> Batch:
        found = rows(self.stream, records)
        events, rejects, rounded = self._mapping.apply(found.rows)
        broken = pl.DataFrame(found.broken, schema=REJECTS)
        return Batch(events, pl.concat([broken, rejects]), rounded, found.count, size)
