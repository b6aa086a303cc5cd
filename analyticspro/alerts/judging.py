"""Figures become readings: which buckets breach a rule. Pure, as the machine is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analyticspro.alerts.conditions import Against, Anomaly, Change, Threshold
from analyticspro.alerts.machine import REMEMBERED, Delays, Reading
from analyticspro.alerts.rule import Rule, WithoutData
from analyticspro.analysis.anomaly import Detector, Judgement
from analyticspro.grain import Grain, add
from analyticspro.period import to_instant

__all__ = ["Found", "delays", "findings", "history", "readings", "reread"]

_WEEK = timedelta(days=7)
# What the detector learns from: 13 weeks of hours, and as many buckets of what is longer.
_LEARNED = {Grain.HOUR: 13 * 7 * 24, Grain.DAY: 400}
_LEARNED_LONG = 120
_SHORT = {Grain.HOUR: timedelta(hours=1), Grain.DAY: timedelta(days=1)}
_LONG = timedelta(days=28)
_WITHOUT = {WithoutData.KEEP: None, WithoutData.CALM: False, WithoutData.BREACH: True}


@dataclass(frozen=True)
class Found:
    """What was found of one bucket, and the numbers it was judged by."""

    breached: bool | None
    value: float | None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def delays(rule: Rule) -> Delays:
    """Return the delays of a rule as the machine takes them."""
    return Delays(rule.hold_for, rule.keep_firing_for)


def history(rule: Rule) -> int:
    """Return how many buckets before the first one that is judged the condition looks at."""
    match rule.when:
        case Change(against=Against.SAME_WEEKDAY):
            return 7 * 24 if rule.grain is Grain.HOUR else 7
        case Change():
            return 1
        case Anomaly():
            return _LEARNED.get(rule.grain, _LEARNED_LONG)
        case _:
            return 0


def reread(rule: Rule) -> int:
    """Return how many whole buckets a rule begins with, so that what has held long enough fires."""
    length = _SHORT.get(rule.grain, _LONG)
    return min(REMEMBERED - 1, math.ceil(rule.hold_for / length) + 1)


def findings(
    rule: Rule, points: Mapping[datetime, float | None], wanted: Sequence[datetime]
) -> dict[datetime, Found]:
    """Return what is found of each of the buckets `wanted`.

    Args:
        rule: With a condition on values: threshold, change or anomaly.
        points: Values by the wall-clock start of their bucket, with the history before; a bucket
            that is not there, and one of None, is without data.
        wanted: In order.
    """
    match rule.when:
        case Threshold() as threshold:
            return {at: _of_threshold(threshold, points.get(at)) for at in wanted}
        case Change() as change:
            return {
                at: _of_change(change, points.get(at), points.get(_before(rule, change, at)))
                for at in wanted
            }
        case Anomaly() as anomaly:
            return _of_anomaly(anomaly, points, wanted)
        case _:
            return {}


def readings(rule: Rule, found: Mapping[datetime, Found], zone: ZoneInfo) -> list[Reading]:
    """Return the readings of whole buckets."""
    without = _WITHOUT[rule.without_data]
    return [
        Reading(
            to_instant(at, zone),
            to_instant(add(at, rule.grain, 1), zone),
            without if each.breached is None else each.breached,
            each.value,
        )
        for at, each in found.items()
    ]


def _before(rule: Rule, change: Change, at: datetime) -> datetime:
    return add(at, rule.grain, -1) if change.against is Against.PREVIOUS else at - _WEEK


def _of_threshold(threshold: Threshold, value: float | None) -> Found:
    return Found(None if value is None else threshold.breached(value), value)


def _of_change(change: Change, value: float | None, before: float | None) -> Found:
    if value is None or before is None:
        return Found(None, value, {"before": before})
    return Found(change.breached(value, before), value, {"before": before})


def _of_anomaly(
    anomaly: Anomaly, points: Mapping[datetime, float | None], wanted: Sequence[datetime]
) -> dict[datetime, Found]:
    detector, gate, asked = Detector(), anomaly.gate, set(wanted)
    found = {}
    for at in sorted(points.keys() | asked):
        judgement = detector.update(at, points.get(at))
        if at in asked:
            width = gate.sensitivity.width
            found[at] = Found(gate.breached(judgement), points.get(at), _band(judgement, width))
    return found


def _band(judgement: Judgement, width: float) -> dict[str, Any]:
    """Return what was expected, as it is shown; nothing while nothing is."""
    low, high = judgement.band.edges(width)
    if math.isnan(low):
        return {"learning": True}
    return {
        "expected": judgement.band.centre,
        "low": low,
        "high": high,
        "basis": judgement.band.basis.value,
        "learned_from": judgement.band.learned,
        "strength": round(judgement.strength, 3),
    }
