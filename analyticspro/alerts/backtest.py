"""What a rule would have done: stored history, walked through the very same state machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from analyticspro import period
from analyticspro.alerts.conditions import Matching, NoData
from analyticspro.alerts.figures import Figures, Moment, figure_of
from analyticspro.alerts.judging import history
from analyticspro.alerts.looking import Changes, Kept, judged_values
from analyticspro.alerts.machine import REMEMBERED, Kind
from analyticspro.alerts.rule import Rule, is_judged_running
from analyticspro.errors import DefinitionError
from analyticspro.grain import WeekStart, add, floor
from analyticspro.period import Period, to_instant
from analyticspro.policy import Scope
from analyticspro.state import RuleRow

__all__ = ["Backtest", "Firing", "backtest"]

_MOST_AS_KNOWN = 500  # buckets, each a question of its own
_MOST = 20_000
_TODAY = (
    "Judged by what is known today: records that came late, or were corrected since, count as if "
    "they had been there in time."
)
_AS_KNOWN = (
    "Judged by what was known at the end of each bucket. How far each source was then is not "
    "kept, so a bucket is judged at its end even where the rule would have waited for its data."
)
_RUNNING = (
    "The live rule fires as soon as a running bucket goes beyond its limit; here, at its end."
)


@dataclass(frozen=True)
class Firing:
    """One alert that there would have been; `resolved_at` is None if it would still be open."""

    series: str
    fired_at: datetime
    resolved_at: datetime | None
    value: float | None


@dataclass(frozen=True)
class Backtest:
    """What a rule would have done.

    Attributes:
        firings: In order of time.
        buckets: How many buckets were judged, of how many `series`.
        notices: How many notices would have been sent: for each route, of each change.
        active: For how long any alert was, added up.
        notes: What the figures do not say, in sentences.
    """

    firings: tuple[Firing, ...]
    buckets: int
    series: int
    notices: int
    active: timedelta
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON knows it; `active` in seconds."""
        firings = [
            {
                "series": each.series,
                "fired_at": each.fired_at.isoformat(),
                "resolved_at": each.resolved_at and each.resolved_at.isoformat(),
                "value": each.value,
            }
            for each in self.firings
        ]
        told = {"firings": firings, "active": self.active.total_seconds()}
        return vars(self) | told | {"notes": list(self.notes)}


def backtest(
    rule: Rule,
    figures: Figures,
    during: str,
    scope: Scope,
    *,
    now: datetime,
    as_known: bool = False,
) -> Backtest:
    """Return what a rule would have done in a period.

    Args:
        rule: Need not be stored.
        figures: Of the workspace.
        during: A period, as queries take it.
        scope: Whoever asks; nothing is told of what they may not see.
        now: UTC.
        as_known: Judge each bucket by what was known at its end, not by what is known today.

    Raises:
        DefinitionError: The period has too many buckets, or the rule is on absence.
        Forbidden: The figure is not granted.
    """
    if isinstance(rule.when, NoData):
        raise DefinitionError(
            "A rule on absent data is judged by the clock, of which no history is kept. "
            "Try a threshold: is = '<=', value = 0."
        )
    with figures.at(now, scope=scope) as moment:
        if isinstance(rule.when, Matching):
            return _of_events(rule, moment, during)
        span = _span(rule, moment, during)
        first = add(span[0], rule.grain, -history(rule))
        changes = Changes()
        kept = Kept(RuleRow(0, rule.name, 0, {}, {}, now, now, None), rule)
        if not as_known and span[0] < span[1]:
            points = moment.points(figure_of(rule), first, span[1])
            zone = moment.settings.zone
            judged_values(kept, points, span, span[1], zone, now, changes)
        zone = moment.settings.zone
    buckets = _buckets(rule, span)
    if as_known:
        if len(buckets) > _MOST_AS_KNOWN:
            raise DefinitionError(
                f"{len(buckets):,} buckets, each as known at its end, would take too long; "
                f"{_MOST_AS_KNOWN} is the most. Choose a shorter period."
            )
        _walk_as_known(kept, figures, scope, buckets, changes)
    notes = [_AS_KNOWN if as_known else _TODAY, *([_RUNNING] if is_judged_running(rule) else [])]
    end = to_instant(span[1], zone)
    return _told(rule, changes, len(buckets), len(changes.instances), end, notes)


def _span(rule: Rule, moment: Moment, during: str) -> tuple[datetime, datetime]:
    """Return the whole buckets of the period that may be judged, in wall-clock time."""
    settings, extent = moment.settings, moment.extent(rule)
    week_start = WeekStart(settings.week_start)
    ends = None
    if extent.first is not None and extent.last is not None:
        ends = (
            period.to_wall(extent.first, settings.zone),
            period.to_wall(extent.last, settings.zone),
        )
    today = period.to_wall(moment.governed.now, settings.zone)
    asked: Period = period.parse_period(during, today=today, week_start=week_start, extent=ends)
    until = moment.due(rule).until or asked.start
    start = floor(asked.start, rule.grain, week_start)
    return start, max(start, min(floor(asked.end, rule.grain, week_start), until))


def _buckets(rule: Rule, span: tuple[datetime, datetime]) -> list[datetime]:
    found, at = [], span[0]
    while at < span[1]:
        found.append(at)
        at = add(at, rule.grain, 1)
        if len(found) > _MOST:
            raise DefinitionError(f"More than {_MOST:,} buckets. Choose a shorter period.")
    return found


def _walk_as_known(
    kept: Kept, figures: Figures, scope: Scope, buckets: list[datetime], changes: Changes
) -> None:
    """Judge bucket by bucket, and those before again: late data was late then too."""
    rule = kept.rule
    for index, at in enumerate(buckets):
        start, end = buckets[max(0, index - REMEMBERED + 1)], add(at, rule.grain, 1)
        zone = figures.settings.zone
        moment_at = to_instant(end, zone)
        with figures.at(moment_at, scope=scope, as_of=moment_at) as moment:
            first = add(start, rule.grain, -history(rule))
            points = moment.points(figure_of(rule), first, end)
        judged_values(kept, points, (start, end), end, zone, moment_at, changes)
        for (_, series), instance in changes.instances.items():
            kept.instances[series] = instance


def _of_events(rule: Rule, moment: Moment, during: str) -> Backtest:
    settings = moment.settings
    today = period.to_wall(moment.governed.now, settings.zone)
    asked = period.parse_period(during, today=today, week_start=WeekStart(settings.week_start))
    start, end = to_instant(asked.start, settings.zone), to_instant(asked.end, settings.zone)
    is_all = during.strip().casefold() == "all"
    found = tuple(
        Firing(each["event_id"], each["occurred_at"], None, each["number"])
        for each in moment.events(rule, 0)
        if is_all or start <= each["occurred_at"] < end
    )
    ordered = tuple(sorted(found, key=lambda firing: firing.fired_at))
    notices = len(found) * len(rule.routes)
    return Backtest(ordered, 0, 0, notices, timedelta(0), ("Each event opens one record.",))


def _told(
    rule: Rule, changes: Changes, buckets: int, series: int, end: datetime, notes: list[str]
) -> Backtest:
    firings: list[Firing] = []
    open_of: dict[str, int] = {}
    transitions = 0
    for _, of, transition, _ in changes.told:
        transitions += transition.kind is not Kind.REJUDGED
        if transition.kind is Kind.FIRED:
            open_of[of] = len(firings)
            firings.append(Firing(of, transition.at, None, transition.value))
        elif transition.kind is Kind.RESOLVED and of in open_of:
            at = open_of.pop(of)
            firings[at] = replace(firings[at], resolved_at=transition.at)
    lasted = ((each.resolved_at or end) - each.fired_at for each in firings)
    return Backtest(
        tuple(sorted(firings, key=lambda firing: (firing.fired_at, firing.series))),
        buckets,
        series,
        transitions * len(rule.routes),
        sum(lasted, timedelta(0)),
        tuple(notes),
    )
