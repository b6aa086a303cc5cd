"""Sources of a real workspace: how they are, what befell them, and when they run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analyticspro.config import Home, environment
from analyticspro.connectors import load
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.ingest import Progress
from analyticspro.jobs import follow
from analyticspro.policy import OWNER
from analyticspro.scheduling import Schedules
from analyticspro.state import State
from analyticspro.workspace import Workspace
from tests.ingest.test_intake import delivery, row, taken

SOURCES = """
[sources.till]
path = "orders.csv"
every = "15m"
event = "order_placed"
occurred_at = "at"
[sources.shop]
path = "shop.csv"
event = "order_placed"
occurred_at = "at"
"""


@pytest.fixture
def workspace(home: Home) -> Iterator[Workspace]:
    home.sources_file.write_text(SOURCES)
    (home.path / "orders.csv").write_text("at\n2024-05-01T10:00:00Z\nsoon\n")
    with Workspace.open(home) as opened:
        yield opened


def ignored(step: Progress) -> None:
    pass


def sync(workspace: Workspace, name: str) -> Any:
    declared = {s.name: s for s in load(workspace.home.sources_file, environment())}
    [report] = workspace.sync([declared[name]], progress=ignored)
    return report


def status(workspace: Workspace, **later: float) -> dict[str, dict[str, Any]]:
    now = datetime.now(UTC) + timedelta(**later)
    return {row["name"]: row for row in workspace.operation.status(OWNER, now=now)}


def test_a_declared_source_is_shown_before_its_first_sync(workspace: Workspace):
    found = status(workspace)
    assert {name: row["health"] for name, row in found.items()} == {
        "shop": "never synced", "till": "never synced",
    }  # fmt: skip
    assert found["till"]["expected"] == "every 15m"


def test_how_a_source_fares(workspace: Workspace):
    sync(workspace, "till")
    sync(workspace, "shop")
    found = status(workspace)
    till, shop = found["till"], found["shop"]
    assert (till["health"], till["records"], till["rejected"]) == ("ok", 2, 1)
    assert till["newest_at"] == till["watermark"] == "2024-05-01T10:00:00+00:00"
    assert till["lag_seconds"] > 365 * 86_400
    assert shop["health"] == "failing"
    assert "Check path in sources.toml" in shop["reason"]
    assert status(workspace, minutes=30)["till"]["health"] == "late"
    (workspace.home.path / "shop.csv").write_text("at\n2024-05-02\n")
    sync(workspace, "shop")
    assert status(workspace)["shop"]["health"] == "ok"
    assert status(workspace)["shop"]["reason"] is None


def test_what_is_no_longer_declared_is_judged_as_it_was(workspace: Workspace):
    sync(workspace, "till")
    workspace.home.sources_file.write_text("")
    assert status(workspace)["till"]["expected"] == "every 15m"
    workspace.home.sources_file.write_text("[broken")
    assert status(workspace)["till"]["health"] == "ok"


def test_the_history_tells_each_sync(workspace: Workspace):
    for _ in range(2):
        sync(workspace, "till")
    (workspace.home.path / "orders.csv").unlink()
    sync(workspace, "till")
    found = workspace.operation.history("till", limit=10)
    assert [(row["outcome"], row["new"], row["rejected"]) for row in found] == [
        ("failed", 0, 0), ("done", 0, 0), ("done", 1, 1),
    ]  # fmt: skip
    assert "no file fits" in found[0]["error"]
    assert [row["started_at"] for row in found] == sorted(
        (row["started_at"] for row in found), reverse=True
    )
    assert len(workspace.operation.history("till", limit=1)) == 1
    with pytest.raises(UnknownName, match="Did you mean 'till'"):
        workspace.operation.history("tills", limit=1)


def test_a_sync_at_work_is_shown_and_a_killed_one_as_interrupted(home: Home, tmp_path: Path):
    home.sources_file.write_text(SOURCES)
    (home.path / "orders.csv").write_text("at\n2024-05-01T10:00:00Z\n")
    sign = tmp_path / "at-work"
    code = (
        "import sys, time, pathlib\n"
        "from analyticspro.config import Home, environment\n"
        "from analyticspro.connectors import load\n"
        "from analyticspro.policy import OWNER\n"
        "from analyticspro.workspace import Workspace\n"
        "home, sign = Home(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2])\n"
        "with Workspace.open(home) as workspace:\n"
        "    def stay(step):\n"
        "        [row] = workspace.operation.history('till', limit=9)\n"
        "        sign.write_text(row['outcome'])\n"
        "        time.sleep(60)\n"
        "    workspace.sync(load(home.sources_file, {})[:1], progress=stay)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(home.path), str(sign)])
    end = time.monotonic() + 30
    while not sign.exists() or not sign.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert sign.read_text() == "at work"
    with Workspace.open(home) as workspace:
        assert [row["outcome"] for row in workspace.operation.history("till", limit=9)] == [
            "interrupted"
        ]
        row = status(workspace)["till"]
        assert (row["health"], row["is_at_work"]) == ("failing", False)
        assert "was interrupted" in row["reason"]
        sync(workspace, "till")
        assert status(workspace)["till"]["health"] == "ok"


def test_a_paused_source_is_not_synced_by_itself_and_says_so_when_it_is(workspace: Workspace):
    now = datetime.now(UTC)
    workspace.operation.pause("till", who="ann", now=now)
    with State.open(workspace.home.state_address) as state:
        schedules = Schedules(state)
        assert follow(workspace.home, schedules, now=now) == []
        assert schedules.get("sync till").paused
        assert [change.who for change in schedules.changes("sync till")] == ["declaration", "ann"]
    assert status(workspace)["till"]["health"] == "paused"
    report = sync(workspace, "till")
    assert (report.new, report.notes[-1][:14]) == (1, "till is paused")
    resumed = workspace.operation.resume("till", who="ann", now=now)
    assert not resumed["paused"]
    found = status(workspace)["till"]
    assert (found["health"], found["next_at"]) == ("ok", resumed["next_at"])
    assert "paused" not in " ".join(sync(workspace, "till").notes)


def test_what_does_not_run_by_itself_cannot_be_paused(workspace: Workspace):
    now = datetime.now(UTC)
    with pytest.raises(DefinitionError, match=r"shop is not synced by itself.*sources\.toml"):
        workspace.operation.pause("shop", who="ann", now=now)
    with pytest.raises(UnknownName):
        workspace.operation.pause("shopp", who="ann", now=now)
    intake = workspace.intake()
    taken(intake, delivery(row("1"), source="web"))
    intake.close()
    with pytest.raises(DefinitionError, match="keys revoke"):
        workspace.operation.pause("web", who="ann", now=now)


def test_a_pushed_source_is_late_once_nobody_takes_events(workspace: Workspace):
    intake = workspace.intake()
    taken(intake, delivery(row("1"), source="web"))
    intake.close()
    assert status(workspace)["web"]["health"] == "ok"
    late = status(workspace, minutes=20)["web"]
    assert (late["health"], late["connector"]) == ("late", "collector")
    assert "analyticspro up" in late["reason"]
    assert workspace.operation.history("web", limit=5) == []
