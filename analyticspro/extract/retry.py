"""When to send a request again, and how long to wait before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from analyticspro.extract.exchange import http_date

__all__ = ["Retry", "retry_after"]


@dataclass(frozen=True)
class Retry:
    """Exponential back-off with full jitter.

    Attributes:
        attempts: How often a request is sent in all.
        attempts_malformed: The same for an answer that cannot be read: it is more likely to
            stay so.
        first: Upper bound of the first wait, seconds; each next one is twice as high.
        longest: No wait is longer, seconds. A source that asks for more is left alone
            until the next sync, rather than asked too early.

    Source:
        Marc Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog).
    """

    attempts: int = 6
    attempts_malformed: int = 3
    first: float = 1
    longest: float = 300

    def wait(self, attempt: int, chance: float, asked: float | None) -> float:
        """Return the seconds to wait after the `attempt`th failure, from 1.

        Args:
            attempt: Which failure it was.
            chance: From 0 to 1.
            asked: What the source asked for; then that, and up to `first` more, so that not
                all come back at once.
        """
        if asked is not None:
            return asked + chance * self.first
        return chance * min(self.longest, self.first * 2.0 ** min(attempt - 1, 60))


def retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` asks for; None if it asks for none.

    Args:
        text: The header: seconds, or an HTTP date.
        now: The present by the clock of whoever sent it.

    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    >>> retry_after("120", now), retry_after("Sat, 21 Nov 2026 12:00:30 GMT", now)
    (120.0, 30.0)
    """
    if not text:
        return None
    if re.fullmatch(r"\s*[0-9]{1,9}(\.[0-9]{1,9})?\s*", text):
        return float(text)
    at = http_date(text)
    return None if at is None else max(0.0, (at - now).total_seconds())
