"""Whether a source is well, from its last syncs and what was expected of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analyticspro.connectors import Source, parse
from analyticspro.operation import Health, judge
from analyticspro.operation.timetable import expected

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def source(**settings: Any) -> Source:
    table = {"name": "till", "path": "x.csv", "event": "order_placed", "occurred_at": "at"}
    return parse(table | settings, "till")


def judged(declared: Source, minutes: float, **changes: Any) -> Health:
    """Judge a source so many minutes after its last good sync, which began at noon."""
    facts: dict[str, Any] = {"is_paused": False, "failures": 0, "error": None}
    facts |= {"succeeded_at": NOON, "now": NOON + timedelta(minutes=minutes)} | changes
    due = expected(declared, "Europe/London", facts["succeeded_at"])
    return judge(**facts, expected=due).health


@pytest.mark.parametrize(
    ("settings", "well_until", "late_from"),
    [
        pytest.param({"every": "10m"}, 15, 15.1, id="half an interval after it was due"),
        pytest.param({"every": "1s"}, 1, 1.1, id="not for less than a minute"),
        pytest.param({"every": "1d"}, 25 * 60, 25 * 60 + 1, id="nor for more than an hour"),
        pytest.param({"cron": "0 13 * * *"}, 120, 121, id="by the clock of the workspace"),
        pytest.param({"fresh_within": "30m"}, 30, 30.1, id="what is declared holds as it is"),
        pytest.param({"every": "1d", "fresh_within": "2h"}, 120, 121, id="before the schedule"),
    ],
)
def test_when_a_source_is_late(settings: dict[str, Any], well_until: float, late_from: float):
    assert judged(source(**settings), well_until) is Health.OK
    assert judged(source(**settings), late_from) is Health.LATE


def test_a_source_of_which_nothing_is_expected_is_never_late():
    assert judged(source(), 1_000_000) is Health.OK


@pytest.mark.parametrize(
    ("changes", "health"),
    [
        ({"is_paused": True, "failures": 2, "succeeded_at": None}, Health.PAUSED),
        ({"failures": 1, "succeeded_at": None}, Health.FAILING),
        ({"failures": 1}, Health.FAILING),
        ({"succeeded_at": None}, Health.NEVER_SYNCED),
    ],
)
def test_the_first_that_holds_counts(changes: dict[str, Any], health: Health):
    assert judged(source(every="1m"), 10_000, **changes) is health


def test_the_reason_tells_the_error_and_how_often():
    facts: dict[str, Any] = {"succeeded_at": NOON, "expected": None, "now": NOON}
    once = judge(is_paused=False, failures=1, error="No file. Check path.", **facts)
    assert once.reason == "failed once: No file. Check path."
    killed = judge(is_paused=True, failures=3, error=None, **facts)
    assert killed.reason == "failed 3 times running: it was interrupted. Sync it again."
