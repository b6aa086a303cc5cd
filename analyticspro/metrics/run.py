"""Runs the statements of one query on the snapshot of one reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from analyticspro.metrics.comparing import filled, joined
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.kinds import statements
from analyticspro.metrics.model import Metric
from analyticspro.metrics.statement import Statement
from analyticspro.metrics.told import Told, reading
from analyticspro.money import exponent
from analyticspro.warehouse import Reader

__all__ = ["Run"]


class Run:
    """Runs the statements of one query, and keeps their SQL.

    What was read is to be known before the figures are: in which currencies the amounts are.
    As nearly all are in the workspace's own, figures that tell what they were read from are
    computed as if that were so, and once more only if it is not.
    """

    def __init__(
        self, reader: Reader, metrics: Sequence[Metric], until: datetime | None, currency: str
    ) -> None:
        self._reader = reader
        self._metrics = metrics
        self._until = until
        self._likely = (currency,)
        self._telling: dict[Cut, tuple[Statement, pl.DataFrame]] = {}
        self.sql: list[str] = []

    def told(self, cut: Cut) -> Told:
        """Return what is told of what the figures over `cut` are read from."""
        found = self._statements(replace(cut, currencies=self._likely))
        if len(found) == 1 and found[0].tells:
            figures = self._frame(found[0], is_short=True)
            self._telling[cut] = found[0], figures
            told = Told.of(figures)
            if told is not None:
                return told
        asking = reading(self._metrics, cut, self._reader.rolled)
        return Told.asked(self._frame(asking, is_short=True))

    def frame(self, cut: Cut, currencies: tuple[str, ...]) -> pl.DataFrame:
        """Return the keys and metrics over `cut`, amounts being in `currencies`."""
        frame: pl.DataFrame | None = None
        statement, figures = self._telling.get(cut, (None, None))
        if statement is not None and _digits(currencies) == _digits(self._likely):
            self.sql.append(statement.sql)
            frame = figures
        else:
            for one in self._statements(replace(cut, currencies=currencies)):
                self.sql.append(one.sql)
                found = self._frame(one)
                frame = found if frame is None else joined(frame, found, cut.keys)
        assert frame is not None
        names = [metric.name for metric in self._metrics]
        return filled(frame.select(*cut.keys, *names), self._metrics)

    def _statements(self, cut: Cut) -> list[Statement]:
        return statements(self._metrics, cut, self._until, self._reader)

    def _frame(self, statement: Statement, *, is_short: bool = False) -> pl.DataFrame:
        return self._reader.frame(statement.sql, statement.values, is_short=is_short)


def _digits(currencies: Sequence[str]) -> set[int]:
    return {exponent(code) for code in currencies}
