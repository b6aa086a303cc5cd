"""PostgreSQL ends and starts again under schedulers at work: each slot is run once all the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from analyticspro.errors import ServiceUnavailable
from analyticspro.scheduling import (
    Definition,
    Interval,
    Misfire,
    MisfirePolicy,
    Retries,
    RunContext,
    Scheduler,
    Schedules,
)
from analyticspro.state import Outcome, State
from tests.local import until
from tests.scheduling.worker import ENTRY, make_ledgers
from tests.servers.postgresql import Server, cluster

SLOTS = 12
LONG, SHORT = timedelta(seconds=60), timedelta(milliseconds=300)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One of our own, which keeps what it has confirmed though it ends as by a crash."""
    with cluster(synchronous_commit="on") as started:
        yield started


def define(state: State, lease: timedelta) -> None:
    now = state.now()
    Schedules(state).put(
        Definition(
            name="sync",
            job="append",
            trigger=Interval(timedelta(days=1), anchor=now - SLOTS * timedelta(days=1)),
            misfire=Misfire(MisfirePolicy.ALL, limit=SLOTS),
            retries=Retries(max_attempts=1000),
            lease=lease,
        ),
        who="test",
        now=now - SLOTS * timedelta(days=1),
    )


class Appending:
    """A job that can be held in its midst, and writes that it is done with its end."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Event()

    def __call__(self, context: RunContext) -> None:
        self.begun.release()
        assert self.may_go_on.wait(30)
        entry = {
            "schedule": context.schedule,
            "slot": context.slot.isoformat(),
            "attempt": context.attempt,
        }
        context.at_finish(
            lambda connection: connection.execute(text(f"INSERT INTO ledger {ENTRY}"), entry)
        )


@contextmanager
def two_schedulers(address: str, job: Appending) -> Iterator[None]:
    stop = threading.Event()
    poll = timedelta(milliseconds=20)
    with ExitStack() as opened:
        for name in ("one", "two"):
            state = opened.enter_context(State.open(address))
            one = Scheduler(state, {"append": job}, name, workers=2)
            thread = threading.Thread(target=one.run, args=[stop], kwargs={"poll": poll})
            thread.start()
            opened.callback(thread.join)
        opened.callback(stop.set)  # which comes first
        yield


def ended(state: State) -> int:
    return sum(run.outcome is Outcome.SUCCEEDED for run in Schedules(state).runs("sync"))


@pytest.mark.parametrize("lease", [LONG, SHORT], ids=["a lease outlasts it", "and does not"])
@pytest.mark.parametrize("at_once", [False, True], ids=["stopped", "crashed"])
def test_each_slot_is_run_once_though_the_database_restarts(
    server: Server, lease: timedelta, at_once: bool
):
    address = server.database()
    job = Appending()
    with State.open(address) as state:
        make_ledgers(state)
        define(state, lease)
        with two_schedulers(address, job):
            assert job.begun.acquire(timeout=30)
            server.stop(at_once=at_once)  # in the midst of a job
            with pytest.raises(ServiceUnavailable, match="does not answer"):
                state.now()
            if lease is LONG:
                job.may_go_on.set()  # its end cannot be recorded now
            threading.Event().wait(2 * SHORT.total_seconds())
            server.start()
            job.may_go_on.set()
            for goal in (3, 6):
                until(lambda goal=goal: ended(state) >= goal)
                server.stop(at_once=at_once)  # wherever they are
                server.start()
            until(lambda: ended(state) == SLOTS)

        runs = Schedules(state).runs("sync")
        with state.reading() as connection:
            query = text("SELECT slot, attempt FROM ledger ORDER BY number")
            ledger = [tuple(row) for row in connection.execute(query)]
        assert ledger == [(run.slot.isoformat(), run.attempt) for run in runs]
        for run in runs:
            told = [attempt.outcome for attempt in state.runs.attempts(run.id)]
            assert told == [Outcome.LOST] * (run.attempt - 1) + [Outcome.SUCCEEDED]
        if lease is LONG:
            assert [run.attempt for run in runs] == [1] * SLOTS


def say_nothing_for_too_long(state: State) -> None:
    """Be frozen in the midst of a transaction, as far as the server can tell."""
    with state.writing() as connection:
        connection.execute(text("SET idle_in_transaction_session_timeout = '20ms'"))
        threading.Event().wait(0.2)
        connection.execute(text("SELECT 1"))


def test_a_connection_that_the_server_ended_is_waited_for_and_no_mistake(server: Server):
    with State.open(server.database()) as state:
        with pytest.raises(ServiceUnavailable, match="idle-in-transaction"):
            say_nothing_for_too_long(state)
        assert state.now()
