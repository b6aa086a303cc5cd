"""Schedulers that are killed, or frozen, at any moment run each slot once, in its order."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess

import psutil
import pytest
from sqlalchemy import text

from analyticspro import clock
from analyticspro.scheduling import Definition, Interval, Misfire, MisfirePolicy, Retries, Schedules
from analyticspro.state import Outcome, RunState, State
from tests.local import until
from tests.scheduling.worker import make_ledgers, serve

# Forks of a process that has imported everything and done nothing: started in milliseconds.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.scheduling.worker", "psycopg"])

EVERY = timedelta(days=1)  # so that none comes due while they are killed
LEASE = timedelta(milliseconds=400)
PATIENCE_S = 120
LONG_FROZEN_S = 5


def define(state: State, schedules: int, slots: int, freezes: int) -> None:
    """Make schedules with that many slots each, all due; jobs of the first freeze so often."""
    first = clock.now() - slots * EVERY
    frozen = [first + slots * number // (freezes + 1) * EVERY for number in range(1, freezes + 1)]
    for number in range(schedules):
        definition = Definition(
            name=f"schedule {number}",
            job="append",
            trigger=Interval(EVERY, anchor=first),
            parameters={"freeze_at": [] if number else [slot.isoformat() for slot in frozen]},
            misfire=Misfire(MisfirePolicy.ALL, limit=slots),
            retries=Retries(max_attempts=1000),
            lease=LEASE,
        )
        Schedules(state).put(definition, who="test", now=first)


@contextmanager
def schedulers(address: str, count: int) -> Iterator[list[BaseProcess]]:
    started = [start(address, number) for number in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.join()


def start(address: str, number: int) -> BaseProcess:
    process = PROCESSES.Process(target=serve, args=[address, f"scheduler {number}"])
    process.start()
    return process


def finished(state: State) -> int:
    with state.reading() as connection:
        query = text("SELECT count(*) FROM runs WHERE state = 'finished'")
        return int(connection.execute(query).scalar_one())


def taken_over(state: State) -> int:
    with state.reading() as connection:
        query = text("SELECT count(*) FROM attempts WHERE outcome = 'lost'")
        return int(connection.execute(query).scalar_one())


def kill_now_and_then(address: str, state: State, slots: int, kills: int) -> None:
    """Kill one of two schedulers, `kills` times spread over the slots; then let them finish."""
    chance = random.Random(7)
    with schedulers(address, 2) as running:
        for kill in range(kills):
            goal = slots * kill // (kills + 4)
            until(lambda goal=goal: finished(state) >= goal, PATIENCE_S)
            time.sleep(chance.uniform(0, 0.04))
            assert finished(state) < slots  # or nothing is there to be torn
            victim = chance.randrange(2)
            running[victim].kill()
            running[victim].join()
            running[victim] = start(address, victim)
        until(lambda: finished(state) >= slots, PATIENCE_S)


def let_the_frozen_go_on(address: str, state: State, slots: int) -> None:
    """Let each scheduler that froze in a job go on once its run was taken over."""
    going_on = 0
    with schedulers(address, 2) as running:
        since = dict.fromkeys(running, time.monotonic())
        while finished(state) < slots:
            for process in running:
                # One that froze with the lock of SQLite's file cannot be taken over from.
                waits = time.monotonic() - since[process] < LONG_FROZEN_S
                if psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
                    since[process] = time.monotonic()
                    assert process.is_alive()
                elif taken_over(state) > going_on or not waits:
                    going_on += 1
                    os.kill(process.pid or 0, signal.SIGCONT)
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("schedules", "slots", "kills", "freezes"),
    [
        pytest.param(5, 20, 10, 0, id="killed"),
        pytest.param(3, 12, 0, 2, id="frozen"),
        pytest.param(10, 200, 100, 0, id="killed, long", marks=pytest.mark.soak),
        pytest.param(10, 200, 0, 50, id="frozen, long", marks=pytest.mark.soak),
    ],
)
def test_each_slot_is_run_once_and_in_order(
    address, schedules: int, slots: int, kills: int, freezes: int
):
    total = schedules * slots
    with State.open(address) as state:
        make_ledgers(state)
        define(state, schedules, slots, freezes)
        if kills:
            kill_now_and_then(address, state, total, kills)
        else:
            let_the_frozen_go_on(address, state, total)

        with state.reading() as connection:
            query = "SELECT schedule, slot, attempt FROM ledger ORDER BY number"
            ledger = connection.execute(text(query)).all()
            begun = Counter(connection.execute(text("SELECT schedule, slot FROM begun")).all())
        known = {
            schedule.name: state.runs.of(schedule.id, newest=10_000)
            for schedule in state.schedules.all()
        }
        attempts = {run.id: state.runs.attempts(run.id) for runs in known.values() for run in runs}

    assert len(ledger) == total
    for name, runs in known.items():
        # Each slot once, in order, by the attempt that the run ended with.
        assert [tuple(entry) for entry in ledger if entry.schedule == name] == [
            (name, run.slot.isoformat(), run.attempt) for run in runs
        ]
        for run in runs:
            assert (run.state, run.outcome) == (RunState.FINISHED, Outcome.SUCCEEDED)
            told = attempts[run.id]
            assert [attempt.attempt for attempt in told] == list(range(1, run.attempt + 1))
            assert [attempt.outcome for attempt in told] == [Outcome.LOST] * (run.attempt - 1) + [
                Outcome.SUCCEEDED
            ]
            # What a body does by itself happens at least once, at most once per attempt.
            assert 1 <= begun[name, run.slot.isoformat()] <= run.attempt
    # The disturbance did hit runs: without that, nothing above was at stake.
    assert sum(len(told) for told in attempts.values()) > total
