"""Writes down what became of an alert: its record, the record's log, and who is to be told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from analyticspro.alerts.machine import Kind, Transition
from analyticspro.alerts.rule import Rule
from analyticspro.state import AlertState, AlertTable, RuleRow, Silence

__all__ = ["BY_ITSELF", "matches", "open_event", "record"]

BY_ITSELF = "analyticspro"


def matches(matcher: Mapping[str, Any], rule: Rule, series: str) -> bool:
    """Return whether a silence is about this series; each key that it has must agree.

    >>> rule = Rule.parse({"name": "a", "metric": "orders", "by": ["country"],
    ...                    "when": {"kind": "threshold", "is": ">", "value": 1}})
    >>> matches({"rule": "a", "series": {"country": "US"}}, rule, '["US"]')
    True
    """
    if matcher.get("rule", rule.name) != rule.name:
        return False
    if matcher.get("severity", rule.severity) != rule.severity:
        return False
    labels = dict(zip(rule.by, json.loads(series), strict=True)) if rule.by else {}
    wanted: Mapping[str, Any] = matcher.get("series", {})
    return all(name in labels and labels[name] == value for name, value in wanted.items())


def record(
    table: AlertTable,
    row: RuleRow,
    rule: Rule,
    series: str,
    transition: Transition,
    *,
    evidence: Mapping[str, Any],
    turn: int,
    now: datetime,
) -> None:
    """Write down one transition, within the caller's transaction."""
    known = table.unresolved(row.id, series)
    told = _told(transition)
    if transition.kind is Kind.FIRED and not known:
        shown = {**evidence, **_of_rule(rule), **told}
        key = f"{row.id}:{turn}:{transition.bucket:%Y%m%dT%H%M}:{series}"
        _open(table, row, rule, series, transition, key, shown, now)
        return
    for alert in known:
        table.log(alert.id, transition.kind.value, told, who=BY_ITSELF, now=now)
        if transition.kind is Kind.RESOLVED:
            table.change_alert(alert.id, state=AlertState.RESOLVED, resolved_at=now)
            _notify(table, alert.id, alert.dedup_key, "resolved", rule, series, now)


def open_event(
    table: AlertTable, row: RuleRow, rule: Rule, event: Mapping[str, Any], *, now: datetime
) -> None:
    """Open the record of one event, unless that event has one already."""
    at, series = event["occurred_at"], json.dumps([event["source"], event["event_id"]])
    transition = Transition(Kind.FIRED, at, at, event["number"])
    evidence = {
        "event_id": event["event_id"],
        "source": event["source"],
        **_of_rule(rule),
        **_told(transition),
    }
    _open(table, row, rule, series, transition, f"{row.id}:event:{series}", evidence, now)


def _open(
    table: AlertTable,
    row: RuleRow,
    rule: Rule,
    series: str,
    transition: Transition,
    key: str,
    evidence: Mapping[str, Any],
    now: datetime,
) -> None:
    number = table.open_alert(
        dedup_key=key,
        rule_id=row.id,
        rule=rule.name,
        rule_version=row.version,
        series=series,
        severity=rule.severity.value,
        fired_at=transition.at,
        value=transition.value,
        evidence=dict(evidence),
        opened_at=now,
    )
    if number is not None:
        table.log(number, "fired", _told(transition), who=BY_ITSELF, now=now)
        _notify(table, number, key, "fired", rule, series, now)


def _notify(
    table: AlertTable, alert: int, key: str, kind: str, rule: Rule, series: str, now: datetime
) -> None:
    silences = _silencing(table.silences(now), rule, series)
    if silences:
        held = {"kind": kind, "silences": [each.id for each in silences]}
        table.log(alert, "silenced", held, who=BY_ITSELF, now=now)
        return
    table.notify(alert, key, kind, rule.routes, now)


def _silencing(silences: Sequence[Silence], rule: Rule, series: str) -> list[Silence]:
    of_values = series if rule.metric is not None else "[]"
    return [each for each in silences if matches(each.matcher, rule, of_values)]


def _of_rule(rule: Rule) -> dict[str, Any]:
    """Return what was watched, and for what: the rule may be another by the time it is read."""
    plain = rule.plain()
    return {"condition": plain["when"], "rule": plain}


def _told(transition: Transition) -> dict[str, Any]:
    told: dict[str, Any] = {
        "at": transition.at.isoformat(),
        "bucket": transition.bucket.isoformat(),
        "value": transition.value,
    }
    if transition.kind is Kind.REJUDGED:
        told["before"] = transition.before
    return told | ({"late": True} if transition.is_late else {})
