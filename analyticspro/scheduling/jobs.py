"""What a job is, and what it is told about its run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from analyticspro.errors import Stopped
from analyticspro.state import Origin, Run, Schedule, Write

__all__ = ["Halt", "Job", "RunContext"]


class Halt(StrEnum):
    """Why a job is told to stop."""

    TIMED_OUT = "it has taken longer than its timeout"
    CANCELLED = "it was cancelled"
    STOPPING = "the scheduler is being stopped"
    LOST = "it was taken over by another scheduler, or may have been"


class RunContext:
    """What one attempt at one run is given.

    A job may be begun more than once for its slot: its process may be killed, or fall silent
    for longer than its lease, just before its end was recorded. So it does what can be done
    twice (a sync goes on from its cursor), or writes by `at_finish`, or hands `run_id` and
    `attempt` to whatever it writes to, which takes no lower attempt after a higher one.
    """

    def __init__(self, schedule: Schedule, run: Run) -> None:
        self.schedule = schedule.name
        self.parameters: dict[str, Any] = schedule.parameters
        self.run_id = run.id
        self.slot: datetime = run.slot
        self.origin: Origin = run.origin
        self.attempt = run.attempt
        self.halt: Halt | None = None
        self.writes: list[Write] = []

    def check(self) -> None:
        """Return if the job may go on; call it between steps of a few seconds at most.

        Raises:
            Stopped: It may not. Let it pass through.
        """
        if self.halt is not None:
            raise Stopped(f"{self.schedule!r} was stopped: {self.halt}.")

    def at_finish(self, write: Write) -> None:
        """Have `write` write into the state database when, and only if, this run succeeds.

        In the one transaction that records the success, so exactly once for the slot, whatever
        is killed when. It is not called if another attempt counts by then.
        """
        self.writes.append(write)

    def stop(self, reason: Halt) -> None:
        """Tell the job to stop; the first reason stands."""
        self.halt = self.halt or reason


# Returns what is worth keeping about the run, as JSON, or None.
Job = Callable[[RunContext], Any]
