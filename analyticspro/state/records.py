"""What the state database tells, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["Attempt", "Change", "Origin", "Outcome", "Run", "RunState", "Schedule"]


class RunState(StrEnum):
    """Where a run stands. Waiting → running → finished; running → waiting to be tried again."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"


class Outcome(StrEnum):
    """How a run, or one attempt at it, ended.

    A run is `MISSED` if its time passed while nothing could start it; it has no attempts.
    `LOST`: whoever ran it fell silent. `RELEASED`, of attempts only: given back unfinished by
    a scheduler that was being stopped.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"
    MISSED = "missed"
    RELEASED = "released"


class Origin(StrEnum):
    """Why there is a run: its time came, a person asked for it now, or for the past."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    BACKFILL = "backfill"


@dataclass(frozen=True)
class Schedule:
    """One schedule as it is stored.

    Attributes:
        cron: Five fields, read in `timezone`; None if `every_s` says when.
        every_s: Seconds between slots, counted from `anchor`.
        misfire_limit: How many late slots are still run, the newest ones.
        grace_s: How late, in seconds, a slot may begin and still count as on time.
        lease_s: Seconds of silence after which whoever runs it counts as gone.
        overlaps: Whether a slot may begin while an earlier one is still running.
        planned_until: Every slot up to this instant, inclusive, has its row.
        next_at: The first slot after `planned_until`; None if there is none.
        revision: Counts the changes.
    """

    id: int
    name: str
    job: str
    parameters: dict[str, Any]
    cron: str | None
    timezone: str | None
    every_s: int | None
    anchor: datetime | None
    misfire: str
    misfire_limit: int
    grace_s: float
    max_attempts: int
    backoff_s: float
    backoff_cap_s: float
    timeout_s: float | None
    lease_s: float
    overlaps: bool
    paused: bool
    planned_until: datetime
    next_at: datetime | None
    revision: int
    created_at: datetime
    changed_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True)
class Run:
    """One slot of a schedule.

    Attributes:
        slot: The instant it stands for, not the one it began at.
        attempt: Number of the attempt that is running, or was last; 0 before the first. It
            only grows, and it alone decides whose word counts.
        attempts_allowed: The attempt after which it is not tried again.
        not_before: When it may begin, or be tried again.
        owner: Which scheduler runs it.
        beat: Grows while the owner is alive.
        error: What went wrong last, in a sentence with its cure.
    """

    id: int
    schedule_id: int
    slot: datetime
    origin: Origin
    state: RunState
    outcome: Outcome | None
    attempt: int
    attempts_allowed: int
    not_before: datetime
    owner: str | None
    lease_s: float | None
    beat: int
    beat_at: datetime | None
    alone: bool
    cancel_asked: bool
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error_code: str | None
    error: str | None
    result: Any


@dataclass(frozen=True)
class Attempt:
    """One try at a run; `outcome` is None while it lasts."""

    run_id: int
    attempt: int
    owner: str
    started_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    error_code: str | None
    error: str | None


@dataclass(frozen=True)
class Change:
    """Who changed what, when: `before` and `after` hold what differs."""

    id: int
    at: datetime
    who: str
    subject: str
    subject_id: str
    action: str
    before: dict[str, Any]
    after: dict[str, Any]
