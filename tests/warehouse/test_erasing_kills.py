"""An erasure that is killed is undone, or done at the next start."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.workspace import Workspace
from tests.metrics.shop import EVENTS, Shop
from tests.warehouse.erased import ANN, NOW, QUARTER, SOME, quiet, read

KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import datetime, UTC
from analyticspro.config import Home
from analyticspro.warehouse import Subject
from analyticspro.workspace import Workspace

home, point = Home(Path(sys.argv[1])), sys.argv[2]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def count(done, total):
    if point == f"stage {done}":
        die()

def watch(frame, event, argument):
    # The process dies as the named function is entered: between two writes.
    if event == "call" and f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}" == point:
        die()

with Workspace.open(home) as workspace:
    sys.setprofile(watch)
    workspace.keeping.erase(
        Subject(customers=("ann",)), by="alice", reason=None,
        now=datetime(2030, 1, 1, tzinfo=UTC), progress=count)
"""
WAREHOUSE = "analyticspro.warehouse"
POINTS = {
    f"{WAREHOUSE}.open_commit.enter": False,  # all but committed
    "stage 1": True,
    f"{WAREHOUSE}.clearing.clear_rejects": True,
    "stage 2": True,
    f"{WAREHOUSE}.partitions.added": True,  # of the archive's new file
    f"{WAREHOUSE}.archive.rewrite": True,
    "stage 3": True,
    f"{WAREHOUSE}.remaking._copy": True,
    f"{WAREHOUSE}.database._put": True,
    f"{WAREHOUSE}.opening.open_at": True,  # of the new file
    "stage 4": True,
    "analyticspro.backup.keeping._backups": True,
}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_it_undone_or_to_be_done_at_the_next_start(point: str, home: Home):
    home.write_settings(currency="GBP")
    theirs = sum(each.customer == "ann" for each in EVENTS)
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
        shop.warehouse.archive.run(datetime(2024, 2, 1, tzinfo=UTC), at=NOW, progress=quiet)
        before = shop.rows(*SOME, period=QUARTER)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(home.path), point], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with Workspace.open(home) as workspace:
        shop = Shop(workspace._warehouse)
        is_there = read(shop.warehouse, "SELECT count(*) FROM events WHERE customer_id = 'ann'")
        receipts = list((home.path / "erasures").glob("*.json"))
        if not POINTS[point]:
            assert shop.rows(*SOME, period=QUARTER) == before
            assert (is_there, receipts) == ([(theirs,)], [])
            workspace.keeping.erase(ANN, by="alice", reason=None, now=NOW, progress=quiet)
        else:
            assert is_there == [(0,)]
            [receipt] = receipts
            assert json.loads(receipt.read_text())["events"] == theirs
            assert json.loads(receipt.read_text())["older_versions"] == 0
        found = shop.rows(*SOME, period=QUARTER)
        assert shop.warehouse.archive.check(quiet) == []
        known = {each.file for each in shop.warehouse.archive.partitions()}
        there = {str(each.relative_to(home.path / "archive"))
                 for each in (home.path / "archive").rglob("*.parquet")}  # fmt: skip
        assert there == known
    assert not list(home.path.glob("*.new"))
    with Shop.at(home.path / "run") as without:
        without.holds([each for each in EVENTS if each.customer != "ann"])
        assert found == without.rows(*SOME, period=QUARTER)


def test_every_point_of_a_kill_is_one_there_is():
    for point in POINTS:
        if point.startswith("analyticspro"):
            module, name = point.rsplit(".", 1)
            text = Path(*module.split(".")).with_suffix(".py").read_text()
            assert re.search(rf"def {name}\(", text), point
