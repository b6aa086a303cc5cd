"""Sums kept per hour, day and month, and who was there each day: exact at every moment.

The tables hold what is true as of one revision (`Rolled.up_to`). What came since, and what
was retired since, is added and taken away when they are read. So nothing is written to them
by a commit, and a late event or a correction changes its own bucket, whatever its age. From
time to time `compact` brings them up to date, in one transaction.
"""

from __future__ import annotations

import duckdb
import polars as pl

from analyticspro.warehouse.folding import fold
from analyticspro.warehouse.rolled import Rolled, rolled

__all__ = [
    "DIMENSIONS",
    "MEMBERS",
    "SUMS",
    "TAILS",
    "came",
    "compact",
    "facts",
    "hours",
    "members",
    "redo",
    "rolled_extents",
]

# What rollups can be broken down by: columns with few values.
DIMENSIONS = ("source", "name", "currency", "country", "plan", "channel")
# Columns whose distinct values are kept day by day.
MEMBERS = ("customer_id", "user_id", "session_id", "order_id")
# What came since, added up already, as tables of a reader's connection: see tail.py.
SUMS = "sums"
TAILS = {of: f"tail_of_{of}" for of in (SUMS, *MEMBERS)}

_SUMS = {
    "events": "sum(events)::BIGINT",
    "late": "sum(late)::BIGINT",
    "amounts": "sum(amounts)::BIGINT",
    "amount_minor": "sum(amount_minor)::HUGEINT",
    "quantity": "sum(quantity)::HUGEINT",
    "first": "min(first)",
    "last": "max(last)",
    "gone": "sum(gone)::BIGINT",
}
# Each grain's bucket, of sums by hour (UTC) and day (of the zone). No hour of UTC will do for
# a day: zones are apart from it by minutes too.
_BUCKETS = {"hour": "hour", "day": "day", "month": "date_trunc('month', day)::DATE"}


def facts(grain: str, at: Rolled) -> str:
    """Return the SQL of what happened, added up by bucket and `DIMENSIONS`.

    It gives bucket (hours in UTC, days and months in the zone), the dimensions, events, late,
    amounts (events that have one), amount_minor and quantity; first and last, the times of
    the events that came, and gone, how many of these were retired again. Several rows may
    stand for one combination; of one that is gone they add up to 0 events. Values to bind:
    `$up_to`, and `$zone` but for hours.
    """
    columns = ", ".join(("bucket", *DIMENSIONS, *_SUMS))
    kept = f"SELECT {columns} FROM rollup_{grain}"
    if at.is_current:
        return kept
    if at.has_tail:
        own = ", ".join((f"{_BUCKETS[grain]} AS bucket", *DIMENSIONS, *_SUMS))
        return f"{kept}\nUNION ALL\nSELECT {own} FROM {TAILS[SUMS]}"
    return f"{kept}\nUNION ALL\nSELECT {columns} FROM ({_added(_bucket(grain), _SINCE)})"


def came(connection: duckdb.DuckDBPyConnection, zone: str, of: str, *, after: int) -> pl.DataFrame:
    """Return what came, and was retired, after a revision: what one of `TAILS` is made of.

    Returns:
        Of `SUMS` one row per hour (UTC), day (of the zone) and combination of `DIMENSIONS`, with
        what `facts` gives of sums; of a column of `MEMBERS` what `members` gives.
    """
    buckets = f"{_bucket('hour', 'hour')}, {_bucket('day', 'day')}"
    sql = _added(buckets, _SINCE) if of == SUMS else _present(of, _SINCE)
    values = {"up_to": after, "zone": zone}
    found = pl.from_arrow(connection.sql(sql, params=values).to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found


def rolled_extents(at: Rolled) -> str:
    """Return the SQL of since when and until when there are events, and how many.

    It gives source, name, first, last, events, and gone: if that is not 0, one of the two may
    be of an event that was retired. Value to bind: `$up_to`.
    """
    return f"""
        WITH hours AS (
            SELECT source, name, bucket, sum(events) AS events, min(first) AS first,
                max(last) AS last, sum(gone) AS gone
            FROM ({facts("hour", at)})
            GROUP BY ALL HAVING sum(events) > 0)
        SELECT source, name, arg_min(first, bucket) AS first, arg_max(last, bucket) AS last,
            sum(events)::BIGINT AS events,
            (arg_min(gone, bucket) + arg_max(gone, bucket))::BIGINT AS gone
        FROM hours GROUP BY ALL ORDER BY ALL"""


def members(column: str, at: Rolled) -> str:
    """Return the SQL of who was there: distinct values of `column` (one of `MEMBERS`) by day.

    It gives bucket, source, name, member (a hash), events. As with `facts`, several rows may
    stand for one, and add up to 0 events for one that is gone.
    """
    kept = f"SELECT bucket, source, name, member, events FROM members_{column}"
    if at.is_current:
        return kept
    if at.has_tail:
        return (
            f"{kept}\nUNION ALL\nSELECT bucket, source, name, member, events FROM {TAILS[column]}"
        )
    return f"{kept}\nUNION ALL\nSELECT * FROM ({_present(column, _SINCE)})"


def compact(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Bring the rollups up to the newest revision."""
    connection.begin()
    try:
        before = rolled(connection, zone)
        if before.up_to == 0:
            for table in (*_TABLES, "folded"):
                connection.execute(f"DELETE FROM {table}")
        _take_in(connection, zone, before.up_to)
        if before.up_to == 0:
            _take_in_expired(connection, zone)
        connection.execute("DELETE FROM rolled")
        connection.execute(
            "INSERT INTO rolled VALUES ($up_to, $zone, $engine)",
            {"up_to": before.newest, "zone": zone, "engine": duckdb.__version__},
        )
        for table, (keys, sums) in _TABLES.items():
            fold(connection, table, keys, sums)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def hours(rows: str) -> str:
    """Return the SQL of the sums by hour of events that are about to be deleted."""
    return _added(_bucket("hour"), f"(SELECT 1 AS sign, * FROM {rows})")


def redo(connection: duckdb.DuckDBPyConnection, zone: str, gone: str) -> None:
    """Add up anew the sums that events had a part in which are about to be erased.

    They were retracted, and the sums know of that; but a sum that something was taken from
    still tells when that was. Sums of a time whose events were deleted stay as they are.

    Args:
        connection: With a transaction open; nobody compacts meanwhile.
        zone: Whose days and months are rolled up.
        gone: SQL of the versions to be erased, retracted before the rollups were made.
    """
    up_to = rolled(connection, zone).up_to
    keys = ("bucket", *DIMENSIONS)
    same = " AND ".join(f"r.{key} IS NOT DISTINCT FROM t.{key}" for key in keys)
    for grain in _BUCKETS:
        bound = {"zone": zone} if grain != "hour" else {}
        connection.execute(
            f"""
            CREATE TEMP TABLE touched AS
            SELECT DISTINCT {_bucket(grain)}, {", ".join(DIMENSIONS)} FROM {gone}
            WHERE occurred_at >= (
                SELECT coalesce(max(month) + INTERVAL 63 DAY, DATE '1970-01-01') FROM expired)
            """,
            bound,
        )
        connection.execute(
            f"DELETE FROM rollup_{grain} r WHERE EXISTS (FROM touched t WHERE {same})"
        )
        rows = """(
            SELECT 1 AS sign, * FROM events
            WHERE revision <= $up_to AND (retired IS NULL OR retired > $up_to)
                AND (source, name) IN (SELECT (source, name) FROM touched)
                AND occurred_at >= (SELECT min(bucket) - INTERVAL 2 DAY FROM touched)
                AND occurred_at < (SELECT max(bucket) + INTERVAL 33 DAY FROM touched))"""
        connection.execute(
            f"INSERT INTO rollup_{grain} SELECT r.* FROM ({_added(_bucket(grain), rows)}) r "
            f"WHERE EXISTS (FROM touched t WHERE {same})",
            bound | {"up_to": up_to},
        )
        connection.execute("DROP TABLE touched")


# Each table's keys, and what adds up its other columns.
_TABLES = {f"rollup_{grain}": (("bucket", *DIMENSIONS), _SUMS) for grain in _BUCKETS} | {
    f"members_{column}": (("bucket", "source", "name", "member"), {"events": _SUMS["events"]})
    for column in MEMBERS
}

# What came since the rollups were made, and what of them was retired since.
_SINCE = """(
    SELECT 1 AS sign, * FROM events WHERE revision > $up_to AND retired IS NULL
    UNION ALL
    SELECT -1 AS sign, * FROM events WHERE revision <= $up_to AND retired > $up_to)"""


def _take_in(connection: duckdb.DuckDBPyConnection, zone: str, up_to: int) -> None:
    """Add what happened since `up_to` to every table; the events are read once for all."""
    members = (
        f"CASE WHEN {column} IS NOT NULL THEN hash({column}) END AS {column}" for column in MEMBERS
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE moved AS
        SELECT sign, {_bucket("hour", "hour")}, {_bucket("day", "day")}, {", ".join(DIMENSIONS)},
            is_late, amount_minor, quantity, occurred_at, {", ".join(members)}
        FROM {_SINCE}
        """,
        {"up_to": up_to, "zone": zone},
    )
    connection.execute(f"CREATE TEMP TABLE sums AS {_added('hour, day', 'moved')}")
    sums = ", ".join(f"{sql} AS {name}" for name, sql in _SUMS.items())
    for grain, bucket in _BUCKETS.items():
        columns = f"{bucket} AS bucket, {', '.join(DIMENSIONS)}, {sums}"
        connection.execute(f"INSERT INTO rollup_{grain} SELECT {columns} FROM sums GROUP BY ALL")
    for column in MEMBERS:
        connection.execute(
            f"INSERT INTO members_{column} SELECT day, source, name, {column}, sum(sign)::BIGINT "
            f"FROM moved WHERE {column} IS NOT NULL GROUP BY ALL"
        )
    connection.execute("DROP TABLE sums")
    connection.execute("DROP TABLE moved")


def _take_in_expired(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Add the sums of events that are no more; who they were of is not known any more."""
    columns = ", ".join((*DIMENSIONS, *_SUMS))
    local = "((bucket AT TIME ZONE 'UTC') AT TIME ZONE $zone)"
    for grain in _BUCKETS:
        bucket = "bucket" if grain == "hour" else f"date_trunc('{grain}', {local})::DATE"
        connection.execute(
            f"INSERT INTO rollup_{grain} SELECT {bucket}, {columns} FROM rollup_expired",
            {} if grain == "hour" else {"zone": zone},
        )


def _bucket(grain: str, name: str = "bucket") -> str:
    if grain == "hour":
        return f"date_trunc('hour', occurred_at) AS {name}"
    local = "((occurred_at AT TIME ZONE 'UTC') AT TIME ZONE $zone)"
    return f"date_trunc('{grain}', {local})::DATE AS {name}"


def _added(buckets: str, rows: str) -> str:
    return f"""
        SELECT {buckets}, {", ".join(DIMENSIONS)},
            sum(sign)::BIGINT AS events,
            coalesce(sum(sign) FILTER (is_late), 0)::BIGINT AS late,
            coalesce(sum(sign) FILTER (amount_minor IS NOT NULL), 0)::BIGINT AS amounts,
            coalesce(sum(sign::HUGEINT * amount_minor), 0)::HUGEINT AS amount_minor,
            coalesce(sum(sign::HUGEINT * quantity), 0)::HUGEINT AS quantity,
            min(occurred_at) FILTER (sign = 1) AS first, max(occurred_at) FILTER (sign = 1) AS last,
            count(*) FILTER (sign = -1) AS gone
        FROM {rows}
        GROUP BY ALL"""


def _present(column: str, rows: str) -> str:
    return f"""
        SELECT {_bucket("day")}, source, name, hash({column}) AS member,
            sum(sign)::BIGINT AS events
        FROM {rows}
        WHERE {column} IS NOT NULL
        GROUP BY ALL"""
