"""The clickstream's planted failure of payments is found, and little else."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import incidents  # noqa: E402

INCIDENT = datetime(2024, 5, 20)


@pytest.fixture(scope="module")
def fired() -> list[incidents.Fired]:
    if not incidents.archive().is_file():
        pytest.skip(
            f"not tested: anomalies of a real clickstream, since {incidents.archive()} is not "
            "there; set ANALYTICSPRO_TEST_DATA"
        )
    return [found for grain in incidents.GRAINS for found in incidents.watch(grain)]


def test_the_failing_payments_are_found_on_their_second_day(fired: list[incidents.Fired]):
    [found] = [one for one in fired if one.event == "payment_error"]
    assert (found.grain, found.judgement.at, found.judgement.value) == ("day", INCIDENT, 15)
    assert found.judgement.strength > 0.8
    assert sum(part.change for part in found.segments) == 15


def test_days_tell_of_the_incident_and_of_nothing_else(fired: list[incidents.Fired]):
    days = {(one.event, one.judgement.at) for one in fired if one.grain == "day"}
    assert days == {("payment_error", INCIDENT), ("support_chat", INCIDENT)}


def test_no_month_has_more_than_one_other_moment(fired: list[incidents.Fired]):
    moments = {one.judgement.at for one in fired if one.judgement.at != INCIDENT}
    assert max(Counter(at.month for at in moments).values()) <= 1
