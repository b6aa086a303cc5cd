"""A stand-in for the client: answers computed by Polars from a frame of orders.

It takes the part of another process (api and warehouse), never of what is tested here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from analyticspro.errors import AnalyticsProError, UnknownName
from analyticspro.grain import Grain, WeekStart
from analyticspro.metrics.answer import Answer
from analyticspro.metrics.query import Query
from analyticspro.period import comparison, parse_period

METRICS: dict[str, dict[str, Any]] = {
    "revenue": {
        "title": "Revenue",
        "meaning": "Paid minus refunded and cancelled, each on its own day.",
        "unit": "money",
        "better": "higher",
        "currency": "GBP",
        "version": 1,
        "additive": True,
        "zero_of_nothing": True,
    },
    "orders": {
        "title": "Orders",
        "meaning": "Invoices that are not cancellations.",
        "unit": "count",
        "better": "higher",
        "currency": None,
        "version": 1,
        "additive": False,
        "zero_of_nothing": True,
    },
    "active_customers": {
        "title": "Active customers",
        "meaning": "Distinct customers with an order.",
        "unit": "count",
        "better": "higher",
        "currency": None,
        "version": 1,
        "additive": False,
        "zero_of_nothing": True,
    },
    "average_order_value": {
        "title": "Average order value",
        "meaning": "Gross value of orders over orders. Null without orders.",
        "unit": "money",
        "better": "higher",
        "currency": "GBP",
        "version": 1,
        "additive": False,
        "zero_of_nothing": False,
    },
    "cancellation_rate": {
        "title": "Cancellation rate",
        "meaning": "Cancelling invoices over orders and cancelling invoices.",
        "unit": "fraction",
        "better": "lower",
        "currency": None,
        "version": 1,
        "additive": False,
        "zero_of_nothing": False,
    },
}


def _expressions() -> list[pl.Expr]:
    cancelling = pl.col("invoice").str.starts_with("C")
    orders = pl.col("invoice").filter(~cancelling).n_unique()
    cancelled = pl.col("invoice").filter(cancelling).n_unique()
    both = orders + cancelled
    gross = pl.col("pence").filter(~cancelling).sum()
    return [
        (pl.col("pence").sum()).alias("revenue"),
        orders.cast(pl.Int64).alias("orders"),
        pl.col("customer")
        .filter(~cancelling)
        .drop_nulls()
        .n_unique()
        .cast(pl.Int64)
        .alias("active_customers"),
        pl.when(orders > 0).then(gross / 100 / orders).alias("average_order_value"),
        pl.when(both > 0).then(cancelled / both).alias("cancellation_rate"),
    ]


def orders(
    first: datetime = datetime(2011, 8, 14, 9),
    last: datetime = datetime(2011, 12, 9, 12, 50),
    countries: Sequence[str | None] = ("United Kingdom", "Germany", "France", None),
) -> pl.DataFrame:
    """Return made-up order lines: one every seven hours, cancelled every eleventh time."""
    rows = []
    at, number = first, 0
    while at < last:
        country = countries[
            min(number * 7 % 11 * number % 13 % (2 * len(countries)), len(countries) * 2 - 1) // 2
        ]
        is_cancelled = number % 11 == 10
        pence = (number * 7919 % 50_000 + 1_000) * (-1 if is_cancelled else 1)
        rows.append(
            (at, f"{'C' if is_cancelled else ''}{number:05}", number % 37 or None, country, pence)
        )
        at += timedelta(hours=7)
        number += 1
    rows.append((last, f"{number:05}", 1, countries[0], 12_345))
    schema = {
        "at": pl.Datetime("us"),
        "invoice": pl.String,
        "customer": pl.Int64,
        "country": pl.String,
        "pence": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def online_retail(file: Path) -> pl.DataFrame:
    """Return the Online Retail lines as order lines, to look at pages with real figures."""
    lines = pl.read_csv(file, infer_schema=False)
    amount = pl.col("Quantity").cast(pl.Decimal(20, 4)) * pl.col("UnitPrice").cast(
        pl.Decimal(20, 4)
    )
    return lines.select(
        at=pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S"),
        invoice="InvoiceNo",
        customer=pl.col("CustomerID").cast(pl.Int64),
        country="Country",
        pence=(amount * 100).round().cast(pl.Int64),
    )


@dataclass
class FrameProvider:
    """Answers from a frame of order lines.

    Attributes:
        lines: at, invoice, customer, country, pence.
        failures: Error to give for a metric's queries.
        demo: Whether the workspace says that it is a demo.
        batches: How many queries each call of `answers` brought.
    """

    lines: pl.DataFrame
    failures: dict[str, AnalyticsProError] = field(default_factory=dict)
    down: AnalyticsProError | None = None
    demo: bool = False
    now: datetime | None = None
    batches: list[int] = field(default_factory=list)

    def workspace(self) -> dict[str, Any]:
        if self.down is not None:
            raise self.down
        first, last = self.lines["at"].min(), self.lines["at"].max()
        now = self.now or last or datetime(2012, 1, 1)
        assert isinstance(now, datetime)
        return {
            "name": "Acme & Sons",
            "demo": self.demo,
            "timezone": "UTC",
            "week_start": "monday",
            "currency": "GBP",
            "currencies": ["GBP"],
            "revision": 7,
            "first": first.isoformat() if isinstance(first, datetime) else None,
            "last": last.isoformat() if isinstance(last, datetime) else None,
            "now": now.isoformat(),
        }

    def values(self, dimension: str) -> list[str]:
        counted = self.lines[dimension].drop_nulls().value_counts()
        return counted.sort(["count", dimension], descending=[True, False])[dimension].to_list()

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        self.batches.append(len(queries))
        return [self._answer(query) for query in queries]

    def _answer(self, query: Query) -> Answer | AnalyticsProError:
        for name in query.metrics:
            if name in self.failures:
                return self.failures[name]
            if name not in METRICS:
                return UnknownName.of("metric", name, METRICS)
        first, last = self.lines["at"].min(), self.lines["at"].max()
        until = last + timedelta(microseconds=1) if isinstance(last, datetime) else None
        extent = (
            (first, last) if isinstance(first, datetime) and isinstance(last, datetime) else None
        )
        today = datetime.fromisoformat(self.workspace()["now"])
        period = parse_period(query.period, today=today, extent=extent)
        frame = self._frame(query, period.start, period.end)
        window = None
        if query.compare:
            window = comparison(period, until=until, grain=query.grain, week_start=WeekStart.MONDAY)
            frame = self._compared(frame, self._frame(query, *window), query)
        return Answer(
            frame=frame,
            provenance={
                "metrics": {name: METRICS[name] for name in query.metrics},
                "period": {
                    "name": period.name,
                    "start": period.start.isoformat(),
                    "end": period.end.isoformat(),
                    "until": until.isoformat() if until else None,
                },
                "compared_with": window
                and {"start": window[0].isoformat(), "end": window[1].isoformat()},
                "timezone": "UTC",
                "revision": 7,
                "watermarks": {"online-retail": f"{last:%Y-%m-%dT%H:%M:%SZ}" if last else None},
                "sql": f"SELECT {', '.join(query.metrics)} FROM events WHERE x < 1 & y",
                "rows_read": self.lines.height,
                "late": 0,
                "rejected": 2,
                "scope": "owner",
                "demo": self.demo,
                "notes": [],
            },
        )

    def _frame(self, query: Query, start: datetime, end: datetime) -> pl.DataFrame:
        rows = self.lines.filter((pl.col("at") >= start) & (pl.col("at") < end))
        for one in query.where:
            rows = rows.filter(pl.col(one.dimension).is_in(one.values))
        keys: list[pl.Expr] = []
        if query.grain is not None:
            every = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}
            every |= {"quarter": "1q", "year": "1y"}
            bucket = pl.col("at").dt.truncate(every[query.grain])
            keys.append(
                (bucket if query.grain is Grain.HOUR else bucket.dt.date()).alias(query.grain)
            )
        keys += [pl.col(name) for name in query.by]
        wanted = _expressions()
        frame = rows.group_by(keys).agg(wanted) if keys else rows.select(wanted)
        money = (pl.col("revenue").cast(pl.Decimal(20, 2)) / Decimal(100)).cast(pl.Decimal(20, 2))
        names = [*([query.grain.value] if query.grain else []), *query.by]
        return frame.with_columns(money).select(*names, *query.metrics).sort(names or query.metrics)

    def _compared(self, now: pl.DataFrame, before: pl.DataFrame, query: Query) -> pl.DataFrame:
        if query.grain is not None or query.by:
            raise NotImplementedError("only whole figures are compared in these tests")
        parts = [now]
        for name in query.metrics:
            value, previous = now[name][0], before[name][0]
            step = None if value is None or previous is None else value - previous
            rate = float(step / previous) if step is not None and previous else None
            parts.append(
                pl.DataFrame(
                    {
                        f"{name}_previous": [previous],
                        f"{name}_change": [step],
                        f"{name}_change_rate": [rate],
                    },
                    schema_overrides={f"{name}_change_rate": pl.Float64},
                )
            )
        return pl.concat(parts, how="horizontal")
