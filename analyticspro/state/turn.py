"""What only one may do at a time with the runs of one schedule."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, case, delete, func, insert, select, update

from analyticspro.state.models import Attempts, Runs, Schedules
from analyticspro.state.records import Origin, Outcome, Run, RunState, Schedule

__all__ = ["Turn"]

_TABLE = Runs.__table__
_IN_PLACE = 500  # values in one statement; SQLite and PostgreSQL both take far more
_NEVER_BEGUN = (Runs.attempt == 0) & (Runs.origin == Origin.SCHEDULE)


class Turn:
    """Sole charge of one schedule, inside one transaction (see `ScheduleStore.turn`)."""

    def __init__(self, connection: Connection, schedule: Schedule) -> None:
        self._connection = connection
        self.schedule = schedule
        self._mine = Runs.schedule_id == schedule.id

    def plan(self, *, until: datetime, next_at: datetime | None) -> None:
        """Tell that every slot up to `until`, inclusive, has its row."""
        self._connection.execute(
            update(Schedules)
            .where(Schedules.id == self.schedule.id)
            .values(planned_until=until, next_at=next_at)
        )

    def add(self, slots: Collection[datetime], origin: Origin, *, now: datetime) -> int:
        """Add a waiting run for each slot that has no row yet; return how many."""
        if not slots:
            return 0
        known = self.slots(min(slots), max(slots))
        rows = [self._waiting(slot, origin, now) for slot in slots if slot not in known]
        if rows:
            self._connection.execute(insert(Runs), rows)
        return len(rows)

    def slots(self, first: datetime, last: datetime) -> dict[datetime, Run]:
        """Return the runs there are from `first` to `last`, both inclusive, by slot."""
        found = self._connection.execute(
            select(_TABLE).where(self._mine, Runs.slot.between(first, last))
        )
        return {row.slot: Run(**row._mapping) for row in found}

    def reopen(self, run: Run, *, now: datetime) -> None:
        """Let a finished run wait again, as a backfill, with all its attempts before it."""
        self._connection.execute(
            update(Runs)
            .where(Runs.id == run.id, Runs.state == RunState.FINISHED)
            .values(
                origin=Origin.BACKFILL,
                state=RunState.WAITING,
                outcome=None,
                attempts_allowed=run.attempt + self.schedule.max_attempts,
                not_before=now,
                cancel_asked=False,
                queued_at=now,
                started_at=None,
                finished_at=None,
            )
        )

    def late(self, before: datetime) -> list[datetime]:
        """Return the slots before `before` that have not begun, the oldest first."""
        wanted = (self._mine, Runs.state == RunState.WAITING, _NEVER_BEGUN, Runs.slot < before)
        return list(self._connection.scalars(select(Runs.slot).where(*wanted).order_by(Runs.slot)))

    def has_on_time(self, since: datetime) -> bool:
        """Whether a slot at or after `since` waits to begin."""
        wanted = (self._mine, Runs.state == RunState.WAITING, _NEVER_BEGUN, Runs.slot >= since)
        return self._connection.scalar(select(Runs.id).where(*wanted).limit(1)) is not None

    def miss(self, slots: Iterable[datetime], *, now: datetime) -> None:
        """Keep slots that have not begun as missed."""
        missed = list(slots)
        for start in range(0, len(missed), _IN_PLACE):
            self._connection.execute(
                update(Runs)
                .where(self._mine, Runs.slot.in_(missed[start : start + _IN_PLACE]))
                .where(Runs.state == RunState.WAITING, _NEVER_BEGUN)
                .values(state=RunState.FINISHED, outcome=Outcome.MISSED, finished_at=now)
            )

    def withdraw(self, after: datetime) -> int:
        """Take back planned slots after `after` that never began; return how many.

        One that was kept as missed goes too: what has yet to come has not been missed.
        """
        done = self._connection.execute(
            delete(Runs).where(self._mine, _NEVER_BEGUN, Runs.slot > after)
        )
        return done.rowcount

    def is_running(self) -> bool:
        """Whether any run of this schedule is being run."""
        wanted = (self._mine, Runs.state == RunState.RUNNING)
        return self._connection.scalar(select(func.count(Runs.id)).where(*wanted)) != 0

    def next_run(self, *, due_by: datetime | None) -> Run | None:
        """Return the waiting run whose turn it is; None if there is none.

        What was begun is finished first; then slots in order; backfill fills the gaps. Of a
        paused schedule only what a person asks for now.

        Args:
            due_by: Pass over runs that may not begin until later; None if they hold up the
                others.
        """
        query = select(_TABLE).where(self._mine, Runs.state == RunState.WAITING)
        if self.schedule.paused:
            query = query.where(Runs.origin == Origin.MANUAL)
        if due_by is not None:
            query = query.where(Runs.not_before <= due_by)
        found = self._connection.execute(
            query.order_by(
                case((Runs.started_at.is_(None), 1), else_=0),
                case((Runs.origin == Origin.BACKFILL, 1), else_=0),
                Runs.slot,
            ).limit(1)
        ).one_or_none()
        return None if found is None else Run(**found._mapping)

    def begin(self, run: Run, *, owner: str, now: datetime) -> Run:
        """Begin the next attempt at `run` and return it as it is then."""
        row = Runs.id == run.id
        self._connection.execute(
            update(Runs)
            .where(row, Runs.state == RunState.WAITING, Runs.attempt == run.attempt)
            .values(
                state=RunState.RUNNING,
                attempt=run.attempt + 1,
                owner=owner,
                lease_s=self.schedule.lease_s,
                beat=0,
                beat_at=now,
                alone=not self.schedule.overlaps,
                started_at=func.coalesce(Runs.started_at, now),
            )
        )
        attempt = {"run_id": run.id, "attempt": run.attempt + 1, "owner": owner}
        self._connection.execute(insert(Attempts), [attempt | {"started_at": now}])
        found = self._connection.execute(select(_TABLE).where(row)).one()
        return Run(**found._mapping)

    def _waiting(self, slot: datetime, origin: Origin, now: datetime) -> dict[str, object]:
        return {
            "schedule_id": self.schedule.id,
            "slot": slot,
            "origin": origin,
            "state": RunState.WAITING,
            "attempt": 0,
            "attempts_allowed": self.schedule.max_attempts,
            "not_before": max(slot, now) if origin is Origin.BACKFILL else slot,
            "beat": 0,
            "alone": False,
            "cancel_asked": False,
            "queued_at": now,
        }
