"""Reads the warehouse, as one scope may see it, at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from analyticspro.errors import Forbidden, WarehouseError
from analyticspro.policy import ALL_ROWS, UNTAGGED, Rows, Scope, property_tags
from analyticspro.warehouse.failure import is_aftermath
from analyticspro.warehouse.governed import COLUMNS, make_views, sight_of
from analyticspro.warehouse.known_of_sources import KnownOfSources
from analyticspro.warehouse.marks import BLOCKED, EVERY, marks
from analyticspro.warehouse.narrowing import has_members, has_rollups, narrow, widen
from analyticspro.warehouse.promotions import Promotion, promotions
from analyticspro.warehouse.rolled import Rolled, rolled
from analyticspro.warehouse.rollups import TAILS, rolled_extents
from analyticspro.warehouse.session_days import sessions_up_to
from analyticspro.warehouse.short_answers import short_answer

if TYPE_CHECKING:
    from analyticspro.sql import Limits
    from analyticspro.warehouse.asked import Told
    from analyticspro.warehouse.tail import Tail

__all__ = ["Reader"]

_UNREADABLE = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException)

_EXTENTS = """
    SELECT source, name, min(occurred_at) AS first, max(occurred_at) AS last,
        count(*) AS events
    FROM events WHERE retired IS NULL"""


class Reader(KnownOfSources):
    """Answers SQL from one snapshot. `scope` says who asks; every answer may name it.

    Where `as_of` is the revision of an earlier moment, `events` are those of then. Unless the
    scope is of somebody who sees everything, it reads nothing before `seeing` was told which
    rows are granted for what is about to be read.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        scope: Scope,
        zone: str,
        *,
        as_of: int | None = None,
        noted: int = 0,
        rows: Rows | None = None,
        tail: Tail | None = None,
    ) -> None:
        self._connection = connection
        self._tail = tail
        self._brought: set[str] = set()
        self._zone = zone
        self._rows = ALL_ROWS if rows is None and scope.is_unlimited else rows
        self.scope = scope
        self.as_of = as_of
        self.noted = noted

    @cached_property
    def rolled(self) -> Rolled:
        """How far the rollups are, in this snapshot; they tell nothing of an earlier moment."""
        if self.as_of is not None:
            return Rolled(0, self._zone)
        found = rolled(self._connection, self._zone)
        if self._rows is None or self._rows.is_all:
            has_tail = self._tail is not None and 0 < found.up_to < found.newest
            return replace(found, has_tail=has_tail)
        up_to = found.up_to if has_rollups(self._rows) else 0
        return replace(found, up_to=up_to, has_members=has_members(self._rows))

    def _bring_tails(self, sql: str) -> None:
        """Have what a statement reads of `TAILS` at hand."""
        if self._tail is None:
            return
        for of, name in TAILS.items():
            if name in sql and name not in self._brought:
                rows = self._tail.since(self._connection, self.rolled, of)
                self._connection.register(name, rows)
                self._brought.add(name)

    @cached_property
    def sessions_up_to(self) -> Rolled:
        """How far the sessions are, and whose days theirs are; as with `rolled`."""
        if self.as_of is not None or not self.sees_all_rows:
            return Rolled(0, self._zone)  # sessions of some of the events are others
        return sessions_up_to(self._connection)

    @cached_property
    def promoted(self) -> tuple[Promotion, ...]:
        """The properties that are dimensions now, at whichever moment these are read."""
        return tuple(promotions(self._connection))

    @property
    def sees_all_rows(self) -> bool:
        """Whether no event is left out."""
        return self._rows is not None and self._rows.is_all

    @property
    def _tells_of_sources(self) -> bool:
        return self._rows is None or self._rows.is_all

    @contextmanager
    def seeing(self, rows: Rows) -> Iterator[Reader]:
        """Give a reader of the same snapshot that sees these rows alone.

        Until it is given back, nothing else is to be read by this one.
        """
        is_narrow = not rows.is_all
        if is_narrow:
            narrow(self._connection, rows, self.as_of)
        try:
            yield Reader(
                self._connection,
                self.scope,
                self._zone,
                as_of=self.as_of,
                noted=self.noted,
                rows=rows,
                tail=self._tail,
            )
        except BaseException:
            with suppress(duckdb.Error):  # after some errors it answers nothing any more
                widen(self._connection, self.as_of)
            raise
        if is_narrow:
            widen(self._connection, self.as_of)

    def property_tags(self, event: str | None, path: str) -> frozenset[str]:
        """Return what a property carries for policies; of all events if `event` is None."""
        found = [each for each in marks(self._connection) if each.mark != BLOCKED]
        found = [each for each in found if each.path == path]
        tags = property_tags(each.mark for each in found if each.name in (EVERY, event))
        if event is None:  # what is said of the events of some name holds for these alone
            of_some = property_tags(each.mark for each in found if each.name != EVERY)
            tags |= of_some - {UNTAGGED}
        return tags

    def interrupt(self) -> None:
        """End the statement that runs, from another thread; see `Ending`."""
        self._connection.interrupt()

    def frame(
        self, sql: str, values: Mapping[str, Any] | None = None, *, is_short: bool = False
    ) -> pl.DataFrame:
        """Return the rows that `sql` gives; `$name` in it stands for `values["name"]`.

        Args:
            sql: One statement.
            values: Bound into it.
            is_short: Few rows are to come; changes nothing but how long it takes.

        Raises:
            WarehouseError: The stored data cannot be read.
            Forbidden: Nobody has said which rows the scope is granted for it.
        """
        if self._rows is None:
            raise Forbidden(f"{self.scope.name} sees a part of the data, and this names none.")
        return self._frame(sql, values, is_short=is_short)

    def _frame(
        self, sql: str, values: Mapping[str, Any] | None = None, *, is_short: bool = False
    ) -> pl.DataFrame:
        self._bring_tails(sql)
        try:
            if is_short:
                return short_answer(self._connection, sql, values or {})
            table = self._connection.sql(sql, params=dict(values or {})).to_arrow_table()
        except duckdb.Error as error:
            # A block whose checksum is wrong comes as the root of DuckDB's errors itself.
            if type(error) is not duckdb.Error and not isinstance(error, _UNREADABLE):
                raise
            if is_aftermath(error):
                raise  # not what is stored: whoever gave this reader knows what to do
            reason = str(error).splitlines()[0].rstrip(".!")
            raise WarehouseError(
                f"The stored data cannot be read: {reason}. Restore a copy from the backups "
                "folder of the workspace, or sync the sources again into an empty one."
            ) from None
        found = pl.from_arrow(table)
        assert isinstance(found, pl.DataFrame)
        return found

    def ask(
        self, text: str, values: Mapping[str, Any], limits: Limits, is_gone: Callable[[], bool]
    ) -> Told:
        """Return the answer to a person's own statement, on the views this scope may see.

        Raises as `asked.ask` does. Nothing else is to be read with this reader afterwards.
        """
        from analyticspro.warehouse.asked import ask  # brings sqlglot

        sights = {view: sight_of(self.scope, view) for view in COLUMNS}
        make_views(self._connection, sights, self.promoted, self.sessions_up_to.up_to)
        return ask(self._connection, text, values, limits, is_gone)

    def revision(self) -> int:
        """Return the number of the newest commit; 0 in an empty warehouse."""
        return self.rolled.newest if self.as_of is None else self.as_of

    @cached_property
    def _left_out(self) -> tuple[int, date | None]:
        """How many were erased since this moment, and since when events are kept at all."""
        return self._frame(
            "SELECT (SELECT count(*) FROM erasures WHERE revision > $as_of) AS erased, "
            "(SELECT (max(month) + INTERVAL 1 MONTH)::DATE FROM expired) AS since",
            {"as_of": self.revision()},
        ).row(0)

    def caveats(self, first: date) -> list[str]:
        """Return what a person should know of figures from `first` on, in sentences."""
        erased, since = self._left_out
        found = []
        if self.as_of is not None and erased:
            who = "1 person was" if erased == 1 else f"{erased} persons were"
            if not self.sees_all_rows:
                who = "Persons were"  # whether in these rows is not kept
            found.append(f"{who} erased since then; what they did is left out.")
        if since is not None and first < since:
            found.append(
                f"Events before {since} were deleted, as the setting keep_days asks for. Sums and "
                "daily numbers of that time are kept; what has to be read from events lacks them."
            )
        return found

    def extents(self) -> pl.DataFrame:
        """Return since when and until when there are live events.

        Returns:
            One row per source and event name, in that order: source, name (String), first,
            last (Datetime, UTC), events (Int64).
        """
        if self.rolled.up_to == 0:
            found = self.frame(f"{_EXTENTS} GROUP BY ALL ORDER BY ALL")
        else:
            bound = {"up_to": self.rolled.up_to} if self.rolled.reads_events else {}
            found = self.frame(rolled_extents(self.rolled), bound)
            found = pl.concat([self._exact(row) for row in found.iter_slices(1)] or [found])
            found = found.drop("gone", strict=False)
        return found.with_columns(pl.col("first", "last").dt.replace_time_zone("UTC"))

    def _exact(self, row: pl.DataFrame) -> pl.DataFrame:
        """Return the extent, read from the events if one of its ends may have been retired."""
        if row["gone"][0] == 0:
            return row.drop("gone")
        place = {name: row[name][0] for name in ("source", "name")}
        one = f"{_EXTENTS} AND source = $source AND name = $name GROUP BY ALL"
        return self.frame(one, place)
