"""A backup made while the home is at work brings back all of it, or says why it cannot."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro import backup
from analyticspro.backup import Made
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError, RetriableError, SourceError
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.secrets_store import Secrets
from analyticspro.state import State
from analyticspro.warehouse import Warehouse

NOW = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def opened(home: Home) -> closing[Warehouse]:
    return closing(Warehouse.open(home.warehouse_file, backups=home.path / "backups"))


def store(warehouse: Warehouse, *ids: str) -> None:
    events = pl.DataFrame(
        [{"event_id": i, "name": "seen", "occurred_at": NOW, "properties": "{}"} for i in ids],
        schema=SCHEMA,
    )
    with warehouse.writer() as writer, writer.commit(NOW):
        writer.store("s", "p", events, mode=WriteMode.APPEND, received_at=NOW, watermark=None)


def ids(home: Home) -> list[str]:
    with opened(home) as warehouse, warehouse.reader(OWNER) as reader:
        return sorted(reader.frame("SELECT event_id FROM events")["event_id"])


@pytest.fixture
def full(home: Home) -> Home:
    """A home that holds something of everything."""
    home.write_settings(name="Acme")
    home.sources_file.write_text("# none yet\n")
    (home.path / "notebooks" / "deep").mkdir()
    (home.path / "notebooks" / "deep" / "mine.ipynb").write_text("{}")
    Secrets.open(home).set("crm", "token", "s3cret-value", now=NOW)
    State.open(home.state_address).close()
    with opened(home) as warehouse:
        store(warehouse, "a", "b")
    return home


def make(home: Home, **more: Any) -> Made:
    with opened(home) as warehouse:
        return backup.make(home, warehouse, now=more.pop("now", NOW), progress=quiet, **more)


def test_all_of_a_home_comes_back_in_another_place(full: Home, tmp_path: Path):
    made = make(full)
    other = Home(tmp_path / "other")
    manifest, aside = backup.restore(other, Path(made.folder), now=NOW, progress=quiet)
    assert (manifest.revision, aside) == (1, None)
    assert ids(other) == ["a", "b"]
    assert other.settings.name == "Acme"
    assert Secrets.open(other).get("crm", "token") == "s3cret-value"
    assert (other.path / "notebooks" / "deep" / "mine.ipynb").read_text() == "{}"
    with closing(sqlite3.connect(other.path / "state.db")) as state:
        assert state.execute("SELECT count(*) FROM schedules").fetchall() == [(0,)]
    for file in other.path.rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, f"{file} can be read by others"


def test_what_was_there_before_a_restore_is_set_aside(full: Home):
    made = make(full)
    with opened(full) as warehouse:
        store(warehouse, "c")
    _, aside = backup.restore(full, Path(made.folder), now=NOW, progress=quiet)
    assert ids(full) == ["a", "b"]
    assert aside is not None
    shutil.copy(aside / "warehouse.duckdb", full.warehouse_file)
    assert ids(full) == ["a", "b", "c"]


def test_two_restores_within_one_second_set_aside_apart(full: Home):
    made = make(full)
    found = []
    for event in ("c", "d"):
        with opened(full) as warehouse:
            store(warehouse, event)
        found.append(backup.restore(full, Path(made.folder), now=NOW, progress=quiet)[1])
    for event, aside in zip(("c", "d"), found, strict=True):
        assert aside is not None
        shutil.copy(aside / "warehouse.duckdb", full.warehouse_file)
        assert ids(full) == ["a", "b", event]


def test_it_is_made_while_others_write_and_is_one_moment(full: Home):
    stop, written = threading.Event(), []

    with opened(full) as warehouse:

        def write() -> None:
            while not stop.is_set():
                store(warehouse, f"w{len(written)}")
                written.append(len(written))

        writing = threading.Thread(target=write)
        writing.start()
        while len(written) < 5:
            stop.wait(0.01)
        made = backup.make(full, warehouse, now=NOW, progress=quiet)
        stop.set()
        writing.join()
    copy = Home(full.path.parent / "copy")
    backup.restore(copy, Path(made.folder), now=NOW, progress=quiet)
    found = [name for name in ids(copy) if name.startswith("w")]
    assert sorted(found) == sorted(f"w{n}" for n in range(len(found))), "none is missing between"
    assert made.revision == 1 + len(found)
    assert len(found) >= 5


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(lambda f: (f / "manifest.json").unlink(), "is no backup", id="no manifest"),
        pytest.param(lambda f: (f / "manifest.json").write_text("{"), "cannot be read", id="half"),
        pytest.param(lambda f: (f / "settings.toml").unlink(), "lacks settings.toml", id="missing"),
        pytest.param(
            lambda f: os.truncate(f / "warehouse.duckdb", 5000), "checksum differs", id="cut"
        ),
        pytest.param(
            lambda f: (f / "secrets" / "values").write_bytes(b"x"), "checksum differs", id="changed"
        ),
        pytest.param(
            lambda f: (f / "manifest.json").write_text(
                json.dumps(json.loads((f / "manifest.json").read_text()) | {"format": 9})
            ),
            "has format 9",
            id="newer",
        ),
    ],
)
def test_one_that_is_not_whole_is_refused_and_touches_nothing(
    damage: Callable[[Path], None], says: str, full: Home
):
    folder = Path(make(full).folder)
    damage(folder)
    before = {file: file.read_bytes() for file in full.path.iterdir() if file.is_file()}
    with pytest.raises(SourceError, match=says):
        backup.check(folder, progress=quiet)
    with pytest.raises(SourceError, match=says):
        backup.restore(full, folder, now=NOW, progress=quiet)
    assert {file: file.read_bytes() for file in full.path.iterdir() if file.is_file()} == before


def test_a_backup_that_fails_leaves_nothing(full: Home):
    def fail(done: int, total: int) -> None:
        raise RetriableError("enough")

    with opened(full) as warehouse, pytest.raises(AnalyticsProError):
        backup.make(full, warehouse, now=NOW, progress=fail)
    assert list((full.path / "backups").iterdir()) == []
    assert backup.newest(full) is None


def test_the_older_ones_are_deleted_but_for_so_many(full: Home):
    made = [make(full, now=NOW + timedelta(days=day)).folder for day in range(4)]
    deleted = backup.prune(full, keep=2)
    assert [str(path) for path in deleted] == made[:2]
    assert str(backup.newest(full)) == made[3]


def test_a_place_that_cannot_be_written_is_named(full: Home, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"No backup can be made in .*file"):
        make(full, into=tmp_path / "file")


KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from analyticspro import backup
from analyticspro.config import Home

changes, last = 0, int(sys.argv[3])

def killed(name):
    def call(self, *arguments):
        global changes
        changes += 1
        if changes > last:
            os.kill(os.getpid(), 9)
        return name(self, *arguments)
    return call

Path.rename, Path.replace, Path.unlink = map(killed, (Path.rename, Path.replace, Path.unlink))
now = datetime(2024, 5, 1, tzinfo=UTC)
backup.restore(Home(Path(sys.argv[1])), Path(sys.argv[2]), now=now, progress=lambda d, t: None)
"""


@pytest.mark.parametrize("change", [0, 1, 2, 5, 8, 11])
def test_a_restore_that_is_killed_is_gone_on_with(change: int, full: Home):
    folder = Path(make(full).folder)
    with opened(full) as warehouse:
        store(warehouse, "c")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(full.path), str(folder), str(change)], check=False
    )
    assert done.returncode in (-9, 0)
    backup.finish(full)
    assert ids(full) == (["a", "b", "c"] if change == 0 else ["a", "b"])
    assert full.settings.name == "Acme"
    assert Secrets.open(full).get("crm", "token") == "s3cret-value"


def test_the_hub_s_database_is_whole_although_the_hub_writes(full: Home, tmp_path: Path):
    folder = full.path / "hub"
    folder.mkdir(mode=0o700)
    (folder / "cookie-secret").write_text("c00kie")
    with closing(sqlite3.connect(folder / "hub.sqlite")) as hub:
        hub.execute("CREATE TABLE users (name TEXT)")
        hub.execute("INSERT INTO users VALUES ('p1')")
        hub.commit()
        hub.execute("PRAGMA journal_mode = WAL")
        hub.execute("INSERT INTO users VALUES ('p2')")
        hub.commit()  # in the journal alone: a copy of the file would lack it
        made = Path(make(full).folder)
    assert {file.name for file in (made / "hub").iterdir()} == {"cookie-secret", "hub.sqlite"}
    new = Home(tmp_path / "new")
    backup.restore(new, made, now=NOW, progress=quiet)
    assert (new.path / "hub" / "cookie-secret").read_text() == "c00kie"
    with closing(sqlite3.connect(new.path / "hub" / "hub.sqlite")) as restored:
        assert restored.execute("SELECT name FROM users").fetchall() == [("p1",), ("p2",)]


def test_a_hub_s_database_that_is_none_is_no_backup(full: Home):
    (full.path / "hub").mkdir(mode=0o700)
    with closing(sqlite3.connect(full.path / "hub" / "hub.sqlite")) as hub:
        hub.execute("CREATE TABLE users (name TEXT)")
    made = Path(make(full).folder)
    copied = made / "hub" / "hub.sqlite"
    copied.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    told = json.loads((made / "manifest.json").read_text())
    digest = hashlib.sha256(copied.read_bytes()).hexdigest()
    text = (made / "manifest.json").read_text()
    was = told["files"]["hub/hub.sqlite"]
    for old, new in ((was["sha256"], digest), (str(was["size"]), str(copied.stat().st_size))):
        text = text.replace(old, new)
    (made / "manifest.json").write_text(text)
    with pytest.raises(SourceError, match="cannot be opened"):
        backup.check(made, progress=quiet)
