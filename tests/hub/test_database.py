"""The hub's own database: an older hub's is taken on, and a backup of it brings it back.

`hub_of_5_4.sql` is what JupyterHub 5.4 wrote by `jupyterhub token ada`, as SQL.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from analyticspro.config import Home
from analyticspro.errors import ServiceUnavailable
from analyticspro.hub.database import take_on
from tests.hub.serving import Person, serving

OLD = Path(__file__).with_name("hub_of_5_4.sql")
TOKEN = "533e04d78c754702827a443b907550cc"  # nobody's: of that database alone


def test_an_older_hub_s_database_is_kept_and_taken_on(tmp_path: Path):
    home = Home(tmp_path / "home").prepare()
    folder = home.path / "hub"
    folder.mkdir(mode=0o700)
    with closing(sqlite3.connect(folder / "hub.sqlite")) as database:
        database.executescript(OLD.read_text())
    (folder / "hub.sqlite").chmod(0o600)
    before = version(folder / "hub.sqlite")
    with serving(home):
        api = f"http://127.0.0.1:{home.settings.hub_api_port}/hub/api"
        told = httpx.get(f"{api}/user", headers={"Authorization": f"token {TOKEN}"}).json()
        assert told["name"] == "ada"
        with Person(home, "vera") as vera:
            assert vera.sign_in().status_code == 200
    assert version(folder / "hub.sqlite") != before
    [kept] = (home.path / "backups").glob("hub-4621fec11365-*.sqlite")
    assert (version(kept), kept.stat().st_mode & 0o077) == (before, 0)
    with closing(sqlite3.connect(kept)) as database:
        assert "\n".join(database.iterdump()) + "\n" == OLD.read_text()


def test_a_newer_hub_s_database_is_left_alone(tmp_path: Path):
    home = Home(tmp_path / "home").prepare()
    file = home.path / "hub" / "hub.sqlite"
    file.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(file)) as database:
        database.executescript(OLD.read_text())
        database.execute("UPDATE alembic_version SET version_num = 'of 2031'")
        database.commit()
    with pytest.raises(ServiceUnavailable, match=r"stands at 'of 2031'.*Install the hub that"):
        take_on(home, now=datetime(2026, 11, 21, tzinfo=UTC))
    assert version(file) == "of 2031"


def version(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        [[found]] = database.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(found)
