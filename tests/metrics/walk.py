"""The same figures, by walking over the events one by one: no SQL, no frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from tests.metrics.shop import CANCELLED, PLACED, REFUNDED, SIGNED_UP, VIEWED, Happening
from tests.visits import is_bounce, pages, visits

Figure = int | Decimal | float | None
ORDERS = (PLACED, CANCELLED, REFUNDED)
HELD, AT_HOME = ("partner_event_held",), ("app_picture_generated",)
ASKED, DRAWN = ("picture_generated", "picture_failed"), ("picture_generated", *AT_HOME)
ADDED = ("credits_granted", "credits_bought")
SUBSCRIBED = (
    *("subscription_started", "subscription_upgraded"),
    *("subscription_downgraded", "subscription_cancelled"),
)


def _sum(events: Iterable[Happening], *names: str) -> Decimal:
    return sum((e.amount for e in events if e.name in names and e.amount is not None), Decimal(0))


def _distinct(events: Iterable[Happening], what: str, *names: str) -> int:
    return len({getattr(e, what) for e in events if e.name in names} - {None})


def _count(events: Iterable[Happening], *names: str) -> int:
    return sum(e.name in names for e in events)


def _quantity(events: Iterable[Happening], *names: str) -> int:
    return sum(e.quantity or 0 for e in events if e.name in names)


def _numbers(events: Iterable[Happening], what: str, *names: str) -> list[Decimal]:
    """Return what can be read as a number of a property, whether it came as one or as a text."""
    found = []
    for event in events:
        value = getattr(event, what)
        if event.name in names and value is not None:
            try:
                found.append(Decimal(str(value)))
            except InvalidOperation:
                continue
    return found


def _mean(numbers: Sequence[Decimal]) -> float | None:
    return _over(sum(numbers), len(numbers))


def _share(numbers: Sequence[Decimal], share: float, times: float = 1) -> float | None:
    """Return the number below which a share of all lies, on the line between its neighbours."""
    if not numbers:
        return None
    ranked = [float(number) for number in sorted(numbers)]
    place = share * (len(ranked) - 1)
    low = floor(place)
    high = min(low + 1, len(ranked) - 1)
    return times * (ranked[low] + (place - low) * (ranked[high] - ranked[low]))


def _over(top: Decimal | float, bottom: Decimal | int) -> float | None:
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
    "active_users": ((), lambda es: _distinct(es, "user", *{e.name for e in es})),
    "page_views": ((VIEWED,), lambda es: sum(e.name == VIEWED for e in es)),
    "events": ((), len),
    "partners_approved": (
        ("partner_approved",),
        lambda es: _distinct(es, "customer", "partner_approved"),
    ),
    "partners_deactivated": (
        ("partner_deactivated",),
        lambda es: _distinct(es, "customer", "partner_deactivated"),
    ),
    "active_partners": (HELD, lambda es: _distinct(es, "customer", *HELD)),
    "partner_events": (HELD, lambda es: _count(es, *HELD)),
    "event_guests": (HELD, lambda es: sum(_numbers(es, "guests", *HELD))),
    "event_pictures": (ASKED, lambda es: _count(es, *ASKED)),
    "picture_failure_rate": (
        ASKED,
        lambda es: _over(_count(es, "picture_failed"), _count(es, *ASKED)),
    ),
    "pictures_per_event": (
        ASKED + HELD,
        lambda es: _over(_count(es, *ASKED), _count(es, *HELD)),
    ),
    "styles_used": (DRAWN, lambda es: _distinct(es, "product", *DRAWN)),
    "picture_time": (DRAWN, lambda es: _mean(_numbers(es, "seconds", *DRAWN))),
    "picture_time_p95": (DRAWN, lambda es: _share(_numbers(es, "seconds", *DRAWN), 0.95)),
    "partner_credits_added": (ADDED, lambda es: _quantity(es, *ADDED)),
    "partner_credits_used": (("credits_used",), lambda es: _quantity(es, "credits_used")),
    "contract_value": (
        ("contract_signed", "contract_renewed"),
        lambda es: _sum(es, "contract_signed", "contract_renewed"),
    ),
    "credit_pack_revenue": (
        ("credit_pack_purchased",),
        lambda es: _sum(es, "credit_pack_purchased"),
    ),
    "subscription_revenue": (
        ("subscription_invoiced",),
        lambda es: _sum(es, "subscription_invoiced"),
    ),
    "started_mrr": (("subscription_started",), lambda es: _sum(es, "subscription_started")),
    "cancelled_mrr": (
        ("subscription_cancelled",),
        lambda es: _sum(es, "subscription_cancelled"),
    ),
    "app_sign_ups": (
        ("app_account_created",),
        lambda es: _distinct(es, "user", "app_account_created"),
    ),
    "active_app_users": (AT_HOME, lambda es: _distinct(es, "user", *AT_HOME)),
    "failed_sign_ins": (
        ("audit_sign_in_failed",),
        lambda es: _count(es, "audit_sign_in_failed"),
    ),
    "denials": (("audit_denied",), lambda es: _count(es, "audit_denied")),
    "audited_exports": (("audit_exported",), lambda es: _count(es, "audit_exported")),
    "policy_changes": (("audit_policy_changed",), lambda es: _count(es, "audit_policy_changed")),
    "tickets_opened": (("ticket_opened",), lambda es: _count(es, "ticket_opened")),
    "urgent_tickets": (
        ("ticket_opened",),
        lambda es: sum(e.name == "ticket_opened" and e.priority in ("high", "urgent") for e in es),
    ),
    "tickets_resolved": (("ticket_resolved",), lambda es: _count(es, "ticket_resolved")),
    "reply_time": (
        ("ticket_replied",),
        lambda es: _share(_numbers(es, "minutes", "ticket_replied"), 0.5, 60),
    ),
    "resolution_time": (
        ("ticket_resolved",),
        lambda es: _share(_numbers(es, "minutes", "ticket_resolved"), 0.5, 60),
    ),
    "satisfaction": (
        ("ticket_resolved",),
        lambda es: _mean(_numbers(es, "csat", "ticket_resolved")),
    ),
}
AUDITED = {"failed_sign_ins", "denials", "audited_exports", "policy_changes"}
# The same of metrics that look at everything up to the end of a bucket.
TO_DATE: dict[str, tuple[tuple[str, ...], Callable[[list[Happening]], Figure]]] = {
    "revenue_to_date": WITHIN["revenue"],
    "customers_to_date": WITHIN["active_customers"],
    "mrr": (SUBSCRIBED, lambda es: _sum(es, *SUBSCRIBED)),
    "credit_consumption": (
        (*ADDED, "credits_used"),
        lambda es: _over(_quantity(es, "credits_used"), _quantity(es, *ADDED)),
    ),
    "credits_in_channels": (
        (*ADDED, "credits_released", "credits_allocated"),
        lambda es: _quantity(es, *ADDED, "credits_released") - _quantity(es, "credits_allocated"),
    ),
}
# Over the sessions that began in a bucket.
OF_SESSIONS: dict[str, Callable[[list[list[Happening]]], Figure]] = {
    "sessions": len,
    "bounce_rate": lambda ss: _over(sum(map(is_bounce, ss)), len(ss)),
    "pages_per_session": lambda ss: _over(sum(map(pages, ss)), len(ss)),
    "session_duration": lambda ss: _over(sum(map(_seconds, ss)), len(ss)),
}
# Over lists of who was there, one for each of the days that end with a bucket: the events that
# tell who was (none named: all), and how many days.
TRAILING: dict[str, tuple[tuple[str, ...], int, Callable[[list[set[str]]], Figure]]] = {
    "weekly_active_users": ((), 7, lambda days: len(set().union(*days))),
    "monthly_active_users": ((), 30, lambda days: len(set().union(*days))),
    "monthly_app_users": (AT_HOME, 30, lambda days: len(set().union(*days))),
    "stickiness": (
        (),
        30,
        lambda days: _over(sum(map(len, days)), 30 * len(set().union(*days))),
    ),
}
RATIOS = {
    "cancellation_rate",
    "average_order_value",
    "refund_rate",
    "bounce_rate",
    "pages_per_session",
    "session_duration",
    "stickiness",
    "picture_failure_rate",
    "pictures_per_event",
    "picture_time",
    "satisfaction",
    "credit_consumption",
}
PERCENTILES = {"picture_time_p95", "reply_time", "resolution_time", "response_p95"}
# Null where there is nothing of them; others are 0 there.
NULLABLE = RATIOS | PERCENTILES


def _seconds(session: list[Happening]) -> float:
    return (session[-1].at - session[0].at).total_seconds()


@dataclass(frozen=True)
class Walk:
    """A question in the plainest terms: `[start, end)` on the wall, all known before `until`.

    A filter has chosen `events` already; sessions are made of all that are `unfiltered`, and
    it is their first events that must pass.
    """

    events: Sequence[Happening]
    start: datetime
    end: datetime
    until: datetime
    zone: ZoneInfo
    grain: str | None = None
    by: tuple[str, ...] = ()
    week_start: str = "monday"
    unfiltered: Sequence[Happening] = ()
    passes: Callable[[Happening], bool] = lambda event: True

    def rows(self, metrics: Sequence[str]) -> list[tuple[object, ...]]:
        """Return what the frame must hold, in its order."""
        found: dict[tuple[object, ...], dict[str, Figure]] = {}
        within = [name for name in metrics if name in WITHIN]
        names = {name for metric in within for name in WITHIN[metric][0]}
        if any(not WITHIN[metric][0] for metric in within):
            names = {event.name for event in self.events}
        for key, events in self._groups(names).items() if within else ():
            found[key] = {metric: WITHIN[metric][1](events) for metric in within}
        of_sessions = [name for name in metrics if name in OF_SESSIONS]
        for key, sessions in self._sessions().items() if of_sessions else ():
            found.setdefault(key, {}).update({m: OF_SESSIONS[m](sessions) for m in of_sessions})
        for metric in set(metrics) - set(within) - set(of_sessions):
            is_to_date = metric in TO_DATE
            figures = self._to_date(metric) if is_to_date else self._trailing(metric)
            for key, figure in figures.items():
                found.setdefault(key, {})[metric] = figure
        filled = [
            (*key, *(figures.get(m, None if m in NULLABLE else 0) for m in metrics))
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

    def _sessions(self) -> dict[tuple[object, ...], list[list[Happening]]]:
        groups: dict[tuple[object, ...], list[list[Happening]]] = {}
        if not self.by and self.grain is None:
            groups[()] = []
        for session in visits(self.unfiltered, lambda _: "shop"):
            first = session[0]
            if self.passes(first) and self.start <= self.wall(first) < self.end:
                key = (*self._bucket_of(first), *self._segment(first))
                groups.setdefault(key, []).append(session)
        return groups

    def _trailing(self, metric: str) -> dict[tuple[object, ...], Figure]:
        names, count, value = TRAILING[metric]
        end = min(self.end, self.until.astimezone(self.zone).replace(tzinfo=None))
        moment = timedelta(microseconds=1)
        if end <= self.start:
            return {} if self.by or self.grain else {(): value([set()])}
        buckets: list[Any] = self._buckets(end) if self.grain else [None]
        nexts = [b if isinstance(b, datetime) else datetime.combine(b, time()) for b in buckets[1:]]
        lasts = {b: at - moment for b, at in zip(buckets, [*nexts, end], strict=True)}
        there = [
            (self.wall(e), self._segment(e), e.user)
            for e in self.events
            if e.user is not None and (not names or e.name in names)
            if self.wall(e) < end and e.at < self.until
        ]
        first = self.start if self.grain else end - moment
        since = first.date() - timedelta(days=count - 1)
        segments = {segment for at, segment, _ in there if at.date() >= since}
        if not self.by and self.grain is None:
            segments = {()}
        found = {}
        for bucket, last in lasts.items():
            for segment in segments:
                days = [
                    {
                        user
                        for at, of, user in there
                        if of == segment and at <= last and at.date() == last.date() - back
                    }
                    for back in map(timedelta, range(count))
                ]
                key = segment if bucket is None else (bucket, *segment)
                found[key] = value(days)
        return found

    def _to_date(self, metric: str) -> dict[tuple[object, ...], Figure]:
        names, value = TO_DATE[metric]
        end = min(self.end, self.until.astimezone(self.zone).replace(tzinfo=None))
        so_far = [
            e
            for e in self.events
            if e.name in names and e.at < self.until and self.wall(e) < self.end
        ]
        counted = [e for e in so_far if metric != "customers_to_date" or e.customer is not None]
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
