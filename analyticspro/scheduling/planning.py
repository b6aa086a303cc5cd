"""Decides, slot by slot, what is planned, missed and begun. Needs sole charge of a schedule."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from analyticspro.scheduling.definition import Definition, Misfire, MisfirePolicy
from analyticspro.scheduling.triggers import slots
from analyticspro.state import Origin, Run, Schedule, Turn

__all__ = ["ASTRAY", "begin_next", "plan", "too_late"]

# Planned further ahead than this, a schedule was planned by a clock that was wrong.
ASTRAY = timedelta(minutes=5)

_AT_ONCE = 5_000
_log = logging.getLogger(__name__)


def plan(turn: Turn, now: datetime) -> bool:
    """Add a waiting run for every slot that has come; return whether more are left.

    Slots are planned in order and each once: `planned_until` is moved in the same transaction.
    It moves back only if it lies further ahead than `ASTRAY`, which takes a clock that was
    wrong; then what was planned ahead and never began is withdrawn, and comes in its time.
    What did begin keeps its row and so is not run again.
    """
    schedule = turn.schedule
    planned_until = schedule.planned_until
    if planned_until > now + ASTRAY:
        withdrawn = turn.withdraw(now)
        _log.warning(
            "schedule %r was planned until %s, %s ahead of the clock: %d slots withdrawn",
            schedule.name,
            planned_until,
            planned_until - now,
            withdrawn,
        )
        planned_until = now
    trigger = Definition.of(schedule).trigger
    due = list(islice(slots(trigger, planned_until, now), _AT_ONCE))
    turn.add(due, Origin.SCHEDULE, now=now)
    more = len(due) == _AT_ONCE
    until = due[-1] if more else max(planned_until, now)
    turn.plan(until=until, next_at=trigger.after(until))
    return more


def begin_next(turn: Turn, now: datetime, *, owner: str) -> Run | None:
    """Begin the run whose turn it is, if it may begin; before that, give up what is too late.

    Unless the schedule overlaps, it has to wait for the run that is running, and for the one
    that failed and is to be tried again: slots are finished in their order.
    """
    schedule = turn.schedule
    if _is_to_be_planned(schedule, now) or (not schedule.overlaps and turn.is_running()):
        return None
    _give_up_late(turn, now)
    run = turn.next_run(due_by=now if schedule.overlaps else None)
    if run is None or not _may_begin(run, now):
        return None
    return turn.begin(run, owner=owner, now=now)


def too_late(late: Sequence[datetime], misfire: Misfire, *, on_time: bool) -> Sequence[datetime]:
    """Return which of the late slots are given up.

    Args:
        late: The slots that wait and are late, the oldest first.
        misfire: The policy.
        on_time: Whether a slot that is not late waits too.
    """
    match misfire.policy:
        case MisfirePolicy.SKIP:
            return late
        case MisfirePolicy.LATEST:
            return late if on_time else late[:-1]
        case MisfirePolicy.ALL:
            return late[: -misfire.limit]


def _give_up_late(turn: Turn, now: datetime) -> None:
    misfire = Definition.of(turn.schedule).misfire
    since = now - misfire.grace
    late = turn.late(since)
    if late and not turn.schedule.paused:
        turn.miss(too_late(late, misfire, on_time=turn.has_on_time(since)), now=now)


def _is_to_be_planned(schedule: Schedule, now: datetime) -> bool:
    """Whether slots are still to come that may decide which of those that wait are run."""
    if schedule.paused:
        return False
    behind = schedule.next_at is not None and schedule.next_at <= now
    return behind or schedule.planned_until > now + ASTRAY


def _may_begin(run: Run, now: datetime) -> bool:
    if run.not_before <= now:
        return True
    # It waits for a retry that a clock which was wrong put into a far future.
    return run.attempt > 0 and run.queued_at > now + ASTRAY
