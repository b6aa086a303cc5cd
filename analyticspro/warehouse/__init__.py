"""The warehouse: the only place that knows DuckDB, opened by one process."""

from analyticspro.warehouse.incoming import Prepared
from analyticspro.warehouse.reader import Reader
from analyticspro.warehouse.rollups import DIMENSIONS, MEMBERS, Rolled, facts, members
from analyticspro.warehouse.store import Warehouse
from analyticspro.warehouse.storing import Outcome, Stored
from analyticspro.warehouse.writer import Cursor, Writer

__all__ = [
    "DIMENSIONS",
    "MEMBERS",
    "Cursor",
    "Outcome",
    "Prepared",
    "Reader",
    "Rolled",
    "Stored",
    "Warehouse",
    "Writer",
    "facts",
    "members",
]
