"""Clears the tables of what an erased person left in them beside their events."""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from analyticspro.warehouse.mentions import mentions
from analyticspro.warehouse.rollups import MEMBERS, redo
from analyticspro.warehouse.subject import Subject

__all__ = ["clear_conflicts", "clear_rejects", "clear_sums"]


_RECORDS = 20  # by which somebody may be known of whom there was no event


def clear_sums(cursor: duckdb.DuckDBPyConnection, zone: str, gone: str, subject: Subject) -> None:
    """Leave nothing of the person in what is kept of days and hours, but for sums of others."""
    redo(cursor, zone, gone)
    [(boundary,)] = cursor.execute(
        "SELECT coalesce(max(month) + INTERVAL 1 MONTH, DATE '1970-01-01')::DATE FROM expired"
    ).fetchall()
    for column in MEMBERS:
        # Of days whose events are no more, members are all that names somebody.
        ids = {"customer_id": subject.customers, "user_id": subject.users}.get(column, ())
        cursor.execute(
            f"""
            DELETE FROM members_{column}
            WHERE bucket < $boundary AND member IN (SELECT hash(unnest($ids::VARCHAR[])))
                OR (bucket, source, name, member) IN (
                    SELECT (bucket, source, name, member) FROM members_{column}
                    WHERE member IN (SELECT hash({column}) FROM {gone})
                    GROUP BY bucket, source, name, member HAVING sum(events) = 0)
            """,
            {"boundary": boundary, "ids": list(ids)},
        )
    cursor.execute(
        "DELETE FROM sessions WHERE started_at < $boundary AND user_id = ANY($users)",
        {"boundary": boundary, "users": list(subject.users)},
    )


def clear_conflicts(cursor: duckdb.DuckDBPyConnection, gone: str, subject: Subject) -> int:
    """Delete their events' conflicts, and those that mention them; return how many."""
    theirs = cursor.execute(
        f"SELECT rowid FROM conflicts WHERE (source, event_id) IN "
        f"(SELECT (source, event_id) FROM {gone})"
    ).fetchall()
    told = _mentioned(cursor, "conflicts", ("raw", "properties"), subject)
    return _cleared(cursor, "conflicts", [row for (row,) in theirs] + told)


def clear_rejects(cursor: duckdb.DuckDBPyConnection, subject: Subject) -> tuple[int, list[str]]:
    """Delete what was set aside and mentions them, and keep it away.

    Returns:
        How much that was; and hashes of some of the records.
    """
    told = _mentioned(cursor, "rejects", ("raw", "value"), subject)
    found = cursor.execute(
        "INSERT INTO buried SELECT DISTINCT md5(raw) FROM rejects "
        "WHERE rowid = ANY($rows) AND raw IS NOT NULL RETURNING record",
        {"rows": told},
    ).fetchall()
    return _cleared(cursor, "rejects", told), [record for (record,) in found[:_RECORDS]]


def _mentioned(
    cursor: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], subject: Subject
) -> list[int]:
    """Return the rows whose text holds one of the ids as a whole value; see mentions.py."""
    written = [text for each in subject.ids for text in {each, json.dumps(each)[1:-1]}]
    text = ", ".join(columns)
    rows = cursor.execute(
        f"SELECT rowid, {text} FROM {table} "
        f"WHERE list_bool_or([contains(concat_ws(chr(31), {text}), w) FOR w IN $written])",
        {"written": written},
    ).fetchall()
    return [row for row, *texts in rows if any(mentions(text, subject.ids) for text in texts)]


def _cleared(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[int]) -> int:
    found = cursor.execute(
        f"DELETE FROM {table} WHERE rowid = ANY($rows)", {"rows": list(rows)}
    ).fetchall()
    return int(found[0][0])
