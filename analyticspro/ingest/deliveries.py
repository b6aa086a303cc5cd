"""What is pushed: deliveries as they come, and the frames that a group of them becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeAlias

import numpy as np
import polars as pl

from analyticspro import events
from analyticspro.connectors.batch import REJECTS
from analyticspro.events import WriteMode
from analyticspro.ingest.admission import Admission
from analyticspro.ingest.event_store import EventStore
from analyticspro.ingest.report import Report
from analyticspro.warehouse import Prepared, PushedReject, Stored

__all__ = ["Delivery", "Lot", "Problem", "Reject", "Sent", "Taken"]

Problem: TypeAlias = tuple[str | None, str | None, str]  # field, value, reason
Reject: TypeAlias = tuple[str | None, str | None, str, str | None]  # the same, and raw

_TYPES = {
    name: pl.Int64 if name == "occurred_at" else kind
    for name, kind in events.SCHEMA.items()
    if name != "version"
}


@dataclass(frozen=True, slots=True)
class Sent:
    """How a message came: what its text does not say.

    Attributes:
        received_at: UTC.
        behind_us: By how much its sender's clock was behind ours; None if it did not tell.
        kind: The type that its address takes; None for any.
    """

    received_at: datetime
    behind_us: int | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came at once, from one source.

    Attributes:
        source: Its name.
        part: The stream of it.
        rows: Its events: the columns of `events.SCHEMA` but the last, `version`, in their
            order; `occurred_at` in microseconds since 1970, `properties` a JSON object without
            half of a surrogate pair. One that is none would fail the whole group.
        rejects: What cannot be an event.
        size: Bytes that it takes, about.
        refused: How each of `rejects` came, in their order; or nothing.
        sent: Tells how the message of a row came, by its position: asked for those that are
            set aside after all.
    """

    source: str
    part: str
    rows: Sequence[tuple[object, ...]]
    rejects: Sequence[Reject]
    size: int
    refused: Sequence[Sent] = ()
    sent: Callable[[int], Sent] | None = None

    @property
    def records(self) -> int:
        """How many records it has, good and bad."""
        return len(self.rows) + len(self.rejects)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery, durably.

    Attributes:
        outcomes: An `Outcome` for each row; None for one that was set aside after all.
        problems: Why it was, by the row's position.
    """

    outcomes: Sequence[int | None]
    problems: dict[int, Problem]


class Lot:
    """The deliveries of a group that are of one part of one source, made ready to be stored."""

    def __init__(self, source: str, warehouse: EventStore, deliveries: Sequence[Delivery]) -> None:
        self._sizes = [len(delivery.rows) for delivery in deliveries]
        rows = _frame([delivery.rows for delivery in deliveries])
        self._problems: dict[int, Problem] = {
            row: (field, value, reason)
            for row, field, value, reason in events.problems(rows).iter_rows()
        }
        admission = Admission(warehouse)
        at = [row for row in range(rows.height) if row not in self._problems]
        self.admitted = admission.admit(rows[at] if self._problems else rows)
        for row, *problem in self.admitted.problems.iter_rows():
            field, value, reason = problem
            self._problems[at[row]] = (field, value, reason)
        self.prepared: Prepared | None = None
        if self.admitted.events.height:
            self.prepared = warehouse.prepare(source, self.admitted.events, WriteMode.APPEND)
        raws = admission.raws(rows[list(self._problems)])
        rejects = pl.DataFrame(
            [(None, *reject) for delivery in deliveries for reject in delivery.rejects]
            + [
                (None, *self._problems[row], raw)
                for row, raw in zip(self._problems, raws, strict=True)
            ],
            schema=REJECTS,
            orient="row",
        )
        self.rejects = admission.rejects(rejects)
        self.pushed = list(self._pushed(deliveries))
        self.stored: Stored | None = None

    def _pushed(self, deliveries: Sequence[Delivery]) -> Iterator[PushedReject]:
        """Yield how those came that are set aside; of whom that is not known, nothing."""
        sent: list[Sent | None] = []
        for delivery in deliveries:
            sent += delivery.refused or [None] * len(delivery.rejects)
        starts = np.cumsum([0, *self._sizes])
        for row in self._problems:
            at = int(np.searchsorted(starts, row, side="right")) - 1
            tell = deliveries[at].sent
            sent.append(tell and tell(row - int(starts[at])))
        for raw, how in zip(self.rejects["raw"], sent, strict=True):
            if raw is not None and how is not None:
                yield PushedReject(raw, how.received_at, how.behind_us, how.kind)

    def count(self, report: Report) -> None:
        """Count into `report` what became of them."""
        rejected = self.rejects.height
        if self.stored is None:
            report.records += rejected
            report.rejected += rejected
        else:
            records = len(self.stored.outcomes) + rejected
            report.add(self.stored, records=records, rejected=rejected)

    def taken(self) -> Iterator[Taken]:
        """Yield what became of each delivery, in their order."""
        good = iter([] if self.stored is None else self.stored.outcomes.tolist())
        first = 0
        for size in self._sizes:
            rows = range(first, first + size)
            problems = {row - first: self._problems[row] for row in rows if row in self._problems}
            yield Taken([None if row in self._problems else next(good) for row in rows], problems)
            first += size


def _frame(rows: Sequence[Sequence[tuple[object, ...]]]) -> pl.DataFrame:
    """Return `rows` as a frame of `events.SCHEMA`."""
    columns = zip(*chain.from_iterable(rows), strict=True)
    plain = pl.DataFrame(dict(zip(_TYPES, columns, strict=False)), schema=_TYPES)
    at = pl.from_epoch("occurred_at", time_unit="us").dt.replace_time_zone("UTC")
    return plain.with_columns(at, version=pl.lit(None, pl.Int64)).select(events.SCHEMA.names())
