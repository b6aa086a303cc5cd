"""What DuckDB's errors mean for whoever asked, and the cure."""

from __future__ import annotations

from pathlib import Path

import duckdb

from analyticspro.errors import AnalyticsProError, RetriableError, WarehouseError

__all__ = ["ends_the_connection", "is_aftermath", "told", "unopened"]

_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
_NOT_WRITABLE = ("Read-only file system", "Permission denied", "Operation not permitted")
_FATAL = (duckdb.FatalException, duckdb.InternalException)


def told(file: Path, error: duckdb.Error) -> AnalyticsProError | None:
    """Return what to do about an error at work with the file; None if it is not about the file."""
    if hindered := _hindered(file, error):
        return hindered
    if ends_the_connection(error):
        return RetriableError(
            f"{file} has to be opened again: {_reason(error)}. Try again, which does that; "
            "all that was committed before is there."
        )
    if isinstance(error, duckdb.IOException):
        return _damaged(file, error, "read or written")
    return None


def unopened(file: Path, error: duckdb.Error | OSError) -> AnalyticsProError:
    """Return what to do about an error while the file was being opened."""
    return _hindered(file, error) or _damaged(file, error, "opened")


def _hindered(file: Path, error: Exception) -> AnalyticsProError | None:
    text = str(error)
    if any(sign in text for sign in _FULL):
        return RetriableError(
            f"{file} cannot grow: no space is left for it ({_reason(error)}). Make room on its "
            "disk, then try again; all that was committed before is there."
        )
    if any(sign in text for sign in _NOT_WRITABLE):
        return WarehouseError(
            f"{file} cannot be written: {_reason(error)}. Let this user write to it and to its "
            "folder, then try again; what is in it is as it was."
        )
    return None


def _damaged(file: Path, error: Exception, deed: str) -> WarehouseError:
    return WarehouseError(
        f"{file} cannot be {deed}: {_reason(error)}. Restore a copy from the backups folder "
        "beside it, or sync the sources again into an empty one."
    )


def is_aftermath(error: BaseException) -> bool:
    """Tell whether DuckDB refuses because of another error, before this one."""
    return "database has been invalidated" in str(error)


def ends_the_connection(error: BaseException | None) -> bool:
    """Tell whether DuckDB answers nothing more after `error`, or what it came from."""
    while error is not None:
        if isinstance(error, _FATAL) or is_aftermath(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".!") if str(error) else type(error).__name__
