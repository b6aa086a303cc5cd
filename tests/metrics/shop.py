"""A small, awkward shop: made by hand, so that every figure can be counted on fingers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from analyticspro.config import Settings
from analyticspro.events import SCHEMA
from analyticspro.ingest import load_events
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.evaluate import Evaluator
from analyticspro.metrics.known import Known
from analyticspro.money import to_minor
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse

PLACED, CANCELLED, REFUNDED = "order_placed", "order_cancelled", "order_refunded"
SIGNED_UP, STARTED, VIEWED, SEEN = "signed_up", "session_started", "page_viewed", "screen_viewed"
# Properties that are no column of the events: texts, and numbers that may have come as texts.
PROPERTIES = (
    *("partner", "kind", "category", "interval", "topic", "priority"),
    *("guests", "seconds", "minutes", "csat", "actor", "action"),
)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Happening:
    """One event, as a person would tell it: wall-clock UTC, money in major units."""

    at: datetime
    name: str
    order: str | None = None
    customer: str | None = None
    user: str | None = None
    session: str | None = None
    country: str | None = None
    plan: str | None = None
    channel: str | None = None
    product: str | None = None
    quantity: int | None = None
    amount: Decimal | None = None
    currency: str | None = None
    status: int | None = None
    method: str | None = None
    path: str | None = None
    sent: int | None = None
    took: int | None = None
    monitor: str | None = None
    observed: int | None = None
    partner: str | None = None
    kind: str | None = None
    category: str | None = None
    interval: str | None = None
    topic: str | None = None
    priority: str | None = None
    guests: object = None
    seconds: object = None
    minutes: object = None
    csat: object = None
    actor: str | None = None
    action: str | None = None
    id: str = ""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(when: str, name: str, amount: str | None = None, **more: object) -> Happening:
    """Tell one event: `told("2024-01-01", PLACED, "10.00", order="A")`; pounds unless said."""
    money = None if amount is None else Decimal(amount)
    currency = more.pop("currency", "GBP" if money is not None else None)
    return Happening(at(when), name, amount=money, currency=currency, **more)  # type: ignore[arg-type]


def numbered(happenings: Iterable[Happening]) -> list[Happening]:
    return [
        item if item.id else replace(item, id=f"shop:{number}")
        for number, item in enumerate(happenings)
    ]


def frame(happenings: Iterable[Happening]) -> pl.DataFrame:
    """Return the canonical events of what was told."""
    return pl.DataFrame([_row(item) for item in numbered(happenings)], schema=SCHEMA)


def _row(item: Happening) -> dict[str, object]:
    properties = {
        "order_id": item.order,
        "country": item.country,
        "plan": item.plan,
        "channel": item.channel,
        "product": item.product,
        "quantity": item.quantity,
        "status": item.status,
        "method": item.method,
        "path": item.path,
        "bytes_sent": item.sent,
        "response_us": item.took,
        "monitor": item.monitor,
        "observed_seconds": item.observed,
        **{name: getattr(item, name) for name in PROPERTIES},
    }
    minor = None
    if item.amount is not None and item.currency is not None:
        minor = to_minor(item.amount, item.currency).amount
    return {
        "event_id": item.id,
        "name": item.name,
        "occurred_at": item.at,
        "customer_id": item.customer,
        "user_id": item.user,
        "session_id": item.session,
        "amount_minor": minor,
        "currency": item.currency,
        "properties": json.dumps(properties),
        "raw": None,
        "version": None,
    }


def ledger(happenings: Iterable[Happening]) -> duckdb.DuckDBPyConnection:
    """Return a plain table `events` that owes nothing to the warehouse, for SQL by hand."""
    connection = duckdb.connect()
    connection.execute(
        """
        CREATE TABLE events (
            happened_at TIMESTAMP, name VARCHAR, "order" VARCHAR, customer VARCHAR, "user" VARCHAR,
            session VARCHAR, country VARCHAR, plan VARCHAR, channel VARCHAR, product VARCHAR,
            quantity BIGINT, amount DECIMAL(18, 2), currency VARCHAR, status VARCHAR,
            method VARCHAR, path VARCHAR, sent BIGINT, took BIGINT, monitor VARCHAR,
            observed BIGINT, partner VARCHAR, kind VARCHAR, category VARCHAR, interval VARCHAR,
            topic VARCHAR, priority VARCHAR, guests VARCHAR, seconds VARCHAR, minutes VARCHAR,
            csat VARCHAR, actor VARCHAR, action VARCHAR, id VARCHAR)
        """
    )
    rows = [list(vars(item).values()) for item in numbered(happenings)]
    connection.executemany(f"INSERT INTO events VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return connection


class Shop:
    """A real warehouse, and the questions asked of it at a given moment."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self._known: Known | None = None

    @classmethod
    @contextmanager
    def at(cls, folder: Path, zone: str = "UTC") -> Iterator[Shop]:
        file = folder / "warehouse.duckdb"
        warehouse = Warehouse.open(file, backups=folder / "backups", zone=zone)
        try:
            yield cls(warehouse)
        finally:
            warehouse.close()

    def holds(self, happenings: Iterable[Happening], source: str = "shop") -> Shop:
        """Make this all that there is of `source`."""
        load_events(source, frame(happenings), self.warehouse, progress=lambda _: None)
        return self

    def holds_in_two_steps(self, happenings: Iterable[Happening], source: str = "shop") -> Shop:
        """The same, half of it rolled up first, with what is gone afterwards."""
        final = list(happenings)
        first = [replace(item, quantity=99, country=None) for item in final[::2]] + final[1::4]
        self.holds(first, source)
        self.warehouse.compact()
        return self.holds(final, source)

    def ask(self, query: Query, *, now: datetime = NOW, settings: Settings | None = None) -> Answer:
        with self.warehouse.reader(OWNER) as reader:
            self._known = known = Known.read(reader, self._known)
            return Evaluator(reader, known, settings or Settings(currency="GBP"), now).answer(query)

    def rows(
        self,
        *metrics: str,
        now: datetime = NOW,
        zone: str = "UTC",
        week_start: str = "monday",
        where: dict[str, str | list[str]] | None = None,
        grain: str | None = None,
        by: str | Sequence[str] = (),
        period: str = "all",
        compare: bool = False,
    ) -> list[tuple[object, ...]]:
        """Ask in words, and get the rows of the frame."""
        chosen = (by,) if isinstance(by, str) else tuple(by)
        query = Query.of(
            *metrics, grain=grain, by=chosen, period=period, where=where, compare=compare
        )
        settings = Settings(timezone=zone, week_start=week_start, currency="GBP")
        return self.ask(query, now=now, settings=settings).frame.rows()


_BEFORE_MIDNIGHT = timedelta(microseconds=1)

# What every proof is about: November 2023 to April 2024, asked for the first quarter.
EVENTS = [
    # Before the quarter: the opening balance of what is counted to date.
    told("2023-11-05 10:00", PLACED, "40.00", order="A1", customer="ann", country="France",
         plan="free", product="cup", quantity=4),
    told("2023-12-31 23:59:59.999999", PLACED, "7.77", order="A2", customer="zoe",
         country="Spain", plan="pro", product="cup", quantity=1),
    told("2023-12-31 23:00", SIGNED_UP, user="u0", country="Spain", plan="pro"),
    # January: the first microsecond counts; an order of three lines is one order.
    told("2024-01-01", PLACED, "10.00", order="B1", customer="ann", country="France",
         plan="free", product="cup", quantity=1),
    told("2024-01-01", PLACED, "20.50", order="B1", customer="ann", country="France",
         plan="free", product="jug", quantity=2),
    told("2024-01-01", PLACED, "0.00", order="B1", customer="ann", country="France",
         plan="free", product="gift", quantity=1),
    # Nobody known, no country: counts in revenue, not among customers.
    told("2024-01-15 12:00", PLACED, "99.99", order="B2", plan="pro", product="cup", quantity=9),
    told("2024-01-15 12:00", PLACED, "5.00", order="B3", customer="bob", plan="pro",
         product="cup", quantity=1),
    # A cancelling invoice is no order and takes none away; its money is negative.
    told("2024-01-20 08:00", CANCELLED, "-20.50", order="C1", customer="ann", country="France",
         plan="free", product="jug", quantity=-2),
    # The same customer buys on another plan.
    told("2024-01-31 23:59:59.999999", PLACED, "33.33", order="B4", customer="ann",
         country="France", plan="pro", product="cup", quantity=3),
    told("2024-01-10 09:00", STARTED, session="s1", user="u1", country="France", plan="free"),
    told("2024-01-10 09:01", VIEWED, session="s1", user="u1", country="France", plan="free"),
    told("2024-01-10 09:02", VIEWED, session="s1", user="u1", country="France", plan="free"),
    told("2024-01-10 09:03", SIGNED_UP, user="u1", country="France", plan="free"),
    told("2024-01-11 09:03", SIGNED_UP, user="u1", country="France", plan="free"),
    told("2024-01-12 09:03", SIGNED_UP, country="France", plan="free"),
    # February (a leap one): Germany has a refund and no order, so ratios have no denominator.
    told("2024-02-29 23:59", REFUNDED, "-12.00", order="B4", customer="dora", country="Germany",
         plan="pro", product="cup"),
    told("2024-02-10 00:00", PLACED, "12.00", order="D1", customer="bob", country="Italy",
         plan="pro", product="cup", quantity=1),
    told("2024-02-11 00:00", REFUNDED, "-3.00", order="D1", customer="bob", country="Italy",
         plan="pro", product="cup"),
    # A session that crosses midnight of a month, seen in both.
    told("2024-02-29 23:58", VIEWED, session="s2", user="u2", country="Italy", plan="pro"),
    told("2024-03-01 00:01", VIEWED, session="s2", user="u2", country="Italy", plan="pro"),
    told("2024-03-01 00:02", VIEWED, user="u2", plan="pro"),
    # March: France only cancels, of an order of long ago.
    told("2024-03-05 10:00", CANCELLED, "-40.00", order="C2", customer="ann", country="France",
         plan="free", product="cup", quantity=-4),
    told("2024-03-31 23:59:59.999999", PLACED, "1.01", order="E1", customer="zoe",
         country="Spain", plan="free", product="cup", quantity=1),
    told("2024-03-15 10:00", "coffee_brewed", country="France", plan="pro"),
    # A server that fails twice of five times in January, and says how long it took but once.
    told("2024-01-01", "request_served", status=200, method="GET", path="/", sent=512, took=1_500),
    told("2024-01-01", "request_served", status=200, method="GET", path="/", sent=512, took=2_501),
    told("2024-01-31 23:59:59.999999", "request_refused", status=404, method="GET",
         path="/nowhere", sent=10),
    told("2024-01-20", "request_failed", status=500, method="POST", path="/pay", sent=0),
    told("2024-01-20", "request_failed", status=503, method="POST", path="/pay", sent=0),
    # February: only refusals, never timed, so there is no average; what was no request.
    told("2024-02-29 23:59", "request_refused", status=400, sent=0),
    told("2024-03-31 23:59:59.999999", "request_served", status=301, method="HEAD", path="/",
         sent=0, took=10),
    told("2024-04-01", "request_failed", status=500, method="GET", path="/", sent=9, took=9),
    # What a workspace tells of itself: of one name by two, and what others call alike.
    told("2024-01-01", "audit_sign_in_failed", actor="p1", action="sign_in"),
    told("2024-01-31 23:59:59.999999", "audit_sign_in_failed", actor="p2", action="sign_in"),
    told("2024-01-20", "audit_signed_in", actor="p1", action="sign_in"),
    told("2024-02-10", "audit_sign_in_failed", actor="p1", action="sign_in"),
    told("2024-02-29 23:59", "audit_denied", actor="p1", action="api.refused"),
    told("2024-02-01", "audit_denied", actor="p2", action="sql.refused"),
    told("2024-03-01", "audit_denied", action="api.refused"),
    told("2024-01-02", "audit_exported", actor="p1", action="export.audit"),
    told("2024-03-31 23:59:59.999999", "audit_exported", actor="p2", action="export.audit"),
    told("2024-03-02", "audit_policy_changed", actor="p1", action="policies.grant"),
    told("2024-03-02", "audit_policy_changed", actor="p1", action="policies.withdraw"),
    told("2024-03-03", "audit_policy_changed", actor="p2", action="policies.withdraw"),
    told("2024-04-01", "audit_policy_changed", actor="p2", action="policies.withdraw"),
    # Checks of unequal weight: a minute's and a quarter of an hour's. In maintenance a check
    # counts as one, and its time in neither.
    told("2024-01-05 10:00", "check_passed", monitor="web", observed=60),
    told("2024-01-05 10:01", "check_failed", monitor="web", observed=60),
    told("2024-01-05 10:02", "check_excused", monitor="web", observed=60),
    told("2024-01-05 10:00", "check_passed", monitor="database", observed=900),
    told("2024-02-05 10:00", "check_excused", monitor="database", observed=900),
    told("2024-03-05 10:00", "check_failed", monitor="web", observed=60),
    told("2024-04-01", "check_failed", monitor="web", observed=60),
    # Somebody comes back on some of the quarter's last days, and bounces twice.
    told("2024-03-20 10:00", SEEN, user="u1", country="France", plan="pro"),
    told("2024-03-20 10:30", SEEN, user="u1", country="France", plan="pro"),
    told("2024-03-20 11:00:00.000001", SEEN, user="u1", country="Spain", plan="pro"),
    told("2024-03-25 23:59", SEEN, user="u3", country="Spain", plan="pro"),
    told("2024-03-26 00:01", SIGNED_UP, user="u3", country="Spain", plan="pro"),
    told("2024-03-31 12:00", SEEN, user="u1", country="Spain", plan="pro"),
    # Partners: one is approved twice, one leaves and is nowhere; an event crosses a month's end.
    told("2023-12-20", "partner_approved", customer="p0", country="France", plan="pro"),
    told("2024-01-02", "partner_approved", customer="p1", country="Italy", plan="pro"),
    told("2024-01-03", "partner_approved", customer="p1", country="Italy", plan="pro"),
    told("2024-02-02", "partner_deactivated", customer="p0", plan="pro"),
    told("2024-01-31 23:59", "partner_event_held", customer="p1", country="Italy", plan="pro",
         partner="Alba", kind="wedding", guests=120),
    told("2024-01-31 22:00", "partner_event_held", customer="p1", country="Italy", plan="pro",
         partner="Alba", kind="fair", guests="80"),
    told("2024-02-11 22:00", "partner_event_held", customer="p2", partner="Bora", kind="fair",
         guests="many"),
    told("2024-03-02", "partner_event_planned", customer="p1", country="Italy", plan="pro"),
    told("2024-01-31 23:59:30", "picture_generated", customer="p1", country="Italy", plan="pro",
         product="Sepia", category="ink", seconds=1.1),
    told("2024-02-01 00:00", "picture_failed", customer="p1", country="Italy", plan="pro"),
    told("2024-02-01 00:01", "picture_generated", customer="p1", country="Italy", plan="pro",
         product="Neon", category="light", seconds=2.2),
    told("2024-03-01", "picture_generated", customer="p0", country="France", plan="free",
         product="Sepia", category="ink", seconds="3.3"),
    # Credits used in a month in which none were added; those set aside are neither.
    told("2023-12-21", "credits_granted", customer="p0", country="France", plan="pro",
         partner="Bora", quantity=10),
    told("2024-01-02", "credits_granted", customer="p1", country="Italy", plan="pro",
         partner="Alba", quantity=1000),
    told("2024-01-04", "credits_bought", "29.00", customer="p1", country="Italy", plan="pro",
         quantity=100),
    told("2024-01-30", "credits_allocated", customer="p1", country="Italy", plan="pro",
         quantity=300),
    told("2024-02-01", "credits_used", customer="p1", country="Italy", plan="pro",
         partner="Alba", quantity=90),
    told("2024-02-01", "credits_released", customer="p1", country="Italy", plan="pro",
         quantity=210),
    told("2024-01-02", "contract_signed", "2400.00", customer="p1", country="Italy", plan="pro"),
    told("2024-03-02", "contract_renewed", "2544.00", customer="p0", country="France",
         plan="free"),
    told("2024-01-09", "contract_paid", "200.00", customer="p1", country="Italy", plan="pro"),
    # People at home, and subscriptions: one from before, one that grows, shrinks and ends.
    told("2024-01-08", "app_account_created", user="h1", country="Spain"),
    told("2024-01-08", "app_account_created", user="h2", plan="pro"),
    told("2024-01-09", "app_picture_generated", user="h1", country="Spain", product="Neon",
         category="light", seconds=40),
    told("2024-01-31 23:59:59.999999", "app_picture_generated", user="h1", country="Spain"),
    told("2024-02-05", "app_picture_generated", user="h2", plan="pro", product="Neon",
         category="light", seconds="n/a"),
    told("2024-02-05", "app_picture_failed", user="h3", plan="pro"),
    told("2024-03-15", "app_picture_generated", user="h2", country="Spain"),
    told("2024-02-06", "credit_pack_purchased", "4.99", user="h2", plan="pro", quantity=10),
    told("2023-11-20", "subscription_started", "19.00", customer="ann", country="France",
         plan="team", interval="year"),
    told("2024-01-20", "subscription_started", "39.00", customer="bob", plan="pro",
         interval="month"),
    told("2024-01-20", "subscription_invoiced", "390.00", customer="bob", plan="pro"),
    told("2024-01-21", "subscription_upgraded", "39.00", customer="bob", plan="pro"),
    told("2024-02-21", "subscription_downgraded", "-39.00", customer="bob", plan="pro"),
    told("2024-03-21", "subscription_cancelled", "-39.00", customer="bob", plan="pro",
         interval="month"),
    told("2024-03-21", "subscription_payment_failed", "19.00", customer="ann", country="France",
         plan="team"),
    told("2024-01-22", "ticket_opened", customer="ann", country="France", plan="free",
         topic="billing", priority="high"),
    told("2024-02-22", "ticket_opened", customer="zoe", plan="pro", topic="other",
         priority="urgent"),
    told("2024-02-23", "ticket_opened", customer="zoe", plan="pro", topic="other",
         priority="low"),
    told("2024-01-22", "ticket_opened", customer="bob", plan="pro"),
    told("2024-02-01", "ticket_replied", customer="bob", plan="pro", minutes=15),
    told("2024-02-01", "ticket_replied", customer="ann", country="France", plan="free",
         topic="billing", minutes=20.5),
    told("2024-02-01", "ticket_replied", customer="zoe", plan="pro", topic="other",
         minutes=2_000),
    told("2024-02-02", "ticket_resolved", customer="bob", plan="pro", minutes=1_455, csat=4),
    told("2024-02-03", "ticket_resolved", customer="zoe", plan="pro", topic="other",
         minutes=60, csat="5"),
    # Nobody can add this up, or the null after it; a resolution without a score has no average.
    told("2024-02-04", "ticket_resolved", customer="zoe", plan="pro", topic="other",
         csat="very good"),
    told("2024-03-04", "ticket_resolved", customer="ann", country="France", plan="free"),
    # After the quarter: the first microsecond of April must not count.
    told("2024-04-01", PLACED, "1000.00", order="F1", customer="eve", country="France",
         plan="pro", product="cup", quantity=100),
]  # fmt: skip
