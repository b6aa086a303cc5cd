"""The tables. What stands here and what the migrations make is the same (tests compare).

A new table gets a model here and a migration in `migrations/`, numbered on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, MetaData, String, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from analyticspro.state.columns import Instant, Json, word
from analyticspro.state.records import Origin, Outcome, RunState

__all__ = ["Attempts", "Changes", "Runs", "Schedules", "Tables"]

_NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
_ALONE = text("state = 'running' AND alone")


class Tables(DeclarativeBase):
    """All tables; every constraint has a name, so that a migration can change it."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar = {datetime: Instant, dict[str, Any]: Json}


class Schedules(Tables):
    """See `records.Schedule`. A removed one stays, for the sake of its runs."""

    __tablename__ = "schedules"
    __table_args__ = (
        Index(
            "uq_schedules_name",
            "name",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_schedules_next_at", "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    job: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    cron: Mapped[str | None]
    timezone: Mapped[str | None]
    every_s: Mapped[int | None]
    anchor: Mapped[datetime | None]
    misfire: Mapped[str] = mapped_column(String(20))
    misfire_limit: Mapped[int]
    grace_s: Mapped[float]
    max_attempts: Mapped[int]
    backoff_s: Mapped[float]
    backoff_cap_s: Mapped[float]
    timeout_s: Mapped[float | None]
    lease_s: Mapped[float]
    overlaps: Mapped[bool]
    paused: Mapped[bool]
    planned_until: Mapped[datetime]
    next_at: Mapped[datetime | None]
    revision: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Runs(Tables):
    """See `records.Run`. One row per schedule and slot, whoever plans it, however often."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("schedule_id", "slot"),
        # The database itself refuses a second run beside one that must run alone.
        Index(
            "uq_runs_alone",
            "schedule_id",
            unique=True,
            sqlite_where=_ALONE,
            postgresql_where=_ALONE,
        ),
        Index("ix_runs_state", "state", "not_before"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id"))
    slot: Mapped[datetime]
    origin: Mapped[Origin] = mapped_column(word(Origin))
    state: Mapped[RunState] = mapped_column(word(RunState))
    outcome: Mapped[Outcome | None] = mapped_column(word(Outcome))
    attempt: Mapped[int]
    attempts_allowed: Mapped[int]
    not_before: Mapped[datetime]
    owner: Mapped[str | None]
    lease_s: Mapped[float | None]
    beat: Mapped[int]
    beat_at: Mapped[datetime | None]
    alone: Mapped[bool]
    cancel_asked: Mapped[bool]
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    result: Mapped[Any | None] = mapped_column(Json)


class Attempts(Tables):
    """See `records.Attempt`."""

    __tablename__ = "attempts"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[Outcome | None] = mapped_column(word(Outcome))
    error_code: Mapped[str | None]
    error: Mapped[str | None]


class Changes(Tables):
    """See `records.Change`. For every kind of subject; never changed, never deleted."""

    __tablename__ = "changes"
    __table_args__ = (Index("ix_changes_subject", "subject", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[str]
    action: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
