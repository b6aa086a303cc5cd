"""What people do with schedules is done once, kept, and said with who did it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.scheduling import (
    Cron,
    Definition,
    Interval,
    Misfire,
    MisfirePolicy,
    Retries,
    RunContext,
    Scheduler,
    Schedules,
)
from analyticspro.state import Origin, Outcome, RunState, State

START = datetime(2026, 5, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Definition("sync", "job", Interval(HOUR), {"source": "shop"})


@pytest.fixture
def schedules(state: State) -> Schedules:
    found = Schedules(state)
    found.put(HOURLY, who="ann", now=START)
    return found


class Worked:
    """A scheduler whose job keeps its slots and fails where it is told to."""

    def __init__(self, state: State) -> None:
        self.slots: list[datetime] = []
        self.fails_at: set[datetime] = set()
        self._scheduler = Scheduler(state, {"job": self._job}, "one", clock=lambda: START)

    def _job(self, context: RunContext) -> None:
        self.slots.append(context.slot)
        if context.slot in self.fails_at:
            raise DefinitionError("wrong")

    def off(self, now: datetime) -> None:
        while self._scheduler.tick(now):
            self._scheduler.settle()


@pytest.mark.parametrize(
    "definition",
    [
        HOURLY,
        Definition(
            "nightly",
            "backup",
            Cron("30 2 * * 1-5", "Europe/London"),
            {"deep": {"list": [1, 2.5, None, "é"]}},
            misfire=Misfire(MisfirePolicy.ALL, 7, timedelta(minutes=90)),
            retries=Retries(9, timedelta(seconds=1.5), timedelta(hours=2)),
            timeout=timedelta(hours=3),
            lease=timedelta(seconds=12.5),
            overlaps=True,
        ),
    ],
    ids=["plain", "all"],
)
def test_a_definition_is_stored_as_it_was_written(state: State, definition: Definition):
    stored = Schedules(state).put(definition, who="ann", now=START)
    assert Definition.of(stored) == definition
    assert Definition.of(Schedules(state).get(definition.name)) == definition


def test_every_change_is_kept_with_who_made_it_and_what_it_was(schedules: Schedules):
    schedules.put(HOURLY, who="bob", now=START + HOUR)  # nothing differs
    schedules.put(replace(HOURLY, overlaps=True), who="bob", now=START + HOUR)
    schedules.pause("sync", who="cleo", now=START + 2 * HOUR)
    schedules.pause("sync", who="cleo", now=START + 2 * HOUR)
    schedules.resume("sync", who="ann", now=START + 3 * HOUR)
    schedules.run_now("sync", who="ann", now=START + 3 * HOUR)
    schedules.backfill("sync", START - 2 * HOUR, START, who="bob", now=START + 3 * HOUR)
    changes = schedules.changes("sync")
    assert [(change.who, change.action) for change in changes] == [
        ("ann", "added"),
        ("bob", "changed"),
        ("cleo", "paused"),
        ("ann", "resumed"),
        ("ann", "run now"),
        ("bob", "backfilled"),
    ]
    assert (changes[1].before, changes[1].after) == ({"overlaps": False}, {"overlaps": True})
    assert changes[5].after["queued"] == 2
    assert changes[0].at == START
    assert schedules.get("sync").revision == 4


def test_a_new_time_calls_for_no_slots_of_the_past(schedules: Schedules, state: State):
    every_minute = replace(HOURLY, trigger=Interval(timedelta(minutes=1)))
    schedules.put(every_minute, who="ann", now=START + timedelta(minutes=30))
    worked = Worked(state)
    worked.off(START + timedelta(minutes=31))
    assert worked.slots == [START + timedelta(minutes=31)]


def test_slots_of_a_pause_are_not_made_up_for(schedules: Schedules, state: State):
    worked = Worked(state)
    schedules.pause("sync", who="ann", now=START)
    worked.off(START + 3 * HOUR)
    schedules.resume("sync", who="ann", now=START + 3 * HOUR)
    worked.off(START + 4 * HOUR)
    assert worked.slots == [START + 4 * HOUR]
    assert len(schedules.runs("sync")) == 1


def test_a_paused_schedule_still_runs_when_asked(schedules: Schedules, state: State):
    schedules.pause("sync", who="ann", now=START)
    schedules.backfill("sync", START - HOUR, START, who="ann", now=START)
    run = schedules.run_now("sync", who="ann", now=START + timedelta(minutes=7))
    assert schedules.run_now("sync", who="ann", now=run.slot).id == run.id
    worked = Worked(state)
    worked.off(START + HOUR)
    assert worked.slots == [run.slot]
    assert [found.origin for found in schedules.runs("sync")] == [Origin.BACKFILL, Origin.MANUAL]


def test_a_backfill_runs_what_is_lacking_in_order_after_the_present(
    schedules: Schedules, state: State
):
    worked = Worked(state)
    worked.fails_at = {START + 2 * HOUR}
    worked.off(START + HOUR)
    worked.off(START + 2 * HOUR)
    worked.off(START + 5 * HOUR)  # misses two, runs the newest
    assert [run.outcome for run in schedules.runs("sync")] == [
        Outcome.SUCCEEDED,
        Outcome.FAILED,
        Outcome.MISSED,
        Outcome.MISSED,
        Outcome.SUCCEEDED,
    ]
    since, until = START - 2 * HOUR, START + 5 * HOUR
    now = START + 5 * HOUR
    worked.slots.clear()
    worked.fails_at.clear()
    assert schedules.backfill("sync", since, until, who="ann", now=now) == 6
    assert schedules.progress("sync", since, until) == {Outcome.SUCCEEDED: 1, RunState.WAITING: 6}
    worked.off(START + 6 * HOUR)
    assert worked.slots == [START + hour * HOUR for hour in (6, -2, -1, 0, 2, 3, 4)]
    assert schedules.progress("sync", since, until) == {Outcome.SUCCEEDED: 7}
    assert schedules.backfill("sync", since, until, who="ann", now=now) == 0
    failed_once = schedules.runs("sync", since=START + 2 * HOUR)[0]
    assert (failed_once.attempt, failed_once.error) == (2, None)


@pytest.mark.parametrize(("since", "until"), [(0, 1), (-1, -1), (-1, -2)])
def test_a_backfill_is_of_the_past(schedules: Schedules, since: int, until: int):
    with pytest.raises(DefinitionError, match="must end after it begins"):
        schedules.backfill("sync", START + since * HOUR, START + until * HOUR, who="a", now=START)


def test_a_removed_schedule_is_gone_and_its_name_free(schedules: Schedules, state: State):
    worked = Worked(state)
    schedules.run_now("sync", who="ann", now=START)
    schedules.remove("sync", who="ann", now=START)
    worked.off(START + 3 * HOUR)
    assert worked.slots == schedules.all() == []
    with pytest.raises(UnknownName, match="No schedule 'sync'"):
        schedules.get("sync")
    schedules.put(HOURLY, who="bob", now=START + 3 * HOUR)
    worked.off(START + 4 * HOUR)
    assert worked.slots == [START + 4 * HOUR]


def test_old_runs_can_be_forgotten(schedules: Schedules, state: State):
    worked = Worked(state)
    for hour in (1, 2, 3):
        worked.off(START + hour * HOUR)
    assert state.runs.forget(START + 3 * HOUR) == 2
    assert [run.slot for run in schedules.runs("sync")] == [START + 3 * HOUR]
    worked.off(START + 3 * HOUR)
    assert len(worked.slots) == 3


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": ""}, "1 to 200 letters"),
        ({"parameters": {"when": START}}, "no JSON"),
        ({"parameters": {"rate": float("inf")}}, "no JSON"),
        ({"parameters": {1: "x"}}, "keys text"),
        ({"timeout": timedelta(0)}, "timeout of 'sync'"),
        ({"lease": timedelta(seconds=-1)}, "lease of 'sync'"),
    ],
)
def test_a_wrong_definition_is_told_with_its_cure(changes, told: str):
    with pytest.raises(DefinitionError, match=told):
        replace(HOURLY, **changes)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Misfire(limit=0),
        lambda: Misfire(grace=timedelta(seconds=-1)),
        lambda: Retries(max_attempts=0),
        lambda: Retries(wait=timedelta(hours=2), longest=HOUR),
    ],
)
def test_wrong_policies_are_refused(wrong):
    with pytest.raises(DefinitionError):
        wrong()
