"""Sessions and active users: what they count, where they are read from, and always the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyticspro.config import Settings
from analyticspro.metrics import Query
from analyticspro.warehouse import Warehouse
from tests.metrics.shop import EVENTS, NOW, REFUNDED, SEEN, STARTED, VIEWED, Shop, told
from tests.warehouse.visiting import DEEDS, Step, opened

AUDIENCE = ("active_users", "weekly_active_users", "monthly_active_users", "stickiness")
OF_SESSIONS = ("sessions", "bounce_rate", "pages_per_session", "session_duration")


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty warehouse to copy: quicker than to make one."""
    file = tmp_path_factory.mktemp("blank") / "w.duckdb"
    Warehouse.open(file, backups=file.parent).close()
    return file


def test_a_session_is_where_it_began(empty: Shop):
    empty.holds([
        told("2024-02-29 23:50", VIEWED, user="ann", country="France"),
        told("2024-03-01 00:10", VIEWED, user="ann", country="Italy"),
    ])  # fmt: skip
    assert empty.rows("sessions", grain="month", by="country") == [(date(2024, 2, 1), "France", 1)]
    assert empty.rows("pages_per_session", "session_duration") == [(2.0, 1200.0)]
    assert empty.rows("sessions", where={"country": "Italy"}) == [(0,)]
    assert empty.rows("bounce_rate", period="2024-03") == [(None,)]


def test_a_source_s_own_numbers_count_beside_the_gaps_of_others(empty: Shop):
    empty.holds([
        told("2024-03-01 10:00", STARTED, session="s1", user="ann"),
        told("2024-03-01 18:00", VIEWED, session="s1", user="ann"),
        told("2024-03-01 10:00", SEEN, user="bob"),
        told("2024-03-01 18:00", SEEN, user="bob"),
        told("2024-03-01 18:00", SEEN),
        told("2024-03-01 20:00", REFUNDED, user="bob"),
    ])  # fmt: skip
    assert empty.rows("sessions", "bounce_rate") == [(3, 1.0)]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Ann comes every day of April, Bob on the 1st and the 8th, Cem on the 30th."""
    days = [told(f"2024-04-{day:02} 12:00", VIEWED, user="ann") for day in range(1, 31)]
    bob = [told(f"2024-04-{day} 12:00", VIEWED, user="bob") for day in ("01", "08")]
    with Shop.at(tmp_path_factory.mktemp("month")) as opened_shop:
        yield opened_shop.holds_in_two_steps([*days, *bob, told("2024-04-30", VIEWED, user="cem")])


def test_a_week_of_users_ends_with_its_day(month: Shop):
    found = dict(month.rows("weekly_active_users", grain="day", period="2024-04-01..2024-04-16"))
    twice = [date(2024, 4, day) for day in (*range(1, 8), *range(8, 15))]
    assert found == {
        date(2024, 4, day): 2 if date(2024, 4, day) in twice else 1 for day in range(1, 16)
    }


def test_a_month_of_users_is_30_days_and_a_calendar_month_another_metric(month: Shop):
    may = month.rows(
        "monthly_active_users", "active_users", grain="day", period="2024-04-29..2024-05-01"
    )
    assert may == [(date(2024, 4, 29), 2, 1), (date(2024, 4, 30), 3, 2)]
    assert month.rows("active_users", grain="month") == [(date(2024, 4, 1), 3)]


def test_stickiness_is_the_mean_day_over_the_month_at_its_end(month: Shop):
    [(found,)] = month.rows("stickiness", period="2024-04")
    assert found == pytest.approx(((30 + 2 + 1) / 30) / 3)
    [(lone,)] = month.rows("stickiness", period="2024-04-07..2024-04-08")
    assert lone == pytest.approx(((7 + 1) / 30) / 2)


def test_the_last_day_may_be_a_part_of_one(month: Shop):
    """Up to noon of the 8th, a week reaches back to the 2nd: Bob's noon is not yet in it."""
    asked: dict[str, Any] = {"period": "2024-04-08T00:00..2024-04-08T12:00"}
    assert month.rows("weekly_active_users", **asked) == [(1,)]
    assert month.rows("weekly_active_users", period="2024-04-08T00:00..2024-04-08T13:00") == [(2,)]
    hours = month.rows(
        "weekly_active_users", grain="hour", period="2024-04-08T11:00..2024-04-08T13:00"
    )
    assert hours == [(datetime(2024, 4, 8, 11), 1), (datetime(2024, 4, 8, 12), 2)]


def test_what_was_before_is_compared(month: Shop):
    [(now, before, change, _)] = month.rows(
        "monthly_active_users", period="2024-04-30..2024-05-01", compare=True
    )
    assert (now, before, change) == (3, 2, 1)
    days = month.rows(
        "weekly_active_users", grain="day", period="2024-04-15..2024-04-17", compare=True
    )
    assert [row[:3] for row in days] == [(date(2024, 4, 15), 1, 2), (date(2024, 4, 16), 1, 1)]


def test_windows_before_and_after_all_events_are_answered(empty: Shop):
    empty.holds([told("1970-01-01 10:00", VIEWED, user="ann")])
    assert empty.rows("monthly_active_users", period="1900-01-01..1970-01-02") == [(1,)]
    assert empty.rows("weekly_active_users", period="2031-01-01..2031-01-02") == [(0,)]
    assert empty.rows("weekly_active_users", grain="day", period="2031-01-01..2031-01-02") == []


def test_without_any_event_there_is_nothing(empty: Shop):
    assert empty.rows(*OF_SESSIONS, *AUDIENCE) == [(0, None, None, None, 0, 0, 0, None)]
    assert empty.rows(*OF_SESSIONS, *AUDIENCE, grain="day") == []


def read_from(shop: Shop, metric: str, **asked: Any) -> set[str]:
    zone = asked.pop("zone", "UTC")
    query = Query.of(metric, **{"period": "2024-01-01..2024-04-01"} | asked)
    answer = shop.ask(query, settings=Settings(timezone=zone, currency="GBP"))
    sql = "\n".join(answer.provenance["statements"])
    tables = ("session_days", "FROM sessions WHERE started_at", "members_user_id", "FROM events")
    return {table for table in tables if table in sql}


@pytest.mark.parametrize(
    ("metric", "asked", "tables"),
    [
        pytest.param("sessions", {"grain": "day"}, {"session_days"}, id="days"),
        pytest.param("bounce_rate", {"by": "country"}, {"session_days"}, id="in all, by country"),
        pytest.param("sessions", {"grain": "hour"}, {"FROM sessions WHERE started_at"}, id="hours"),
        pytest.param("sessions", {"zone": "Asia/Tokyo"}, {"FROM sessions WHERE started_at"},
                     id="days of another zone"),
        pytest.param("weekly_active_users", {}, {"members_user_id"}, id="users"),
        pytest.param("weekly_active_users", {"by": "plan"}, {"FROM events"}, id="users by plan"),
    ],
)  # fmt: skip
def test_what_is_kept_is_read(metric: str, asked: dict[str, Any], tables: set[str], empty: Shop):
    """Once nothing has come since, sessions are read from what is kept alone."""
    empty.holds(EVENTS).warehouse.compact()
    assert read_from(empty, metric, **asked) == tables


def test_what_came_since_is_read_from_the_events(empty: Shop):
    empty.holds(EVENTS).warehouse.compact()
    empty.holds([*EVENTS, told("2024-03-30 10:00", VIEWED, user="dan")])
    assert read_from(empty, "sessions") == {"session_days", "FROM events"}


@pytest.mark.parametrize("grain", ["hour", "day", "week", "month", None])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe"])
def test_bounces_and_sessions_of_the_buckets_are_those_of_the_whole(
    grain: str | None, zone: str, shop: Shop
):
    buckets = shop.rows("sessions", grain=grain, by=("country", "plan"), zone=zone)
    assert sum(row[-1] for row in buckets) == shop.rows("sessions", zone=zone)[0][0] == 18  # type: ignore[misc]


def active(steps: list[Step], end: date, days: int) -> int:
    since = end - timedelta(days=days - 1)
    return len({step.user for step in steps if step.user and since <= step.at.date() <= end})


@settings(max_examples=10)
@given(st.lists(DEEDS, min_size=2, max_size=6))
@example([("compact", []), ("tell", [Step("e0", 0, None, "page_viewed", None, None, "web")])])
def test_active_users_and_sessions_follow_whatever_comes_and_goes(blank: Path, deeds: list[Any]):
    with opened(blank) as held:
        shop = Shop(held.warehouse)
        for kind, what in deeds:
            held.do(kind, what)
            steps = list(held.live.values())
            first = date(2024, 3, 7)
            asked = {"period": "2024-03-07..2024-03-20"}
            found = shop.rows(*AUDIENCE, grain="day", **asked)
            until = max((step.at for step in steps), default=NOW).date()
            ends = [first + timedelta(days=day) for day in range(13)]
            there = any(step.user for step in steps)
            expected = [
                (end, active(steps, end, 1), active(steps, end, 7), active(steps, end, 30))
                for end in ends
                if there and end <= until
            ]
            if not there:  # days with an event, of nobody who is known
                days = sorted({step.at.date() for step in steps})
                expected = [(day, 0, 0, 0) for day in days if first <= day <= ends[-1]]
            assert [row[:4] for row in found] == expected
            for (_, _, _, month_of_users), (*_, stickiness) in zip(expected, found, strict=True):
                assert (stickiness is None) == (month_of_users == 0)
            assert shop.rows("sessions", **asked) == [(len(held.sessions()),)]


def test_buckets_follow_each_other_without_a_gap(month: Shop):
    rows = month.rows("monthly_active_users", grain="week", period="2024-01-01..2024-06-01")
    weeks = [row[0] for row in rows]
    assert all(later - week == timedelta(days=7) for week, later in pairwise(weeks))  # type: ignore[operator]
    assert weeks[0] == date(2024, 1, 1)
    assert weeks[-1] == date(2024, 4, 29)  # nothing is known after April
