"""What the company's systems recorded comes in through the connectors, whole and once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from analyticspro import clock, connectors
from analyticspro.config import Home
from analyticspro.errors import DefinitionError
from analyticspro.metrics import Query
from analyticspro.policy import OWNER
from analyticspro.workspace import Workspace
from tests.demo_company.homes import EVENTS, SEED, begun, live, synced

NOW = clock.now().replace(minute=0, second=0, microsecond=0)
FIRST = NOW - timedelta(days=4)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that was begun four days ago, and was not looked at since."""
    found, company = begun(tmp_path_factory.mktemp("demo") / "home", FIRST)
    synced(found, company, FIRST)
    return found


def test_every_record_is_accounted_for(home: Home):
    with Workspace.open(home) as workspace:
        rows = workspace.ledger(OWNER)
        aside = {name: workspace.rejects(name, OWNER) for name in {row["source"] for row in rows}}
    for row in rows:
        assert row["seen"] == row["new"] + row["changed"] + row["duplicates"] + row["rejected"]
    reasons = {name: [item["reason"] for item in found] for name, found in aside.items() if found}
    assert {name: len(found) for name, found in reasons.items()} == {
        "access": 1,
        "bank": 1,
        "pictures": 1,
        "support": 2,
    }
    assert "no line of format 'combined'" in reasons["access"][0]
    assert "is missing" in reasons["bank"][0]
    assert "not JSON" in reasons["pictures"][0]
    assert all("is not a time" in reason for reason in reasons["support"])


def test_the_catalogue_finds_its_figures(home: Home):
    names = (
        "revenue",
        "orders",
        "active_customers",
        "page_views",
        "sign_ups",
        "uptime",
        "requests",
    )
    with Workspace.open(home) as workspace:
        [answer] = workspace.answers([Query(names)], OWNER)
    assert not isinstance(answer, Exception)
    [row] = answer.frame.rows(named=True)
    assert all(row[name] > 0 for name in names)
    assert 0.98 < row["uptime"] < 1


def test_brought_up_to_now_the_story_goes_on(home: Home, tmp_path: Path):
    """It is as if it had been begun then and recorded to now at once; what was told stands."""
    before = live(home)
    with Workspace.open(home) as workspace:
        workspace.load_demo(EVENTS, SEED, progress=lambda _: None)
    brought_to = clock.now().replace(minute=0, second=0, microsecond=0)
    after = live(home)
    gone = before.keys() - after.keys()
    assert gone == set()
    changed = {key for key, event in before.items() if after[key] != event}
    # Orders are delivered, planned events are held: what has a state, and nothing else.
    assert {before[key][0] for key in changed} <= {
        "order_placed",
        "partner_event_planned",
        "partner_event_held",
    }
    for key in changed:
        if before[key][0] == "order_placed":
            old, new = (json.loads(str(event[7])) for event in (before[key], after[key]))
            assert (old.pop("delivery"), new.pop("delivery")) == ("on its way", "delivered")
            assert (old, before[key][:7]) == (new, after[key][:7])
    assert len(after) > len(before)

    other, company = begun(tmp_path / "other", FIRST)
    synced(other, company, brought_to)
    assert live(other) == after


def test_another_day_nothing_is_doubled(tmp_path: Path):
    home, company = begun(tmp_path / "home", FIRST)
    synced(home, company, FIRST)
    for until in (
        FIRST + timedelta(hours=3),
        FIRST + timedelta(hours=3),
        FIRST + timedelta(days=2),
    ):
        reports = synced(home, company, until)
    assert sum(int(str(report["conflicts"])) for report in reports) == 0
    assert sum(int(str(report["retracted"])) for report in reports) == 0
    other, company = begun(tmp_path / "other", FIRST)
    synced(other, company, FIRST + timedelta(days=2))
    assert live(home) == live(other)


def test_the_same_hour_gives_the_same_events(tmp_path: Path):
    one, two = (begun(tmp_path / name, FIRST) for name in ("one", "two"))
    synced(*one, FIRST)
    synced(*two, FIRST)
    assert live(one[0]) == live(two[0])


def test_the_demo_s_own_sources_are_synced_and_no_others(home: Home, tmp_path: Path):
    own = connectors.load(home.path / "demo" / "sources.toml", {})
    (tmp_path / "till.csv").write_text("at\n2026-01-01\n")
    other = connectors.parse(
        {"name": "web", "path": str(tmp_path / "till.csv"), "event": "a", "occurred_at": "at"},
        "web",
    )
    with Workspace.open(home) as workspace:
        audit = next(source for source in own if source.name == "audit")
        [report] = workspace.sync([audit], progress=lambda _: None)
        assert report.error is None
        with pytest.raises(DefinitionError, match="never mixed with real data"):
            workspace.sync([other], progress=lambda _: None)


def test_a_home_with_a_demo_of_an_earlier_version_is_left_alone(tmp_path: Path):
    home = Home(tmp_path / "home").prepare()
    (tmp_path / "till.csv").write_text("at\n2026-01-01\n")
    other = connectors.parse(
        {"name": "demo", "path": str(tmp_path / "till.csv"), "event": "a", "occurred_at": "at"},
        "demo",
    )
    with Workspace.open(home) as workspace:
        workspace.sync([other], progress=lambda _: None)
        with pytest.raises(DefinitionError, match="earlier version"):
            workspace.load_demo(EVENTS, SEED, progress=lambda _: None)
    assert not (home.path / "demo").exists()
