"""One scheduler or several: each slot once, in order, and every end is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from analyticspro.scheduling import Interval, Misfire, MisfirePolicy, Retries, RunContext, Schedules
from analyticspro.state import Origin, Outcome, State
from tests.scheduling.hourly import (
    HOUR,
    MINUTE,
    START,
    Held,
    Slots,
    define,
    outcomes,
    runs,
    scheduler,
    work_off,
)


def test_several_schedulers_run_each_slot_once_in_order(state: State):
    define(state)
    job = Slots()
    many = [scheduler(state, job) for _ in range(3)]
    now = START + 5 * HOUR
    while sum(len(one.tick(now)) for one in many):
        for one in many:
            one.settle()
    assert job.seen == [START + number * HOUR for number in range(1, 6)]
    assert outcomes(state) == ["succeeded"] * 5


def test_a_clock_set_back_runs_nothing_again(state: State):
    define(state)
    job = Slots()
    one = scheduler(state, job)
    for now in (START + 3 * HOUR, START + HOUR, START + 2 * HOUR, START + 4 * HOUR):
        work_off(one, now)
    assert job.seen == [START + number * HOUR for number in range(1, 5)]


def test_clocks_that_differ_run_each_slot_once(state: State):
    define(state, trigger=Interval(MINUTE))
    job = Slots()
    fast, slow = scheduler(state, job), scheduler(state, job)
    for minute in range(1, 10):
        work_off(fast, START + minute * MINUTE + timedelta(minutes=3))
        work_off(slow, START + minute * MINUTE)
    assert job.seen == [START + number * MINUTE for number in range(1, 13)]


@pytest.mark.parametrize("policy", MisfirePolicy)
def test_a_clock_that_was_ahead_silences_nothing_and_repeats_nothing(
    state: State, policy: MisfirePolicy
):
    define(state, misfire=Misfire(policy, limit=100))
    job = Slots()
    one = scheduler(state, job)
    one.tick(START + 6 * HOUR)  # plans hours ahead, and begins some of it
    one.settle()
    work_off(one, START + MINUTE)
    for hour in range(1, 13):
        work_off(one, START + hour * HOUR)
    assert sorted(job.seen) == [START + number * HOUR for number in range(1, 13)]
    assert outcomes(state) == ["succeeded"] * 12


def test_an_owner_that_falls_silent_is_taken_over_and_its_word_changes_nothing(state: State):
    define(state)
    with state.writing() as connection:
        connection.execute(text("CREATE TABLE written (attempt INTEGER)"))
    held = Held()

    def write(context: RunContext) -> str:
        values = {"attempt": context.attempt}
        context.at_finish(
            lambda connection: connection.execute(
                text("INSERT INTO written VALUES (:attempt)"), values
            )
        )
        return held(context) if context.attempt == 1 else f"attempt {context.attempt}"

    now = START + HOUR
    elapsed = [0.0]
    silent = scheduler(state, write, now)
    other = scheduler(state, write, now, elapsed=lambda: elapsed[0])
    silent.tick(now)
    assert held.begun.acquire(timeout=30)
    other.tick(now)  # sees the run for the first time
    elapsed[0] = 59
    assert other.tick(now) == []
    elapsed[0] = 61
    [taken] = other.tick(now)
    other.settle()
    held.let_go.set()
    silent.settle()

    [run] = runs(state)
    assert taken.attempt == run.attempt == 2
    assert (run.outcome, run.result) == (Outcome.SUCCEEDED, "attempt 2")
    assert [attempt.outcome for attempt in state.runs.attempts(run.id)] == [
        Outcome.LOST,
        Outcome.SUCCEEDED,
    ]
    with state.reading() as connection:
        assert connection.execute(text("SELECT attempt FROM written")).scalars().all() == [2]


def test_an_owner_that_beats_keeps_its_run_whatever_the_clocks_say(state: State):
    define(state)
    held = Held()
    elapsed = [0.0]
    now = START + HOUR
    owner = scheduler(state, held, now)
    other = scheduler(state, held, now, elapsed=lambda: elapsed[0])
    [run] = owner.tick(now)
    for _ in range(4):
        elapsed[0] += 50  # a lease is 60 s
        state.runs.beat(run, now=now)
        assert other.tick(now + timedelta(days=1)) == []
    held.let_go.set()
    owner.settle()
    assert runs(state)[0].attempt == 1


def test_silence_too_often_is_the_end(state: State):
    define(state, retries=Retries(max_attempts=2))
    elapsed = [0.0]
    now = START + HOUR
    held = Held()
    one = scheduler(state, held, now, elapsed=lambda: elapsed[0])
    for _ in range(5):  # begun, seen, taken over and begun again, seen, ended
        one.tick(now)
        elapsed[0] += 61
    held.let_go.set()
    one.settle()
    [run] = runs(state)
    assert (run.outcome, run.attempt, run.error_code) == (Outcome.LOST, 2, "lost")
    assert "fell silent" in (run.error or "")


def test_a_job_that_is_not_known_here_is_left_to_others(state: State):
    define(state, job="report")
    work_off(scheduler(state, Slots()), START + HOUR)
    assert runs(state) == []


def test_slots_that_may_overlap_run_at_once_and_others_do_not(state: State):
    held = Held()
    define(state, overlaps=True)
    define(state, name="alone")
    one = scheduler(state, held, workers=10)
    begun = one.tick(START + 3 * HOUR)
    assert sorted(run.alone for run in begun) == [False, False, False, True]
    held.let_go.set()
    work_off(one, START + 3 * HOUR)
    assert outcomes(state) == ["succeeded"] * 3


def test_no_more_jobs_run_at_once_than_there_are_workers(state: State):
    held = Held()
    define(state, overlaps=True)
    one = scheduler(state, held, workers=2)
    assert len(one.tick(START + 5 * HOUR)) == 2
    assert one.tick(START + 5 * HOUR) == []
    held.let_go.set()
    work_off(one, START + 5 * HOUR)
    assert outcomes(state) == ["succeeded"] * 5


def test_a_long_absence_is_planned_in_pieces_and_judged_as_a_whole(state: State):
    define(state, trigger=Interval(timedelta(seconds=1)), misfire=Misfire(grace=timedelta(0)))
    job = Slots()
    now = START + timedelta(seconds=6_000)
    one = scheduler(state, job)
    one.tick(now)
    work_off(one, now)
    assert job.seen == [now]
    counts = Schedules(state).progress("sync", START, now + MINUTE)
    assert counts == {Outcome.MISSED: 5_999, Outcome.SUCCEEDED: 1}


def test_the_origin_of_a_run_is_kept(state: State):
    define(state)
    work_off(scheduler(state, Slots()), START + HOUR)
    assert [run.origin for run in runs(state)] == [Origin.SCHEDULE]
