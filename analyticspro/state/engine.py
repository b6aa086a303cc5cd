"""How a connection to SQLite, or to PostgreSQL, is made."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

__all__ = ["WRITING", "connected"]

# The name of an option of a connection: it will write, so it waits its turn at once.
WRITING = "analyticspro_writing"

_BUSY_S = 20
_SQLITE = (
    "PRAGMA journal_mode = WAL",
    # A run that was told to be finished stays finished, power cut or not.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
# A scheduler that is frozen in the middle of a transaction must not hold the others for ever.
_POSTGRES = "-c idle_in_transaction_session_timeout=60s -c lock_timeout=20s -c timezone=UTC"
_dumps = partial(json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def connected(url: URL) -> Engine:
    """Return an engine for `url`; it connects when it is first asked."""
    if url.get_backend_name() == "sqlite":
        assert url.database
        _make_private(Path(url.database))
        engine = create_engine(url, connect_args={"timeout": _BUSY_S}, json_serializer=_dumps)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url,
        connect_args={
            "connect_timeout": 10,
            "application_name": "analyticspro",
            "options": _POSTGRES,
        },
        json_serializer=_dumps,
        pool_pre_ping=True,
    )


def _make_private(file: Path) -> None:
    """Make sure that only its owner can read `file`; its WAL takes the mode over."""
    # Only where it is new: closing a descriptor of a file gives up every lock that this process
    # has on it. Another connection's would be among them, and whoever closes the database next
    # would take its log for nobody's and delete it, with what is committed there afterwards.
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    if file.stat().st_mode & 0o077:
        file.chmod(0o600)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing of its own
    for pragma in _SQLITE:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads and then writes fails at once if another wrote in between,
    # however long it may wait. One that says from the start that it will write, waits.
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
