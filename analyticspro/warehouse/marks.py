"""What somebody decided about properties: their tags, and which are not to be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

__all__ = ["BLOCKED", "EVERY", "PERSONAL", "Breach", "Dropped", "Mark", "marks", "note"]

EVERY = "*"  # events of all names
BLOCKED = ":blocked"  # no tag can be called so
PERSONAL = "personal"  # a tag: its values are shown nowhere
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Mark:
    """A tag of a property, or that it is blocked.

    Attributes:
        name: Of the events; `EVERY` for all.
        path: Of the property, as `registry_state.path_of` writes it.
        mark: The tag; or `BLOCKED`.
        set_at: UTC.
    """

    name: str
    path: str
    mark: str
    set_at: datetime


@dataclass(frozen=True)
class Dropped:
    """Of how many events a blocked property was dropped, by the mark that says so."""

    name: str
    path: str
    events: int


@dataclass(frozen=True)
class Breach:
    """How often a contract was broken by events that were stored nevertheless.

    Attributes:
        name: Of the events.
        path: Of the property.
        reason: What is wrong with it.
        events: How many events.
        examples: Values that broke it, as JSON; none of a property that is missing.
    """

    name: str
    path: str
    reason: str
    events: int
    examples: tuple[str, ...]


def marks(connection: duckdb.DuckDBPyConnection) -> list[Mark]:
    """Return all marks, in order."""
    found = connection.execute("SELECT name, path, mark, set_at FROM marks ORDER BY ALL")
    return [Mark(*row) for row in found.fetchall()]


def note(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    at: datetime,
    dropped: Sequence[Dropped],
    breaches: Sequence[Breach],
) -> None:
    """Count what was dropped and broken; in the commit that holds the events.

    Args:
        connection: With the commit open.
        source: Where the events came from.
        at: Of the commit, naive UTC.
        dropped: What was dropped.
        breaches: What was broken.
    """
    for each in dropped:
        connection.execute(
            """
            INSERT INTO dropped VALUES ($name, $path, $events, $at) ON CONFLICT DO UPDATE
            SET events = events + excluded.events, last_at = excluded.last_at
            """,
            vars(each) | {"at": at},
        )
    for breach in breaches:
        connection.execute(
            f"""
            INSERT INTO breaches
            VALUES ($source, $name, $path, $reason, $events, $at, $at, $examples)
            ON CONFLICT DO UPDATE SET events = events + excluded.events,
                last_at = excluded.last_at,
                examples = list_concat(examples, list_filter(excluded.examples,
                    lambda each: NOT list_contains(examples, each)))[:{MOST_EXAMPLES}]
            """,
            vars(breach) | {"source": source, "at": at, "examples": list(breach.examples)},
        )
