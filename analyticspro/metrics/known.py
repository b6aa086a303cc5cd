"""What is known of the data before any figure is asked: since when, until when, from where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from analyticspro.metrics.model import Metric, measures
from analyticspro.warehouse import Reader

__all__ = ["Known"]


@dataclass(frozen=True)
class Known:
    """What every query of one revision needs to know; see `Reader.extents` and `.sources`."""

    revision: int
    extents: pl.DataFrame
    sources: pl.DataFrame
    noted: int

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

    def span(self, metrics: Sequence[Metric]) -> pl.DataFrame:
        """Return the extents of the events that `metrics` count."""
        wanted = [measure for metric in metrics for measure in measures(metric)]
        if any(not measure.events for measure in wanted):
            return self.extents
        names = {name for measure in wanted for name in measure.events}
        return self.extents.filter(pl.col("name").is_in(names))

    def watermarks(self, span: pl.DataFrame) -> dict[str, datetime]:
        """Return the watermark of each source in `span`, UTC.

        It is the newest event of the last whole file; of the newest event there is while
        none is whole yet.
        """
        newest = span.group_by("source").agg(pl.col("last").max()).sort("source")
        whole = dict(self.sources.select("name", "watermark").iter_rows())
        return {source: whole.get(source) or last for source, last in newest.iter_rows()}

    def rejected(self, names: Sequence[str]) -> int:
        """Return how many records of the sources `names` are set aside."""
        return int(self.sources.filter(pl.col("name").is_in(names))["rejected"].sum())
