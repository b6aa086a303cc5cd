"""The answer: a frame, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

__all__ = ["Answer"]


@dataclass(frozen=True)
class Answer:
    """Figures and their provenance.

    Attributes:
        frame: One row per bucket and combination of dimension values, ordered by both.
            Columns: the grain's name (Date; Datetime for hour) if one was asked for; each
            dimension (String, null where an event has none); each metric; with `compare`
            also `<metric>_previous`, `<metric>_change` (same unit) and
            `<metric>_change_rate` (Float64, fraction; null when the previous value is 0
            or null). Counts are Int64, sums of a property's numbers Decimal; money is
            Decimal in major units, or Float64 for a ratio of money; other ratios Float64,
            null when the denominator is 0; percentiles Float64, null of nothing.
        provenance: Plain JSON: `metrics` (per name: title, meaning, unit, better,
            currency, version), `period` and `compared_with` (start and end, wall clock),
            `timezone`, `revision`, `watermarks` per source, `sql`, `rows_read`, `late`,
            `rejected`, `scope`, `demo`, `notes`.
    """

    frame: pl.DataFrame
    provenance: dict[str, Any]

    def rows(self) -> list[dict[str, Any]]:
        """Return the frame as JSON rows: dates as ISO text, money as decimal numbers."""
        return [
            {name: _plain(value) for name, value in row.items()}
            for row in self.frame.iter_rows(named=True)
        ]


def _plain(value: Any) -> Any:
    # A float holds 15 digits exactly: 9,999,999,999,999.99, which no company's money exceeds.
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
