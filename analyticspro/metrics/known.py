"""What is known of the data before any figure is asked: since when, until when, from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from analyticspro.events import OWN_SOURCE
from analyticspro.metrics.model import Metric, measures
from analyticspro.warehouse import Reader

__all__ = ["Extent", "Known"]

_ALL_BUSINESS = "*"  # no event can be called so


@dataclass(frozen=True)
class Extent:
    """What is known of some events.

    Attributes:
        first: Their first moment, UTC; None if there are none.
        last: Their last.
        watermarks: Of each source they come from, UTC: the newest event of the last whole file;
            the newest there is while none is whole yet.
        rejected: How many records of these sources are set aside.
    """

    first: datetime | None
    last: datetime | None
    watermarks: Mapping[str, datetime]
    rejected: int


@dataclass(frozen=True)
class Known:
    """What every query of one revision needs to know; see `Reader.extents` and `.sources`.

    Attributes:
        seen: Values that were found in a column, as (column, value).
    """

    revision: int
    extents: pl.DataFrame
    sources: pl.DataFrame
    noted: int
    seen: set[tuple[str, str]] = field(default_factory=set, compare=False)
    _extents: dict[frozenset[str], Extent] = field(default_factory=dict, compare=False)

    @classmethod
    def read(cls, reader: Reader, before: Known | None = None) -> Known:
        """Return what the snapshot of `reader` knows.

        Args:
            reader: Of the snapshot.
            before: What an earlier one knew, which is taken from it unless the revision has
                changed since; of the sources also a note, since the end of a sync is noted
                without a revision of its own.
        """
        revision = reader.revision()
        if before is None or before.revision != revision:
            extents, sources = reader.extents(), reader.known_sources()
        elif before.noted != reader.noted:
            extents, sources = before.extents, reader.known_sources()
        else:
            return before
        return cls(revision, extents, sources, reader.noted)

    def of(self, metrics: Sequence[Metric]) -> Extent:
        """Return what is known of the events that `metrics` count; worked out once."""
        wanted = [measure for metric in metrics for measure in measures(metric)]
        named = frozenset(n for m in wanted for n in m.events)
        is_all = any(not measure.events for measure in wanted)
        names = frozenset({*named, _ALL_BUSINESS}) if is_all else named
        if names not in self._extents:
            self._extents[names] = self._extent(names)
        return self._extents[names]

    @property
    def business(self) -> pl.DataFrame:
        """The extents but for those of what the workspace tells of itself."""
        return self.extents.filter(pl.col("source") != OWN_SOURCE)

    def _extent(self, names: frozenset[str]) -> Extent:
        is_meant = pl.col("name").is_in(names)
        if _ALL_BUSINESS in names:
            is_meant |= pl.col("source") != OWN_SOURCE
        found = self.extents.filter(is_meant)
        newest = found.group_by("source").agg(pl.col("last").max()).sort("source")
        whole = dict(self.sources.select("name", "watermark").iter_rows())
        marks = {source: whole.get(source) or last for source, last in newest.iter_rows()}
        aside = self.sources.filter(pl.col("name").is_in(list(marks)))["rejected"].sum()
        first: Any = found["first"].min()
        last: Any = found["last"].max()
        return Extent(first, last, marks, int(aside))
