"""Plans what has come due, begins what may begin, takes over what was left behind."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from analyticspro.errors import RetriableError
from analyticspro.scheduling.endings import after_silence
from analyticspro.scheduling.execution import Execution
from analyticspro.scheduling.jobs import Job
from analyticspro.scheduling.leases import Silences
from analyticspro.scheduling.planning import ASTRAY, begin_next, plan
from analyticspro.state import Run, State

__all__ = ["Scheduler"]

_log = logging.getLogger(__name__)


class Scheduler:
    """One of any number of schedulers on one state database.

    It takes only jobs it knows. Every slot has one row, and of all attempts at it one end is
    recorded; see docs/decisions/0007-scheduling.md for what exactly is promised.

    Args:
        state: The state database.
        jobs: Each kind of job by name.
        name: Shown as who ran something; need not be unique.
        workers: How many jobs run at once here.
        clock: The time of what ends; the database's own by default, which all share.
        elapsed: A stopwatch in seconds, for silences.
    """

    def __init__(
        self,
        state: State,
        jobs: Mapping[str, Job],
        name: str,
        *,
        workers: int = 4,
        clock: Callable[[], datetime] | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._jobs = dict(jobs)
        # Another process of the same name, or this one started again, is another owner.
        self.owner = f"{name} ({secrets.token_hex(4)})"
        self._workers = workers
        self._clock = clock or state.now
        self._elapsed = elapsed
        self._silences = Silences()
        self._in_hand: list[Execution] = []
        self._wake = threading.Event()

    def tick(self, now: datetime) -> list[Run]:
        """Do all that is to be done at `now`; return the runs that were begun.

        The jobs run on in threads; `settle` waits for them.
        """
        self._take_over(now)
        self._plan(now)
        return self._begin(now)

    def settle(self) -> None:
        """Wait until no job is in hand."""
        for execution in self._in_hand:
            execution.join()

    def run(self, stop: threading.Event, *, poll: timedelta = timedelta(seconds=1)) -> None:
        """Work until `stop` is set, then tell the jobs in hand to stop and give them back.

        Looks every `poll` for what came due, and at once when a job has ended. A database that
        does not answer is waited for.
        """
        _log.info("scheduler %s works on %s", self.owner, self._state.place)
        while not stop.is_set():
            try:
                self.tick(self._state.now())
            except RetriableError as error:
                _log.warning("%s", error)
            self._wake.wait(poll.total_seconds())
            self._wake.clear()
        self._leave()

    def _take_over(self, now: datetime) -> None:
        for run in self._silences.of(self._state.runs.running(), self._elapsed()):
            if self._state.runs.take_over(run, after_silence(run, now=now), now=now):
                _log.warning("%s fell silent; its run %d is taken over", run.owner, run.id)

    def _plan(self, now: datetime) -> None:
        for schedule_id in self._state.schedules.due(now, self._jobs, astray=ASTRAY):
            with self._state.schedules.turn(schedule_id, wait=False) as turn:
                if turn is not None and plan(turn, now):
                    self._wake.set()  # there is more to plan

    def _begin(self, now: datetime) -> list[Run]:
        self._in_hand = [execution for execution in self._in_hand if not execution.is_over]
        begun: list[Run] = []
        for schedule_id in self._state.runs.waiting(now, self._jobs, astray=ASTRAY):
            while len(self._in_hand) < self._workers:
                run = self._begin_one(schedule_id, now)
                if run is None:
                    break
                begun.append(run)
        return begun

    def _begin_one(self, schedule_id: int, now: datetime) -> Run | None:
        with self._state.schedules.turn(schedule_id, wait=False) as turn:
            if turn is None:
                return None
            run = begin_next(turn, now, owner=self.owner)
            schedule = turn.schedule
        if run is None:
            return None
        execution = Execution(
            self._state,
            schedule,
            run,
            self._jobs[schedule.job],
            clock=self._clock,
            ended=self._wake.set,
        )
        self._in_hand.append(execution)
        execution.start()
        return run

    def _leave(self) -> None:
        for execution in self._in_hand:
            execution.stop()
        for execution in self._in_hand:
            if not execution.join(execution.schedule.lease_s):
                _log.warning("run %d does not stop; it is left behind", execution.run.id)
