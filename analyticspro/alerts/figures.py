"""Reads what rules need from the warehouse: one question for all rules over the same figure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from analyticspro.alerts.conditions import Matching, Threshold
from analyticspro.alerts.due import Due, due
from analyticspro.alerts.rule import Only, Rule
from analyticspro.config import Settings
from analyticspro.grain import Grain, WeekStart, add, floor
from analyticspro.metrics import Query, catalog
from analyticspro.metrics.clauses import among, conjunction, dimension, read
from analyticspro.metrics.cuttable import Cuttable
from analyticspro.metrics.governed import Governed
from analyticspro.metrics.known import Extent, Known
from analyticspro.metrics.model import Property, is_null_of_nothing, measures
from analyticspro.metrics.query import Filter
from analyticspro.money import exponent
from analyticspro.period import to_wall
from analyticspro.policy import OWNER, Scope
from analyticspro.warehouse import Warehouse

__all__ = ["Figure", "Figures", "Moment", "Points", "figure_of"]


@dataclass(frozen=True)
class Figure:
    """What a rule watches; rules of equal figures are answered by one question."""

    metric: str
    grain: Grain
    by: tuple[str, ...]
    where: tuple[Only, ...]


@dataclass(frozen=True)
class Points:
    """The values of a figure's series.

    Attributes:
        series: Series (its values as a JSON list) → wall-clock start of the bucket → value.
        empty: The value of a bucket that has no row: 0, or None.
        first: The first bucket that may be 0: nothing is known of what was before.
    """

    series: Mapping[str, Mapping[datetime, float | None]]
    empty: float | None
    first: datetime

    def of(self, series: str, start: datetime, end: datetime, grain: Grain) -> dict[datetime, Any]:
        """Return the value of each bucket of a series in `[start, end)`."""
        known, at, found = self.series.get(series, {}), max(start, self.first), {}
        while at < end:
            found[at] = known.get(at, self.empty)
            at = add(at, grain, 1)
        return found


def figure_of(rule: Rule) -> Figure:
    """Return the figure that a rule watches."""
    assert rule.metric is not None
    return Figure(rule.metric, rule.grain, rule.by, rule.where)


class Figures:
    """Gives snapshots of the warehouse, and keeps what is known from one to the next."""

    def __init__(self, warehouse: Warehouse, settings: Settings) -> None:
        self._warehouse = warehouse
        self.settings = settings
        self._known: Known | None = None

    @contextmanager
    def at(
        self, now: datetime, *, scope: Scope = OWNER, as_of: datetime | None = None
    ) -> Iterator[Moment]:
        """Give a snapshot for who may see `scope`, of now or of what was known earlier."""
        with self._warehouse.reader(scope, as_of=as_of) as reader:
            before = self._known if as_of is None else None
            governed = Governed.read(reader, self.settings, now, before=before)
            if as_of is None:
                self._known = governed.known
            yield Moment(governed, as_of)


@dataclass(frozen=True)
class Moment:
    """One snapshot, and the time it is looked at."""

    governed: Governed
    as_of: datetime | None = None

    @property
    def revision(self) -> int:
        """The newest commit."""
        return self.governed.known.revision

    @property
    def settings(self) -> Settings:
        """The workspace's."""
        return self.governed.settings

    def due(self, rule: Rule) -> Due:
        """Return what of a rule may be judged."""
        return due(
            self.extent(rule).watermarks,
            now=self.governed.now,
            grain=rule.grain,
            zone=self.settings.zone,
            week_start=WeekStart(self.settings.week_start),
        )

    def extent(self, rule: Rule) -> Extent:
        """Return what is known of the events that the rule's metric counts."""
        return self.governed.known.of((catalog.metric(str(rule.metric)),))

    def touched(self, since: int) -> dict[str, datetime]:
        """Return the names of events that changed after revision `since`: the earliest, UTC."""
        if since == self.revision:
            return {}
        found = self.governed.reader.frame(
            "SELECT name, min(occurred_at) AS first FROM ("
            "SELECT name, occurred_at FROM events WHERE revision > $since UNION ALL "
            "SELECT name, occurred_at FROM events WHERE retired > $since) GROUP BY name",
            {"since": since},
        )
        return {name: first.replace(tzinfo=UTC) for name, first in found.iter_rows()}

    def points(self, figure: Figure, start: datetime, end: datetime) -> Points:
        """Return the values in `[start, end)`, wall-clock times.

        Raises:
            DefinitionError: The question cannot be answered, as `Governed.answer` says.
        """
        metric = catalog.metric(figure.metric)
        query = Query(
            (metric.name,),
            figure.grain,
            figure.by,
            f"{start.isoformat()}..{end.isoformat()}",
            tuple(Filter(each.dimension, each.values, each.exclude) for each in figure.where),
            as_of=self.as_of,
        )
        series: dict[str, dict[datetime, float | None]] = {}
        for bucket, *keys, value in self.governed.answer(query).frame.iter_rows():
            of = json.dumps(keys, ensure_ascii=False)
            number = None if value is None else float(value)
            series.setdefault(of, {})[_moment(bucket)] = number
        empty = None if is_null_of_nothing(metric) else 0.0
        first = self.governed.known.of((metric,)).first
        began = end if first is None else to_wall(first, self.settings.zone)
        week_start = WeekStart(self.settings.week_start)
        if not figure.by:
            series.setdefault("[]", {})
        return Points(series, empty, max(start, floor(began, figure.grain, week_start)))

    def newest(self, figure: Figure, now: datetime) -> dict[str, datetime]:
        """Return when each series was last seen, UTC: to the hour where it is cut."""
        metric = catalog.metric(figure.metric)
        if not figure.by and not figure.where:
            last = self.governed.known.of((metric,)).last
            return {} if last is None else {"[]": last}
        column = Cuttable(self.governed.reader).column
        values: dict[str, Any] = {}
        terms = ["retired IS NULL", *_names(metric, values)]
        terms += [_term(dimension(column(each.dimension)), each, values) for each in figure.where]
        keys = [dimension(column(name)) for name in figure.by]
        groups = f" GROUP BY {', '.join(keys)}" if keys else ""
        found = self.governed.reader.frame(
            f"SELECT {', '.join([*keys, 'max(occurred_at) AS newest'])} FROM events "
            f"WHERE {conjunction(terms)}{groups}",
            values,
        )
        return {
            json.dumps(each, ensure_ascii=False): newest.replace(tzinfo=UTC)
            for *each, newest in found.iter_rows()
            if newest is not None
        }

    def events(
        self, rule: Rule, since: int, *, received_from: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return the events that a rule on events is about, in the order of their coming.

        Args:
            rule: Of a condition `Matching`.
            since: Those of later commits only.
            received_from: Those that came at this moment, UTC, or later only.
        """
        when = rule.when
        assert isinstance(when, Matching)
        column = Cuttable(self.governed.reader).column
        values: dict[str, Any] = {"since": since}
        terms = ["retired IS NULL", "revision > $since", among("name", [when.event], values)]
        terms += [_term(dimension(column(each.dimension)), each, values) for each in rule.where]
        if received_from is not None:
            values["received_from"] = received_from.astimezone(UTC).replace(tzinfo=None)
            terms.append("received_at >= $received_from")
        number = "NULL"
        if when.number is not None:
            is_amount = when.number == "amount"
            number = "amount_minor" if is_amount else read(Property(when.number, "number"))
        found = self.governed.reader.frame(
            f"SELECT source, event_id, occurred_at, currency, {number} AS number, revision "
            f"FROM events WHERE {conjunction(terms)} ORDER BY revision, seq",
            values,
        )
        told = [_event(row, when) for row in found.iter_rows(named=True)]
        return [each for each in told if _is_matching(each["number"], when)]


def _moment(bucket: Any) -> datetime:
    if isinstance(bucket, datetime):
        return bucket
    return datetime(bucket.year, bucket.month, bucket.day)


def _names(metric: Any, values: dict[str, Any]) -> list[str]:
    wanted = measures(metric)
    if not all(measure.events for measure in wanted):
        return []
    return [among("name", sorted({n for each in wanted for n in each.events}), values)]


def _term(column: str, only: Only, values: dict[str, Any]) -> str:
    test = among(column, only.values, values)
    return f"NOT coalesce({test}, false)" if only.exclude else test


def _event(row: dict[str, Any], when: Matching) -> dict[str, Any]:
    number = row["number"]
    if number is not None and when.number == "amount":
        number = Decimal(number).scaleb(-exponent(row["currency"]))
    return row | {
        "occurred_at": row["occurred_at"].replace(tzinfo=UTC),
        "number": None if number is None else float(number),
    }


def _is_matching(number: float | None, when: Matching) -> bool:
    if when.op is None:
        return True
    return number is not None and Threshold(when.op, when.value).breached(number)
