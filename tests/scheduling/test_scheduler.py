"""One scheduler or several: each slot once, in order, and every end is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from analyticspro.errors import DefinitionError, ServiceUnavailable
from analyticspro.scheduling import (
    Definition,
    Interval,
    Job,
    Misfire,
    MisfirePolicy,
    Retries,
    RunContext,
    Scheduler,
    Schedules,
)
from analyticspro.state import Origin, Outcome, Run, RunState, State
from tests.local import until

START = datetime(2026, 5, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Slots:
    """A job that keeps which slots it was run for."""

    def __init__(self) -> None:
        self.seen: list[datetime] = []

    def __call__(self, context: RunContext) -> None:
        self.seen.append(context.slot)


class Held:
    """A job that stays in the middle of its run until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.stopped: list[str] = []

    def __call__(self, context: RunContext) -> str:
        self.begun.release()
        assert self.let_go.wait(30)
        return f"attempt {context.attempt}"


def until_told(context: RunContext) -> None:
    """A job that goes on until it is told to stop."""
    while True:
        context.check()
        threading.Event().wait(0.01)


def define(state: State, *, at: datetime = START, **changes: Any) -> None:
    given: dict[str, Any] = {
        "name": "sync",
        "job": "job",
        "trigger": Interval(HOUR),
        "misfire": Misfire(MisfirePolicy.ALL, limit=100),
    }
    Schedules(state).put(Definition(**(given | changes)), who="test", now=at)


def scheduler(state: State, job: Job, now: datetime = START, **changes: Any) -> Scheduler:
    return Scheduler(state, {"job": job}, "one", clock=lambda: now, **changes)


def runs(state: State) -> list[Run]:
    return Schedules(state).runs("sync")


def work_off(scheduler: Scheduler, now: datetime) -> None:
    """Do all that may be done at `now`."""
    scheduler.settle()
    while scheduler.tick(now):
        scheduler.settle()


def outcomes(state: State) -> list[str]:
    return [str(run.outcome or run.state) for run in runs(state)]


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


def failing(error: Exception, times: int) -> Job:
    """Return a job that raises `error` so many times and then succeeds."""
    left = [times]

    def job(context: RunContext) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return job


def test_what_is_retriable_is_tried_again_and_holds_its_place(state: State):
    define(state, retries=Retries(3, wait=timedelta(minutes=10), longest=HOUR))
    now = [START + 2 * HOUR]
    job = failing(ServiceUnavailable("away"), 2)
    one = Scheduler(state, {"job": job}, "one", clock=lambda: now[0])
    for wait in (timedelta(minutes=10), timedelta(minutes=20)):
        work_off(one, now[0])
        first, second = runs(state)
        assert (first.state, first.error, second.attempt) == (RunState.WAITING, "away", 0)
        assert wait / 2 <= first.not_before - now[0] <= wait
        assert one.tick(first.not_before - timedelta(microseconds=1)) == []
        now[0] = first.not_before
    work_off(one, now[0])
    assert outcomes(state) == ["succeeded", "succeeded"]
    assert [attempt.outcome for attempt in state.runs.attempts(first.id)] == [
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.SUCCEEDED,
    ]


@pytest.mark.parametrize(
    ("error", "attempts", "code"),
    [
        (ServiceUnavailable("away"), 3, "unavailable"),
        (DefinitionError("no such source"), 1, "definition"),
        (ValueError("password=hunter2"), 3, "unexpected"),
    ],
    ids=["retriable", "definition", "unexpected"],
)
def test_a_failure_is_tried_again_by_its_class(state: State, error, attempts: int, code: str):
    define(state, retries=Retries(3, wait=timedelta(0)))
    work_off(scheduler(state, failing(error, 9)), START + HOUR)
    [run] = runs(state)
    assert (run.outcome, run.attempt, run.error_code) == (Outcome.FAILED, attempts, code)
    assert run.error
    assert "hunter2" not in run.error


def test_a_retry_that_a_wrong_clock_put_off_is_not_waited_for(state: State):
    define(state, retries=Retries(3, wait=timedelta(0)))
    ahead = START + timedelta(days=365)
    define(state, trigger=Interval(timedelta(days=365), anchor=ahead), at=ahead - MINUTE)
    one = scheduler(state, failing(ServiceUnavailable("away"), 1), ahead)
    one.tick(ahead)
    one.settle()
    work_off(one, START)
    assert [run.outcome for run in runs(state)] == [Outcome.SUCCEEDED]


def test_a_job_that_takes_too_long_is_told_to_stop(state: State):
    define(state, timeout=timedelta(milliseconds=50), retries=Retries(1))
    work_off(scheduler(state, until_told), START + HOUR)
    [run] = runs(state)
    assert (run.outcome, run.error) == (
        Outcome.TIMED_OUT,
        "Stopped: it has taken longer than its timeout.",
    )


def test_a_job_that_does_not_stop_when_told_does_not_hold_up_its_schedule(state: State):
    held = Held()
    short = timedelta(milliseconds=100)
    define(state, timeout=short, lease=short, retries=Retries(1))
    one = scheduler(state, held)
    one.tick(START + 2 * HOUR)
    until(lambda: runs(state)[0].outcome is Outcome.TIMED_OUT)
    [second] = one.tick(START + 2 * HOUR)
    assert second.slot == START + 2 * HOUR
    held.let_go.set()
    one.settle()
    assert outcomes(state)[0] == "timed_out"


@contextmanager
def running(one: Scheduler) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(
        target=one.run, args=[stop], kwargs={"poll": timedelta(milliseconds=20)}
    )
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


def test_a_scheduler_that_is_stopped_gives_its_run_back_uncounted(state: State):
    begun = state.now()
    define(state, at=begun - HOUR, trigger=Interval(HOUR, begun), retries=Retries(1))
    with running(Scheduler(state, {"job": until_told}, "stopped")):
        until(lambda: outcomes(state) == ["running"])
    [run] = runs(state)
    assert (run.state, run.attempt, run.attempts_allowed) == (RunState.WAITING, 1, 2)
    job = Slots()
    with running(Scheduler(state, {"job": job}, "next")):
        until(lambda: outcomes(state) == ["succeeded"])
    assert [attempt.outcome for attempt in state.runs.attempts(run.id)] == [
        Outcome.RELEASED,
        Outcome.SUCCEEDED,
    ]


def test_a_run_can_be_cancelled_before_and_while_it_runs(state: State):
    define(state, lease=timedelta(milliseconds=100))
    one = scheduler(state, until_told)
    one.tick(START + 2 * HOUR)
    for run in reversed(runs(state)):
        Schedules(state).cancel(run, now=START)
    one.settle()
    assert outcomes(state) == ["cancelled", "cancelled"]
    assert one.tick(START + 2 * HOUR) == []


def refused(context: RunContext) -> None:
    context.at_finish(lambda connection: connection.execute(text("INSERT INTO written VALUES (1)")))
    context.at_finish(lambda connection: connection.execute(text("INSERT INTO nowhere VALUES (1)")))


def test_what_cannot_be_written_at_the_finish_is_a_failure_and_leaves_nothing(state: State):
    define(state, retries=Retries(1))
    with state.writing() as connection:
        connection.execute(text("CREATE TABLE written (number INTEGER)"))
    work_off(scheduler(state, refused), START + HOUR)
    [run] = runs(state)
    assert run.outcome is Outcome.FAILED
    with state.reading() as connection:
        assert connection.execute(text("SELECT * FROM written")).all() == []


@pytest.mark.parametrize(
    ("job", "outcome"),
    [
        (lambda context: {"events": [1, None, "x"]}, Outcome.SUCCEEDED),
        (lambda context: object(), Outcome.FAILED),
        (lambda context: float("nan"), Outcome.FAILED),
        (lambda context: exit(3), Outcome.FAILED),
    ],
    ids=["json", "no json", "not a number", "exit"],
)
def test_what_a_job_returns_is_kept_if_it_is_json(state: State, job: Callable[..., Any], outcome):
    define(state, retries=Retries(1))
    work_off(scheduler(state, job), START + HOUR)
    [run] = runs(state)
    assert run.outcome is outcome
    assert run.result == ({"events": [1, None, "x"]} if outcome is Outcome.SUCCEEDED else None)


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
