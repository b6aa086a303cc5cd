"""A scheduler in a process of its own, to be killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from datetime import timedelta

from sqlalchemy import text

from analyticspro.scheduling import RunContext, Scheduler
from analyticspro.state import State

LEDGERS = """
    CREATE TABLE begun (schedule TEXT, slot TEXT, attempt INTEGER);
    CREATE TABLE ledger (number {number} PRIMARY KEY, schedule TEXT, slot TEXT, attempt INTEGER);
"""
ENTRY = "(schedule, slot, attempt) VALUES (:schedule, :slot, :attempt)"


def make_ledgers(state: State) -> None:
    """Make the tables that the jobs write to."""
    number = "SERIAL" if "postgresql" in state.place else "INTEGER"
    with state.writing() as connection:
        for statement in LEDGERS.format(number=number).split(";")[:2]:
            connection.execute(text(statement))


def end_with_the_tests() -> None:
    """End this process when the one that started it does, however that comes about."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)


def serve(address: str, name: str) -> None:
    """Run a scheduler until it is killed."""
    threading.Thread(target=end_with_the_tests, daemon=True).start()
    state = State.open(address)

    def append(context: RunContext) -> None:
        entry = {
            "schedule": context.schedule,
            "slot": context.slot.isoformat(),
            "attempt": context.attempt,
        }
        with state.writing() as connection:
            connection.execute(text(f"INSERT INTO begun {ENTRY}"), entry)
        if context.attempt == 1 and entry["slot"] in context.parameters["freeze_at"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(random.uniform(0, 0.03))
        context.at_finish(
            lambda connection: connection.execute(text(f"INSERT INTO ledger {ENTRY}"), entry)
        )

    scheduler = Scheduler(state, {"append": append}, name, workers=2)
    scheduler.run(threading.Event(), poll=timedelta(milliseconds=50))
