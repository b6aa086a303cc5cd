"""Archived months that are deleted for good, and the settings that say so."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.errors import DefinitionError, SettingError
from analyticspro.jobs import declared
from analyticspro.metrics import Query
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace
from tests.cli.terminal import run
from tests.metrics.shop import Shop
from tests.warehouse.archived import (
    FEBRUARY,
    JANUARY,
    NOW,
    archive,
    event,
    live,
    quiet,
    read,
    store,
)

# What is deleted for good


def expired(tmp_path: Path) -> Warehouse:
    """A warehouse whose January was deleted."""
    warehouse = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    money = {"amount_minor": 100, "currency": "GBP", "customer_id": "ann"}
    store(warehouse, *(event(n, "2024-01-05", **money) for n in range(3)))
    store(warehouse, *(event(n, "2024-02-05", **money) for n in range(3, 5)))
    archive(warehouse, NOW)
    [month] = warehouse.expire(FEBRUARY.date(), at=NOW)
    assert (month.month, month.rows) == (JANUARY, 3)
    return warehouse


def test_sums_of_what_was_deleted_stay(tmp_path: Path):
    with closing(expired(tmp_path)) as warehouse:
        shop = Shop(warehouse)
        assert read(warehouse, "SELECT count(*) FROM events") == [(2,)]
        asked = {"grain": "month", "period": "2024-Q1"}
        kept = [(JANUARY, 3), (date(2024, 2, 1), 2)]
        assert [row[:2] for row in shop.rows("revenue", **asked)] == kept
        customers = shop.rows("active_customers", **asked)
        # Another zone has all be added up anew, from the sums where events are no more.
        with warehouse._database.cursor() as cursor:
            cursor.execute("UPDATE rolled SET zone = 'Asia/Tokyo'")
        warehouse.compact()
        assert [row[:2] for row in shop.rows("revenue", **asked)] == kept
        assert customers


def test_what_was_deleted_does_not_come_back(tmp_path: Path):
    with closing(expired(tmp_path)) as warehouse:
        assert store(warehouse, event(0, "2024-01-05", version=9)).unchanged == 1
        assert not list((tmp_path / "archive").glob("2024-01/*"))
        noted = "SELECT note, sum(retracted)::INT FROM ledger GROUP BY ALL ORDER BY ALL"
        assert read(warehouse, noted) == [("expired", 3), (None, 0)]
    with closing(
        Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    ) as warehouse:
        stored = store(warehouse, event(0, "2024-01-05", version=9), event(50, "2024-01-07"))
        assert (stored.new, stored.unchanged) == (1, 1)
        assert read(warehouse, "SELECT count(DISTINCT seq), max(seq) FROM events") == [(3, 6)]


def test_a_figure_says_what_it_lacks(tmp_path: Path):
    expired(tmp_path).close()
    home = Home(tmp_path).prepare()
    with Workspace.open(home) as workspace:
        lacking, whole = workspace.answers(
            [Query.of("revenue", period=period) for period in ("2024-01", "2024-02")], OWNER
        )
    assert lacking.provenance["notes"][0].startswith("Events before 2024-02-01 were deleted")
    assert whole.provenance["notes"] == []


# Settings


def test_the_settings_say_what_is_moved_and_deleted(home: Home):
    now = datetime.now(UTC)
    old, older = now - timedelta(days=100), now - timedelta(days=400)
    days = [at.replace(tzinfo=None).isoformat() for at in (now, old, older)]
    with Workspace.open(home) as workspace:
        store(workspace._warehouse, *(event(n, day) for n, day in enumerate(days)))
        with pytest.raises(DefinitionError, match="hot_days is 0"):
            workspace.keeping.archive(now=now, progress=quiet)
    assert [schedule.name for schedule in declared(home)] == ["registry", "old runs"]
    home.write_settings(hot_days=60, keep_days=300)
    assert [schedule.name for schedule in declared(home)] == ["retention", "registry", "old runs"]
    done = run("archive", "--format", "json", home=home.path)
    assert done.code == 0, done.err
    assert (done.json["files"], done.json["events"]) == (2, 2)
    assert done.json["expired"] == [{"month": f"{older:%Y-%m}", "events": 1}]
    with Workspace.open(home) as workspace:
        assert [row[0] for row in live(workspace._warehouse)] == ["0", "1"]


@pytest.mark.parametrize(
    "wrong", [{"hot_days": -1}, {"keep_days": 9}, {"hot_days": 10, "keep_days": 9}]
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, int], home: Home):
    with pytest.raises(SettingError, match="days is"):
        home.write_settings(**wrong)
