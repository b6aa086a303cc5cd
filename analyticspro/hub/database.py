"""The hub's own database, brought to what the installed hub expects."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from jupyterhub import dbutil

from analyticspro.config import Home
from analyticspro.errors import ServiceUnavailable

__all__ = ["address", "take_on"]

_STEPS = Path(dbutil.__file__).parent / "alembic"


def address(home: Home) -> str:
    """Return where the hub of a home keeps what it knows, as SQLAlchemy writes it."""
    return f"sqlite:///{_file(home)}"


def take_on(home: Home, *, now: datetime) -> Path | None:
    """Bring the database that an older hub left to this one's tables; return a copy of before.

    The hub's own way calls a program `alembic` by PATH, where it need not be, and copies the
    file without what a hard kill left in its journal.

    Raises:
        ServiceUnavailable: It cannot be done, as with the database of a newer hub.
    """
    file = _file(home)
    stands_at = _version(file) if file.exists() else None
    if stands_at is None or stands_at == ScriptDirectory(str(_STEPS)).get_current_head():
        return None
    folder = home.path / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"hub-{stands_at}-{now:%Y%m%dT%H%M%SZ}.sqlite"
    copy.touch(mode=0o600)
    with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    with tempfile.TemporaryDirectory() as around:
        settings = str(Path(around, "alembic.ini"))
        dbutil.write_alembic_ini(settings, address(home))
        words = [sys.executable, "-m", "alembic", "-c", settings, "upgrade", "head"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ServiceUnavailable(
            f"The hub's database {file} stands at {stands_at!r} and cannot be brought to this "
            f"hub's ({why}). Install the hub that made it, or put back {copy}."
        )
    return copy


def _file(home: Home) -> Path:
    return home.path.resolve() / "hub" / "hub.sqlite"


def _version(file: Path) -> str | None:
    """Return the step that a database stands at; None of one that holds nothing yet."""
    with closing(sqlite3.connect(file)) as database:
        named = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if not database.execute(named).fetchone():
            return None
        row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])
