"""Keeps the sessions, and how many began each day, as of one revision; see sessions.py."""

from __future__ import annotations

import duckdb

from analyticspro.warehouse.folding import fold
from analyticspro.warehouse.rolled import Rolled
from analyticspro.warehouse.sessions import (
    OF_SESSIONS,
    SESSION_COLUMNS,
    TALLIES,
    session_changes,
)

__all__ = ["bring_up", "session_days", "sessions_up_to"]

_EVENTS_A_STEP = 1_000_000


def sessions_up_to(connection: duckdb.DuckDBPyConnection) -> Rolled:
    """Return how far the sessions are, and in whose zone their days are."""
    found = connection.execute(
        "SELECT up_to, zone, (SELECT max(revision) FROM ledger) FROM sessions_rolled"
    ).fetchall()
    if not found:
        return Rolled(0, "UTC")
    return Rolled(*found[0])


def session_days() -> str:
    """Return the SQL of the sessions as of `$sessions_up_to`, added up by the day they began.

    It gives bucket (a day of the zone), `OF_SESSIONS`, sessions, bounces, page_views and
    lasted_us. Several rows may stand for one combination.
    """
    return f"SELECT bucket, {', '.join([*OF_SESSIONS, *TALLIES])} FROM session_days"


def bring_up(
    connection: duckdb.DuckDBPyConnection, zone: str, *, events_a_step: int = _EVENTS_A_STEP
) -> None:
    """Bring the sessions up to the newest revision, a step at a time, each whole by itself."""
    is_done = False
    while not is_done:
        connection.begin()
        try:
            before = sessions_up_to(connection)
            target = _next(connection, before.up_to, events_a_step)
            is_done = target is None and before.zone == zone
            if not is_done:
                _step(connection, before, zone, before.up_to if target is None else target)
        except BaseException:
            connection.rollback()
            raise
        connection.commit()


def _next(connection: duckdb.DuckDBPyConnection, up_to: int, enough: int) -> int | None:
    """Return the revision to go to: the newest, or the first by which enough has happened."""
    [(found,)] = connection.execute(
        """
        SELECT coalesce(min(revision) FILTER (touched >= $enough), max(revision)) FROM (
            SELECT revision, sum(sum(new + changed + retracted)) OVER (ORDER BY revision)
                AS touched
            FROM ledger WHERE revision > $up_to GROUP BY revision)
        """,
        {"up_to": up_to, "enough": enough},
    ).fetchall()
    return None if found is None else int(found)


def _step(connection: duckdb.DuckDBPyConnection, before: Rolled, zone: str, target: int) -> None:
    columns = ", ".join(SESSION_COLUMNS)
    connection.execute(
        f"CREATE TEMP TABLE session_changes AS {session_changes(as_of=True)}",
        {"sessions_up_to": before.up_to, "as_of": target},
    )
    connection.execute(
        "DELETE FROM sessions WHERE rowid IN (SELECT place FROM session_changes WHERE sign = -1)"
    )
    connection.execute(
        f"INSERT INTO sessions SELECT {columns} FROM session_changes WHERE sign = 1 "
        "ORDER BY started_at"
    )
    if before.zone == zone:
        _add_days(connection, f"SELECT sign, {columns} FROM session_changes", zone)
    else:
        connection.execute("DELETE FROM session_days")
        _add_days(connection, f"SELECT 1 AS sign, {columns} FROM sessions", zone)
    connection.execute("DROP TABLE session_changes")
    connection.execute("DELETE FROM sessions_rolled")
    connection.execute(
        "INSERT INTO sessions_rolled VALUES ($up_to, $zone)", {"up_to": target, "zone": zone}
    )
    sums = {name: f"sum({name})" for name in TALLIES}
    fold(connection, "session_days", ("bucket", *OF_SESSIONS), sums, count="sessions")


def _add_days(connection: duckdb.DuckDBPyConnection, rows: str, zone: str) -> None:
    keys = ", ".join(OF_SESSIONS)
    sums = ", ".join(f"sum(sign * {value}) AS {name}" for name, value in TALLIES.items())
    local = "((started_at AT TIME ZONE 'UTC') AT TIME ZONE $zone)::DATE"
    connection.execute(
        f"INSERT INTO session_days SELECT {local} AS bucket, {keys}, {sums} FROM ({rows}) "
        "GROUP BY ALL",
        {"zone": zone},
    )
