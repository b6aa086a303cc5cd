"""The archive's files: read until nobody does, checked, backed up, whole after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyticspro import backup
from analyticspro.config import Home
from analyticspro.errors import WarehouseError
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace
from tests.cli.terminal import run
from tests.warehouse.archived import (
    EVERYTHING,
    NOW,
    archive,
    counts,
    event,
    live,
    quiet,
    read,
    store,
)

# Files


def test_who_reads_sees_a_file_until_they_are_done(warehouse: Warehouse):
    store(warehouse, *(event(n, "2024-01-05", version=1) for n in range(3)))
    archive(warehouse)
    store(warehouse, event(1, "2024-01-05", version=2))
    numbers = [part.number for part in warehouse.archive.partitions()]
    with warehouse.reader(OWNER) as reader:
        thread = threading.Thread(target=warehouse.archive.rewrite, args=(numbers, NOW))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert reader.frame("SELECT count(*) FROM events").item() == 4
    thread.join()
    assert counts(warehouse) == (2, 2)
    assert [part.rows for part in warehouse.archive.partitions()] == [2]
    assert len(list(warehouse.archive._folder.rglob("*.parquet"))) == 1


def test_a_file_that_changed_is_found(home: Home):
    with Workspace.open(home) as workspace:
        store(workspace._warehouse, event(0, "2024-01-05"))
        archive(workspace._warehouse)
        assert workspace.keeping.verify(progress=quiet).to_json()["events"] == 1
    [file] = (home.path / "archive").rglob("*.parquet")
    assert file.stat().st_mode & 0o077 == 0
    assert run("archive", "verify", home=home.path).code == 0
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = run("archive", "verify", home=home.path)
    assert (done.code, "2024-01/000001.parquet" in done.err) == (5, True)


def test_a_home_whose_archive_lacks_a_file_says_so(home: Home):
    with Workspace.open(home) as workspace:
        store(workspace._warehouse, event(0, "2024-01-05"))
        archive(workspace._warehouse)
    [file] = (home.path / "archive").rglob("*.parquet")
    file.rename(file.with_suffix(".aside"))
    told = pytest.raises(WarehouseError, match=r"000001\.parquet is missing.*restore")
    with told, Workspace.open(home):
        pass
    file.with_suffix(".aside").rename(file)
    with Workspace.open(home) as workspace:
        assert counts(workspace._warehouse) == (0, 1)


def test_a_backup_holds_the_archive(home: Home, tmp_path: Path):
    with Workspace.open(home) as workspace:
        store(workspace._warehouse, event(0, "2024-01-05"), event(1, "2024-05-05"))
        archive(workspace._warehouse)
        [made] = workspace.back_up(None, None, progress=lambda _: None)
    other = Home(tmp_path / "it's another")  # the archive is read where it is now
    backup.restore(other, Path(made.folder), now=NOW, progress=quiet)
    for file in (home.path / "archive").rglob("*.parquet"):
        file.unlink()
    with Workspace.open(other) as workspace:
        assert counts(workspace._warehouse) == (1, 1)
        assert len(live(workspace._warehouse)) == 2
        assert store(workspace._warehouse, event(0, "2024-01-05")).unchanged == 1
        assert archive(workspace._warehouse, NOW) == 1


# Kills

KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import datetime, UTC
from analyticspro.warehouse import Warehouse

file, point = Path(sys.argv[1]), sys.argv[2]

def watch(frame, event, argument):
    name = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
    if name == point.removesuffix(" done") and event == ("return" if " " in point else "call"):
        os.kill(os.getpid(), signal.SIGKILL)

warehouse = Warehouse.open(file, backups=file.parent / "backups")
sys.setprofile(watch)
warehouse.archive.run(datetime(2024, 3, 1, tzinfo=UTC), at=datetime(2024, 6, 1, tzinfo=UTC),
                      progress=lambda done, total: None)
"""
KEPT = "analyticspro.warehouse.archive."
WRITTEN = "analyticspro.warehouse.partitions."


@pytest.mark.parametrize(
    ("point", "archived"),
    [
        (f"{WRITTEN}digest", 0),  # written, and not known
        (f"{WRITTEN}added", 0),
        (f"{WRITTEN}point", 0),  # all but committed
        (f"{KEPT}_move done", 3),
        (f"{KEPT}_fold", 6),
    ],
)
def test_a_kill_loses_nothing_and_doubles_nothing(
    point: str, archived: int, file: Path, tmp_path: Path
):
    with closing(Warehouse.open(file, backups=tmp_path / "backups")) as warehouse:
        for number in range(3):
            store(warehouse, event(number, "2024-01-05"), event(9 + number, "2024-02-05"))
        everything = read(warehouse, EVERYTHING)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(file), point], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with closing(Warehouse.open(file, backups=tmp_path / "backups")) as warehouse:
        assert counts(warehouse) == (6 - archived, archived)
        assert read(warehouse, EVERYTHING) == everything
        assert archive(warehouse, datetime(2024, 3, 1, tzinfo=UTC)) == 6 - archived
        assert read(warehouse, EVERYTHING) == everything
        known = {part.file for part in warehouse.archive.partitions()}
        assert len(known) == 2
    folder = tmp_path / "archive"
    assert {str(each.relative_to(folder)) for each in folder.rglob("*.parquet")} == known
