"""The one place that asks the machine what time it is."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["now"]


def now() -> datetime:
    """Return the present instant, aware, in UTC.

    Nothing else in the library calls `datetime.now`: whatever depends on the time takes
    it as an argument, so that a test can say when it is.
    """
    return datetime.now(UTC)
