"""Schedules as they are stored, and who changed them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from analyticspro.errors import UnknownName
from analyticspro.state.models import Changes, Schedules
from analyticspro.state.records import Change, Schedule
from analyticspro.state.turn import Turn

if TYPE_CHECKING:
    from analyticspro.state.database import State

__all__ = ["ScheduleStore"]

_TABLE = Schedules.__table__
_THERE = Schedules.removed_at.is_(None)
# What changes by itself is no change of the schedule.
_BOOKKEEPING = {"id", "planned_until", "next_at", "revision", "created_at", "changed_at"}


class ScheduleStore:
    """Reads and changes schedules. Every change names who made it and is kept."""

    def __init__(self, state: State) -> None:
        self._state = state

    def all(self) -> list[Schedule]:
        """Return all schedules that are not removed, by name."""
        with self._state.reading() as connection:
            rows = connection.execute(select(_TABLE).where(_THERE).order_by(Schedules.name))
            return [Schedule(**row._mapping) for row in rows]

    def get(self, name: str) -> Schedule:
        """Return the schedule `name`; raises UnknownName."""
        with self._state.reading() as connection:
            return _named(connection, name)

    def add(self, values: dict[str, Any], *, who: str, now: datetime) -> Schedule | None:
        """Store a new schedule; return None if there is one of that name already.

        `values` has every column but those that keep count.
        """
        kept = values | {"revision": 1, "created_at": now, "changed_at": now}
        try:
            with self._state.writing() as connection:
                connection.execute(insert(Schedules), [kept])
                schedule = _named(connection, values["name"])
                _note(connection, schedule, "added", {}, _told(values), who, now)
                return schedule
        except IntegrityError:  # of the name: nothing else here can clash
            return None

    def change(
        self, name: str, values: dict[str, Any], *, action: str, who: str, now: datetime
    ) -> Schedule:
        """Change some columns of a schedule; what is equal already is no change."""
        with self._state.writing() as connection:
            before = _named(connection, name, lock=True)
            differs = {key: new for key, new in values.items() if getattr(before, key) != new}
            if not differs.keys() - _BOOKKEEPING:
                return before
            counted = {"revision": before.revision + 1, "changed_at": now}
            row = Schedules.id == before.id
            connection.execute(update(Schedules).where(row).values(**differs, **counted))
            was = {key: getattr(before, key) for key in differs}
            _note(connection, before, action, _told(was), _told(differs), who, now)
            found = connection.execute(select(_TABLE).where(row)).one()
            return Schedule(**found._mapping)

    def note(
        self, schedule: Schedule, action: str, after: dict[str, Any], *, who: str, now: datetime
    ) -> None:
        """Keep what was done with a schedule that changes no column of it."""
        with self._state.writing() as connection:
            _note(connection, schedule, action, {}, after, who, now)

    def changes(self, schedule: Schedule) -> list[Change]:
        """Return who changed `schedule`, oldest first."""
        about = (Changes.subject == "schedule") & (Changes.subject_id == str(schedule.id))
        with self._state.reading() as connection:
            rows = connection.execute(select(Changes.__table__).where(about).order_by(Changes.id))
            return [Change(**row._mapping) for row in rows]

    def due(self, now: datetime, jobs: Collection[str], *, astray: timedelta) -> list[int]:
        """Return the schedules whose next slot has come, the longest due first.

        Also those planned further ahead than `astray`: the clock was wrong when that was done.
        """
        wanted = or_(Schedules.next_at <= now, Schedules.planned_until > now + astray)
        return self._ids(wanted & Schedules.job.in_(jobs) & ~Schedules.paused)

    def _ids(self, wanted: ColumnElement[bool]) -> list[int]:
        with self._state.reading() as connection:
            found = connection.scalars(
                select(Schedules.id).where(wanted, _THERE).order_by(Schedules.next_at)
            )
            return list(found)

    @contextmanager
    def turn(self, schedule_id: int, *, wait: bool = True) -> Iterator[Turn | None]:
        """Give sole charge of one schedule's runs until the block ends, then commit.

        Nobody else plans, begins or adds runs of it meanwhile; runs that are running go on
        and may finish.

        Args:
            schedule_id: The schedule.
            wait: Whether to wait while another has charge, or to be given None.
        """
        with self._state.writing() as connection:
            query = select(_TABLE).where(Schedules.id == schedule_id, _THERE)
            found = connection.execute(query.with_for_update(skip_locked=not wait)).one_or_none()
            yield None if found is None else Turn(connection, Schedule(**found._mapping))


def _named(connection: Connection, name: str, *, lock: bool = False) -> Schedule:
    query = select(_TABLE).where(Schedules.name == name, _THERE)
    found = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        known = connection.scalars(select(Schedules.name).where(_THERE))
        raise UnknownName.of("schedule", name, known)
    return Schedule(**found._mapping)


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` as JSON tells them."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in values.items()
        if key not in _BOOKKEEPING
    }


def _note(
    connection: Connection,
    schedule: Schedule,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
    who: str,
    now: datetime,
) -> None:
    connection.execute(
        insert(Changes),
        [
            {
                "at": now,
                "who": who,
                "subject": "schedule",
                "subject_id": str(schedule.id),
                "action": action,
                "before": before,
                "after": after,
            }
        ],
    )
