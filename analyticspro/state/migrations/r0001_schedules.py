"""Schedules, their runs and attempts, and who changed what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_WORD = sa.String(20)
_ALONE = sa.text("state = 'running' AND alone")
_THERE = sa.text("removed_at IS NULL")


def upgrade() -> None:
    """Make the first tables."""
    _schedules()
    _runs()
    _attempts()
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("after", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
    )
    op.create_index("ix_changes_subject", "changes", ["subject", "subject_id"])


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("job", sa.String, nullable=False),
        sa.Column("parameters", _JSON, nullable=False),
        sa.Column("cron", sa.String),
        sa.Column("timezone", sa.String),
        sa.Column("every_s", sa.Integer),
        sa.Column("anchor", _INSTANT),
        sa.Column("misfire", _WORD, nullable=False),
        sa.Column("misfire_limit", sa.Integer, nullable=False),
        sa.Column("grace_s", sa.Float, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("backoff_s", sa.Float, nullable=False),
        sa.Column("backoff_cap_s", sa.Float, nullable=False),
        sa.Column("timeout_s", sa.Float),
        sa.Column("lease_s", sa.Float, nullable=False),
        sa.Column("overlaps", sa.Boolean, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("planned_until", _INSTANT, nullable=False),
        sa.Column("next_at", _INSTANT),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("removed_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
    )
    op.create_index(
        "uq_schedules_name",
        "schedules",
        ["name"],
        unique=True,
        sqlite_where=_THERE,
        postgresql_where=_THERE,
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"])


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("schedule_id", sa.Integer, nullable=False),
        sa.Column("slot", _INSTANT, nullable=False),
        sa.Column("origin", _WORD, nullable=False),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("outcome", _WORD),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("attempts_allowed", sa.Integer, nullable=False),
        sa.Column("not_before", _INSTANT, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("lease_s", sa.Float),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.Column("beat_at", _INSTANT),
        sa.Column("alone", sa.Boolean, nullable=False),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        sa.Column("queued_at", _INSTANT, nullable=False),
        sa.Column("started_at", _INSTANT),
        sa.Column("finished_at", _INSTANT),
        sa.Column("error_code", sa.String),
        sa.Column("error", sa.String),
        sa.Column("result", _JSON),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name="fk_runs_schedule_id"),
        sa.UniqueConstraint("schedule_id", "slot", name="uq_runs_schedule_id_slot"),
    )
    op.create_index(
        "uq_runs_alone",
        "runs",
        ["schedule_id"],
        unique=True,
        sqlite_where=_ALONE,
        postgresql_where=_ALONE,
    )
    op.create_index("ix_runs_state", "runs", ["state", "not_before"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("outcome", _WORD),
        sa.Column("error_code", sa.String),
        sa.Column("error", sa.String),
        sa.PrimaryKeyConstraint("run_id", "attempt", name="pk_attempts"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_attempts_run_id", ondelete="CASCADE"
        ),
    )
