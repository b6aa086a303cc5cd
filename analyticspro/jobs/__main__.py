"""`python -m analyticspro.jobs --home DIR`: the scheduler of one workspace."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path

from analyticspro import clock, logs
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError
from analyticspro.jobs.declarations import follow
from analyticspro.jobs.mailing import keep_delivering
from analyticspro.jobs.work import jobs
from analyticspro.scheduling import Scheduler, Schedules
from analyticspro.state import State

_LOOK_EVERY_S = 5.0


def main() -> int:
    """Run what is due until told to end; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m analyticspro.jobs", description=__doc__)
    parser.add_argument("--home", help="the folder of the workspace")
    given = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        home = Home.find(given.home).prepare()
        with logs.writing(home, "scheduler"), State.open(home.state_address) as state:
            _work(home, state, stop)
    except AnalyticsProError as error:
        print(f"scheduler: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _work(home: Home, state: State, stop: threading.Event) -> None:
    name = f"{platform.node()}:{os.getpid()}"
    watching = threading.Thread(target=_watch, args=(home, state, stop), name="declared")
    mailing = threading.Thread(
        target=keep_delivering, args=(home, state, name, stop), name="mailing"
    )
    watching.start()
    mailing.start()
    try:
        Scheduler(state, jobs(home), name).run(stop)
    finally:
        stop.set()
        watching.join()
        mailing.join()
        beat_file(home).unlink(missing_ok=True)


def _watch(home: Home, state: State, stop: threading.Event) -> None:
    """Follow what is declared, and leave a sign of life, every few seconds."""
    told: list[str] = []
    while not stop.is_set():
        fresh = Home(home.path)  # its settings are read once
        try:
            problems = follow(fresh, Schedules(state), now=clock.now())
        except AnalyticsProError as error:
            problems = [str(error)]
        if problems != told:
            for problem in problems:
                logs.warning("declaration", reason=problem)
            told = problems
        _beat(home)
        stop.wait(_LOOK_EVERY_S)


def _beat(home: Home) -> None:
    draft = beat_file(home).with_suffix(".new")
    draft.write_text(json.dumps({"pid": os.getpid(), "at": time.time()}))
    draft.replace(beat_file(home))


def beat_file(home: Home) -> Path:
    """Return the file that a working scheduler writes again and again."""
    return home.path / "run" / "scheduler.json"


if __name__ == "__main__":
    sys.exit(main())
