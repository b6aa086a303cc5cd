"""What a schedule is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from analyticspro.errors import DefinitionError
from analyticspro.scheduling.triggers import Cron, Interval, Trigger
from analyticspro.state import Schedule

__all__ = ["Definition", "Misfire", "MisfirePolicy", "Retries"]

_MOST = 10_000


class MisfirePolicy(StrEnum):
    """Which of the slots that are too late are run all the same."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


@dataclass(frozen=True)
class Misfire:
    """What to do with slots that could not begin in time.

    A slot is late if it is more than `grace` ago when its turn comes: since nothing was
    running, or since what came before it took so long. One that is not late is always run.

    `skip` runs no late slot. `latest` runs the newest one if no newer slot waits that is on
    time. `all` runs the newest `limit`. The others are kept as missed.
    """

    policy: MisfirePolicy = MisfirePolicy.LATEST
    limit: int = 1
    grace: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= _MOST:
            raise DefinitionError(f"Misfire limit is {self.limit}; it may be 1 to {_MOST}.")
        if self.grace < timedelta(0):
            raise DefinitionError(f"Misfire grace is {self.grace}; it cannot be negative.")


@dataclass(frozen=True)
class Retries:
    """How often, and when, an attempt that failed is tried again.

    The n-th wait is `wait` doubled n - 1 times, at most `longest`, and between half and all
    of that by chance, so that what failed together does not come back together.
    """

    max_attempts: int = 3
    wait: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=30)

    def __post_init__(self) -> None:
        if not 1 <= self.max_attempts <= _MOST:
            raise DefinitionError(f"max_attempts is {self.max_attempts}; it may be 1 to {_MOST}.")
        if not timedelta(0) <= self.wait <= self.longest <= timedelta(days=7):
            raise DefinitionError(
                f"Retries wait {self.wait}, at most {self.longest}: it must be "
                "0 <= wait <= longest <= 7 days."
            )

    def after(self, failed: int, chance: float) -> timedelta:
        """Return how long to wait after `failed` attempts; `chance` is drawn from [0, 1).

        >>> waits = Retries(wait=timedelta(seconds=30), longest=timedelta(minutes=2))
        >>> [waits.after(failed, 0.5).total_seconds() for failed in (1, 2, 3, 4)]
        [22.5, 45.0, 90.0, 90.0]
        """
        doubled = self.wait * 2 ** min(failed - 1, 30) if self.wait else self.wait
        return min(doubled, self.longest) * (0.5 + chance / 2)


@dataclass(frozen=True)
class Definition:
    """A schedule as its author writes it.

    Attributes:
        job: A kind of job that the schedulers know.
        parameters: What the job is given, as JSON. Never a secret: they are shown.
        timeout: After this long an attempt is told to stop, and counts as timed out.
        lease: An owner silent for so long counts as gone. Longer than any pause of a machine
            that is merely busy; a dead one's runs stand still for so long.
        overlaps: Whether a slot may begin while an earlier one is still running. By default
            slots run one at a time, in order.
    """

    name: str
    job: str
    trigger: Trigger
    parameters: dict[str, Any] = field(default_factory=dict)
    misfire: Misfire = Misfire()
    retries: Retries = Retries()
    timeout: timedelta | None = None
    lease: timedelta = timedelta(seconds=60)
    overlaps: bool = False

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > 200:
            raise DefinitionError(f"Schedule name {self.name[:200]!r} must have 1 to 200 letters.")
        try:
            copied = json.loads(json.dumps(self.parameters, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise DefinitionError(f"Parameters of {self.name!r} are no JSON: {error}.") from None
        if copied != self.parameters:
            raise DefinitionError(f"Parameters of {self.name!r} must be JSON, keys text.")
        for what, length in (("timeout", self.timeout), ("lease", self.lease)):
            if length is not None and length <= timedelta(0):
                raise DefinitionError(f"{what} of {self.name!r} is {length}; it must be positive.")

    def columns(self) -> dict[str, Any]:
        """Return the definition as the state database keeps it."""
        cron = self.trigger if isinstance(self.trigger, Cron) else None
        interval = self.trigger if isinstance(self.trigger, Interval) else None
        return {
            "name": self.name,
            "job": self.job,
            "parameters": self.parameters,
            "cron": cron and cron.expression,
            "timezone": cron and cron.timezone,
            "every_s": interval and round(interval.every.total_seconds()),
            "anchor": interval and interval.anchor,
            "misfire": str(self.misfire.policy),
            "misfire_limit": self.misfire.limit,
            "grace_s": self.misfire.grace.total_seconds(),
            "max_attempts": self.retries.max_attempts,
            "backoff_s": self.retries.wait.total_seconds(),
            "backoff_cap_s": self.retries.longest.total_seconds(),
            "timeout_s": self.timeout and self.timeout.total_seconds(),
            "lease_s": self.lease.total_seconds(),
            "overlaps": self.overlaps,
        }

    @classmethod
    def of(cls, schedule: Schedule) -> Definition:
        """Return the definition that `schedule` keeps."""
        trigger: Trigger
        if schedule.cron is not None:
            trigger = Cron(schedule.cron, schedule.timezone or "UTC")
        else:
            assert schedule.every_s is not None
            assert schedule.anchor is not None
            trigger = Interval(timedelta(seconds=schedule.every_s), schedule.anchor)
        return cls(
            name=schedule.name,
            job=schedule.job,
            trigger=trigger,
            parameters=schedule.parameters,
            misfire=Misfire(
                MisfirePolicy(schedule.misfire),
                schedule.misfire_limit,
                timedelta(seconds=schedule.grace_s),
            ),
            retries=Retries(
                schedule.max_attempts,
                timedelta(seconds=schedule.backoff_s),
                timedelta(seconds=schedule.backoff_cap_s),
            ),
            timeout=None if schedule.timeout_s is None else timedelta(seconds=schedule.timeout_s),
            lease=timedelta(seconds=schedule.lease_s),
            overlaps=schedule.overlaps,
        )
