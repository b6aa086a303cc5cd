"""When a source is synced by itself, as it is declared."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from analyticspro.connectors import Source
from analyticspro.operation.health import Expected

if TYPE_CHECKING:
    from analyticspro.scheduling import Definition, Trigger

__all__ = ["expected", "schedule_name", "sync_schedule", "told"]


def schedule_name(source: str) -> str:
    """Return the name of the schedule that syncs `source`.

    >>> schedule_name("till")
    'sync till'
    """
    return f"sync {source}"


def sync_schedule(source: Source, zone: str) -> Definition | None:
    """Return the schedule that `source` declares; None if it is not synced by itself.

    Args:
        source: As it is declared.
        zone: Whose wall clock its `cron` is read on.

    Raises:
        DefinitionError: Its `cron` is none.
    """
    trigger = _trigger(source, zone)
    if trigger is None:
        return None
    from analyticspro.scheduling import Definition  # brings SQLAlchemy: a third of a second

    parameters = {"source": source.name}
    return Definition(
        schedule_name(source.name), "sync", trigger, parameters, timeout=timedelta(days=1)
    )


def expected(source: Source | None, zone: str, after: datetime | None) -> Expected | None:
    """Return when the next good sync should begin, after one that began at `after`.

    `fresh_within` decides if it is declared, else the schedule; without either, and before
    the first good sync, nobody says.
    """
    if source is None or after is None:
        return None
    if source.fresh_within is not None:
        return Expected(after + source.fresh_within)
    if source.every is not None:
        return Expected(after + source.every, source.every)
    trigger = _trigger(source, zone)
    due = trigger and trigger.after(after)
    following = trigger and due and trigger.after(due)
    return Expected(due, following - due) if due and following else None


def told(source: Source | None) -> str | None:
    """Return in words how often `source` is expected to be synced; None if nobody says."""
    if source is None:
        return None
    if source.fresh_within is not None:
        return f"within {_length(source.fresh_within)}"
    if source.every is not None:
        return f"every {_length(source.every)}"
    return source.cron


def _length(length: timedelta) -> str:
    """Return `length` as one would declare it.

    >>> _length(timedelta(minutes=90)), _length(timedelta(days=1)), _length(timedelta(seconds=7))
    ('90m', '1d', '7s')
    """
    seconds = length // timedelta(seconds=1)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _trigger(source: Source, zone: str) -> Trigger | None:
    if source.every is None and source.cron is None:
        return None
    from analyticspro.scheduling import Cron, Interval

    if source.cron is not None:
        return Cron(source.cron, zone)
    assert source.every is not None
    return Interval(source.every)
