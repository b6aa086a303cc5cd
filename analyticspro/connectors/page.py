"""What a connector gives piece by piece: pages of a stream, each with where to go on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import polars as pl

from analyticspro.connectors.batch import REJECTS, Batch
from analyticspro.connectors.declaration import Source, Stream
from analyticspro.connectors.jsonl_format import records_of
from analyticspro.connectors.mapping import Mapping as EventMapping
from analyticspro.errors import UnknownName
from analyticspro.events import WriteMode
from analyticspro.extract.secret import Secrets

__all__ = ["Connector", "Counting", "Page", "PagedSource", "Ranged"]


@dataclass(frozen=True)
class Page:
    """Some records of a stream.

    Attributes:
        cursor: JSON: from where to read on once this page is committed. A page is never
            told to be read before everything ahead of its cursor is safe.
        complete: Of a stream that each `read` reads whole (`replace`): this page is the last,
            so what no page of this reading held has vanished.
    """

    batch: Batch
    cursor: str
    complete: bool = False


class Connector(Protocol):
    """Reads the streams of one source.

    A page and its cursor are committed in one transaction, then the next page is asked for.
    So a kill at any moment goes on from the last committed cursor; what is read twice is
    told by its event ids.
    """

    name: str

    def streams(self) -> Mapping[str, WriteMode]:
        """Return the names of the streams, each with what a second record of an id means."""

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        """Yield what is new since `cursor`; from the start without one.

        Raises:
            SourceError: The source cannot be read; what was yielded stays valid.
            RetriableError: Not now; what was yielded stays valid.
        """


@runtime_checkable
class Ranged(Connector, Protocol):
    """A connector that can also read what its source had, or changed, in a range of time."""

    def read_range(
        self, stream: str, cursor: str | None, *, since: datetime, until: datetime, now: datetime
    ) -> Iterator[Page]:
        """Yield what was changed from `since` to `until`, exclusive, or more than that.

        The cursors are of this range alone: on from the last committed one of them it goes on.
        They say nothing of what is new.

        Raises:
            DefinitionError: What orders this stream is no time.
            SourceError: The source cannot be read; what was yielded stays valid.
            RetriableError: Not now; what was yielded stays valid.
        """

    def beyond(self, stream: str) -> str | None:
        """Return in a sentence what is read besides the range; None if nothing much is."""


@runtime_checkable
class Counting(Protocol):
    """A connector whose source can tell how many records it has."""

    def count(self, stream: str) -> int | None:
        """Return how many records the source has in a stream now; None if it does not say.

        Raises:
            SourceError: It cannot be asked.
            RetriableError: Not now.
        """


class PagedSource(Source):
    """The declaration of a source that is read stream by stream, page by page."""

    def connect(self, secrets: Secrets) -> Connector:
        """Return what reads this source.

        Args:
            secrets: Where its secrets are looked up, by the names that it declares.
        """
        raise NotImplementedError

    def remap(self, stream: str, rejects: pl.DataFrame) -> Batch:
        """Map records anew that were set aside; those that are still wrong are rejects again.

        Args:
            stream: The stream they are of.
            rejects: Rows of `REJECTS`; of a record only `line` and `raw` count.

        Raises:
            DefinitionError: The stream is no longer declared.
        """
        declared: Mapping[str, Stream] = getattr(self, "streams", {})
        if stream not in declared:
            raise UnknownName.of("stream", stream, declared, where=f"source {self.name}")
        lines = list(zip(rejects["line"], rejects["raw"], strict=True))
        records = records_of(declared[stream], lines, itertools.count(1))
        mapping = EventMapping(declared[stream], self.name, stream)
        events, wrong, rounded = mapping.apply(records.rows)
        broken = pl.DataFrame(records.broken, schema=REJECTS)
        aside = pl.concat([broken, wrong])
        return Batch(events, aside, rounded, records.count, 0, mapping.lines)
