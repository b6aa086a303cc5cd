"""Runs one attempt: the job in one thread, its signs of life in another."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from analyticspro.errors import AnalyticsProError, DefinitionError, ServiceUnavailable
from analyticspro.scheduling.endings import after_error
from analyticspro.scheduling.jobs import Halt, Job, RunContext
from analyticspro.state import Ending, LeaseLost, Outcome, Run, Schedule, State

__all__ = ["Execution"]

_BEATS_PER_LEASE = 4
_AGAIN_S = 0.5
_log = logging.getLogger(__name__)


class Execution:
    """One attempt in hand. Its end is recorded once, or not at all if it lost its lease."""

    def __init__(
        self,
        state: State,
        schedule: Schedule,
        run: Run,
        job: Job,
        *,
        clock: Callable[[], datetime],
        ended: Callable[[], None],
    ) -> None:
        self.run = run
        self.schedule = schedule
        self._state = state
        self._job = job
        self._clock = clock
        self._ended = ended
        self._context = RunContext(schedule, run)
        self._over = threading.Event()
        name = f"{schedule.name} {run.slot:%Y-%m-%dT%H:%MZ}"
        # A job that does not stop when told must not keep the process from ending.
        self._worker = threading.Thread(target=self._work, name=name, daemon=True)
        self._watcher = threading.Thread(target=self._watch, name=f"beat {name}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._worker.start()
        self._watcher.start()

    def stop(self) -> None:
        """Tell the job that the scheduler is being stopped."""
        self._context.stop(Halt.STOPPING)

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the end; return whether it has come."""
        return self._over.wait(seconds)

    @property
    def is_over(self) -> bool:
        """Whether the job has returned and its end is recorded, or need not be."""
        return self._over.is_set()

    def _work(self) -> None:
        error: BaseException | None = None
        result: Any = None
        try:
            result = _plain(self._job(self._context))
        except BaseException as caught:  # noqa: BLE001 - recorded, whatever it is
            error = caught
        try:
            self._record(error, result)
        except AnalyticsProError as failure:
            _log.warning("the end of %s was not recorded: %s", self._worker.name, failure)
        finally:
            self._over.set()
            self._ended()

    def _record(self, error: BaseException | None, result: Any) -> None:
        """Record the end, waiting for the database as long as it takes; it still beats meanwhile.

        Raises:
            LeaseLost: Another attempt counts.
            ServiceUnavailable: The database is away and the scheduler is being stopped.
        """
        while True:
            try:
                if error is None:
                    ending = Ending(Outcome.SUCCEEDED, result=result)
                    writes = self._context.writes
                    self._state.runs.end(self.run, ending, now=self._clock(), writes=writes)
                else:
                    self._state.runs.end(self.run, self._after(error), now=self._clock())
            except (LeaseLost, ServiceUnavailable) as failure:
                if isinstance(failure, LeaseLost) or self._context.halt is Halt.STOPPING:
                    raise
                time.sleep(_AGAIN_S)
            except Exception as caught:
                if error is not None:
                    raise
                error = caught  # from what the job wanted written: nothing of it was
            else:
                return

    def _after(self, error: BaseException) -> Ending:
        return after_error(
            self.schedule,
            self.run,
            error,
            self._context.halt,
            now=self._clock(),
            chance=random.random(),
        )

    def _watch(self) -> None:
        lease_s, timeout_s = self.schedule.lease_s, self.schedule.timeout_s
        started = heard = time.monotonic()
        while not self._over.wait(self._pause(time.monotonic() - started)):
            now = time.monotonic()
            if timeout_s is not None and now - started >= timeout_s:
                self._context.stop(Halt.TIMED_OUT)
                if now - started >= timeout_s + lease_s:
                    self._give_up()
                    return
            try:
                if self._state.runs.beat(self.run, now=self._clock()):
                    self._context.stop(Halt.CANCELLED)
                heard = now
            except LeaseLost:
                self._context.stop(Halt.LOST)
                return
            except AnalyticsProError as failure:
                _log.warning("no sign of life for %s: %s", self._worker.name, failure)
                if now - heard > lease_s:
                    self._context.stop(Halt.LOST)

    def _pause(self, passed_s: float) -> float:
        """Return the seconds to the next beat, or to the timeout if that comes sooner."""
        beat_s = self.schedule.lease_s / _BEATS_PER_LEASE
        timeout_s = self.schedule.timeout_s
        if timeout_s is None or passed_s >= timeout_s:
            return beat_s
        return min(beat_s, timeout_s - passed_s)

    def _give_up(self) -> None:
        """End the attempt of a job that does not stop, so that its schedule goes on without it."""
        _log.error("%s goes on after its timeout and a lease; it is left alone", self._worker.name)
        try:
            self._state.runs.end(self.run, self._after(TimeoutError()), now=self._clock())
        except AnalyticsProError as failure:
            _log.warning("the end of %s was not recorded: %s", self._worker.name, failure)


def _plain(result: Any) -> Any:
    try:
        return json.loads(json.dumps(result, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"What the job returned is no JSON: {error}.") from None
