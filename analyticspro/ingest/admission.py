"""What every event passes before it is stored, whichever way it comes: contracts and blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from analyticspro.connectors import Batch
from analyticspro.connectors.batch import REJECTS
from analyticspro.connectors.declaration import Mapped
from analyticspro.ingest.blocking import DROPPED, Blocked, Columns, without, without_in_raw
from analyticspro.ingest.checking import BROKEN, broken
from analyticspro.ingest.contracts import Contract, read
from analyticspro.warehouse import (
    BLOCKED,
    PERSONAL,
    Breach,
    Dropped,
    Outcome,
    Stored,
    Warehouse,
    Writer,
)

__all__ = ["Admission", "Admitted", "columns_of", "rules"]

_EXAMPLES = 5
_NO_PROBLEMS = pl.DataFrame(
    schema={"row": pl.UInt32, "field": pl.String, "value": pl.String, "reason": pl.String}
)
_NOT_BROKEN, _NOT_DROPPED = pl.DataFrame(schema=BROKEN), pl.DataFrame(schema=DROPPED)


@dataclass(frozen=True)
class Admitted:
    """What may be stored of some events, and what is to be told of it.

    Attributes:
        events: Those to store.
        kept: For each of the events that were given, whether it is among them.
        problems: Why the others are set aside: row (as given), field, value, reason.
        warned: Rows of `BROKEN`, of the events to store, by their position among these.
        dropped: Rows of `DROPPED`, likewise.
    """

    events: pl.DataFrame
    kept: pl.Series
    problems: pl.DataFrame
    warned: pl.DataFrame
    dropped: pl.DataFrame

    def note(self, writer: Writer, source: str, stored: Stored) -> None:
        """Count what was broken and left out; of a duplicate that was done before."""
        if self.warned.height == 0 and self.dropped.height == 0:
            return
        is_news = pl.Series(stored.outcomes <= Outcome.CHANGED)
        news = is_news.arg_true().rename("row").cast(pl.UInt32).to_frame()
        warned, dropped = (found.join(news, on="row") for found in (self.warned, self.dropped))
        examples = pl.col("value").drop_nulls().unique(maintain_order=True).head(_EXAMPLES)
        breaches = warned.group_by("name", "path", "reason", maintain_order=True).agg(
            pl.len(), examples
        )
        counts = dropped.group_by("name", "path", maintain_order=True).len()
        writer.note_properties(
            source,
            [Dropped(*row) for row in counts.iter_rows()],
            [
                Breach(name, path, reason, events, tuple(values))
                for name, path, reason, events, values in breaches.iter_rows()
            ],
        )


class Admission:
    """What events of a workspace must pass, as it is decided at this moment."""

    def __init__(self, warehouse: Warehouse, columns: Columns | None = None) -> None:
        """Make it.

        Args:
            warehouse: What keeps the decisions.
            columns: Where the properties of these events come from, if that is declared.
        """
        self._properties = warehouse.properties
        self._columns = columns or {}
        marks = self._properties.marks()
        self._blocked: Blocked = [(each.name, each.path) for each in marks if each.mark == BLOCKED]
        self._hidden = {
            (each.name, each.path) for each in marks if each.mark in (BLOCKED, PERSONAL)
        }
        self._contracts = _contracts(self._properties.contracts())

    def admit(self, events: pl.DataFrame) -> Admitted:
        """Return what may be stored of `events` (rows of `events.SCHEMA`)."""
        if not self._contracts and not self._blocked:  # as of most workspaces: at no cost
            kept = pl.Series("kept", [True]).new_from_index(0, events.height)
            return Admitted(events, kept, _NO_PROBLEMS, _NOT_BROKEN, _NOT_DROPPED)
        found = broken(events, self._contracts, self._properties.values)
        if self._hidden:
            hidden = pl.any_horizontal(
                (pl.col("path") == path) & (pl.lit(name == "*") | (pl.col("name") == name))
                for name, path in sorted(self._hidden)
            )
            found = found.with_columns(pl.when(~hidden).then("value").alias("value"))
        aside = found.filter("is_rejected").unique("row", keep="first", maintain_order=True)
        rows = pl.int_range(events.height, dtype=pl.UInt32, eager=True).alias("row")
        is_kept = ~rows.is_in(aside["row"].implode()) if aside.height else rows >= 0
        good, dropped = without(events.filter(is_kept), self._blocked, self._columns)
        # From here on a row is a position among those that are kept.
        moved = rows.filter(is_kept).to_frame().with_row_index("at")
        warned = (
            found.filter(~pl.col("is_rejected"))
            .join(moved, on="row", maintain_order="left")
            .drop("row")
            .rename({"at": "row"})
        )
        problems = aside.select("row", pl.col("path").alias("field"), "value", "reason")
        return Admitted(good, is_kept, problems, warned, dropped)

    def batch(self, batch: Batch) -> tuple[Batch, Admitted]:
        """Return what may be stored of a batch; its other events are among its rejects."""
        admitted = self.admit(batch.events)
        rejects = without_in_raw(batch.rejects, self._blocked, self._columns)
        if admitted.problems.height:
            lines = batch.lines
            if lines is None:
                lines = pl.Series([None], dtype=pl.Int64).new_from_index(0, batch.events.height)
            rows = admitted.problems["row"]
            aside = admitted.problems.select("field", "value", "reason").with_columns(
                lines.gather(rows).alias("line"),
                self.raws(batch.events[rows.to_list()]).alias("raw"),
            )
            rejects = pl.concat([rejects, aside.select(REJECTS.names()).cast(REJECTS)])
            rejects = rejects.sort("line", maintain_order=True)
        lines = None if batch.lines is None else batch.lines.filter(admitted.kept)
        return replace(batch, events=admitted.events, rejects=rejects, lines=lines), admitted

    def raws(self, events: pl.DataFrame) -> pl.Series:
        """Return the raw records of events that are set aside, without what is blocked."""
        return without(events, self._blocked, self._columns)[0]["raw"]

    def rejects(self, rejects: pl.DataFrame) -> pl.DataFrame:
        """Return records that are set aside (rows of `REJECTS`) without what is blocked."""
        return without_in_raw(rejects, self._blocked, self._columns)


def columns_of(mapped: Mapped | None) -> dict[str, str]:
    """Return where the properties of a mapping come from."""
    if mapped is None:
        return {}
    return {name: declared.column for name, declared in mapped.properties.items()}


def rules(warehouse: Warehouse) -> str:
    """Return what tells one state of the contracts from another; '' without any.

    A file is read again when they change: what they set aside, or no longer do, is known
    then.
    """
    declared = warehouse.properties.contracts()
    return hashlib.blake2b(declared.encode(), digest_size=8).hexdigest() if declared else ""


@lru_cache(maxsize=4)
def _contracts(declared: str) -> Mapping[str, Contract]:
    return read(declared)
