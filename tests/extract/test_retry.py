"""Waiting: with jitter, as asked, and in turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from analyticspro.extract import Progress, RateLimit, Retry
from analyticspro.extract.retry import retry_after
from tests.extract.answering import Time

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 1.5 ", 1.5),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None):
    assert retry_after(header, NOW) == seconds


def test_a_wait_doubles_up_to_a_bound_and_is_spread_from_nothing():
    retry = Retry(first=1, longest=10)
    assert [retry.wait(n, 1, None) for n in (1, 2, 3, 4, 5, 1000)] == [1, 2, 4, 8, 10, 10]
    assert retry.wait(4, 0, None) == 0
    assert (retry.wait(4, 0, 7), retry.wait(4, 1, 7)) == (7, 8)


def test_requests_wait_their_turn_after_a_burst(time: Time):
    limit = RateLimit(2, 1, time.timing(), burst=3)
    for _ in range(5):
        limit.take()
    assert time.waits == [0.5, 0.5]
    time.now += 10
    for _ in range(4):
        limit.take()
    assert time.waits == [0.5, 0.5, 0.5]


def test_nobody_asks_while_the_source_wants_to_be_left_alone(time: Time):
    limit = RateLimit(60, 60, time.timing(), burst=5)
    limit.hold(30)
    limit.take()
    limit.take()
    assert time.waits == [30, 1]


class TestProgress:
    """What the next walk asks for."""

    def test_it_moves_only_when_a_walk_has_ended(self):
        done = Progress(since=NOW)
        first = done.after([NOW + timedelta(hours=1)], asked_at=NOW, place={"token": "a"})
        assert (first.since, first.highest) == (NOW, NOW + timedelta(hours=1))
        start = NOW + timedelta(hours=2)
        begun = done.after([NOW + timedelta(hours=1)], asked_at=start, place={"token": "a"})
        ended = begun.after([NOW], asked_at=start + timedelta(hours=1), place=None)
        assert ended == Progress(since=NOW + timedelta(hours=1))

    def test_it_never_passes_the_start_of_the_walk(self):
        begun = Progress().after([NOW], asked_at=NOW, place={"token": "a"})
        late = NOW + timedelta(minutes=5)
        assert begun.after([late], asked_at=late, place=None) == Progress(since=NOW)

    def test_it_never_goes_back(self):
        done = Progress(since=NOW)
        assert done.after([], asked_at=NOW, place=None) == done
        assert done.after([NOW - timedelta(days=1)], asked_at=NOW, place=None) == done
        assert Progress(since=7).after([5], asked_at=NOW, place=None) == Progress(since=7)

    def test_numbers_have_no_clock(self):
        assert Progress(since=7).after([9], asked_at=NOW, place=None) == Progress(since=9)

    @pytest.mark.parametrize("value", [NOW, NOW.astimezone(timezone(timedelta(hours=2))), 12, None])
    def test_it_is_kept_as_json(self, value: datetime | int | None):
        progress = Progress(value, value, NOW, {"token": "ä"})
        assert Progress.from_json(progress.to_json()) == progress
