"""Alerts: rules, the states of their series, records with their log, notices, silences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_THERE = sa.text("removed_at IS NULL")


def upgrade() -> None:
    """Make the tables."""
    _rules()
    _alerts()
    _entries()
    _notices()
    op.create_table(
        "alert_silences",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("matcher", _JSON, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        _moment("starts_at"),
        _moment("ends_at"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_silences"),
    )
    head = op.create_table(
        "alert_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_head"),
    )
    op.bulk_insert(head, [{"id": 1, "turn": 0}])


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _rules() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.Column("progress", _JSON, nullable=False),
        _moment("created_at"),
        _moment("changed_at"),
        _moment("removed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rules"),
    )
    op.create_index(
        "uq_alert_rules_name",
        "alert_rules",
        ["name"],
        unique=True,
        sqlite_where=_THERE,
        postgresql_where=_THERE,
    )
    op.create_table(
        "alert_instances",
        sa.Column("rule_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("series", sa.String, nullable=False),
        sa.Column("state", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rules.id"], name="fk_alert_instances_rule_id"),
        sa.PrimaryKeyConstraint("rule_id", "series", name="pk_alert_instances"),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("dedup_key", sa.String, nullable=False),
        sa.Column("rule_id", sa.Integer, nullable=False),
        sa.Column("rule", sa.String, nullable=False),
        sa.Column("rule_version", sa.Integer, nullable=False),
        sa.Column("series", sa.String, nullable=False),
        sa.Column("severity", sa.String, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        _moment("fired_at"),
        sa.Column("value", sa.Float),
        sa.Column("evidence", _JSON, nullable=False),
        sa.Column("assignee", sa.String),
        _moment("snoozed_until", nullable=True),
        _moment("opened_at"),
        _moment("resolved_at", nullable=True),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rules.id"], name="fk_alerts_rule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("uq_alerts_dedup_key", "alerts", ["dedup_key"], unique=True)
    op.create_index("ix_alerts_rule_id_series", "alerts", ["rule_id", "series"])
    op.create_index("ix_alerts_state", "alerts", ["state", "opened_at"])


def _entries() -> None:
    op.create_table(
        "alert_entries",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("alert_id", sa.Integer, nullable=False),
        _moment("at"),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("detail", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_entries_alert_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_entries"),
    )
    op.create_index("ix_alert_entries_alert_id", "alert_entries", ["alert_id"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER alert_entries_no_{verb.lower()} BEFORE {verb} ON alert_entries "
                "BEGIN SELECT RAISE(ABORT, 'the log of alerts is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION alert_entries_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the log of alerts is append-only'; END $$"
    )
    for verb, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER alert_entries_stay_{each.lower()} BEFORE {verb} ON alert_entries "
            f"FOR EACH {each} EXECUTE FUNCTION alert_entries_stay()"
        )


def _notices() -> None:
    op.create_table(
        "alert_notices",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("alert_id", sa.Integer, nullable=False),
        sa.Column("route", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        _moment("queued_at"),
        _moment("sent_at", nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_notices_alert_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_notices"),
    )
    op.create_index("uq_alert_notices_key", "alert_notices", ["key"], unique=True)
    op.create_index("ix_alert_notices_sent_at", "alert_notices", ["sent_at"])
