"""Slots are when the wall clock says, also on the days when clocks change."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyticspro.errors import DefinitionError
from analyticspro.scheduling import Cron, Interval, slots

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
HALF_HOUR = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def moments(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    """Give the instants after `since` up to `until`."""
    while (since := since + step) <= until:
        yield since


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily_by_walking(zone: ZoneInfo, at: time) -> list[datetime]:
    """Look at the wall clock every half hour of the year.

    A day's slot is the first moment at which that clock shows `at`, or if it never does, the
    first at which it shows later.
    """
    found: dict[date, datetime] = {}
    exact: set[date] = set()
    for moment in moments(YEAR[0] - timedelta(days=2), YEAR[1] + timedelta(days=2), HALF_HOUR):
        wall = moment.astimezone(zone)
        shown = wall.time()
        if shown == at and wall.date() not in exact:
            exact.add(wall.date())
            found[wall.date()] = moment
        elif shown > at:
            found.setdefault(wall.date(), moment)
    return [moment for moment in sorted(found.values()) if YEAR[0] < moment <= YEAR[1]]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe"])
@pytest.mark.parametrize("at", [time(1, 30), time(2, 30), time(3, 30)], ids=str)
def test_a_daily_slot_comes_once_a_day_all_year(zone: str, at: time):
    found = list(slots(Cron(f"{at.minute} {at.hour} * * *", zone), *YEAR))
    assert found == daily_by_walking(ZoneInfo(zone), at)
    assert len(found) == len({slot.astimezone(ZoneInfo(zone)).date() for slot in found}) == 365


@pytest.mark.parametrize(
    ("zone", "cron", "since", "expected"),
    [
        pytest.param(
            "America/New_York",
            "30 2 * * *",
            "2026-03-07T12:00",
            ["2026-03-08T07:00", "2026-03-09T06:30"],
            id="does not exist: when the clock jumps, 02:00 to 03:00",
        ),
        pytest.param(
            "America/New_York",
            "30 1 * * *",
            "2026-10-31T12:00",
            ["2026-11-01T05:30", "2026-11-02T06:30"],
            id="exists twice: the first time",
        ),
        pytest.param(
            "America/New_York",
            "30 1 * * *",
            "2026-11-01T06:10",
            ["2026-11-02T06:30"],
            id="asked between the first and the second time",
        ),
        pytest.param(
            "America/New_York",
            "0,30 2,3 * * *",
            "2026-03-08T00:00",
            ["2026-03-08T07:00", "2026-03-08T07:30", "2026-03-09T06:00"],
            id="what falls on one moment comes once",
        ),
        pytest.param(
            "Europe/London",
            "30 1 * * *",
            "2026-03-28T12:00",
            ["2026-03-29T01:00", "2026-03-30T00:30"],
            id="London forward",
        ),
        pytest.param(
            "Europe/London",
            "30 1 * * *",
            "2026-10-24T12:00",
            ["2026-10-25T00:30", "2026-10-26T01:30"],
            id="London back",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-03T00:00",
            ["2026-10-03T15:30", "2026-10-04T15:15"],
            id="Lord Howe forward by half an hour",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2026-04-04T00:00",
            ["2026-04-04T14:45", "2026-04-05T15:15"],
            id="Lord Howe back by half an hour",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "*/30 3 * * *",
            "2026-04-04T12:00",
            ["2026-04-04T16:30", "2026-04-04T17:00", "2026-04-05T16:30"],
            id="after a change by half an hour nothing is passed over",
        ),
        pytest.param(
            "America/New_York",
            "*/30 1 * * *",
            "2026-11-01T05:10",
            ["2026-11-01T05:30", "2026-11-01T06:00", "2026-11-01T06:30", "2026-11-02T06:00"],
            id="with a star: every moment that matches",
        ),
        pytest.param(
            "America/New_York",
            "*/30 2 * * *",
            "2026-03-08T00:00",
            ["2026-03-09T06:00", "2026-03-09T06:30"],
            id="with a star: not what does not exist",
        ),
        pytest.param(
            "Pacific/Apia",
            "0 9 * * *",
            "2011-12-29T00:00",
            ["2011-12-29T19:00", "2011-12-30T10:00", "2011-12-30T19:00"],
            id="a whole day that does not exist",
        ),
    ],
)
def test_clock_changes(zone: str, cron: str, since: str, expected: list[str]):
    found = slots(Cron(cron, zone), utc(since), utc(since) + timedelta(days=4))
    assert [next(found) for _ in expected] == [utc(slot) for slot in expected]


@settings(max_examples=60)
@given(
    zone=st.sampled_from(
        ["America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Havana", "UTC"]
    ),
    change=st.sampled_from(
        "2026-03-08 2026-11-01 2026-03-29 2026-10-25 2026-04-05 2026-10-04 2026-07-01".split()
    ),
    minutes=st.one_of(
        st.sampled_from(["*", "*/15", "*/20"]), st.sets(st.integers(0, 59), min_size=1, max_size=3)
    ),
    hours=st.one_of(
        st.sampled_from(["*", "*/2", "*/3"]), st.sets(st.integers(0, 4), min_size=1, max_size=3)
    ),
)
def test_any_time_of_day_around_a_change_is_as_a_walk_finds_it(zone, change, minutes, hours):
    fields = [
        field if isinstance(field, str) else ",".join(map(str, sorted(field)))
        for field in (minutes, hours)
    ]
    middle = utc(f"{change}T00:00")
    since, until = middle - timedelta(days=1), middle + timedelta(days=2)
    found = list(slots(Cron(" ".join([*fields, "* * *"]), zone), since, until))
    assert found == by_walking(ZoneInfo(zone), fields, since, until)


def by_walking(
    zone: ZoneInfo, fields: list[str], since: datetime, until: datetime
) -> list[datetime]:
    """Look at the wall clock every minute, and at the minutes it jumps over or shows again."""
    wanted = [
        set(range(0, most, int(field[2:] or 1)))
        if field.startswith("*")
        else {int(part) for part in field.split(",")}
        for field, most in zip(fields, (60, 24), strict=True)
    ]
    starred = any(field.startswith("*") for field in fields)
    found = []
    latest = datetime.min
    for moment in moments(since - timedelta(days=1), until, MINUTE):
        wall = moment.astimezone(zone).replace(tzinfo=None)
        new = [wall]
        if not starred:
            # Every wall minute once: those that were jumped over count now, those seen do not.
            count = int((wall - latest) / MINUTE) if latest != datetime.min else 1
            new = [wall - back * MINUTE for back in range(count)]
        latest = max(latest, wall)
        if any(shown.minute in wanted[0] and shown.hour in wanted[1] for shown in new):
            found.append(moment)
    return [moment for moment in found if moment > since]


def test_the_29th_of_february_comes_in_leap_years():
    found = slots(Cron("0 6 29 2 *"), utc("2090-01-01"), utc("2110-01-01"))
    assert [f"{slot:%Y-%m-%d %H}" for slot in found] == [
        "2092-02-29 06",
        "2096-02-29 06",
        "2104-02-29 06",  # 2100 is no leap year
        "2108-02-29 06",
    ]


@pytest.mark.parametrize(
    ("day", "days_of"),
    [
        pytest.param("31", lambda last: {31} & set(range(last + 1)), id="31"),
        pytest.param("30", lambda last: {30} & set(range(last + 1)), id="30"),
        pytest.param("L", lambda last: {last}, id="last"),
        pytest.param("1,L", lambda last: {1, last}, id="first and last"),
    ],
)
def test_month_ends(day: str, days_of):
    zone = ZoneInfo("Europe/London")
    expected = [
        datetime(year, month, number, 12, tzinfo=zone).astimezone(UTC)
        for year in (2026, 2027, 2028)
        for month in range(1, 13)
        for number in sorted(days_of(calendar.monthrange(year, month)[1]))
    ]
    trigger = Cron(f"0 12 {day} * *", zone.key)
    assert list(slots(trigger, utc("2026-01-01"), utc("2029-01-01"))) == expected


@given(
    every_s=st.integers(1, 10**7),
    anchor=st.datetimes(datetime(1960, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    instant=st.datetimes(datetime(1960, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
)
def test_an_interval_counts_from_its_anchor_both_ways(every_s, anchor, instant):
    every = timedelta(seconds=every_s)
    slot = Interval(every, anchor).after(instant)
    assert instant < slot <= instant + every
    assert (slot - anchor) % every == timedelta(0)


@pytest.mark.parametrize(
    ("cron", "cure"),
    [
        ("30 2 * *", "five fields"),
        ("0 30 2 * * *", "five fields"),
        ("", "five fields"),
        ("61 2 * * *", "bad minute"),
        ("30 2 * * MONDAY", "bad day-of-week"),
        ("30 2 31 2 *", "bad day-of-month"),
        ("1" * 5000 + " 2 * * *", "five fields"),
    ],
)
def test_a_wrong_cron_is_told_with_its_cure(cron: str, cure: str):
    with pytest.raises(DefinitionError, match=cure):
        Cron(cron)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "localtime"])
def test_a_wrong_zone_is_told_with_its_cure(zone: str):
    with pytest.raises(DefinitionError, match="no IANA zone"):
        Cron("30 2 * * *", zone)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Interval(timedelta(0)),
        lambda: Interval(timedelta(seconds=-5)),
        lambda: Interval(timedelta(milliseconds=1500)),
        lambda: Interval(timedelta(hours=1), datetime(2026, 1, 1)),
    ],
)
def test_a_wrong_interval_is_refused(wrong):
    with pytest.raises(DefinitionError):
        wrong()
