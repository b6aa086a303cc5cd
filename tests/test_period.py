"""A period is what its name says, and is compared with what is comparable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analyticspro.errors import DefinitionError
from analyticspro.grain import Grain, WeekStart, add, floor
from analyticspro.period import Period, comparison, parse_day, parse_period, to_instant, to_wall

# A Thursday.
TODAY = datetime(2011, 11, 17, 14, 37)
EXTENT = (datetime(2010, 12, 1, 8, 26), datetime(2011, 12, 9, 12, 50))
LONDON = ZoneInfo("Europe/London")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def spell(period: Period) -> str:
    return f"{period.start.isoformat(' ', 'minutes')} to {period.end.isoformat(' ', 'minutes')}"


@pytest.mark.parametrize(
    ("text", "start", "end", "step", "name"),
    [
        ("2011", "2011-01-01", "2012-01-01", ("year", 1), "2011"),
        ("2011-Q4", "2011-10-01", "2012-01-01", ("quarter", 1), "2011-Q4"),
        ("2011-q1", "2011-01-01", "2011-04-01", ("quarter", 1), "2011-Q1"),
        ("2011-11", "2011-11-01", "2011-12-01", ("month", 1), "2011-11"),
        ("2011-12", "2011-12-01", "2012-01-01", ("month", 1), "2011-12"),
        ("2012-02-29", "2012-02-29", "2012-03-01", ("day", 1), "2012-02-29"),
        ("2011-W47", "2011-11-21", "2011-11-28", ("week", 1), "2011-W47"),
        ("2011-w01", "2011-01-03", "2011-01-10", ("week", 1), "2011-W01"),
        ("2009-W53", "2009-12-28", "2010-01-04", ("week", 1), "2009-W53"),
        ("2012-W01", "2012-01-02", "2012-01-09", ("week", 1), "2012-W01"),
        ("today", "2011-11-17", "2011-11-18", ("day", 1), "2011-11-17"),
        ("Yesterday", "2011-11-16", "2011-11-17", ("day", 1), "2011-11-16"),
        ("this-week", "2011-11-14", "2011-11-21", ("week", 1), "2011-W46"),
        ("last-week", "2011-11-07", "2011-11-14", ("week", 1), "2011-W45"),
        ("this-month", "2011-11-01", "2011-12-01", ("month", 1), "2011-11"),
        (" last-month ", "2011-10-01", "2011-11-01", ("month", 1), "2011-10"),
        ("this-quarter", "2011-10-01", "2012-01-01", ("quarter", 1), "2011-Q4"),
        ("last-quarter", "2011-07-01", "2011-10-01", ("quarter", 1), "2011-Q3"),
        ("last-year", "2010-01-01", "2011-01-01", ("year", 1), "2010"),
        ("last-1-days", "2011-11-17", "2011-11-18", ("day", 1), "last-1-days"),
        ("last-30-days", "2011-10-19", "2011-11-18", ("day", 30), "last-30-days"),
        ("latest", "2011-12-01", "2012-01-01", ("month", 1), "2011-12"),
        ("all", "2010-12-01", "2011-12-10", ("day", 374), "all"),
        ("2011-01-01..2011-12-01", "2011-01-01", "2011-12-01", ("month", 11), None),
        ("2011-01-02..2011-01-05", "2011-01-02", "2011-01-05", ("day", 3), None),
        ("2011-01-01T06:00..2011-01-01T07:30", "2011-01-01T06:00", "2011-01-01T07:30",
         ("hour", 2), None),
        ("2011-12-05..", "2011-12-05", "2011-12-10", ("day", 5), "2011-12-05..2011-12-10"),
        ("..2010-12-03", "2010-12-01", "2010-12-03", ("day", 2), "2010-12-01..2010-12-03"),
        ("..", "2010-12-01", "2011-12-10", ("day", 374), "2010-12-01..2011-12-10"),
        ("2030-05-01..", "2030-05-01", "2030-05-02", ("day", 1), "2030-05-01..2030-05-02"),
    ],
)  # fmt: skip
def test_a_period_is_what_its_name_says(
    text: str, start: str, end: str, step: tuple[str, int], name: str | None
):
    found = parse_period(text, today=TODAY, extent=EXTENT)
    assert found == Period(at(start), at(end), (Grain(step[0]), step[1]), name or text)


@pytest.mark.parametrize("text", ["2011", "2011-Q4", "2011-11", "2011-W47", "2011-11-05"])
@pytest.mark.parametrize("week_start", WeekStart)
def test_the_name_of_a_calendar_period_reads_back_as_itself(text: str, week_start: WeekStart):
    found = parse_period(text, today=TODAY, week_start=week_start)
    assert found.name == text
    assert parse_period(found.name, today=TODAY, week_start=week_start) == found


@pytest.mark.parametrize(
    ("text", "start"),
    [("2011-W47", "2011-11-20"), ("this-week", "2011-11-13"), ("2012-W01", "2012-01-01")],
)
def test_a_week_from_sunday_holds_the_monday_of_its_iso_week(text: str, start: str):
    found = parse_period(text, today=TODAY, week_start=WeekStart.SUNDAY)
    assert (found.start, found.end) == (at(start), at(start) + timedelta(days=7))


def test_without_data_the_latest_month_is_the_present_one():
    assert parse_period("latest", today=TODAY).name == "2011-11"
    assert spell(parse_period("all", today=TODAY)) == "2011-11-17 00:00 to 2011-11-18 00:00"


@pytest.mark.parametrize(
    "text",
    ["", "soon", "11-2011", "2011-13", "2011-Q5", "2011-W54", "2011-02-29", "2011-11-31",
     "last-0-days", "last-10000-days", "last--1-days", "this-day", "0000"],
)  # fmt: skip
def test_what_is_no_period_is_answered_with_all_forms(text: str):
    with pytest.raises(DefinitionError, match=r"^No period .*2011-Q4.*last-30-days.*latest"):
        parse_period(text, today=TODAY)


@pytest.mark.parametrize(
    "text", ["9999", "9999-12", "9999-Q4", "9999-W52", "9999-12-31", "1899", "0001-01-01..",
             "2011-01-01..9999-12-31", "9999-12-31.."],
)  # fmt: skip
def test_a_period_beyond_the_calendar_is_refused(text: str):
    with pytest.raises(DefinitionError, match="between 1900 and 2200"):
        parse_period(text, today=TODAY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2011-12-01..2011-12-01", "ends .* before it starts"),
        ("2011-12-02..2011-12-01", "the end is excluded|The end is excluded"),
        ("2011-12-02..soon", "'SOON' is not a date"),
        ("2011-12-02T00:00Z..2011-12-03", "carries a UTC offset"),
    ],
)
def test_a_bad_range_says_what_is_wrong(text: str, reason: str):
    with pytest.raises(DefinitionError, match=reason):
        parse_period(text, today=TODAY, extent=EXTENT)


def test_a_day_is_a_wall_clock_time():
    assert parse_day("2011-11-05T14:30") == datetime(2011, 11, 5, 14, 30)
    with pytest.raises(DefinitionError, match="Write it as 2011-11-05"):
        parse_day("5.11.2011")


WHOLE = None  # the data is known beyond the end of the period


@pytest.mark.parametrize(
    ("period", "grain", "until", "start", "end"),
    [
        pytest.param("2011-11", None, WHOLE, "2011-10-01", "2011-11-01", id="a full month"),
        pytest.param("2011-03", None, WHOLE, "2011-02-01", "2011-03-01", id="March, 31 to 28 days"),
        pytest.param("2011-03", None, "2011-03-31T12:00", "2011-02-01", "2011-03-01",
                     id="31 March at noon: all of February, no more"),
        pytest.param("2011-03", None, "2011-03-28T12:00", "2011-02-01", "2011-02-28T12:00",
                     id="28 March at noon: up to 28 February at noon"),
        pytest.param("2011-12", None, "2011-12-09T12:50", "2011-11-01", "2011-11-09T12:50",
                     id="an incomplete month: the same elapsed part"),
        pytest.param("2011-11-17", None, "2011-11-17T14:37", "2011-11-16", "2011-11-16T14:37",
                     id="today so far: yesterday so far"),
        pytest.param("2012", None, WHOLE, "2011-01-01", "2012-01-01", id="a leap year"),
        pytest.param("2012", None, "2012-02-29T12:00", "2011-01-01", "2011-03-01T12:00",
                     id="the 60th day of the year"),
        pytest.param("2011-W47", None, "2011-11-23", "2011-11-14", "2011-11-16", id="a week"),
        pytest.param("last-30-days", None, "2011-11-17T14:37", "2011-09-19", "2011-10-18T14:37",
                     id="the 30 days before"),
        pytest.param("2011-01-01..2011-12-01", None, WHOLE, "2010-02-01", "2011-01-01",
                     id="as many months before"),
        pytest.param("2012-01", None, "2011-12-09", "2011-12-01", "2011-12-01",
                     id="nothing known yet: nothing to compare with"),
        pytest.param("2011", "month", WHOLE, "2010-12-01", "2011-12-01", id="each month"),
        pytest.param("2011-11", "month", WHOLE, "2011-10-01", "2011-11-01",
                     id="a full month of 30 days as a series: all 31 of October"),
        pytest.param("2011-03", "month", "2011-03-31T12:00", "2011-02-01", "2011-03-01",
                     id="a last bucket longer than the one before"),
        pytest.param("2011", "month", "2011-12-09T12:50", "2010-12-01", "2011-11-09T12:50",
                     id="each month, the last incomplete"),
        pytest.param("2011-11", "day", "2011-11-17T14:37", "2011-10-31", "2011-11-16T14:37",
                     id="each day, the last incomplete"),
        pytest.param("2011-Q4", "week", WHOLE, "2011-09-24", "2011-12-25",
                     id="weeks that the quarter cuts"),
        pytest.param("2011-Q4", "quarter", WHOLE, "2011-07-01", "2011-10-01", id="one quarter"),
        pytest.param("2011-11-17", "hour", "2011-11-17T14:37", "2011-11-16T23:00",
                     "2011-11-17T13:37", id="each hour"),
    ],
)  # fmt: skip
def test_it_is_compared_with_the_same_elapsed_part(
    period: str, grain: str | None, until: str | None, start: str, end: str
):
    found = comparison(
        parse_period(period, today=TODAY),
        until=None if until is None else at(until),
        grain=None if grain is None else Grain(grain),
        week_start=WeekStart.MONDAY,
    )
    assert found == (at(start), at(end))


NAMES = ("2011", "2011-Q4", "2011-03", "2012-02", "2011-W13", "2011-03-27", "last-7-days", "all")


@given(
    st.sampled_from(NAMES),
    st.sampled_from([None, *Grain]),
    st.datetimes(datetime(2010, 6, 1), datetime(2013, 1, 1)),
    st.sampled_from(WeekStart),
)
def test_a_comparison_ends_before_what_it_is_compared_with(
    name: str, grain: Grain | None, until: datetime, week_start: WeekStart
):
    period = parse_period(name, today=TODAY, week_start=week_start, extent=EXTENT)
    start, end = comparison(period, until=until, grain=grain, week_start=week_start)
    assert start <= end
    known_end = max(period.start, min(period.end, until))
    if grain is None:
        assert end <= period.start
        assert end - start <= known_end - period.start or known_end == period.end
    else:
        assert end <= known_end
        assert floor(start, grain, week_start) == add(
            floor(period.start, grain, week_start), grain, -1
        )


@given(st.sampled_from([*Grain]), st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)))
def test_full_periods_are_compared_with_full_ones(grain: Grain, day: datetime):
    period = Period.bucket(day, grain, WeekStart.MONDAY)
    before = (add(period.start, grain, -1), period.start)
    for series in (None, grain):
        asked = {"grain": series, "week_start": WeekStart.MONDAY}
        assert comparison(period, until=None, **asked) == before  # type: ignore[arg-type]
        assert comparison(period, until=period.end, **asked) == before  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "hours"), [("2011-03-27", 23), ("2011-10-30", 25), ("2011-11-05", 24)]
)
def test_a_day_is_as_long_as_the_clock_makes_it(day: str, hours: int):
    period = parse_period(day, today=TODAY)
    lasted = to_instant(period.end, LONDON) - to_instant(period.start, LONDON)
    assert lasted == timedelta(hours=hours)


def test_a_wall_clock_time_that_comes_twice_is_the_earlier_one():
    found = to_instant(datetime(2011, 10, 30, 1, 30), LONDON)
    assert found == datetime(2011, 10, 30, 0, 30, tzinfo=UTC)
    assert to_wall(found + timedelta(hours=1), LONDON) == datetime(2011, 10, 30, 1, 30)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1)))
def test_an_instant_survives_the_way_over_the_wall_clock(wall: datetime):
    instant = wall.replace(tzinfo=UTC)
    local = to_wall(instant, LONDON)
    assume(to_wall(instant - timedelta(hours=1), LONDON) != local)  # the hour that comes twice
    assert to_instant(local, LONDON) == instant
