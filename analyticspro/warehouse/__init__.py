"""The warehouse: the only place that knows DuckDB, opened by one process."""

from analyticspro.warehouse.archive import Archive, month_of
from analyticspro.warehouse.ending import Ending
from analyticspro.warehouse.expiring import Expired
from analyticspro.warehouse.governed import COLUMNS
from analyticspro.warehouse.incoming import Prepared
from analyticspro.warehouse.inspection import NEWEST_SCHEMA, inspect
from analyticspro.warehouse.marks import BLOCKED, EVERY, PERSONAL, Breach, Dropped, Mark
from analyticspro.warehouse.promotions import UNTAKEN, Promotion
from analyticspro.warehouse.properties import Properties, Registered
from analyticspro.warehouse.reader import Reader
from analyticspro.warehouse.registry_state import EventName, Property, Seen, keys_of, path_of
from analyticspro.warehouse.rolled import Rolled
from analyticspro.warehouse.rollups import DIMENSIONS, MEMBERS, facts, members
from analyticspro.warehouse.session_days import session_days
from analyticspro.warehouse.sessions import OF_SESSIONS, every_session, session_changes, tallies
from analyticspro.warehouse.store import Warehouse
from analyticspro.warehouse.storing import Outcome, Stored
from analyticspro.warehouse.subject import Subject
from analyticspro.warehouse.syncs import (
    Backfill,
    PushedReject,
    Syncs,
    move_backfill,
)
from analyticspro.warehouse.writer import Cursor, Writer

__all__ = [
    "BLOCKED",
    "COLUMNS",
    "DIMENSIONS",
    "EVERY",
    "MEMBERS",
    "NEWEST_SCHEMA",
    "OF_SESSIONS",
    "PERSONAL",
    "UNTAKEN",
    "Archive",
    "Backfill",
    "Breach",
    "Cursor",
    "Dropped",
    "Ending",
    "EventName",
    "Expired",
    "Mark",
    "Outcome",
    "Prepared",
    "Promotion",
    "Properties",
    "Property",
    "PushedReject",
    "Reader",
    "Registered",
    "Rolled",
    "Seen",
    "Stored",
    "Subject",
    "Syncs",
    "Warehouse",
    "Writer",
    "every_session",
    "facts",
    "inspect",
    "keys_of",
    "members",
    "month_of",
    "move_backfill",
    "path_of",
    "session_changes",
    "session_days",
    "tallies",
]
