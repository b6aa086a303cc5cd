"""An hourly schedule and jobs for it, as tests of the scheduler want them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from analyticspro.scheduling import (
    Definition,
    Interval,
    Job,
    Misfire,
    MisfirePolicy,
    RunContext,
    Scheduler,
    Schedules,
)
from analyticspro.state import Run, State

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
