"""What a reader may choose: periods that have data, and values of a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analyticspro.dashboards.context import Context
from analyticspro.dashboards.formats import period_words
from analyticspro.grain import Grain, WeekStart, add, floor
from analyticspro.period import Period

__all__ = ["Choice", "Controls", "FilterChoice", "Group", "controls", "filter_choice"]

_FRESH_FOR = timedelta(days=7)
_RECENT = (7, 30, 90)
_GROUPS = ((Grain.MONTH, "Months"), (Grain.QUARTER, "Quarters"), (Grain.YEAR, "Years"))


@dataclass(frozen=True)
class Choice:
    """One option of a select."""

    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True)
class Group:
    """Options under a heading."""

    label: str
    options: tuple[Choice, ...]


@dataclass(frozen=True)
class FilterChoice:
    """A filter and the values that the data has; the first option is none of them."""

    name: str
    label: str
    options: tuple[Choice, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Controls:
    """All that can be chosen.

    Attributes:
        periods: In groups, the latest first.
        earlier: The period before the chosen one, "" if there is none with data.
        later: The one after it.
        filters: The filters.
    """

    periods: tuple[Group, ...]
    earlier: str = ""
    later: str = ""
    filters: tuple[FilterChoice, ...] = ()


def controls(
    context: Context, now: datetime, filters: Sequence[FilterChoice], *, asked: str = ""
) -> Controls:
    """Return what may be chosen in a workspace whose data spans `context.first` to `last`.

    Args:
        context: With the chosen period.
        now: Present wall-clock time; the last 7, 30 and 90 days are offered if the data
            reaches to within a week of it.
        filters: Made by `filter_choice`.
        asked: A period that is not one, kept in the list so that the select says it.
    """
    chosen = asked or context.period.name
    groups = _periods(context, now)
    named = {choice.value for group in groups for choice in group.options}
    if chosen not in named:
        period = context.period
        words = asked or period_words(period.name, period.start, period.end)
        groups.insert(0, Group("Chosen", (Choice(chosen, words),)))
    marked = tuple(
        Group(
            group.label,
            tuple(Choice(each.value, each.label, each.value == chosen) for each in group.options),
        )
        for group in groups
    )
    earlier, later = ("", "") if asked else _neighbours(context)
    return Controls(marked, earlier, later, tuple(filters))


def _periods(context: Context, now: datetime) -> list[Group]:
    first, last = context.first, context.last
    if first is None or last is None:
        return []
    groups = []
    for grain, label in _GROUPS:
        options = []
        at = floor(last, grain)
        while at >= floor(first, grain):
            period = Period.bucket(at, grain, WeekStart.MONDAY)
            words = period_words(period.name, period.start, period.end)
            options.append(Choice(period.name, words))
            at = add(at, grain, -1)
        groups.append(Group(label, tuple(options)))
    if last >= now - _FRESH_FOR:
        days = [Choice(f"last-{count}-days", f"Last {count} days") for count in _RECENT]
        groups.append(Group("Recent", tuple(days)))
    groups.append(Group("Everything", (Choice("all", "All time"),)))
    return groups


def _neighbours(context: Context) -> tuple[str, str]:
    period = context.period
    grain, count = period.step
    calendar = Period.bucket(period.start, grain, context.week_start)
    if context.first is None or context.last is None or count != 1:
        return "", ""
    if (calendar.start, calendar.end) != (period.start, period.end):
        return "", ""
    before = Period.bucket(add(period.start, grain, -1), grain, context.week_start)
    after = Period.bucket(period.end, grain, context.week_start)
    return (
        before.name if before.end > context.first else "",
        after.name if after.start <= context.last else "",
    )


_PLURALS = {"country": "countries", "currency": "currencies", "category": "categories"}


def filter_choice(
    name: str, values: Sequence[str], where: Mapping[str, str], *, one_only: bool = False
) -> FilterChoice:
    """Return the select of one dimension, in alphabetical order, with its chosen value.

    Args:
        name: The dimension.
        values: Its values in the data.
        where: What is chosen.
        one_only: Offer no "all of them".
    """
    label = name.replace("_", " ")
    chosen = where.get(name, "")
    known = sorted(values, key=str.casefold)
    if chosen and chosen not in known:
        known.insert(0, chosen)
    every = Choice("", f"All {_PLURALS.get(label, f'{label}s')}", not chosen)
    options = [Choice(value, value, value == chosen) for value in known]
    offered = options if one_only else [every, *options]
    return FilterChoice(name, label.capitalize(), tuple(offered), tuple(values))
