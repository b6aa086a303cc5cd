"""The tables of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from analyticspro.state.alert_records import AlertState
from analyticspro.state.columns import word
from analyticspro.state.models import Tables

__all__ = [
    "AlertEntries",
    "AlertHead",
    "AlertInstances",
    "AlertNotices",
    "AlertRules",
    "AlertSilences",
    "Alerts",
]

_THERE = text("removed_at IS NULL")


class AlertRules(Tables):
    """See `alert_records.RuleRow`. A removed one stays, for the sake of its alerts."""

    __tablename__ = "alert_rules"
    __table_args__ = (
        Index(
            "uq_alert_rules_name",
            "name",
            unique=True,
            sqlite_where=_THERE,
            postgresql_where=_THERE,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    progress: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class AlertInstances(Tables):
    """The state of each series of each rule."""

    __tablename__ = "alert_instances"

    rule_id: Mapped[int] = mapped_column(
        ForeignKey("alert_rules.id"), primary_key=True, autoincrement=False
    )
    series: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[dict[str, Any]]


class Alerts(Tables):
    """See `alert_records.Alert`."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("uq_alerts_dedup_key", "dedup_key", unique=True),
        Index("ix_alerts_rule_id_series", "rule_id", "series"),
        Index("ix_alerts_state", "state", "opened_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedup_key: Mapped[str]
    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rules.id"))
    rule: Mapped[str]
    rule_version: Mapped[int]
    series: Mapped[str]
    severity: Mapped[str]
    state: Mapped[AlertState] = mapped_column(word(AlertState))
    fired_at: Mapped[datetime]
    value: Mapped[float | None]
    evidence: Mapped[dict[str, Any]]
    assignee: Mapped[str | None]
    snoozed_until: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class AlertEntries(Tables):
    """See `alert_records.Entry`. Triggers refuse to change or delete one."""

    __tablename__ = "alert_entries"
    __table_args__ = (Index("ix_alert_entries_alert_id", "alert_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"))
    at: Mapped[datetime]
    who: Mapped[str]
    action: Mapped[str]
    detail: Mapped[dict[str, Any]]


class AlertNotices(Tables):
    """See `alert_records.Notice`: what is to be sent, whoever sends it."""

    __tablename__ = "alert_notices"
    __table_args__ = (
        Index("uq_alert_notices_key", "key", unique=True),
        Index("ix_alert_notices_sent_at", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"))
    route: Mapped[str]
    kind: Mapped[str]
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class AlertSilences(Tables):
    """See `alert_records.Silence`."""

    __tablename__ = "alert_silences"

    id: Mapped[int] = mapped_column(primary_key=True)
    matcher: Mapped[dict[str, Any]]
    reason: Mapped[str]
    made_by: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class AlertHead(Tables):
    """One row, counting what was judged or changed: whoever has seen another count is too late."""

    __tablename__ = "alert_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    turn: Mapped[int]
