"""The same figures, by walking over the events one by one: no SQL, no frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.metrics.shop import CANCELLED, PLACED, REFUNDED, SIGNED_UP, STARTED, VIEWED, Happening

Figure = int | Decimal | float | None
ORDERS = (PLACED, CANCELLED, REFUNDED)


def _sum(events: Iterable[Happening], *names: str) -> Decimal:
    return sum((e.amount for e in events if e.name in names and e.amount is not None), Decimal(0))


def _distinct(events: Iterable[Happening], what: str, *names: str) -> int:
    return len({getattr(e, what) for e in events if e.name in names} - {None})


def _over(top: Decimal | int, bottom: Decimal | int) -> float | None:
    return None if bottom == 0 else float(top) / float(bottom)


# Each metric: the events it looks at (none named: all), and its value over a list of them.
WITHIN: dict[str, tuple[tuple[str, ...], Callable[[list[Happening]], Figure]]] = {
    "revenue": (ORDERS, lambda es: _sum(es, *ORDERS)),
    "gross_order_value": ((PLACED,), lambda es: _sum(es, PLACED)),
    "refunds": ((REFUNDED,), lambda es: _sum(es, REFUNDED)),
    "orders": ((PLACED,), lambda es: _distinct(es, "order", PLACED)),
    "cancellations": ((CANCELLED,), lambda es: _distinct(es, "order", CANCELLED)),
    "invoices": (
        (PLACED, CANCELLED),
        lambda es: _distinct(es, "order", PLACED) + _distinct(es, "order", CANCELLED),
    ),
    "cancellation_rate": (
        (PLACED, CANCELLED),
        lambda es: _over(
            _distinct(es, "order", CANCELLED),
            _distinct(es, "order", PLACED) + _distinct(es, "order", CANCELLED),
        ),
    ),
    "average_order_value": (
        (PLACED,),
        lambda es: _over(_sum(es, PLACED), _distinct(es, "order", PLACED)),
    ),
    "refund_rate": (
        (PLACED, REFUNDED),
        lambda es: _over(-_sum(es, REFUNDED), _sum(es, PLACED)),
    ),
    "active_customers": ((PLACED,), lambda es: _distinct(es, "customer", PLACED)),
    "customers": (ORDERS, lambda es: _distinct(es, "customer", *ORDERS)),
    "units": (
        (PLACED, CANCELLED),
        lambda es: sum(e.quantity or 0 for e in es if e.name in (PLACED, CANCELLED)),
    ),
    "sign_ups": ((SIGNED_UP,), lambda es: _distinct(es, "user", SIGNED_UP)),
    "sessions": ((STARTED, VIEWED), lambda es: _distinct(es, "session", STARTED, VIEWED)),
    "page_views": ((VIEWED,), lambda es: sum(e.name == VIEWED for e in es)),
    "events": ((), len),
}
TO_DATE = {
    "revenue_to_date": "revenue",
    "customers_to_date": "active_customers",
}
RATIOS = {"cancellation_rate", "average_order_value", "refund_rate"}


@dataclass(frozen=True)
class Walk:
    """A question in the plainest terms: `[start, end)` on the wall, all known before `until`."""

    events: Sequence[Happening]
    start: datetime
    end: datetime
    until: datetime
    zone: ZoneInfo
    grain: str | None = None
    by: tuple[str, ...] = ()
    week_start: str = "monday"

    def rows(self, metrics: Sequence[str]) -> list[tuple[object, ...]]:
        """Return what the frame must hold, in its order."""
        found: dict[tuple[object, ...], dict[str, Figure]] = {}
        within = [name for name in metrics if name in WITHIN]
        names = {name for metric in within for name in WITHIN[metric][0]}
        if any(not WITHIN[metric][0] for metric in within):
            names = {event.name for event in self.events}
        for key, events in self._groups(names).items() if within else ():
            found[key] = {metric: WITHIN[metric][1](events) for metric in within}
        for metric in set(metrics) - set(within):
            for key, figure in self._to_date(TO_DATE[metric]).items():
                found.setdefault(key, {})[metric] = figure
        filled = [
            (*key, *(figures.get(m, None if m in RATIOS else 0) for m in metrics))
            for key, figures in found.items()
        ]
        width = len(self.by) + (self.grain is not None)
        return sorted(filled, key=lambda row: [(part is None, part or "") for part in row[:width]])

    def _groups(self, names: set[str]) -> dict[tuple[object, ...], list[Happening]]:
        groups: dict[tuple[object, ...], list[Happening]] = {}
        if not self.by and self.grain is None:
            groups[()] = []
        for event in self.events:
            if event.name in names and self.start <= self.wall(event) < self.end:
                key = (*self._bucket_of(event), *self._segment(event))
                groups.setdefault(key, []).append(event)
        return groups

    def _to_date(self, metric: str) -> dict[tuple[object, ...], Figure]:
        names, value = WITHIN[metric]
        end = min(self.end, self.until.astimezone(self.zone).replace(tzinfo=None))
        so_far = [
            e
            for e in self.events
            if e.name in names and e.at < self.until and self.wall(e) < self.end
        ]
        counted = [e for e in so_far if metric != "active_customers" or e.customer is not None]
        if self.grain is None:
            segments = {self._segment(event) for event in so_far} if self.by else {()}
            return {
                segment: value([e for e in so_far if self._segment(e) == segment])
                for segment in segments
            }
        segments = {self._segment(event) for event in counted}
        return {
            (bucket, *segment): value(
                [e for e in so_far if self._segment(e) == segment and self._is_by(e, bucket)]
            )
            for bucket in self._buckets(end)
            for segment in segments
        }

    def _is_by(self, event: Happening, bucket: object) -> bool:
        return bool(self.bucket(self.wall(event)) <= bucket)  # type: ignore[operator]

    def wall(self, event: Happening) -> datetime:
        return event.at.astimezone(self.zone).replace(tzinfo=None)

    def _segment(self, event: Happening) -> tuple[object, ...]:
        return tuple(getattr(event, name) for name in self.by)

    def _bucket_of(self, event: Happening) -> tuple[object, ...]:
        return () if self.grain is None else (self.bucket(self.wall(event)),)

    def _buckets(self, end: datetime) -> list[object]:
        at, found = self.start, []
        while at < end:
            if self.bucket(at) not in found[-1:]:
                found.append(self.bucket(at))
            at += timedelta(hours=1) if self.grain == "hour" else timedelta(days=1)
        last = self.bucket(end - timedelta(microseconds=1))
        if self.start < end and last not in found:
            found.append(last)
        return found

    def bucket(self, at: datetime) -> date | datetime:
        day = at.date()
        match self.grain:
            case "hour":
                return at.replace(minute=0, second=0, microsecond=0)
            case "week":
                first = {"monday": 0, "sunday": 6}[self.week_start]
                return day - timedelta(days=(day.weekday() - first) % 7)
            case "month":
                return day.replace(day=1)
            case "quarter":
                return day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
            case "year":
                return day.replace(day=1, month=1)
        return day
