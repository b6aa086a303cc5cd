"""Runs as they are stored: who has one, whether it is alive, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, delete, func, not_, or_, select, update

from analyticspro.state.failures import LeaseLost
from analyticspro.state.models import Attempts, Runs, Schedules
from analyticspro.state.records import Attempt, Origin, Outcome, Run, RunState

if TYPE_CHECKING:
    from analyticspro.state.database import State

__all__ = ["Ending", "RunStore", "Write"]

Write = Callable[[Connection], None]

_TABLE = Runs.__table__


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, and what becomes of its run.

    Attributes:
        outcome: Of the attempt; of the run too if it is not tried again.
        again_at: When the run may be tried again; None if it has come to its end.
        uncounted: Whether the attempt is given back rather than used up.
    """

    outcome: Outcome
    again_at: datetime | None = None
    uncounted: bool = False
    error_code: str | None = None
    error: str | None = None
    result: Any = None


class RunStore:
    """Reads runs and ends attempts. Only the attempt that counts can change its run."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, run_id: int) -> Run:
        """Return one run."""
        with self._state.reading() as connection:
            found = connection.execute(select(_TABLE).where(Runs.id == run_id)).one()
            return Run(**found._mapping)

    def of(
        self,
        schedule_id: int,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        newest: int = 1000,
    ) -> list[Run]:
        """Return the newest runs of a schedule with `since` <= slot < `until`, in slot order."""
        query = select(_TABLE).where(Runs.schedule_id == schedule_id)
        if since is not None:
            query = query.where(Runs.slot >= since)
        if until is not None:
            query = query.where(Runs.slot < until)
        with self._state.reading() as connection:
            rows = connection.execute(query.order_by(Runs.slot.desc()).limit(newest)).all()
        return [Run(**row._mapping) for row in reversed(rows)]

    def counts(
        self, schedule_id: int, *, since: datetime, until: datetime
    ) -> dict[Outcome | RunState, int]:
        """Return how many runs with `since` <= slot < `until` wait, run, or ended in which way."""
        query = (
            select(Runs.state, Runs.outcome, func.count())
            .where(Runs.schedule_id == schedule_id, Runs.slot >= since, Runs.slot < until)
            .group_by(Runs.state, Runs.outcome)
        )
        with self._state.reading() as connection:
            counted = connection.execute(query).all()
        return {outcome or state: count for state, outcome, count in counted}

    def attempts(self, run_id: int) -> list[Attempt]:
        """Return the attempts at a run, in order."""
        query = select(Attempts.__table__).where(Attempts.run_id == run_id)
        with self._state.reading() as connection:
            rows = connection.execute(query.order_by(Attempts.attempt))
            return [Attempt(**row._mapping) for row in rows]

    def running(self) -> list[Run]:
        """Return every run that somebody is running."""
        with self._state.reading() as connection:
            found = connection.execute(select(_TABLE).where(Runs.state == RunState.RUNNING))
            return [Run(**row._mapping) for row in found]

    def waiting(self, now: datetime, jobs: Collection[str], *, astray: timedelta) -> list[int]:
        """Return the schedules that have a run which may begin, the longest waiting first.

        What was queued further ahead than `astray` was so by a clock that was wrong, and so
        was the time it is to wait for.
        """
        due = or_(Runs.not_before <= now, Runs.queued_at > now + astray)
        held = and_(Schedules.paused, Runs.origin != Origin.MANUAL)
        query = (
            select(Runs.schedule_id)
            .join(Schedules, Schedules.id == Runs.schedule_id)
            .where(Runs.state == RunState.WAITING, due, not_(held))
            .where(Schedules.job.in_(jobs), Schedules.removed_at.is_(None))
            .group_by(Runs.schedule_id)
            .order_by(func.min(Runs.not_before))
        )
        with self._state.reading() as connection:
            return list(connection.scalars(query))

    def beat(self, run: Run, *, now: datetime) -> bool:
        """Tell that `run` is alive; return whether a person asked to cancel it.

        Raises:
            LeaseLost: Another has taken it over.
        """
        with self._state.writing() as connection:
            told = update(Runs).where(_counts(run)).values(beat=Runs.beat + 1, beat_at=now)
            if connection.execute(told).rowcount != 1:
                raise _lost(run)
            return bool(connection.scalar(select(Runs.cancel_asked).where(Runs.id == run.id)))

    def end(self, run: Run, ending: Ending, *, now: datetime, writes: Sequence[Write] = ()) -> None:
        """End the attempt that `run` is, if it still counts.

        Args:
            run: As it was begun; its attempt number decides.
            ending: How.
            now: The time of the end.
            writes: Called in the same transaction: what they write into the state database is
                there exactly if this attempt's end is.

        Raises:
            LeaseLost: Another attempt counts by now, or the run has ended. Nothing was changed.
        """
        self._end(run, ending, now, _counts(run), writes)

    def take_over(self, run: Run, ending: Ending, *, now: datetime) -> bool:
        """End the attempt of an owner that fell silent; return whether it still was silent.

        The attempt that `run` was seen at, at the very beat it was seen at, or nothing.
        """
        try:
            self._end(run, ending, now, _counts(run) & (Runs.beat == run.beat), ())
        except LeaseLost:
            return False
        return True

    def ask_to_cancel(self, run_id: int, *, now: datetime) -> None:
        """Cancel a run: at once if it waits, else its owner is told at its next beat."""
        row = Runs.id == run_id
        with self._state.writing() as connection:
            connection.execute(
                update(Runs)
                .where(row, Runs.state == RunState.WAITING)
                .values(state=RunState.FINISHED, outcome=Outcome.CANCELLED, finished_at=now)
            )
            connection.execute(
                update(Runs).where(row, Runs.state == RunState.RUNNING).values(cancel_asked=True)
            )

    def forget(self, before: datetime) -> int:
        """Delete finished runs of slots before `before` with their attempts; return how many."""
        old = (Runs.state == RunState.FINISHED, Runs.slot < before)
        with self._state.writing() as connection:
            return connection.execute(delete(Runs).where(*old)).rowcount

    def _end(
        self, run: Run, ending: Ending, now: datetime, counts: Any, writes: Sequence[Write]
    ) -> None:
        told = {"error_code": ending.error_code, "error": ending.error}
        with self._state.writing() as connection:
            # First of all, and with the row locked until the commit: nobody gets in between.
            ended = update(Runs).where(counts).values(**told, **_becomes(ending, now))
            if connection.execute(ended).rowcount != 1:
                raise _lost(run)
            connection.execute(
                update(Attempts)
                .where(Attempts.run_id == run.id, Attempts.attempt == run.attempt)
                .values(ended_at=now, outcome=ending.outcome, **told)
            )
            for write in writes:
                write(connection)


def _counts(run: Run) -> Any:
    return and_(Runs.id == run.id, Runs.state == RunState.RUNNING, Runs.attempt == run.attempt)


def _becomes(ending: Ending, now: datetime) -> dict[str, Any]:
    if ending.again_at is None:
        return {
            "state": RunState.FINISHED,
            "outcome": ending.outcome,
            "finished_at": now,
            "result": ending.result,
        }
    again = {"state": RunState.WAITING, "not_before": ending.again_at, "queued_at": now}
    if ending.uncounted:
        again["attempts_allowed"] = Runs.attempts_allowed + 1
    return again


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(
        f"Attempt {run.attempt} at the slot {run.slot.isoformat()} no longer counts: it was taken "
        "over or ended meanwhile. Nothing was changed."
    )
