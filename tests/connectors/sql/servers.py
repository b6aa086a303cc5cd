"""One server of each kind for all tests of a run: started when first asked for."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from functools import cache

from tests.servers import mariadb, postgresql

__all__ = ["maria_server", "postgres_server"]

_RUNNING = ExitStack()
atexit.register(_RUNNING.close)


@cache
def postgres_server() -> postgresql.Server:
    """Return the PostgreSQL server."""
    return _RUNNING.enter_context(postgresql.cluster())


@cache
def maria_server() -> mariadb.Server:
    """Return the MariaDB server."""
    return _RUNNING.enter_context(mariadb.running())
