"""What is told of the events that figures were read from: how many, how late, in which currencies.

Figures that come from the rollups tell it themselves, in columns of their own; for all others
it is asked by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from analyticspro.metrics.clauses import among, condition, lines, values_of
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import Metric, Simple, is_to_date, measures
from analyticspro.metrics.rolling import facts_of
from analyticspro.metrics.statement import Statement, statement
from analyticspro.warehouse import Rolled

__all__ = ["COLUMNS", "NOTHING", "TOGETHER", "Told", "columns", "reading"]

# How each column is told of several rows together.
TOGETHER = {
    "told_rows": "sum(told_rows)::BIGINT AS told_rows",
    "told_late": "sum(told_late)::BIGINT AS told_late",
    "told_first": "min(told_first) AS told_first",  # of the currencies, by name
    "told_last": "max(told_last) AS told_last",
    "told_least": "min(told_least) AS told_least",  # below 0 where rows take others back
}
COLUMNS = tuple(TOGETHER)
NOTHING = ("0", "0", "NULL", "NULL", "0")


@dataclass(frozen=True)
class Told:
    """What is told of what was read.

    Attributes:
        rows: Events.
        late: Those of them that came late.
        currencies: Of the amounts that are added up.
    """

    rows: int
    late: int
    currencies: tuple[str, ...]

    @classmethod
    def of(cls, figures: pl.DataFrame) -> Told | None:
        """Return what figures with `COLUMNS` tell; None if that is not all."""
        least, first, last = (figures[f"told_{name}"] for name in ("least", "first", "last"))
        currency = first.min()
        if (figures.height and int(least.min()) < 0) or currency != last.max():  # type: ignore[arg-type]
            return None
        found = () if currency is None else (str(currency),)
        return cls(int(figures["told_rows"].sum()), int(figures["told_late"].sum()), found)

    @classmethod
    def asked(cls, answer: pl.DataFrame) -> Told:
        """Return what the answer to `reading` tells."""
        rows, late, currencies = answer.row(0)
        return cls(rows, late, tuple(currencies or ()))


def columns(wanted: Sequence[Simple], values: dict[str, Any]) -> list[str]:
    """Return `COLUMNS`, of the rows of `rolling.facts_of`."""
    of_money = f"(currency) FILTER (amounts > 0 AND {_is_money(wanted, values)})"
    return [
        "coalesce(sum(events), 0)::BIGINT AS told_rows",
        "coalesce(sum(late), 0)::BIGINT AS told_late",
        f"min{of_money} AS told_first",
        f"max{of_money} AS told_last",
        "coalesce(min(amounts), 0)::BIGINT AS told_least",
    ]


def reading(metrics: Sequence[Metric], cut: Cut, rolled: Rolled) -> Statement:
    """Return the statement that asks it. It gives one row: rows, late, currencies (a list)."""
    cut = replace(cut, by=())  # how it is broken down changes nothing of what is read
    values = values_of(cut)
    wanted = [measure for metric in metrics for measure in measures(metric)]
    is_money = _is_money(wanted, values)
    from_start = not any(map(is_to_date, metrics))
    origin = facts_of(wanted, cut, rolled, values, from_start=from_start)
    if origin is None:
        origin = lines(
            "SELECT *, 1 AS events, is_late::BIGINT AS late,",
            "    (amount_minor IS NOT NULL)::BIGINT AS amounts",
            "FROM events",
            f"WHERE {condition(cut, wanted, values, from_start=from_start)}",
        )
    return statement(
        lines(
            "SELECT coalesce(sum(events), 0)::BIGINT AS rows, coalesce(sum(late), 0)::BIGINT "
            "AS late,",
            "    list(currency) FILTER (amounts > 0) AS currencies",
            "FROM (SELECT currency, sum(events) AS events, sum(late) AS late,",
            f"    sum(amounts) FILTER ({is_money}) AS amounts",
            f"FROM (\n{origin}\n)",
            "GROUP BY ALL)",
        ),
        values,
    )


def _is_money(wanted: Sequence[Simple], values: dict[str, Any]) -> str:
    names = sorted({name for m in wanted if m.column == "amount_minor" for name in m.events})
    return among("name", names, values)
