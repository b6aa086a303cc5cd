"""The questions of query.py as a person would write them in SQL, for DuckDB and for ClickHouse.

Run as a program, by the Python that `scripts/environment chdb` prints, it asks ClickHouse: it
reads a table from Parquet files, then answers one line of JSON (SQL) after the other with one
of JSON: {"rows": […], "ms": the median of five}.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

COLUMNS = {
    "name": "LowCardinality(String)",
    "occurred_at": "DateTime64(6, 'UTC')",
    "customer_id": "Nullable(String)",
    "amount_minor": "Nullable(Int64)",
    "country": "LowCardinality(Nullable(String))",
    "plan": "LowCardinality(Nullable(String))",
    "channel": "LowCardinality(Nullable(String))",
    "product_id": "LowCardinality(Nullable(String))",
}
_REVENUE = "sum(amount_minor)"
_ORDERS = "name = 'order_placed'"


@dataclass(frozen=True)
class ByHand:
    """A question in SQL that both understand.

    Attributes:
        select: What is added up.
        where: Of which events.
        by: What it is broken down by: columns, or grains as `date_trunc` takes them.
    """

    select: str
    where: str = "true"
    by: tuple[str, ...] = ()

    def sql(self, table: str, start: str, end: str, *, is_clickhouse: bool) -> str:
        """Return it, for events from `start` until before `end`, UTC."""
        by = [
            f"date_trunc('{one}', occurred_at)" if one in ("hour", "day", "week", "month") else one
            for one in self.by
        ]
        place = "toDateTime64('{}', 6, 'UTC')" if is_clickhouse else "TIMESTAMP '{}'"
        within = f"occurred_at >= {place.format(start)} AND occurred_at < {place.format(end)}"
        grouped = f" GROUP BY {', '.join(by)} ORDER BY {', '.join(by)}" if by else ""
        return (
            f"SELECT {', '.join([*by, self.select])} FROM {table} "
            f"WHERE {within} AND {self.where}{grouped}"
        )


# In the order of query.ASKED.
BY_HAND = (
    ByHand(_REVENUE, _ORDERS, ("day",)),
    ByHand(_REVENUE, _ORDERS, ("month",)),
    ByHand(f"sum(CASE WHEN {_ORDERS} THEN amount_minor ELSE 0 END), count(*)", by=("country",)),
    ByHand("count(*)", "name = 'page_viewed' AND country = 'GB'", ("day",)),
    ByHand(_REVENUE, _ORDERS),
    ByHand("count(*)", by=("week", "plan")),
    ByHand("count(*)", "name = 'page_viewed'", ("hour",)),
    ByHand(_REVENUE, _ORDERS, ("channel",)),
    ByHand("count(DISTINCT customer_id)", _ORDERS, ("day",)),
    ByHand(_REVENUE, _ORDERS, ("product_id",)),
)


def main() -> None:
    from chdb.session import Session

    folder, files = sys.argv[1:]
    asked = Session(folder)
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    asked.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
    asked.query(
        f"CREATE TABLE bench.events ({columns}) ENGINE = MergeTree ORDER BY (name, occurred_at)"
    )
    asked.query(
        f"INSERT INTO bench.events SELECT {', '.join(COLUMNS)} FROM file('{files}', Parquet)"
    )
    asked.query("OPTIMIZE TABLE bench.events FINAL")
    print(json.dumps({"rows": _rows(asked, "SELECT count(*) FROM bench.events")}), flush=True)
    for line in sys.stdin:
        sql = json.loads(line)
        took = []
        for _ in range(5):
            started = time.perf_counter()
            rows = _rows(asked, sql)
            took.append((time.perf_counter() - started) * 1000)
        print(json.dumps({"rows": rows, "ms": statistics.median(took)}), flush=True)


def _rows(asked: Any, sql: str) -> list[Any]:
    text = asked.query(sql, "JSONCompactEachRow").bytes()
    return [json.loads(line) for line in text.splitlines()]


if __name__ == "__main__":
    main()
