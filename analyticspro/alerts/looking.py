"""Looks at one rule: whether there is anything to judge, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from analyticspro.alerts.conditions import Matching, NoData
from analyticspro.alerts.figures import Figure, Moment, Points, figure_of
from analyticspro.alerts.judging import delays, findings, history, readings, reread
from analyticspro.alerts.machine import Instance, Phase, Reading, Transition
from analyticspro.alerts.rule import Rule, is_judged_running
from analyticspro.errors import DefinitionError
from analyticspro.grain import WeekStart, add, floor
from analyticspro.metrics import catalog
from analyticspro.metrics.model import measures
from analyticspro.period import to_instant, to_wall
from analyticspro.state import RuleRow

__all__ = ["Changes", "Kept", "Shared", "judged_values", "look_at"]


@dataclass
class Kept:
    """What is known of one rule.

    Attributes:
        progress: As it is stored: `until`, the wall-clock end of what was judged; `revision`, the
            commit up to which; `waiting` and `problem`, in words; absent where there is none.
    """

    row: RuleRow
    rule: Rule
    instances: dict[str, Instance] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    seen: int | None = None  # the commit up to which nothing touches it that was not judged


@dataclass
class Changes:
    """What a look is to write."""

    instances: dict[tuple[int, str], Instance] = field(default_factory=dict)
    told: list[tuple[Kept, str, Transition, dict[str, Any]]] = field(default_factory=list)
    events: list[tuple[Kept, dict[str, Any]]] = field(default_factory=list)
    progress: dict[int, dict[str, Any]] = field(default_factory=dict)
    judged: int = 0


class Shared:
    """Answers that several rules have in common."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._points: dict[tuple[Figure, datetime, datetime], Points] = {}
        self._touched: dict[int, dict[str, datetime]] = {}
        self.asked = 0

    def points(self, figure: Figure, start: datetime, end: datetime) -> Points:
        """Return what `Moment.points` does, asked once."""
        key = (figure, start, end)
        if key not in self._points:
            self.asked += 1
            self._points[key] = self._moment.points(figure, start, end)
        return self._points[key]

    def touched(self, since: int) -> dict[str, datetime]:
        """Return what `Moment.touched` does, asked once."""
        if since not in self._touched:
            self.asked += since != self._moment.revision
            self._touched[since] = self._moment.touched(since)
        return self._touched[since]


def look_at(kept: Kept, moment: Moment, shared: Shared, now: datetime, changes: Changes) -> None:
    """Judge one rule; one that cannot be judged says why, and stays as it was."""
    if kept.rule.paused:
        return
    try:
        match kept.rule.when:
            case Matching():
                progress = _on_events(kept, moment, shared, changes)
            case NoData():
                progress = _on_absence(kept, moment, now, changes)
            case _:
                progress = _on_values(kept, moment, shared, now, changes)
    except DefinitionError as error:
        progress = kept.progress | {"problem": str(error)}
    if progress != kept.progress:
        changes.progress[kept.row.id] = progress


def _on_events(kept: Kept, moment: Moment, shared: Shared, changes: Changes) -> dict[str, Any]:
    assert isinstance(kept.rule.when, Matching)
    since = kept.progress.get("revision")
    if since is None:  # a rule is about what comes after it was made
        changes.judged += 1
        fresh = moment.events(kept.rule, 0, received_from=kept.row.changed_at)
        changes.events += [(kept, each) for each in fresh]
        return {"revision": moment.revision}
    if not _is_touched(kept, {kept.rule.when.event}, moment, shared):
        return kept.progress
    changes.judged += 1
    changes.events += [(kept, each) for each in moment.events(kept.rule, since)]
    return {"revision": moment.revision}


def _is_touched(kept: Kept, names: set[str], moment: Moment, shared: Shared) -> datetime | None:
    """Return the earliest moment of these events that changed since the last look, if any did.

    An empty set of names stands for all. That nothing did is remembered, and not written down.
    """
    since = kept.progress.get("revision", 0) if kept.seen is None else kept.seen
    touched = shared.touched(since)
    found = [at for name, at in touched.items() if not names or name in names]
    kept.seen = moment.revision
    return min(found, default=None)


def _on_absence(kept: Kept, moment: Moment, now: datetime, changes: Changes) -> dict[str, Any]:
    rule = kept.rule
    assert isinstance(rule.when, NoData)
    minute = now.replace(second=0, microsecond=0).isoformat()
    is_cut = bool(rule.by or rule.where)
    if is_cut and kept.progress.get("looked") == minute:
        return kept.progress
    changes.judged += 1
    newest = moment.newest(figure_of(rule), now)
    for series in newest.keys() | kept.instances.keys():
        last = newest.get(series)
        absent = now - last if last is not None else None
        breached = absent is not None and absent >= rule.when.within
        before = kept.instances.get(series, Instance())
        is_breached = before.readings and before.readings[-1].breached
        is_same = breached == is_breached and _is_settled(before)
        if is_same or (not breached and not before.readings):
            continue
        value = None if absent is None else absent.total_seconds()
        reading = Reading(now, now, breached, value)
        evidence = {"last_event": None if last is None else last.isoformat()}
        _judge(kept, series, [reading], {now: evidence}, changes)
    return {"looked": minute} if is_cut else {}


def _is_settled(instance: Instance) -> bool:
    return instance.standing.phase in (Phase.INACTIVE, Phase.FIRING)


def _on_values(
    kept: Kept, moment: Moment, shared: Shared, now: datetime, changes: Changes
) -> dict[str, Any]:
    rule, settings = kept.rule, moment.settings
    due = moment.due(rule)
    waiting = {"waiting": due.told} if due.told else {}
    before = {
        key: kept.progress[key] for key in ("until", "revision", "problem") if key in kept.progress
    }
    until = None if "until" not in before else datetime.fromisoformat(before["until"])
    touched = None if until is None else _is_touched(kept, _names(rule), moment, shared)
    is_over = due.until is not None and (until is None or due.until > until)
    if due.until is None or not (is_over or touched is not None or _is_holding(kept)):
        return before | waiting
    start = _start(kept, until, due.until, touched, settings.zone, settings.week_start)
    end = add(due.running, rule.grain, 1) if is_judged_running(rule) else due.until
    if start < end:
        changes.judged += 1
        first = add(start, rule.grain, -history(rule))
        points = shared.points(figure_of(rule), first, end)
        judged_values(kept, points, (start, end), due.until, moment.settings.zone, now, changes)
    kept.seen = moment.revision
    judged = max(due.until, until or due.until).isoformat()
    return {"until": judged, "revision": moment.revision} | waiting


def _names(rule: Rule) -> set[str]:
    """Return the names of the events that a rule's metric counts; empty if of all."""
    wanted = measures(catalog.metric(str(rule.metric)))
    if not all(measure.events for measure in wanted):
        return set()
    return {name for measure in wanted for name in measure.events}


def judged_values(
    kept: Kept,
    points: Points,
    span: tuple[datetime, datetime],
    whole_until: datetime,
    zone: ZoneInfo,
    now: datetime,
    changes: Changes,
) -> None:
    """Judge each series of a rule on values, from `span[0]` to `span[1]`.

    Buckets from `whole_until` on are still running: a breach there counts, calm does not yet.
    """
    rule = kept.rule
    start, end = span
    first = add(start, rule.grain, -history(rule))
    for series in sorted(points.series.keys() | kept.instances.keys()):
        values = points.of(series, first, end, rule.grain)
        found = findings(rule, values, [at for at in values if at >= start])
        whole = {at: each for at, each in found.items() if at < whole_until}
        fresh = readings(rule, whole, zone)
        for at, each in found.items():
            if at >= whole_until and each.breached:
                bucket = to_instant(at, zone)
                look = max(now, bucket)
                fresh.append(Reading(bucket, look, breached=True, value=each.value, is_whole=False))
        evidence = {to_instant(at, zone): dict(each.evidence) for at, each in found.items()}
        _judge(kept, series, fresh, evidence, changes)


def _judge(
    kept: Kept,
    series: str,
    fresh: Sequence[Reading],
    evidence: dict[datetime, dict[str, Any]],
    changes: Changes,
) -> None:
    before = kept.instances.get(series, Instance())
    after, told = before.judged(fresh, delays(kept.rule))
    if after == before:
        return
    changes.instances[kept.row.id, series] = after
    changes.told += [(kept, series, each, evidence.get(each.bucket, {})) for each in told]


def _is_holding(kept: Kept) -> bool:
    """Return whether time alone may bring something: a running bucket's breach is pending."""
    if not is_judged_running(kept.rule) or not kept.rule.hold_for:
        return False
    pending = (each for each in kept.instances.values() if each.standing.phase is Phase.PENDING)
    return any(each.readings and not each.readings[-1].is_whole for each in pending)


def _start(
    kept: Kept,
    until: datetime | None,
    whole_until: datetime,
    touched: datetime | None,
    zone: ZoneInfo,
    week_start: str,
) -> datetime:
    """Return the first bucket to judge: the first that is new, or that late data has touched."""
    grain = kept.rule.grain
    if until is None:
        return add(whole_until, grain, -reread(kept.rule))
    if touched is None:
        return until
    earliest = floor(to_wall(touched, zone), grain, WeekStart(week_start))
    oldest = _oldest(kept.instances.values())
    if oldest is not None:
        earliest = max(earliest, to_wall(oldest, zone))
    return min(until, earliest)


def _oldest(instances: Iterable[Instance]) -> datetime | None:
    """Return the oldest bucket that may still be judged again."""
    return min((each.readings[0].bucket for each in instances if each.readings), default=None)
