"""What keeps a workspace going: ledger, replay, backups, schedules; alone and by the api."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.jobs import follow
from analyticspro.scheduling import Schedules
from analyticspro.state import State
from tests.api.server import serving
from tests.cli.terminal import run

TILL = """
[sources.till]
connector = "sql"
url = "sqlite:///till.db"
every = "1h"
[sources.till.streams.sales]
table = "sales"
key = ["id"]
event = "order_placed"
occurred_at = "at"
amount = "paid"
currency = "GBP"
"""


@pytest.fixture(params=["alone", "through the api"])
def workspace(request: pytest.FixtureRequest, home: Home) -> Iterator[Path]:
    """A workspace with a till's database, whether the services run or not."""
    with closing(sqlite3.connect(home.path / "till.db")) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, at TEXT, paid TEXT)")
        rows = [(1, "2024-01-10", "1.50"), (2, "2024-01-11", "2,00")]
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
        connection.commit()
    home.sources_file.write_text(TILL)
    if request.param == "alone":
        yield home.path
    else:
        with serving(home):
            yield home.path


def test_a_database_is_checked_synced_accounted_for_and_replayed(workspace: Path):
    checked = run("sources", "check", home=workspace)
    assert checked.code == 0, checked.err
    assert "till: 1 part(s); of the first 2 records 1 would be set aside" in checked.out
    assert run("sources", "sync", home=workspace).code == 0
    assert run("sources", "sync", home=workspace).out.startswith("till: 0 new")

    [row] = run("sources", "ledger", "--format", "json", home=workspace).json
    assert (row["source"], row["part"], row["new"], row["live"]) == ("till", "sales", 1, 1)
    assert row["seen"] == row["new"] + row["changed"] + row["duplicates"] + row["rejected"]
    table = run("sources", "ledger", home=workspace)
    assert table.out.splitlines()[0].split()[:3] == ["source", "part", "seen"]

    commas = TILL.replace('currency = "GBP"', 'currency = "GBP"\ndecimal = ","')
    (workspace / "sources.toml").write_text(commas)
    replayed = run("sources", "replay", "till", home=workspace)
    assert replayed.out.startswith("till: 1 new"), replayed.err
    assert run("sources", "rejects", "till", home=workspace).err == "None: every record is in.\n"
    answer = run("query", "revenue", "--format", "json", home=workspace).json
    assert answer["rows"][0]["revenue"] == 3.5


def test_a_backup_is_made_verified_and_restored(workspace: Path, tmp_path: Path):
    assert run("sources", "sync", home=workspace).code == 0
    made = run("backup", "--keep", "1", home=workspace)
    assert made.code == 0, made.err
    folder = made.out.strip()
    verified = run("verify", home=workspace)
    assert verified.out.startswith(f"{folder} is whole: ")
    other = tmp_path / "other"
    restored = run("restore", folder, "--yes", home=other)
    assert restored.code == 0, restored.err
    answer = run("query", "orders", "--format", "json", home=other).json
    assert answer["provenance"]["revision"] > 0
    (Path(folder) / "settings.toml").unlink(missing_ok=True)
    (Path(folder) / "sources.toml").write_text("changed")
    damaged = run("verify", folder, home=workspace)
    assert damaged.code == 3
    assert "is not what was copied" in damaged.err or "lacks" in damaged.err


def test_what_runs_is_not_restored_over(home: Home):
    with serving(home):
        made = run("backup", home=home.path)
        assert made.code == 0, made.err
        refused = run("restore", "--yes", home=home.path)
    assert refused.code == 2
    assert "is at work" in refused.err


def test_schedules_are_seen_and_steered(home: Home):
    home.sources_file.write_text(TILL)
    empty = run("schedules", "list", home=home.path)
    assert (empty.code, empty.out) == (0, "")
    with State.open(home.state_address) as state:
        now = datetime(2024, 5, 1, tzinfo=UTC)
        assert follow(home, Schedules(state), now=now) == []
    listed = run("schedules", "list", home=home.path)
    assert "sync till  every 1:00:00" in listed.out
    assert run("schedules", "pause", "sync till", home=home.path).code == 0
    assert "paused" in run("schedules", "list", home=home.path).out
    assert run("schedules", "resume", "sync till", home=home.path).code == 0
    assert run("schedules", "run", "sync till", home=home.path).code == 0
    told = run("schedules", "history", "sync till", "--format", "json", home=home.path).json
    assert [made["origin"] for made in told["runs"]] == ["manual"]
    assert [change["action"] for change in told["changes"]][:3] == ["added", "paused", "resumed"]
    queued = run(
        "schedules", "backfill", "sync till", "--from", "2024-05-01", "--to", "2024-05-02",
        home=home.path,
    )  # fmt: skip
    assert "24 run(s) queued" in queued.err
    unknown = run("schedules", "pause", "sync til", home=home.path)
    assert unknown.code == 2
    assert "Did you mean 'sync till'?" in unknown.err
