"""A rule waits for its data, and says for whose."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from analyticspro.alerts.due import Due, due
from analyticspro.grain import Grain, WeekStart

NOW = datetime(2026, 3, 2, 14, 20, tzinfo=UTC)


def asked(zone: str = "UTC", grain: Grain = Grain.HOUR, **marks: str) -> Due:
    return due(
        {name: datetime.fromisoformat(f"2026-03-02T{at}Z") for name, at in marks.items()},
        now=NOW,
        grain=grain,
        zone=ZoneInfo(zone),
        week_start=WeekStart.MONDAY,
    )


def test_a_bucket_is_whole_when_the_slowest_source_has_passed_it():
    found = asked(shop="14:15", stripe="12:50")
    assert found.until == datetime(2026, 3, 2, 12)
    assert found.told == "waiting for stripe since 2026-03-02 13:00 UTC"


def test_at_the_very_end_of_a_bucket_it_is_whole():
    assert asked(shop="13:59:59").until == datetime(2026, 3, 2, 13)
    found = asked(shop="14:00")
    assert (found.until, found.waiting) == (datetime(2026, 3, 2, 14), {})


def test_a_source_ahead_of_the_clock_makes_nothing_whole():
    found = asked(shop="23:00")
    assert (found.until, found.running) == (datetime(2026, 3, 2, 14), datetime(2026, 3, 2, 14))


def test_a_day_is_the_workspace_s():
    found = asked("Asia/Tokyo", Grain.DAY, shop="14:20")
    assert found.until == datetime(2026, 3, 2)
    assert asked("Asia/Tokyo", Grain.DAY, shop="14:59").waiting == {}


def test_without_a_source_nothing_is_judged_and_nothing_waited_for():
    found = asked()
    assert (found.until, found.told) == (None, "")
