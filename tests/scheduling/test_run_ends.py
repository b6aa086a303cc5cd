"""How a run ends: failed and tried again, out of time, stopped, cancelled, with a result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from analyticspro.errors import DefinitionError, ServiceUnavailable
from analyticspro.scheduling import Interval, Job, Retries, RunContext, Scheduler, Schedules
from analyticspro.state import Outcome, RunState, State
from tests.local import until
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
    until_told,
    work_off,
)


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
