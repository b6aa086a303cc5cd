"""Sessions: visits told apart by 30 minutes of silence, exact at every moment.

A source that numbers its own sessions is taken at its word: its events with one `session_id`
are one session. Any other event belongs to its visitor, which is its `user_id` (a connector
puts an anonymous id there where nobody is known); one that has neither is in no session.
A visitor's session goes on until there is nothing for more than 30 minutes, or until its 24
hours are over: the first event at 24 hours or later starts another one, with a clock of its
own. Sources are apart, and so is a visitor before and after signing in.

As with the rollups, the tables hold what is true as of one revision (`Rolled.up_to`), and
nothing is written to them by a commit. Reading takes away the sessions that may have changed
since and adds what has become of them; `bring_up`, in session_days.py, writes that down. What
has to be looked at is near what was touched:

- A session has changed only if an event that came or went lies within it or within 30 minutes
  of it; or if it follows one that has, without a gap: then what cuts it off is the clock of 24
  hours, which may have moved. Such sessions are a run, and know since when it is.
- Where nothing went and no clock ran out, sessions and events that are near each other simply
  become one: no other event need be read. Else all of that place are.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "INTERACTIVE",
    "OF_SESSIONS",
    "PAGES",
    "SESSION_COLUMNS",
    "TALLIES",
    "every_session",
    "session_changes",
    "tallies",
]

# What can be told of a session besides: where and how it began.
OF_SESSIONS = ("source", "country", "plan", "channel")
# A screen is the page of an app.
PAGES = "name IN ('page_viewed', 'screen_viewed')"
# What a visitor does beyond looking at a page. Not so what a tracker says by itself of a
# session or of who somebody is.
INTERACTIVE = """name NOT IN ('page_viewed', 'screen_viewed', 'session_started', 'session_ended',
    'user_identified', 'user_aliased', 'group_joined', 'order_cancelled', 'order_refunded')"""
# A reversal befalls a customer, and is no visit; unless its source says in which it was made.
_IS_OF_SOMEBODY = """(session_id IS NOT NULL
    OR user_id IS NOT NULL AND name NOT IN ('order_cancelled', 'order_refunded'))"""

_GAP, _LONGEST = "INTERVAL 30 MINUTE", "INTERVAL 24 HOUR"
# Events of a visitor that come within so much of each other are looked at as one.
_TOGETHER = "INTERVAL 10 MINUTE"
_KEY = "source, is_numbered, who"
_WHO = "source, session_id IS NOT NULL AS is_numbered, coalesce(session_id, user_id) AS who"
_COUNTS = ("events", "page_views", "interactions")
_FIRST = ("entry_id", "session_id", "user_id", "country", "plan", "channel")
SESSION_COLUMNS = ("source", "started_at", "ended_at", "run_at", *_FIRST, *_COUNTS)
TALLIES = {
    "sessions": "1",
    "bounces": "(page_views = 1 AND interactions = 0)::INT",
    "page_views": "page_views",
    "lasted_us": "(epoch_us(ended_at) - epoch_us(started_at))",
}


@dataclass(frozen=True)
class _Versions:
    """Which versions of events are live: the newest, or those as of `$as_of`."""

    live: str
    came: str
    gone: str


_NOW = _Versions(
    live="retired IS NULL",
    came="revision > $sessions_up_to AND retired IS NULL",
    gone="revision <= $sessions_up_to AND retired > $sessions_up_to",
)
_WAS_LIVE = "revision <= $as_of AND (retired IS NULL OR retired > $as_of)"
_AS_OF = _Versions(
    live=_WAS_LIVE,
    came=f"revision > $sessions_up_to AND {_WAS_LIVE}",
    gone="revision <= $sessions_up_to AND retired > $sessions_up_to AND retired <= $as_of",
)


def every_session() -> str:
    """Return the SQL of the sessions that there are, one row each.

    It gives source, started_at and ended_at (UTC, of its first and last event), session_id
    (null: told by silence), user_id, country, plan, channel and entry_id (the first event's;
    of several at one time the one with the lowest event_id), events, page_views and
    interactions. Value to bind: `$sessions_up_to`; 0 has all read from the events.
    """
    columns = ", ".join(SESSION_COLUMNS)
    return f"""
        WITH changed AS MATERIALIZED ({session_changes()})
        SELECT {columns} FROM sessions
        WHERE $sessions_up_to > 0
            AND rowid NOT IN (SELECT place FROM changed WHERE place IS NOT NULL)
        UNION ALL SELECT {columns} FROM changed WHERE sign = 1"""


def session_changes(*, as_of: bool = False) -> str:
    """Return the SQL of what became of sessions since `$sessions_up_to`.

    It gives the columns of `sessions`; sign, -1 for one that is no more (or not as it was) and
    1 for one that is new; and place, the row of the table that is no more.

    Args:
        as_of: Whether only up to the revision `$as_of`.
    """
    versions = _AS_OF if as_of else _NOW
    return f"""
        WITH RECURSIVE {_touched(versions)},
        {_dirty()},
        {_zones()},
        {_anew(versions)}
        SELECT -1 AS sign, place, {", ".join(SESSION_COLUMNS)} FROM dirty
        UNION ALL
        SELECT 1, NULL, source, started_at, ended_at, nullif(run_at, started_at), {_unpacked()},
            {", ".join(_COUNTS)}
        FROM zones WHERE NOT is_hard
        UNION ALL
        SELECT 1, NULL, source, started_at, ended_at, nullif(run_at, started_at), {_unpacked()},
            {", ".join(_COUNTS)}
        FROM anew"""


def tallies(sign: str = "1") -> str:
    """Return the columns that `session_days` adds up, of one session each."""
    return ", ".join(f"{sign} * {value} AS {name}" for name, value in TALLIES.items())


def _item(of: str, live: str) -> str:
    return f"""
        SELECT {_WHO}, occurred_at AS moment,
            {{'at': occurred_at, 'entry_id': event_id, 'session_id': session_id,
              'user_id': user_id, 'country': country, 'plan': plan, 'channel': channel}} AS entry,
            ({PAGES})::BIGINT AS page_views, ({INTERACTIVE})::BIGINT AS interactions
        FROM {of} WHERE {live} AND {_IS_OF_SOMEBODY}"""


def _unpacked() -> str:
    return ", ".join(f"entry.{name}" for name in _FIRST)


def _touched(versions: _Versions) -> str:
    return f"""
        came AS MATERIALIZED (
            SELECT {_KEY}, min(moment) AS lo, max(moment) AS hi, min(entry) AS entry,
                count(*) AS events, sum(page_views)::BIGINT AS page_views,
                sum(interactions)::BIGINT AS interactions
            FROM ({_item("events", versions.came)})
            GROUP BY {_KEY}, CASE WHEN NOT is_numbered THEN time_bucket({_TOGETHER}, moment) END),
        gone AS MATERIALIZED (
            SELECT {_WHO}, occurred_at AS moment FROM events
            WHERE {versions.gone} AND {_IS_OF_SOMEBODY}),
        touched AS MATERIALIZED (
            SELECT {_KEY}, lo, hi FROM came UNION SELECT {_KEY}, moment, moment FROM gone)"""


def _dirty() -> str:
    """Return the sessions that may have changed: near what was touched, or in a run after it.

    What is near a moment began less than 24 hours and 30 minutes before it, so on one of a
    few days: that finds them without looking at all the sessions of a visitor.
    """
    columns, theirs = (
        ", ".join(f"{table}.{column}" for column in SESSION_COLUMNS) for table in ("mine", "s")
    )
    return f"""
        days AS (
            SELECT DISTINCT source, who, began::DATE AS began_on
            FROM (SELECT source, who, unnest([lo - {_LONGEST} - {_GAP}, lo - {_GAP},
                hi + {_GAP}]) AS began FROM touched WHERE NOT is_numbered)),
        mine AS MATERIALIZED (
            SELECT *, rowid AS place, false AS is_numbered, user_id AS who FROM sessions
            WHERE $sessions_up_to > 0 AND session_id IS NULL
                AND started_at >= {_least(f"lo - {_LONGEST} - {_GAP}", "touched")}
                AND (source, user_id, started_at::DATE)
                    IN (SELECT (source, who, began_on) FROM days)
            UNION ALL
            SELECT *, rowid, true, session_id FROM sessions
            WHERE $sessions_up_to > 0 AND session_id IS NOT NULL
                AND (source, session_id) IN (SELECT (source, who) FROM touched WHERE is_numbered)),
        near AS MATERIALIZED (
            SELECT DISTINCT mine.place, mine.is_numbered, mine.who, {columns}
            FROM mine JOIN touched USING ({_KEY})
            WHERE is_numbered
                OR lo <= ended_at + {_GAP} AND hi >= started_at - {_GAP}),
        since AS (
            SELECT {_KEY}, coalesce(run_at, started_at) AS run, min(started_at) AS began
            FROM near GROUP BY ALL),
        dirty AS MATERIALIZED (
            SELECT * FROM near
            UNION
            SELECT s.rowid, false, s.user_id, {theirs} FROM sessions s JOIN since
                ON s.source = since.source AND s.user_id = since.who
                AND s.run_at = since.run AND s.started_at > since.began
            WHERE s.session_id IS NULL AND s.run_at IS NOT NULL AND NOT since.is_numbered
                AND s.started_at > {_least("began", "since")})"""


def _least(moment: str, table: str) -> str:
    """Return the least moment of a table, by which DuckDB skips blocks; of none it skips all."""
    return f"(SELECT coalesce(min({moment}), 'infinity') FROM {table})"


def _zones() -> str:
    """Return the places that were touched: apart by silence, whatever is in them."""
    return f"""
        items AS (
            SELECT {_KEY}, lo, hi, lo AS run_at, entry, events, page_views, interactions,
                false AS is_gone FROM came
            UNION ALL
            SELECT {_KEY}, started_at, ended_at, coalesce(run_at, started_at),
                {{'at': started_at, 'entry_id': entry_id, 'session_id': session_id,
                  'user_id': user_id, 'country': country, 'plan': plan, 'channel': channel}},
                events, page_views, interactions, false FROM dirty
            UNION ALL SELECT {_KEY}, moment, moment, moment, NULL, 0, 0, 0, true FROM gone),
        parted AS (
            SELECT *, max(hi) OVER (PARTITION BY {_KEY} ORDER BY lo
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM items),
        numbered AS (
            SELECT *, sum((NOT is_numbered AND coalesce(lo > before + {_GAP}, false))::INT)
                OVER (PARTITION BY {_KEY} ORDER BY lo) AS zone FROM parted),
        zones AS MATERIALIZED (
            SELECT {_KEY}, zone, min(lo) AS started_at, max(hi) AS ended_at,
                min(run_at) AS run_at, min(entry) AS entry, sum(events)::BIGINT AS events,
                sum(page_views)::BIGINT AS page_views, sum(interactions)::BIGINT AS interactions,
                bool_or(is_gone)
                    OR NOT is_numbered AND max(hi) >= min(lo) + {_LONGEST} AS is_hard
            FROM numbered GROUP BY {_KEY}, zone)"""


def _anew(versions: _Versions) -> str:
    """Return the sessions of the zones whose events must be read."""
    place = f"{_KEY}, zone, run"
    within = f"occurred_at >= {_least('lo', 'hard')} AND occurred_at <= (SELECT max(hi) FROM hard)"
    return f"""
        hard AS MATERIALIZED (
            SELECT {_KEY}, zone, started_at AS lo, ended_at AS hi, run_at FROM zones
            WHERE is_hard),
        steps AS (
            SELECT e.*, zone, lo, run_at FROM ({_item("events", f"{versions.live} AND {within}")}) e
            JOIN hard USING ({_KEY}) WHERE e.moment >= lo AND e.moment <= hi),
        gaps AS (
            SELECT *, NOT is_numbered AND coalesce(moment > {_GAP} + lag(moment) OVER (
                PARTITION BY {_KEY}, zone ORDER BY moment), false) AS is_first FROM steps),
        runs AS MATERIALIZED (
            SELECT *, sum(is_first::INT) OVER (PARTITION BY {_KEY}, zone ORDER BY moment) AS run
            FROM gaps),
        spans AS MATERIALIZED (
            SELECT {place}, min(moment) AS begun, max(moment) AS last,
                CASE WHEN run = 0 AND any_value(run_at) < any_value(lo)
                    THEN any_value(run_at) ELSE min(moment) END AS run_at
            FROM runs GROUP BY {place}),
        long AS MATERIALIZED (
            SELECT DISTINCT {place}, moment FROM runs SEMI JOIN (
                FROM spans WHERE NOT is_numbered AND last >= begun + {_LONGEST})
                USING ({place})),
        starts AS (
            SELECT {place}, begun AS moment FROM spans
            UNION ALL
            SELECT {place}, min(long.moment) FROM starts JOIN long USING ({place})
            WHERE long.moment >= starts.moment + {_LONGEST} GROUP BY {place}, starts.moment),
        anew AS (
            SELECT source, starts.moment AS started_at, max(runs.moment) AS ended_at,
                any_value(spans.run_at) AS run_at, min(entry) AS entry, count(*) AS events,
                sum(page_views)::BIGINT AS page_views, sum(interactions)::BIGINT AS interactions
            FROM runs ASOF JOIN starts USING ({place}, moment) JOIN spans USING ({place})
            GROUP BY {place}, starts.moment)"""
