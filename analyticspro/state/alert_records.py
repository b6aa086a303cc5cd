"""What the state database tells of alerts, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["Alert", "AlertState", "Entry", "Notice", "RuleRow", "Silence"]


class AlertState(StrEnum):
    """Where a record stands: open → acknowledged → resolved."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class RuleRow:
    """A rule as it is stored.

    Attributes:
        version: Counts the changes.
        content: As `analyticspro.alerts.Rule.plain` writes it.
        progress: How far it was judged, and what it waits for; as the evaluator writes it.
    """

    id: int
    name: str
    version: int
    content: dict[str, Any]
    progress: dict[str, Any]
    created_at: datetime
    changed_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True)
class Alert:
    """One record: a rule's series, from firing until it is resolved.

    Attributes:
        dedup_key: The same in everything that is sent of it.
        series: The values of the rule's dimensions, as a JSON list; of a rule on events, the
            event's id.
        fired_at: The moment in the data; `opened_at` is when it was found.
        evidence: The numbers judged.
    """

    id: int
    dedup_key: str
    rule_id: int
    rule: str
    rule_version: int
    series: str
    severity: str
    state: AlertState
    fired_at: datetime
    value: float | None
    evidence: dict[str, Any]
    assignee: str | None
    snoozed_until: datetime | None
    opened_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True)
class Entry:
    """One line of a record's log."""

    id: int
    alert_id: int
    at: datetime
    who: str
    action: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Notice:
    """Something to be sent by one route, once; `sent_at` is None until it is."""

    id: int
    key: str
    alert_id: int
    route: str
    kind: str
    queued_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True)
class Silence:
    """Alerts that match fire without anybody being told, from `starts_at` until `ends_at`."""

    id: int
    matcher: dict[str, Any]
    reason: str
    made_by: str
    starts_at: datetime
    ends_at: datetime
