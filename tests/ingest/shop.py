"""A shop whose orders lie in CSV files, and a warehouse to sync them into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from analyticspro.connectors import Source, parse
from analyticspro.ingest import Progress, Report, sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.local import NoSecrets

HEAD = "id,at,who,paid"


class Shop:
    """Files in a folder, and one open warehouse."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder, self.warehouse = folder, warehouse
        self.progress: list[Progress] = []

    def write(self, *rows: str, name: str = "orders.csv", head: str = HEAD) -> Path:
        """Write a file anew."""
        file = self.folder / name
        file.write_text("\n".join([head, *rows]) + "\n")
        return file

    def declared(self, **changes: Any) -> Source:
        """Return the source of `*.csv*`, with changes; None takes a setting away."""
        table = {
            "name": "shop",
            "path": str(self.folder / "*.csv*"),
            "event": "order_placed",
            "occurred_at": "at",
            "customer_id": "who",
            "amount": "paid",
            "currency": "GBP",
        } | changes
        return parse({key: value for key, value in table.items() if value is not None}, "shop")

    def sync(self, **changes: Any) -> Report:
        """Sync the source, with changes to its declaration."""
        return sync(
            self.declared(**changes),
            self.warehouse,
            secrets=NoSecrets(),
            progress=self.progress.append,
        )

    def frame(self, sql: str, **values: Any) -> pl.DataFrame:
        """Return what the warehouse says."""
        with self.warehouse.reader(OWNER) as reader:
            return reader.frame(sql, values)

    def live(self, columns: str = "customer_id") -> list[Any]:
        """Return columns of the live events of the source, in order of their ids."""
        found = self.frame(f"SELECT {columns} FROM events WHERE retired IS NULL ORDER BY event_id")
        return found.rows() if "," in columns else found.to_series().to_list()

    def rejects(self) -> list[tuple[Any, ...]]:
        """Return part, line, field and value of each open reject."""
        with self.warehouse.reader(OWNER) as reader:
            found = reader.rejects("shop", limit=10_000)
        return found.select("part", "line", "field", "value").rows()


def counts(report: Report) -> dict[str, int]:
    """Return what a report counts, without what is nothing."""
    names = "read records new changed unchanged retracted rejected rounded".split()
    return {name: value for name in names if (value := getattr(report, name))}
