"""Properties that were promoted to dimensions: their columns, and how these are filled.

A column holds the text of a property's value: a text as it is, anything else as JSON writes
it; null where there is none. So both readings of a property whose type changed are kept, and
no value that comes later can fail to fit.

An event that comes has its columns filled in the commit that stores it. Those that were there
before are filled by and by (`promoting.py`). Until that is done a null may mean either, so
readers look into the JSON where they find one: what they read is right at every moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from analyticspro.warehouse.registry_state import keys_of

__all__ = ["OWN", "PROMOTED_TABLES", "UNTAKEN", "Promotion", "as_read", "promotions"]

PROMOTED_TABLES = """
-- Properties that figures can be cut by; see promotions.py. Each has a column of `hot`.
CREATE TABLE promoted (
    number BIGINT NOT NULL,         -- in the order of the columns
    dimension VARCHAR PRIMARY KEY,
    event VARCHAR,                  -- null: events of all names
    path VARCHAR NOT NULL,          -- as registry_state.path_of writes it
    wanted_to BIGINT NOT NULL,      -- the last seq there was: later ones came with the value
    filled_to BIGINT NOT NULL,      -- up to this seq the column is filled
    promoted_at TIMESTAMP NOT NULL  -- UTC
);
"""

_PREFIX = "promoted_"  # which no other column begins with
# What stands for something else in the path of a value, or in a statement; or ends a key.
UNTAKEN = '"\\*{}'
# What a file of the archive holds of an event: never what is promoted, as that changes, and
# a file does not.
OWN = f"COLUMNS(lambda c: c <> 'partition' AND NOT starts_with(c, '{_PREFIX}'))"


@dataclass(frozen=True)
class Promotion:
    """A dimension that is a property.

    Attributes:
        dimension: Its name: small letters, digits and _.
        event: The name of the events whose property it is; None for all.
        path: Of the property; no key of it is empty or holds any of `UNTAKEN`.
        wanted_to: The last version there was when it was promoted.
        filled_to: Up to this version its column is filled.
    """

    dimension: str
    event: str | None
    path: str
    wanted_to: int = 0
    filled_to: int = 0

    @property
    def column(self) -> str:
        """The column of `events` that holds it."""
        return f"{_PREFIX}{self.dimension}"

    @property
    def is_filled(self) -> bool:
        """Whether its column holds all there is."""
        return self.filled_to >= self.wanted_to

    @property
    def value(self) -> str:
        """The SQL that takes it out of an event's properties.

        It is written into views, which bind no values.
        """
        pointer = "$." + ".".join(f'"{key}"' for key in keys_of(self.path))
        found = f"json_extract_string(properties, {_quoted(pointer)})"
        return found if self.event is None else f"CASE WHEN {self.term} THEN {found} END"

    @property
    def term(self) -> str:
        """The SQL that tells which events may have it."""
        return "true" if self.event is None else f"name = {_quoted(self.event)}"


def promotions(connection: duckdb.DuckDBPyConnection) -> list[Promotion]:
    """Return what is promoted, in the order of the columns."""
    found = connection.execute(
        "SELECT dimension, event, path, wanted_to, filled_to FROM promoted ORDER BY number"
    )
    return [Promotion(*row) for row in found.fetchall()]


def as_read(promoted: Sequence[Promotion]) -> tuple[str, str]:
    """Return what readers select of the table, and of files of the archive, which hold `OWN`."""
    unfilled = [each for each in promoted if not each.is_filled]
    replaced = ", ".join(f"coalesce({p.column}, {p.value}) AS {p.column}" for p in unfilled)
    table = f"* REPLACE ({replaced})" if unfilled else "*"
    files = ", ".join(["*", *(f"{each.value} AS {each.column}" for each in promoted)])
    return table, files


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
