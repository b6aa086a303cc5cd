"""Buckets are calendar ones, whatever their length."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.errors import UnknownName
from analyticspro.grain import Grain, WeekStart, add, floor

# A Thursday.
AT = datetime(2011, 11, 17, 14, 37, 5, 123)
TIMES = st.datetimes(datetime(1905, 1, 1), datetime(2195, 1, 1))


@pytest.mark.parametrize(
    ("grain", "start"),
    [
        ("hour", datetime(2011, 11, 17, 14)),
        ("day", datetime(2011, 11, 17)),
        ("week", datetime(2011, 11, 14)),
        ("month", datetime(2011, 11, 1)),
        ("quarter", datetime(2011, 10, 1)),
        ("year", datetime(2011, 1, 1)),
    ],
)
def test_a_bucket_starts_with_its_calendar_period(grain: str, start: datetime):
    assert floor(AT, Grain(grain)) == start


@pytest.mark.parametrize(
    ("day", "monday_week", "sunday_week"),
    [
        pytest.param(12, 7, 6, id="Saturday"),
        pytest.param(13, 7, 13, id="Sunday"),
        pytest.param(14, 14, 13, id="Monday"),
    ],
)
def test_a_week_starts_on_the_day_that_was_set(day: int, monday_week: int, sunday_week: int):
    at = datetime(2011, 11, day, 9)
    assert floor(at, Grain.WEEK, WeekStart.MONDAY) == datetime(2011, 11, monday_week)
    assert floor(at, Grain.WEEK, WeekStart.SUNDAY) == datetime(2011, 11, sunday_week)


@pytest.mark.parametrize(
    ("start", "grain", "count", "expected"),
    [
        pytest.param("2011-12-01", "month", 1, "2012-01-01", id="over the year"),
        pytest.param("2012-01-01", "month", -1, "2011-12-01", id="back over the year"),
        pytest.param("2011-01-01", "month", -25, "2008-12-01", id="back over years"),
        pytest.param("2011-10-01", "quarter", 2, "2012-04-01", id="quarters"),
        pytest.param("2012-01-01", "year", -1, "2011-01-01", id="a year before a leap year"),
        pytest.param("2012-02-28", "day", 2, "2012-03-01", id="a leap day"),
        pytest.param("2011-12-26", "week", 1, "2012-01-02", id="weeks ignore the year"),
        pytest.param("2011-03-27T23:00", "hour", 2, "2011-03-28T01:00", id="hours"),
    ],
)
def test_buckets_follow_one_another(start: str, grain: str, count: int, expected: str):
    found = add(datetime.fromisoformat(start), Grain(grain), count)
    assert found == datetime.fromisoformat(expected)


@given(TIMES, st.sampled_from(Grain), st.sampled_from(WeekStart), st.integers(-40, 40))
def test_the_calendar_has_no_gaps_and_no_overlaps(
    at: datetime, grain: Grain, week_start: WeekStart, count: int
):
    start = floor(at, grain, week_start)
    assert start <= at < add(start, grain, 1)
    assert floor(start, grain, week_start) == start
    assert add(add(start, grain, count), grain, -count) == start


def test_a_misspelt_grain_suggests_the_nearest():
    with pytest.raises(UnknownName, match=r"No grain 'mounth'\. Did you mean 'month'\?"):
        Grain.parse("mounth")
