"""Brings a state database to this version's tables, once, whoever opens it first."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from analyticspro.state.failures import StateError

__all__ = ["HEAD", "upgrade", "version"]

# The newest step in migrations/ (a test compares). Told here, so that a database that is up
# to date is opened without importing Alembic.
HEAD = "0005"

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, as long as all versions of this library use the same.
_LOCK = 4_127_650_331


def version(connection: Connection) -> str | None:
    """Return the step that the database stands at; None if it is new."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    stands_at = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if stands_at is None else str(stands_at)


def upgrade(
    connection: Connection, *, now: datetime, to: str = HEAD, folder: Path = _MIGRATIONS
) -> None:
    """Take the steps that are missing, all or none, inside the transaction of `connection`.

    An SQLite file that holds something is first copied to `backups/` beside it. Of a
    PostgreSQL no copy is made: that is for whoever runs it.

    Raises:
        StateError: A newer version of the library has been here.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    stands_at = version(connection)
    if stands_at == to:
        return

    from alembic.config import Config  # 0.25 s, seldom needed
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    steps = ScriptDirectory(str(folder), version_locations=[str(folder)])
    if stands_at is not None:
        if stands_at not in {step.revision for step in steps.walk_revisions()}:
            raise StateError(
                f"The state database stands at {stands_at!r}, which a newer AnalyticsPro has "
                f"made; this one knows up to {HEAD!r}. Install the newer one again, or restore "
                "a copy from the backups folder."
            )
        _back_up(connection, stands_at, now)
    with EnvironmentContext(
        Config(), steps, fn=lambda rev, _context: steps._upgrade_revs(to, rev)
    ) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()


def _back_up(connection: Connection, stands_at: str, now: datetime) -> None:
    file = connection.engine.url.database
    if connection.dialect.name != "sqlite" or file is None:
        return
    folder = Path(file).parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"state-{stands_at}-{now:%Y%m%dT%H%M%SZ}.db"
    copy.touch(mode=0o600)
    # Another connection: it sees what is committed, which is all until the first step.
    with (
        contextlib.closing(sqlite3.connect(file)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
