"""Days, weeks and hours are those of the workspace's wall clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import pytest

from tests.metrics.shop import VIEWED, Happening, Shop, told

# The nights on which the clock changes: New York and London both ways in 2024, and Lord
# Howe, whose summer time is half an hour.
CHANGES = {
    "America/New_York": ("2024-03-10 07:00", "2024-11-03 06:00"),
    "Europe/London": ("2024-03-31 01:00", "2024-10-27 01:00"),
    "Australia/Lord_Howe": ("2024-04-06 15:00", "2024-10-05 15:30"),
}
ZONES = pytest.mark.parametrize("zone", CHANGES)


def around(moments: tuple[str, ...]) -> list[Happening]:
    """Return a page view every 15 minutes, for four days about each change."""
    steps = range(-4 * 48, 4 * 48)
    return [
        told(str(datetime.fromisoformat(moment) + step * timedelta(minutes=15)), VIEWED)
        for moment in moments
        for step in steps
    ]


VIEWS = {zone: around(moments) for zone, moments in CHANGES.items()}


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The views about each change, each zone's as a source of its own."""
    with Shop.at(tmp_path_factory.mktemp("views")) as shop:
        for zone, told_views in VIEWS.items():
            shop.holds(told_views, source=zone)
        yield shop


def wall(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def counted(zone: str, bucket: object) -> list[tuple[object, int]]:
    """Walk over the views, one by one, and count them by the bucket of their wall clock."""
    return sorted(Counter(bucket(wall(view.at, zone)) for view in VIEWS[zone]).items())  # type: ignore[operator]


@ZONES
def test_an_hour_is_an_hour_on_the_wall(zone: str, views: Shop):
    found = views.rows("page_views", grain="hour", zone=zone, where={"source": zone})
    assert found == counted(zone, lambda at: at.replace(minute=0))


@pytest.mark.parametrize(
    ("zone", "longest", "shortest"),
    [
        pytest.param("America/New_York", 8, 4, id="New York: an hour twice, another never"),
        pytest.param("Europe/London", 8, 4, id="London: the same"),
        pytest.param("Australia/Lord_Howe", 6, 2, id="Lord Howe: half an hour"),
    ],
)
def test_the_hour_of_the_change_is_longer_or_shorter(
    zone: str, longest: int, shortest: int, views: Shop
):
    found = views.rows("page_views", grain="hour", zone=zone, where={"source": zone})
    inner = [views for _, views in found if views != 4]
    assert max(inner) == longest
    missing = len(counted(zone, lambda at: at.replace(minute=0))) - len(found)
    assert missing == 0
    assert min([4, *inner]) == (shortest if zone == "Australia/Lord_Howe" else 4)


@ZONES
def test_a_day_has_as_many_hours_as_it_has(zone: str, views: Shop):
    found = views.rows("page_views", grain="day", zone=zone, where={"source": zone})
    assert found == counted(zone, lambda at: at.date())
    hours = {count / 4 for _, count in found[1:-1]}
    half = zone == "Australia/Lord_Howe"
    assert {23.5, 24.5} <= hours if half else {23, 25} <= hours


@pytest.mark.parametrize(("week_start", "first"), [("monday", 0), ("sunday", 6)])
@ZONES
def test_a_week_starts_on_its_day(zone: str, week_start: str, first: int, views: Shop):
    def start(at: datetime) -> date:
        return at.date() - timedelta(days=(at.weekday() - first) % 7)

    found = views.rows(
        "page_views", grain="week", zone=zone, week_start=week_start, where={"source": zone}
    )
    assert found == counted(zone, start)
    assert {bucket.weekday() for bucket, _ in found} == {first}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("grain", "bucket"),
    [
        ("month", lambda at: date(at.year, at.month, 1)),
        ("quarter", lambda at: date(at.year, (at.month - 1) // 3 * 3 + 1, 1)),
        ("year", lambda at: date(at.year, 1, 1)),
    ],
)
@ZONES
def test_longer_buckets_are_of_the_calendar(zone: str, grain: str, bucket: object, views: Shop):
    found = views.rows("page_views", grain=grain, zone=zone, where={"source": zone})
    assert found == counted(zone, bucket)


@ZONES
def test_a_period_starts_and_ends_on_the_wall(zone: str, views: Shop):
    day = wall(VIEWS[zone][200].at, zone).date()
    on_the_day = [view for view in VIEWS[zone] if wall(view.at, zone).date() == day]
    assert views.rows("page_views", period=str(day), zone=zone, where={"source": zone}) == [
        (len(on_the_day),)
    ]


def test_midnight_in_new_york_is_not_midnight_in_utc(empty: Shop):
    empty.holds([told("2024-01-01 04:59:59", VIEWED), told("2024-01-01 05:00:00", VIEWED)])
    assert empty.rows("page_views", grain="year", zone="America/New_York") == [
        (date(2023, 1, 1), 1),
        (date(2024, 1, 1), 1),
    ]
    assert empty.rows("page_views", grain="year") == [(date(2024, 1, 1), 2)]


def test_today_is_the_workspace_s_own(empty: Shop):
    empty.holds([told("2024-05-01 23:30", VIEWED), told("2024-05-02 00:30", VIEWED)])
    now = datetime(2024, 5, 2, 1, tzinfo=UTC)
    assert empty.rows("page_views", period="today", zone="America/New_York", now=now) == [(2,)]
    assert empty.rows("page_views", period="today", zone="UTC", now=now) == [(1,)]


def test_every_zone_that_may_be_set_is_known_to_the_engine(tmp_path: Path):
    """And the two agree on it: DuckDB and Python each bring their own table of zones."""
    moments = [datetime(2000 + n // 4, 1 + n % 4 * 3, 15, 12) for n in range(0, 104, 3)]
    # "localtime" is whatever this machine is set to: no zone to keep a workspace in.
    names = sorted(available_timezones() - {"localtime"})
    with duckdb.connect() as connection:
        found = connection.execute(
            """
            SELECT zone, moment, (moment AT TIME ZONE 'UTC') AT TIME ZONE zone
            FROM (SELECT unnest($names) AS zone), (SELECT unnest($moments) AS moment)
            """,
            {"names": names, "moments": moments},
        ).fetchall()
    assert len(found) == len(names) * len(moments)
    wrong = {
        zone for zone, moment, local in found if wall(moment.replace(tzinfo=UTC), zone) != local
    }
    assert wrong == set()
