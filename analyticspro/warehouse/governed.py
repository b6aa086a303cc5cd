"""The views that a person's own SQL reads, as one scope may see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from analyticspro.errors import Forbidden
from analyticspro.policy import OWNER, Scope
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


@dataclass(frozen=True)
class Sight:
    """What of one view a scope may see. Data policies are turned into this, and nothing else.

    Attributes:
        shown: The SQL of the rows in which a column shows, over the view's columns; elsewhere
            it is null. A column that is not named shows everywhere.
        rows: The SQL of the rows it sees, likewise; None for all. Both are written into a
            view, which binds no values: whoever makes them quotes these.
    """

    shown: Mapping[str, str] = field(default_factory=dict)
    rows: str | None = None


def sight_of(scope: Scope, view: str) -> Sight:
    """Return what `scope` sees of `view`.

    Raises:
        Forbidden: No policy says anything of this scope; what is not granted is refused.
    """
    if scope == OWNER:
        return Sight()
    raise Forbidden(f"No data policy says what {scope.name!r} may see of {view}. Ask an admin.")


def make_views(
    connection: duckdb.DuckDBPyConnection,
    sights: dict[str, Sight],
    promoted: Sequence[Promotion],
    sessions_up_to: int,
) -> None:
    """Make temporary views `governed_…` that only this cursor sees.

    Customers are told from events as these may be seen: rows that are left out count nowhere.
    """
    extra = {p.dimension: p.column for p in promoted if p.dimension not in COLUMNS["events"]}
    columns = COLUMNS["events"] | dict.fromkeys(extra, "VARCHAR")
    live = ", ".join(
        [*COLUMNS["events"], *(f'{column} AS "{name}"' for name, column in extra.items())]
    )
    bodies = {
        "events": f"SELECT {live} FROM events WHERE retired IS NULL",
        "sessions": every_session().replace("$sessions_up_to", f"{sessions_up_to:d}"),
        "customers": _CUSTOMERS,
    }
    for view, body in bodies.items():
        seen = _seen(columns if view == "events" else COLUMNS[view], body, sights[view])
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
