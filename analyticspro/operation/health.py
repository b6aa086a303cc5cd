"""Whether a source is well: judged by its last syncs and by when the next one was due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["Expected", "Health", "Judged", "judge"]

_LEAST_GRACE, _MOST_GRACE = timedelta(minutes=1), timedelta(hours=1)


class Health(StrEnum):
    """How a source is; the first that holds, in this order.

    `PAUSED`: it is not synced by itself for now. `FAILING`: its last sync did not end well.
    `NEVER_SYNCED`: nothing was read yet. `LATE`: the next good sync is overdue.
    """

    PAUSED = "paused"
    FAILING = "failing"
    NEVER_SYNCED = "never synced"
    LATE = "late"
    OK = "ok"


@dataclass(frozen=True)
class Expected:
    """When the next good sync should begin, after one that began at a certain time.

    Attributes:
        at: When it should.
        step: How long it is between two; None where `at` is the latest there may be.
    """

    at: datetime
    step: timedelta | None = None

    @property
    def latest(self) -> datetime:
        """From when on it is late: half a step after, one minute at least, an hour at most.

        A sync that is tried again, or waits for another, is not late at once.
        """
        if self.step is None:
            return self.at
        return self.at + min(max(self.step / 2, _LEAST_GRACE), _MOST_GRACE)


@dataclass(frozen=True)
class Judged:
    """How a source is, and in a sentence why, if it is not well."""

    health: Health
    reason: str | None = None


def judge(
    *,
    is_paused: bool,
    failures: int,
    error: str | None,
    succeeded_at: datetime | None,
    expected: Expected | None,
    now: datetime,
) -> Judged:
    """Return how a source is.

    Args:
        is_paused: Whether its schedule is.
        failures: How many syncs since the last good one did not end well.
        error: What the last one said; None if it was killed, or all is well.
        succeeded_at: When the last good sync began; None if there was none.
        expected: When the next one should; None if nobody says.
        now: The present instant, UTC.
    """
    times = "once" if failures == 1 else f"{failures} times running"
    failed = f"failed {times}: {error or 'it was interrupted. Sync it again.'}"
    if is_paused:
        return Judged(Health.PAUSED, failed if failures else None)
    if failures:
        return Judged(Health.FAILING, failed)
    if succeeded_at is None:
        return Judged(Health.NEVER_SYNCED)
    if expected is not None and now > expected.latest:
        by = timedelta(seconds=int((now - expected.at).total_seconds()))
        return Judged(
            Health.LATE,
            f"a sync was due {by} ago. Does the scheduler run? 'analyticspro status' tells.",
        )
    return Judged(Health.OK)
