"""Windows of maintenance, and what cannot be declared of checks."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from analyticspro.errors import DefinitionError
from tests.connectors.pulse import OK, checked, says, serving, source
from tests.local import free_port

# Maintenance


WEEKLY = {"name": "patches", "starts": "02:00", "ends": "04:00", "timezone": "Europe/London"}
NIGHTLY = {"name": "backup", "starts": "23:00", "ends": "01:00", "days": ["saturday"]}
ONCE = {"name": "move", "starts": "2026-03-01T22:00", "ends": "2026-03-02T01:00"}


@pytest.mark.parametrize(
    ("window", "at", "is_in"),
    [
        pytest.param(WEEKLY, "2026-01-31T01:59:59Z", False, id="before its start"),
        pytest.param(WEEKLY, "2026-01-31T02:00:00Z", True, id="at its start"),
        pytest.param(WEEKLY, "2026-01-31T04:00:00Z", False, id="at its end"),
        pytest.param(WEEKLY, "2026-07-31T01:00:00Z", True, id="by the summer's clock"),
        pytest.param(WEEKLY, "2026-07-31T03:00:00Z", False, id="by the summer's clock, over"),
        pytest.param(NIGHTLY, "2026-01-31T23:30:00Z", True, id="on Saturday"),
        pytest.param(NIGHTLY, "2026-02-01T00:59:59Z", True, id="Saturday's, after midnight"),
        pytest.param(NIGHTLY, "2026-02-01T23:30:00Z", False, id="on Sunday"),
        pytest.param(NIGHTLY, "2026-01-31T00:30:00Z", False, id="Friday's, after midnight"),
        pytest.param(ONCE, "2026-03-01T22:00:00Z", True, id="once"),
        pytest.param(ONCE, "2026-03-02T01:00:00Z", False, id="once, over"),
        pytest.param(ONCE, "2026-03-08T23:00:00Z", False, id="not a week later"),
        pytest.param(
            {**ONCE, "timezone": "America/New_York"}, "2026-03-02T05:30:00Z", True, id="elsewhere"
        ),
        pytest.param(
            {"name": "move", "starts": "2026-03-01T22:00+01:00", "ends": "2026-03-01T22:00Z"},
            "2026-03-01T21:00:00Z",
            True,
            id="with offsets",
        ),
    ],
)
def test_a_window_holds_what_it_says(window: dict[str, Any], at: str, is_in: bool):
    [declared] = source({"web": {"tcp": "127.0.0.1:1"}}, maintenance=[window]).maintenance
    assert declared.holds("web", datetime.fromisoformat(at)) is is_in


def test_a_check_in_maintenance_is_neither_passed_nor_failed():
    window = {"name": "move", "starts": "11:00", "ends": "13:00", "monitors": ["old"]}
    with serving(says(OK)) as port:
        events = checked(
            {
                "old": {"tcp": f"127.0.0.1:{free_port()}"},
                "new": {"url": f"http://127.0.0.1:{port}/", "timeout": 5},
            },
            maintenance=[window],
        )
    assert [event["name"] for event in events] == ["check_excused", "check_passed"]
    excused = json.loads(events[0]["properties"])
    assert (excused["maintenance"], excused["passed"], excused["reason"]) == (
        "move",
        False,
        "refused",
    )


# The declaration


@pytest.mark.parametrize(
    ("monitor", "problem"),
    [
        ({}, "needs exactly one of url and tcp"),
        ({"url": "http://a.example/", "tcp": "a.example:1"}, "needs exactly one of url and tcp"),
        ({"url": "ftp://a.example/"}, "is no address"),
        ({"url": "http://ann:pw@a.example/"}, "holds a user or a password"),
        ({"url": "http://a.example/a b"}, "holds a character that an address cannot"),
        ({"url": "http://a.example:http/"}, "has a port that is none"),
        ({"tcp": "a.example"}, "is no host and port"),
        ({"tcp": "a.example:1", "expected": 200}, "expected is for url"),
        ({"url": "http://a.example/", "authority": "ca.pem"}, "begins with https:"),
        ({"tcp": "a.example:1", "every": 5}, "checks would overlap"),
        ({"tcp": "a.example:1", "evry": 5}, "Did you mean 'every'?"),
    ],
)
def test_a_monitor_that_cannot_be_meant_is_refused(monitor: dict[str, Any], problem: str):
    with pytest.raises(DefinitionError) as caught:
        source({"web": monitor})
    assert problem in str(caught.value)
    assert "sources.toml" in str(caught.value)
    assert "ann:pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ({**ONCE, "ends": "04:00"}, "must both be times, or both be dates"),
        ({**ONCE, "ends": "2026-03-01T21:00"}, "ends is before starts"),
        ({**WEEKLY, "ends": "02:00"}, "starts and ends are the same"),
        ({**WEEKLY, "ends": "04:00+01:00"}, "a time of the day has no offset"),
        ({**WEEKLY, "starts": "soon"}, "write a time such as 02:00"),
        ({**WEEKLY, "starts": 7}, "write a time such as 02:00"),
        ({**WEEKLY, "timezone": "Mars"}, "is no IANA zone"),
        ({**ONCE, "days": ["monday"]}, "days are for a window of every week"),
        ({**WEEKLY, "monitors": ["wbe"]}, "Did you mean 'web'?"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(window: dict[str, Any], problem: str):
    with pytest.raises(DefinitionError) as caught:
        source({"web": {"tcp": "127.0.0.1:1"}}, maintenance=[window])
    assert problem in str(caught.value)


def test_an_authority_is_looked_for_beside_sources_toml(tmp_path: Path):
    declared = source({"web": {"url": "https://a.example/", "authority": "ca.pem"}})
    assert declared.within(tmp_path).monitors["web"].authority == str(tmp_path / "ca.pem")
