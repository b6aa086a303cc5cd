"""What a database refuses, classed by how one recovers; each with its cure."""

from __future__ import annotations

from enum import StrEnum

from analyticspro.errors import AnalyticsProError, RetriableError, SourceError

__all__ = ["Failure", "first_line", "raised"]


class Failure(StrEnum):
    """What went wrong. The value tells a person what to do."""

    AWAY = "is not to be reached. Is it running, and is url right?"
    BUSY = "is busy, or being started or stopped. It is asked again later."
    SLOW = (
        "took longer than statement_timeout. Is there an index on the columns of updated_at and "
        "key, in this order? Else raise statement_timeout."
    )
    REFUSED = "lets us not in. Check the user in url, and set the password anew: {secret}"
    NO_DATABASE = "has no such database. Check url."
    NO_TLS = "cannot be spoken to as tls says. Check tls and tls_ca."
    NO_TABLE = "has no such table. Check table or query of the stream."
    NO_COLUMN = "has no such column. Check the columns of the stream."
    FORBIDDEN = "does not let its user do that. Let its owner GRANT SELECT on what is read."
    WRITES = "would be written to, which a source never is. Check query of the stream."
    BROKEN = "cannot be read. Is it a whole file of SQLite?"
    OTHER = "refuses. Check table or query of the stream."


_RETRIABLE = {Failure.AWAY, Failure.BUSY, Failure.SLOW}


def raised(failure: Failure, place: str, said: str, secret: str) -> AnalyticsProError:
    """Return the error to raise.

    Args:
        failure: What went wrong.
        place: What is read, for a person.
        said: What the database or its driver said.
        secret: How the password is set anew.
    """
    kind = RetriableError if failure in _RETRIABLE else SourceError
    return kind(f"{place} {failure.value.format(secret=secret)} ({said})")


def first_line(error: BaseException) -> str:
    """Return what the driver said: its first line, as the others may show a query's values."""
    said = str(error.args[-1]) if error.args else str(error)
    return (said.strip().splitlines() or [type(error).__name__])[0].rstrip(".")
