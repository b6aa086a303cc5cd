"""Decides how an attempt ended and whether its run is tried again."""

from __future__ import annotations

import traceback
from datetime import datetime

from analyticspro.errors import AnalyticsProError, RetriableError
from analyticspro.scheduling.definition import Definition
from analyticspro.scheduling.jobs import Halt
from analyticspro.state import Ending, Outcome, Run, Schedule

__all__ = ["after_error", "after_silence"]

_OUTCOMES = {Halt.TIMED_OUT: Outcome.TIMED_OUT, Halt.CANCELLED: Outcome.CANCELLED}


def after_error(
    schedule: Schedule,
    run: Run,
    error: BaseException,
    halt: Halt | None,
    *,
    now: datetime,
    chance: float,
) -> Ending:
    """Return how an attempt ended that raised `error`, having been told to stop or not.

    Tried again: what is retriable, what took too long, and errors that are none of ours, of
    which nobody can know. Not tried again: what a person has to mend first (a definition, a
    source), and what a person cancelled. An attempt that was stopped with its scheduler is
    given back and not counted.
    """
    if halt in (Halt.STOPPING, Halt.LOST):
        return Ending(Outcome.RELEASED, again_at=now, uncounted=True)
    if halt is not None:
        code, told = str(_OUTCOMES[halt]), f"Stopped: {halt}."
        outcome, again = _OUTCOMES[halt], halt is Halt.TIMED_OUT
    else:
        code, told = _told(error)
        outcome = Outcome.FAILED
        again = isinstance(error, RetriableError) or not isinstance(error, AnalyticsProError)
    wait = Definition.of(schedule).retries.after(run.attempt, chance)
    return Ending(
        outcome,
        again_at=now + wait if again and run.attempt < run.attempts_allowed else None,
        error_code=code,
        error=told,
    )


def after_silence(run: Run, *, now: datetime) -> Ending:
    """Return how an attempt ended whose owner fell silent; it is tried again at once."""
    return Ending(
        Outcome.LOST,
        again_at=now if run.attempt < run.attempts_allowed else None,
        error_code="lost",
        error=f"{run.owner} fell silent while running attempt {run.attempt}; was it killed?",
    )


def _told(error: BaseException) -> tuple[str, str]:
    """Return code and sentence. Others' messages may quote secrets: only where it was is told."""
    if isinstance(error, AnalyticsProError):
        return error.code, str(error)
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {place[0].filename}:{place[0].lineno}" if place else ""
    return "unexpected", f"{type(error).__name__}{where}. The job has a mistake; please report it."
