"""The views that a person's own SQL reads, as one scope may see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from analyticspro.errors import Forbidden
from analyticspro.events import OWN_SOURCE
from analyticspro.policy import CREDIT_EVENTS, FIELD_TAGS, UNTAGGED, Scope, Tag
from analyticspro.warehouse.promotions import Promotion
from analyticspro.warehouse.schema import PROMOTED
from analyticspro.warehouse.sessions import every_session

__all__ = ["COLUMNS", "Sight", "make_views", "sight_of"]

# What each view shows, with DuckDB's types. Moments are UTC. Promoted dimensions are added.
COLUMNS: dict[str, dict[str, str]] = {
    "events": {
        "event_id": "VARCHAR",
        "source": "VARCHAR",
        "name": "VARCHAR",
        "occurred_at": "TIMESTAMP",
        "received_at": "TIMESTAMP",
        "is_late": "BOOLEAN",
        "customer_id": "VARCHAR",
        "user_id": "VARCHAR",
        "session_id": "VARCHAR",
        "amount_minor": "BIGINT",
        "currency": "VARCHAR",
        "properties": "VARCHAR",
        **PROMOTED,
    },
    "sessions": {
        "source": "VARCHAR",
        "started_at": "TIMESTAMP",
        "ended_at": "TIMESTAMP",
        "session_id": "VARCHAR",
        "user_id": "VARCHAR",
        "country": "VARCHAR",
        "plan": "VARCHAR",
        "channel": "VARCHAR",
        "entry_id": "VARCHAR",
        "events": "BIGINT",
        "page_views": "BIGINT",
        "interactions": "BIGINT",
    },
    "customers": {
        "customer_id": "VARCHAR",
        "first_seen_at": "TIMESTAMP",
        "last_seen_at": "TIMESTAMP",
        "events": "BIGINT",
        "country": "VARCHAR",
        "plan": "VARCHAR",
        "channel": "VARCHAR",
    },
}

_UNKNOWN = frozenset({UNTAGGED})


@dataclass(frozen=True)
class Sight:
    """What of one view a scope may see. Data policies are turned into this, and nothing else.

    Attributes:
        shown: The SQL of the rows in which a column shows, over the view's columns; elsewhere
            it is null. A column that is not named shows everywhere.
        rows: The SQL of the rows it sees, likewise; None for all. Both are written into a
            view, which binds no values: whoever makes them quotes these.
        others: The SQL of the rows in which promoted properties show.
    """

    shown: Mapping[str, str] = field(default_factory=dict)
    rows: str | None = None
    others: str = "true"


def sight_of(scope: Scope, view: str) -> Sight | None:
    """Return what `scope` sees of `view`; None if the view is not for it at all.

    Raises:
        Forbidden: It sees no records whatever.
    """
    if scope.is_unlimited:
        return Sight()
    rows = scope.records()
    if rows.is_none:
        raise Forbidden(scope.explain_field("A record of events", ()).reason)
    if view == "sessions" and not rows.fields <= {"source"}:
        return None  # some of their events are not shown, and would be told by them
    filtered = None if rows.is_all or view == "customers" else rows.sql(_quoted)
    if view != "events":
        return Sight(rows=filtered)  # of what is about nobody there are neither
    filtered = _without_own(scope, filtered)
    tagged = {name: scope.records(FIELD_TAGS.get(name, _UNKNOWN)) for name in COLUMNS[view]}
    shown = {name: each.sql(_quoted) for name, each in tagged.items() if not each.is_all}
    of_credits = scope.records({Tag.CREDITS})
    if not of_credits.is_all:
        names = ", ".join(map(_quoted, CREDIT_EVENTS))
        shown["quantity"] = f"(name NOT IN ({names}) OR ({of_credits.sql(_quoted)}))"
    others = scope.records(_UNKNOWN)  # promoted properties, until their tags are asked for here
    return Sight(shown, filtered, "true" if others.is_all else others.sql(_quoted))


def _without_own(scope: Scope, filtered: str | None) -> str | None:
    """Return the rows without what the workspace tells of itself, where that is not granted."""
    granted = scope.records({Tag.SECURITY})
    if granted.is_all:
        return filtered
    shown = f"(source <> {_quoted(OWN_SOURCE)} OR ({granted.sql(_quoted)}))"
    return shown if filtered is None else f"({filtered}) AND {shown}"


def _quoted(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_quoted, value))}]"
    return "'" + str(value).replace("'", "''") + "'"


def make_views(
    connection: duckdb.DuckDBPyConnection,
    sights: Mapping[str, Sight | None],
    promoted: Sequence[Promotion],
    sessions_up_to: int,
) -> None:
    """Make temporary views `governed_…` that only this cursor sees.

    Customers are told from events as these may be seen: rows that are left out count nowhere.
    """
    extra = {p.dimension: p.column for p in promoted if p.dimension not in COLUMNS["events"]}
    columns = COLUMNS["events"] | dict.fromkeys(extra, "VARCHAR")
    # All columns: a filter may be about one that is not shown.
    live = ", ".join(["*", *(f'{column} AS "{name}"' for name, column in extra.items())])
    bodies = {
        "events": f"SELECT {live} FROM events WHERE retired IS NULL",
        "sessions": every_session().replace("$sessions_up_to", f"{sessions_up_to:d}"),
        "customers": _CUSTOMERS,
    }
    for view, body in bodies.items():
        sight = sights[view]
        if sight is None:
            continue
        if view == "events":
            sight = replace(sight, shown={**dict.fromkeys(extra, sight.others), **sight.shown})
        seen = _seen(columns if view == "events" else COLUMNS[view], body, sight)
        connection.execute(f"CREATE TEMP VIEW governed_{view} AS {seen}")


def _seen(columns: Iterable[str], body: str, sight: Sight) -> str:
    shown = ", ".join(
        f'CASE WHEN {sight.shown[name]} THEN "{name}" END AS "{name}"'
        if name in sight.shown
        else f'"{name}"'
        for name in columns
    )
    if sight.rows is None:
        return f"SELECT {shown} FROM ({body})"
    # No condition of the statement's gets below a LIMIT: else one that fails on a value, as a
    # division does, would tell of rows that are not shown.
    return f"SELECT {shown} FROM (SELECT * FROM ({body}) WHERE {sight.rows} LIMIT {2**62})"


_CUSTOMERS = """
    SELECT customer_id, min(occurred_at) AS first_seen_at, max(occurred_at) AS last_seen_at,
        count(*) AS events, arg_max(country, occurred_at) AS country,
        arg_max(plan, occurred_at) AS plan, arg_max(channel, occurred_at) AS channel
    FROM temp.main.governed_events WHERE customer_id IS NOT NULL GROUP BY customer_id"""
