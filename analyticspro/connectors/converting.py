"""Converts columns of text, and remembers which rows cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl

from analyticspro.connectors.batch import REJECTS
from analyticspro.connectors.records import LINE
from analyticspro.connectors.values import Misread
from analyticspro.errors import DataError

__all__ = ["Rejected", "convert"]

T = TypeVar("T")


@dataclass
class Rejected:
    """Which rows are wrong; the first reason found for a row stands."""

    reasons: dict[int, tuple[str, str | None, str]] = field(default_factory=dict)

    def add(self, row: int, column: str, value: str | None, reason: str) -> None:
        """Note what is wrong with a row."""
        self.reasons.setdefault(row, (column, value, reason))

    def frame(self, rows: pl.DataFrame, raw: pl.Series) -> pl.DataFrame:
        """Return the rejects (`REJECTS`), in order of their rows."""
        listed = [
            {
                "line": rows[LINE][row],
                "field": column,
                "value": value,
                "reason": reason,
                "raw": raw[row],
            }
            for row, (column, value, reason) in sorted(self.reasons.items())
        ]
        return pl.DataFrame(listed, schema=REJECTS)


def convert(
    rows: pl.DataFrame,
    columns: Sequence[str],
    read: Callable[[tuple[str | None, ...]], T],
    rejected: Rejected,
) -> list[T | None]:
    """Return `read` of each row's `columns`, None and a reason where that raises."""
    known: dict[tuple[str | None, ...], T | DataError | Misread] = {}
    values: list[T | None] = []
    for row, texts in enumerate(rows.select(columns).iter_rows()):
        result = known.get(texts)
        if result is None:
            try:
                result = read(texts)
            except (DataError, Misread) as error:
                result = error
            known[texts] = result
        if isinstance(result, DataError | Misread):
            names = columns
            if isinstance(result, Misread):
                names, texts = [columns[result.position]], (texts[result.position],)
            shown = " × ".join(text or "" for text in texts) or None
            rejected.add(row, " × ".join(names), shown, str(result))
            values.append(None)
        else:
            values.append(result)
    return values
