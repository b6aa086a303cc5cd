"""Whatever the events and whatever the question, the answer is what a plain walk finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analyticspro.config import Settings
from analyticspro.grain import Grain
from analyticspro.metrics import Filter, Query, catalog
from analyticspro.metrics.model import is_null_of_nothing
from tests.metrics.shop import (
    CANCELLED,
    NOW,
    PLACED,
    REFUNDED,
    SIGNED_UP,
    STARTED,
    VIEWED,
    Happening,
    Shop,
    at,
    numbered,
)
from tests.metrics.walk import (
    ADDED,
    ASKED,
    AUDITED,
    DRAWN,
    HELD,
    NULLABLE,
    OF_SESSIONS,
    RATIOS,
    SUBSCRIBED,
    TO_DATE,
    TRAILING,
    WITHIN,
    Walk,
)

# What happens together, so that an example is about something: a name twice comes twice as often.
TALES: list[tuple[str, ...]] = [
    (PLACED, PLACED, PLACED, CANCELLED, REFUNDED, SIGNED_UP, STARTED, VIEWED, "coffee_brewed"),
    (
        *("partner_approved", "partner_deactivated", "partner_event_planned", *HELD, *HELD),
        *(*ADDED, "credits_allocated", "credits_used", "credits_used", "credits_released"),
        *("contract_signed", "contract_renewed", "contract_paid"),
    ),
    (*ASKED, *DRAWN, *HELD, "app_account_created", "app_picture_failed"),
    (
        *(*SUBSCRIBED, "subscription_invoiced", "credit_pack_purchased"),
        *("ticket_opened", "ticket_opened", "ticket_replied"),
        *("ticket_resolved", "ticket_resolved"),
    ),
]
# What the audit log tells has no country, so it is in no story of the others.
AUDIT_TALE = tuple(sorted({name for metric in AUDITED for name in WITHIN[metric][0]}))
EVERYTHING = sorted([*(WITHIN.keys() - AUDITED), *TO_DATE, *OF_SESSIONS, *TRAILING])
MONEY = {PLACED, CANCELLED, REFUNDED, *SUBSCRIBED, "subscription_invoiced", "contract_signed"}
MONEY |= {"contract_renewed", "contract_paid", "credit_pack_purchased"}
ZONES = ["UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia"]
# Around the ends of months, a leap day and the changes of the clock of 2024.
MOMENTS = [
    datetime(*parts, tzinfo=UTC)
    for parts in [
        (2023, 12, 31, 23, 59, 59, 999999),
        (2024, 1, 1),
        (2024, 2, 29, 12),
        (2024, 3, 10, 7),
        (2024, 3, 31, 1),
        (2024, 4, 6, 15),
        (2024, 4, 30, 14),
        (2024, 10, 27, 1),
        (2024, 11, 3, 6),
    ]
]


def some(values: list[str]) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(values)


# Numbers as they come: as such, as texts, and as what nobody can add up.
def numbers() -> st.SearchStrategy[object]:
    whole = st.integers(-3, 300)
    return st.one_of(
        st.none(),
        whole,
        whole.map(lambda value: value / 8),
        whole.map(str),
        st.sampled_from(["", "3 pcs", "1,5", True, [7], {"a": 7}]),
    )


@st.composite
def happenings(draw: st.DrawFn, names: tuple[str, ...]) -> Happening:
    name = draw(st.sampled_from(names))
    moment = draw(st.sampled_from(MOMENTS))
    minutes = draw(st.integers(-60 * 60, 60 * 60) | st.integers(-40, 40))
    is_money = name in MONEY and draw(st.booleans())
    cents = draw(st.integers(-10_000, 10_000)) if is_money else None
    return Happening(
        at=moment + timedelta(minutes=minutes),
        name=name,
        order=draw(some(["a", "b", "c"])),
        customer=draw(some(["ann", "bob"])),
        user=draw(some(["u", "v"])),
        session=draw(some(["s", "t"])),
        country=draw(some(["France", "Italy"])),
        plan=draw(some(["free", "pro"])),
        quantity=draw(st.none() | st.integers(-5, 5)),
        amount=None if cents is None else Decimal(cents) / 100,
        currency=None if cents is None else "GBP",
        product=draw(some(["Sepia", "Neon"])),
        category=draw(some(["ink", "light"])),
        priority=draw(some(["low", "high", "urgent"])),
        guests=draw(numbers()),
        seconds=draw(numbers()),
        minutes=draw(numbers()),
        csat=draw(numbers()),
        actor=draw(some(["p1", "p2"])),
    )


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Happening], dict[str, Any]]:
    names = draw(st.sampled_from(TALES))
    own = [m for m in EVERYTHING if {*(WITHIN | TO_DATE).get(m, ((), None))[0]} & {*names}]
    own += [*OF_SESSIONS, *TRAILING]
    return draw(st.lists(happenings(names), max_size=25)), draw(questions(own))


@st.composite
def questions(draw: st.DrawFn, own: list[str]) -> dict[str, Any]:
    metric = st.sampled_from(own) | st.sampled_from(EVERYTHING)
    moment = draw(st.sampled_from(MOMENTS)).replace(tzinfo=None)
    first = moment + timedelta(hours=draw(st.integers(-300, 100)))
    first = first.replace(minute=0, second=0, microsecond=0)
    return {
        "metrics": draw(st.lists(metric, min_size=1, max_size=4, unique=True)),
        "grain": draw(st.none() | st.sampled_from(list(Grain))),
        "by": tuple(draw(st.lists(st.sampled_from(["country", "plan"]), max_size=2, unique=True))),
        "start": first if draw(st.booleans()) else first.replace(hour=0),
        "days": draw(st.integers(1, 40)),
        "where": draw(st.none() | st.sampled_from(["country", "plan"])),
        "exclude": draw(st.booleans()),
        "rolled": draw(st.booleans()),
        "zone": draw(st.sampled_from(ZONES)),
        "week_start": draw(st.sampled_from(["monday", "sunday"])),
    }


def test_the_walk_knows_every_metric_of_a_country():
    """Requests and checks have none: they are proved by hand alone."""
    walked = {name: m for name, m in catalog.METRICS.items() if "country" in m.dimensions}
    assert {*WITHIN, *TO_DATE, *OF_SESSIONS, *TRAILING} - AUDITED == walked.keys()
    assert {name for name, m in walked.items() if type(m).__name__ == "Ratio"} == RATIOS
    assert {m.name for m in catalog.METRICS.values() if is_null_of_nothing(m)} >= NULLABLE


@pytest.fixture(scope="module", params=ZONES[:2])
def changing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop whose whole story is replaced for each example: the old one must leave no trace."""
    with Shop.at(tmp_path_factory.mktemp("changing"), request.param) as opened:
        yield opened


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=stories())
def test_an_answer_is_what_a_walk_over_the_events_finds(
    story: tuple[list[Happening], dict[str, Any]], changing: Shop
):
    events, asked = story
    changing.holds_in_two_steps(events) if asked["rolled"] else changing.holds(events)
    end = asked["start"] + timedelta(days=asked["days"])
    where, passes = chosen(events, asked)
    query = Query(
        tuple(asked["metrics"]),
        asked["grain"],
        asked["by"],
        f"{asked['start']:%Y-%m-%dT%H:%M}..{end:%Y-%m-%dT%H:%M}",
        where,
    )
    workspace = Settings(timezone=asked["zone"], week_start=asked["week_start"], currency="GBP")
    zone = ZoneInfo(asked["zone"])
    walk = Walk(
        events=list(filter(passes, events)),
        start=asked["start"],
        end=end,
        until=known_until(events, asked["metrics"]),
        zone=zone,
        grain=asked["grain"],
        by=asked["by"],
        week_start=asked["week_start"],
        unfiltered=numbered(events),
        passes=passes,
    )

    found = changing.ask(query, settings=workspace).frame.rows()

    expected = walk.rows(asked["metrics"])
    width = len(asked["by"]) + (asked["grain"] is not None)
    assert [row[:width] for row in found] == [row[:width] for row in expected]
    for row, wanted in zip(found, expected, strict=True):
        assert row[width:] == tuple(
            pytest.approx(figure) if isinstance(figure, float) else figure
            for figure in wanted[width:]
        )


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop.at(tmp_path_factory.mktemp("telling")) as opened:
        yield opened


@pytest.mark.parametrize("names", [*TALES, AUDIT_TALE], ids=lambda names: names[0])
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.generate),
)
@given(data=st.data())
def test_all_metrics_of_a_full_tale_are_what_a_walk_finds(
    names: tuple[str, ...], data: st.DataObject, telling: Shop
):
    """Every event lies in the period, so that each metric has something to count."""
    happening = happenings(names)
    seconds = st.integers(0, 59 * 24 * 3600)
    events = [
        replace(data.draw(happening), at=at("2024-01-01") + timedelta(seconds=data.draw(seconds)))
        for _ in range(data.draw(st.integers(20, 30)))
    ]
    metrics = [
        metric
        for metric, (wanted, *_) in (WITHIN | TO_DATE | TRAILING).items()
        if {*wanted} & {*names}
    ]
    grain = data.draw(st.none() | st.just(Grain.MONTH))
    by = data.draw(st.sampled_from([(), ("country",), ("priority",), ("actor",)]))
    by = by if all({*by} <= {*catalog.metric(m).dimensions} for m in metrics) else ()
    tell = telling.holds_in_two_steps if data.draw(st.booleans()) else telling.holds
    tell(events)
    walk = Walk(
        events=events,
        start=datetime(2024, 1, 1),
        end=datetime(2024, 4, 1),
        until=known_until(events, metrics),
        zone=ZoneInfo("UTC"),
        grain=grain,
        by=by,
    )

    found = telling.ask(Query(tuple(metrics), grain, by, "2024-Q1")).frame

    for row, wanted in zip(found.rows(), walk.rows(metrics), strict=True):
        for name, figure, other in zip(found.columns, row, wanted, strict=True):
            assert figure == (pytest.approx(other) if isinstance(other, float) else other), name


def chosen(
    events: list[Happening], asked: dict[str, Any]
) -> tuple[tuple[Filter, ...], Callable[[Happening], bool]]:
    """Return a filter for a value that is there, and whether an event passes it."""
    dimension = asked["where"]
    values = sorted({getattr(event, dimension) for event in events} - {None}) if dimension else []
    if not values:
        return (), lambda event: True
    value, exclude = values[0], asked["exclude"]
    return (Filter(dimension, (value,), exclude),), (
        lambda event: (getattr(event, dimension) == value) is not exclude
    )


def known_until(events: list[Happening], metrics: list[str]) -> datetime:
    """Return up to when the shop is known: its newest event, if the metrics look at any."""
    looks_at = [(WITHIN | TO_DATE | TRAILING).get(m, ((), None))[0] for m in metrics]
    names = {name for names in looks_at for name in names}
    is_all = not all(looks_at)
    if not any(is_all or event.name in names for event in events):
        return NOW
    return max(event.at for event in events) + timedelta(microseconds=1)
