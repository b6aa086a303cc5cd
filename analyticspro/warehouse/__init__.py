"""The warehouse: the only place that knows DuckDB, opened by one process."""

from analyticspro.warehouse.reader import Reader
from analyticspro.warehouse.store import Warehouse
from analyticspro.warehouse.writer import Cursor, Stored, Writer

__all__ = ["Cursor", "Reader", "Stored", "Warehouse", "Writer"]
