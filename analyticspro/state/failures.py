"""What goes wrong with the state database, in the product's own errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from analyticspro.errors import AnalyticsProError, ServiceUnavailable

__all__ = ["LeaseLost", "StateError", "translated"]


class StateError(AnalyticsProError):
    """The state database cannot be used as it is."""

    code = "state"
    exit_code = 5


class LeaseLost(AnalyticsProError):
    """This attempt at a run is no longer the one that counts: what it says changes nothing."""

    code = "lease_lost"


# A lock that is held, a disk that is full, read-only or not there.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn the driver's errors into ours; `place` names the database without its password."""
    try:
        yield
    except exc.DBAPIError as error:
        if _passes(error):
            raise ServiceUnavailable(
                f"The state database ({place}) does not answer: {_reason(error)}. "
                "Try again once it does."
            ) from None
        if isinstance(error.orig, sqlite3.DatabaseError) and _code(error.orig) in _DAMAGED:
            raise StateError(
                f"The state database ({place}) cannot be used: {_reason(error)}. "
                "Restore it from the backups folder beside it."
            ) from None
        raise  # a mistake of ours: seen whole
    except exc.TimeoutError as error:
        raise ServiceUnavailable(
            f"The state database ({place}) is too busy: {_reason(error)}. Try again later."
        ) from None


def _passes(error: exc.DBAPIError) -> bool:
    """Whether the same may go well later. SQLite has one class for that and for wrong SQL."""
    if isinstance(error.orig, sqlite3.Error):
        return _code(error.orig) in _PASSING
    # PostgreSQL calls some ends of a connection internal errors: that of an idle one, say.
    return error.connection_invalidated or isinstance(
        error, exc.OperationalError | exc.InterfaceError
    )


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _reason(error: exc.SQLAlchemyError) -> str:
    """Return the first line of what the driver said; the rest may hold values."""
    said = str(getattr(error, "orig", None) or error).strip()
    return (said.splitlines() or [type(error).__name__])[0].rstrip(".")
