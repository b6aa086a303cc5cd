"""What becomes of slots that are late is as a plain walk over the ticks tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyticspro.scheduling import Definition, Interval, Misfire, MisfirePolicy, Schedules
from analyticspro.scheduling.planning import begin_next, plan
from analyticspro.state import Ending, Outcome, Run, State

START = datetime(2026, 5, 4, tzinfo=UTC)
EVERY_S = 60
NUMBERS = count()


@dataclass
class Walk:
    """One schedule, minute by minute: what waits, what runs, what became of each slot."""

    misfire: Misfire
    waiting: list[int] = field(default_factory=list)
    running: int | None = None
    became: dict[int, str] = field(default_factory=dict)
    seen_s: int = 0

    def tick(self, now_s: int, job_ends: bool) -> None:
        if self.running is not None and job_ends:
            self.became[self.running] = "succeeded"
            self.running = None
        for slot in range(self.seen_s + 1, now_s + 1):
            if slot % EVERY_S == 0:
                self.waiting.append(slot)
        self.seen_s = now_s
        if self.running is not None:
            return
        late = [slot for slot in self.waiting if now_s - slot > self.misfire.grace.seconds]
        kept = {
            MisfirePolicy.SKIP: [],
            MisfirePolicy.LATEST: late[-1:] if late == self.waiting else [],
            MisfirePolicy.ALL: late[-self.misfire.limit :],
        }[self.misfire.policy]
        for slot in late:
            if slot not in kept:
                self.waiting.remove(slot)
                self.became[slot] = "missed"
        if self.waiting:
            self.running = self.waiting.pop(0)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    folder: Path = tmp_path_factory.mktemp("misfires")
    with State.open(folder / "state.db") as opened:
        yield opened


@settings(max_examples=40)
@given(
    policy=st.sampled_from(MisfirePolicy),
    limit=st.integers(1, 4),
    grace_s=st.sampled_from([0, 30, 60, 150]),
    ticks=st.lists(
        st.tuples(st.sampled_from([1, 20, 60, 61, 200, 600]), st.booleans()),
        min_size=1,
        max_size=8,
    ),
)
def test_late_slots_are_run_or_missed_as_the_policy_says(state, policy, limit, grace_s, ticks):
    misfire = Misfire(policy, limit, timedelta(seconds=grace_s))
    trigger = Interval(timedelta(seconds=EVERY_S), START)
    schedule = Schedules(state).put(
        Definition(f"schedule {next(NUMBERS)}", "job", trigger, misfire=misfire),
        who="test",
        now=START,
    )
    walk = Walk(misfire)
    running: Run | None = None
    now_s = 0
    for pause_s, job_ends in ticks:
        now_s += pause_s
        now = START + timedelta(seconds=now_s)
        walk.tick(now_s, job_ends)
        if running is not None and job_ends:
            state.runs.end(running, Ending(Outcome.SUCCEEDED), now=now)
            running = None
        with state.schedules.turn(schedule.id) as turn:
            plan(turn, now)
        with state.schedules.turn(schedule.id) as turn:
            running = begin_next(turn, now, owner="test") or running

    became = {
        round((run.slot - START).total_seconds()): str(run.outcome or run.state)
        for run in state.runs.of(schedule.id)
    }
    expected = walk.became | dict.fromkeys(walk.waiting, "waiting")
    if walk.running is not None:
        expected[walk.running] = "running"
    assert became == expected
