"""The properties of the events: what the registry tells of them, and what is decided on them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import polars as pl

from analyticspro.warehouse import registry
from analyticspro.warehouse.database import Database
from analyticspro.warehouse.json_values import json_values
from analyticspro.warehouse.marks import Mark, marks
from analyticspro.warehouse.promotions import Promotion, promotions
from analyticspro.warehouse.registry_state import EventName

__all__ = ["Properties", "Registered"]


@dataclass(frozen=True)
class Registered:
    """What the registry tells.

    Attributes:
        names: By event name; None for those beyond the limit.
        waiting: How many changes are not counted yet.
        marks: What is decided.
        dropped: By name and path of a mark, of how many events the property was dropped.
        promoted: Which are dimensions.
    """

    names: dict[str | None, EventName]
    waiting: int
    marks: list[Mark]
    dropped: dict[tuple[str, str], int]
    promoted: list[Promotion]


class Properties:
    """What can be asked of the properties, and decided on them, while the warehouse is open."""

    def __init__(self, database: Database, writing: threading.Lock) -> None:
        """Make it.

        Args:
            database: The open file.
            writing: Held by whoever writes.
        """
        self._database = database
        self._writing = writing
        self._counting = threading.Lock()
        self._remembering = threading.Lock()
        self._marks: list[Mark] | None = None
        self._contracts: str | None = None

    def catch_up(self, *, seconds: float = float("inf")) -> None:
        """Bring the registry's tables up to date, for about so many seconds at most."""
        end = time.monotonic() + seconds
        with self._counting, self._database.cursor() as cursor:
            registry.catch_up(cursor, is_over=lambda: time.monotonic() > end)

    def forget(self) -> None:
        """Have the registry be made anew: for events that were erased, not just retracted."""
        with self._counting, self._database.cursor() as cursor:
            registry.forget(cursor)

    def registered(self, *, seconds: float = 5.0) -> Registered:
        """Return what is known, as of now unless that would take much longer than `seconds`."""
        self.catch_up(seconds=seconds)
        with self._database.cursor("BEGIN TRANSACTION READ ONLY") as cursor:
            names, waiting = registry.read(cursor)
            found = cursor.execute("SELECT name, path, events FROM dropped").fetchall()
            dropped = {(name, path): events for name, path, events in found}
            return Registered(names, waiting, marks(cursor), dropped, promotions(cursor))

    def marks(self) -> list[Mark]:
        """Return what is decided; from memory, as it is asked for with every batch."""
        known = self._marks
        if known is None:
            with self._remembering, self._database.cursor() as cursor:
                known = self._marks = marks(cursor)
        return known

    def mark(self, name: str, path: str, mark: str, *, at: datetime) -> None:
        """Decide: tag a property, or block it; nothing changes if that is so already."""
        with self._deciding() as cursor:
            cursor.execute(
                "INSERT INTO marks VALUES ($name, $path, $mark, $at) ON CONFLICT DO NOTHING",
                {
                    "name": name,
                    "path": path,
                    "mark": mark,
                    "at": at.astimezone(UTC).replace(tzinfo=None),
                },
            )

    def unmark(self, name: str, path: str, mark: str) -> bool:
        """Undo `mark`; return whether it was there."""
        with self._deciding() as cursor:
            found = cursor.execute(
                "DELETE FROM marks WHERE name = $name AND path = $path AND mark = $mark",
                {"name": name, "path": path, "mark": mark},
            ).fetchall()
            return bool(found[0][0])

    def contracts(self) -> str:
        """Return the contracts in force, as they were declared; '' if none were."""
        known = self._contracts
        if known is None:
            with self._database.cursor() as cursor:
                found = cursor.execute("FROM contracts").fetchall()
            known = self._contracts = str(found[0][0]) if found else ""
        return known

    def declare(self, contracts: str) -> None:
        """Have other contracts be in force, from the next batch on."""
        if contracts == self.contracts():
            return
        with self._writing, self._database.cursor() as cursor:
            cursor.begin()
            cursor.execute("DELETE FROM contracts")
            cursor.execute("INSERT INTO contracts VALUES ($contracts)", {"contracts": contracts})
            cursor.commit()
            self._contracts = contracts

    def values(self, texts: pl.Series, paths: Sequence[tuple[str, ...]]) -> list[pl.DataFrame]:
        """Return what stands at `paths` in JSON texts; see `json_values`."""
        with self._database.cursor() as cursor:
            return json_values(cursor, texts, paths)

    def breaches(self) -> pl.DataFrame:
        """Return which contracts were broken by events that were stored nevertheless.

        Returns:
            One row per source, event name, property and reason, those broken last first:
            source, name, path, reason (String), events (Int64), first_at, last_at (Datetime,
            UTC), examples (List of String: JSON).
        """
        with self._database.cursor() as cursor:
            found = pl.from_arrow(
                cursor.sql(
                    "FROM breaches ORDER BY last_at DESC, source, name, path, reason"
                ).to_arrow_table()
            )
        assert isinstance(found, pl.DataFrame)
        return found.with_columns(pl.col("first_at", "last_at").dt.replace_time_zone("UTC"))

    @contextmanager
    def _deciding(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._writing, self._remembering, self._database.cursor() as cursor:
            try:
                yield cursor
            finally:
                self._marks = None
