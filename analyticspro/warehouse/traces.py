"""By what an erased person is known again in an older copy of the warehouse.

A trace holds no id of the person: a slow hash of each (see `Subject.sealed`), and hashes of a
few of the events and records that went. Where these are found still, as in a backup that was
made before the erasure and is restored after it, what stands in them is held against the
slow hashes, and so the person is known by name, to be erased again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from analyticspro.warehouse.subject import Subject

__all__ = ["is_noted", "known_again", "next_number", "note_nobody", "trace"]

_MOST = 100
_COUNTS = (
    "events",
    "older_versions",
    "of_these_archived",
    "ids_kept_out",
    "conflicts",
    "set_aside",
    "archive_files_rewritten",
)
_COLUMNS = {"customers": "customer_id", "users": "user_id"}


def trace(connection: duckdb.DuckDBPyConnection, subject: Subject) -> dict[str, Any]:
    """Return the trace of a person whose events are still there.

    The oldest events are told: a copy that holds any of them holds these.
    """
    return {
        "ids": [
            {
                "kind": kind,
                "seal": _only(kind, each).sealed(),
                "events": [
                    f"{high << 64 | low:032x}"
                    for high, low in connection.execute(
                        f"SELECT id_high, id_low FROM events WHERE {column} = $id "
                        f"GROUP BY ALL ORDER BY min(seq) LIMIT {_MOST}",
                        {"id": each},
                    ).fetchall()
                ],
            }
            for kind, column in _COLUMNS.items()
            for each in getattr(subject, kind)
        ],
        "records": [],
    }


def known_again(cursor: duckdb.DuckDBPyConnection, told: dict[str, Any]) -> Subject | None:
    """Return the person that a trace is of, as far as what is there names them; None if nothing."""
    found: dict[str, list[str]] = {kind: [] for kind in _COLUMNS}
    for one in told["ids"]:
        kind, seal = one["kind"], one["seal"]
        named = _named(cursor, _COLUMNS[kind], [int(event, 16) for event in one["events"]])
        for candidate in (*named, *_spoken_of(cursor, told["records"])):
            if _only(kind, candidate).is_sealed_in(seal):
                found[kind].append(candidate)
                break
    if not any(found.values()):
        return None
    return Subject(tuple(found["customers"]), tuple(found["users"]))


def is_noted(cursor: duckdb.DuckDBPyConnection, receipt: dict[str, Any]) -> bool:
    """Tell whether the erasure of `receipt`, or one that repeats it, is noted here."""
    found = cursor.execute("SELECT receipt FROM erasures").fetchall()
    done = [json.loads(told) for (told,) in found]
    noted = {told["subject"] for told in done} | {told.get("repeats") for told in done}
    return receipt["subject"] in noted or receipt.get("repeats") in noted - {None}


def note_nobody(
    cursor: duckdb.DuckDBPyConnection, receipt: dict[str, Any], at: datetime
) -> dict[str, Any]:
    """Note that nothing here is of whom `receipt` tells of; return the receipt of that."""
    told = receipt | dict.fromkeys(_COUNTS, 0)
    told["asked_at"] = told["finished_at"] = at.astimezone(UTC).isoformat()
    told |= {"repeats": receipt["subject"], "revision": 0, "first_revision": None}
    told["erasure"] = next_number(cursor)
    cursor.execute(
        "INSERT INTO erasures VALUES ($number, 0, 'done', NULL, $receipt)",
        {"number": told["erasure"], "receipt": json.dumps(told)},
    )
    return told


def next_number(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the next erasure."""
    [(last,)] = connection.execute("SELECT coalesce(max(number), 0) FROM erasures").fetchall()
    return int(last) + 1


def _only(kind: str, each: str) -> Subject:
    return Subject(customers=(each,)) if kind == "customers" else Subject(users=(each,))


def _named(cursor: duckdb.DuckDBPyConnection, column: str, events: Sequence[int]) -> list[str]:
    halves = {
        "high": [event >> 64 for event in events],
        "low": [event & (1 << 64) - 1 for event in events],
    }
    rows = cursor.execute(
        f"SELECT DISTINCT {column} FROM events SEMI JOIN (SELECT unnest($high::UBIGINT[]) AS "
        "id_high, unnest($low::UBIGINT[]) AS id_low) USING (id_high, id_low) "
        f"WHERE {column} <> '' ORDER BY ALL",
        halves,
    ).fetchall()
    return [each for (each,) in rows]


def _spoken_of(cursor: duckdb.DuckDBPyConnection, records: Sequence[str]) -> Iterator[str]:
    """Yield whatever might be an id in records that were set aside; see mentions.py."""
    rows = cursor.execute(
        "SELECT DISTINCT raw FROM rejects WHERE md5(raw) = ANY($records)",
        {"records": list(records)},
    ).fetchall()
    for (raw,) in rows:
        try:
            yield from _values(json.loads(raw, parse_int=str, parse_float=str))
        except (ValueError, RecursionError):
            yield from filter(None, re.split(r"[\s,;|\"']+", raw))


def _values(value: object) -> Iterable[str]:
    match value:
        case str():
            yield from [value] if value else []
        case dict():
            for each in value.values():
                yield from _values(each)
        case list():
            for each in value:
                yield from _values(each)
