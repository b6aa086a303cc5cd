"""What a person, or a command, may do with schedules. Each change is kept with who made it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice

from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.scheduling.definition import Definition
from analyticspro.scheduling.triggers import slots
from analyticspro.state import Change, Origin, Outcome, Run, RunState, Schedule, State, Turn

__all__ = ["Schedules"]

_AT_ONCE = 1_000
_MOMENT = timedelta(microseconds=1)
_WHEN = ("cron", "timezone", "every_s", "anchor")


class Schedules:
    """The schedules of a state database."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._store = state.schedules

    def all(self) -> list[Schedule]:
        """Return all schedules, by name."""
        return self._store.all()

    def get(self, name: str) -> Schedule:
        """Return the schedule `name`; raises UnknownName."""
        return self._store.get(name)

    def put(self, definition: Definition, *, who: str, now: datetime) -> Schedule:
        """Add the schedule, or change the one of that name; the same again changes nothing.

        Its first slot is the first after `now`, also after a change of when it comes: a new
        time of day does not call for slots in the past.
        """
        values = definition.columns()
        afresh = {"planned_until": now, "next_at": definition.trigger.after(now)}
        added = self._store.add(values | afresh | {"paused": False}, who=who, now=now)
        if added is not None:
            return added
        before = self._store.get(definition.name)
        if any(getattr(before, column) != values[column] for column in _WHEN):
            values |= afresh
        return self._store.change(definition.name, values, action="changed", who=who, now=now)

    def pause(self, name: str, *, who: str, now: datetime) -> Schedule:
        """Let no slot begin until `resume`. What is running goes on; `run_now` still works."""
        return self._store.change(name, {"paused": True}, action="paused", who=who, now=now)

    def resume(self, name: str, *, who: str, now: datetime) -> Schedule:
        """Go on with the first slot after `now`. Slots of the pause are not made up for."""
        schedule = self._store.get(name)
        if not schedule.paused:
            return schedule
        next_at = Definition.of(schedule).trigger.after(now)
        values = {"paused": False, "planned_until": now, "next_at": next_at}
        return self._store.change(name, values, action="resumed", who=who, now=now)

    def remove(self, name: str, *, who: str, now: datetime) -> None:
        """Take the schedule away; its runs stay to be read."""
        self._store.change(name, {"removed_at": now}, action="removed", who=who, now=now)

    def run_now(self, name: str, *, who: str, now: datetime) -> Run:
        """Queue a run whose slot is `now`; it waits for what is before it in order.

        If there is a run of that very slot already, that one is returned.
        """
        schedule = self._store.get(name)
        with self._turn(schedule) as turn:
            turn.add([now], Origin.MANUAL, now=now)
            run = turn.slots(now, now)[now]
        self._store.note(schedule, "run now", {"slot": now.isoformat()}, who=who, now=now)
        return run

    def backfill(
        self, name: str, since: datetime, until: datetime, *, who: str, now: datetime
    ) -> int:
        """Queue every slot from `since`, inclusive, to `until`, exclusive; return how many.

        Only what is lacking: slots that never were, and those that were missed, failed, timed
        out, were lost or cancelled. They run in order whenever no slot of the present waits.

        Raises:
            DefinitionError: `until` lies in the future, or not after `since`.
        """
        if not since < until <= now:
            raise DefinitionError(
                f"A backfill from {since.isoformat()} to {until.isoformat()} must end after it "
                f"begins, and not in the future (now: {now.isoformat()})."
            )
        schedule = self._store.get(name)
        trigger = Definition.of(schedule).trigger
        due = slots(trigger, since - _MOMENT, until - _MOMENT)
        queued = 0
        while chunk := list(islice(due, _AT_ONCE)):
            with self._turn(schedule) as turn:
                queued += _queue_lacking(turn, chunk, now)
        told = {"since": since.isoformat(), "until": until.isoformat(), "queued": queued}
        self._store.note(schedule, "backfilled", told, who=who, now=now)
        return queued

    def progress(
        self, name: str, since: datetime, until: datetime
    ) -> dict[Outcome | RunState, int]:
        """Return how many runs with `since` <= slot < `until` wait, run, or ended in which way."""
        return self._state.runs.counts(self._store.get(name).id, since=since, until=until)

    def cancel(self, run: Run, *, now: datetime) -> None:
        """Cancel a run: at once if it waits, else its job is told to stop."""
        self._state.runs.ask_to_cancel(run.id, now=now)

    def runs(
        self, name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Run]:
        """Return the newest 1,000 runs with `since` <= slot < `until`, in slot order."""
        return self._state.runs.of(self._store.get(name).id, since=since, until=until)

    def changes(self, name: str) -> list[Change]:
        """Return who changed the schedule, oldest first."""
        return self._store.changes(self._store.get(name))

    @contextmanager
    def _turn(self, schedule: Schedule) -> Iterator[Turn]:
        with self._store.turn(schedule.id) as turn:
            if turn is None:  # removed meanwhile
                raise UnknownName.of("schedule", schedule.name, [])
            yield turn


def _queue_lacking(turn: Turn, due: list[datetime], now: datetime) -> int:
    known = turn.slots(due[0], due[-1])
    lacking = [
        known[slot]
        for slot in due
        if slot in known
        and known[slot].state is RunState.FINISHED
        and known[slot].outcome is not Outcome.SUCCEEDED
    ]
    for run in lacking:
        turn.reopen(run, now=now)
    return len(lacking) + turn.add(due, Origin.BACKFILL, now=now)
