"""A token bucket: how many events a write key may still send."""

from __future__ import annotations

__all__ = ["Bucket"]


class Bucket:
    """Fills by `rate` a second, up to one second's worth, and may be overdrawn once.

    Whether a request may come is asked before its body is read, what it costs is known only
    after. So a request is let in while the bucket is not empty, and then drawn in full: one
    large batch passes, and those after it wait until the debt is paid.
    """

    def __init__(self, rate: float, now: float) -> None:
        """Make a full bucket.

        Args:
            rate: Events a second.
            now: A clock's reading, seconds; so is every `now` below.
        """
        self._rate = rate
        self._level = rate
        self._at = now

    def wait(self, now: float) -> float:
        """Return how many seconds to wait until a request may come; 0 if it may now.

        >>> bucket = Bucket(10, now=0)
        >>> bucket.draw(25, now=0)
        >>> bucket.wait(now=0), bucket.wait(now=1.5), bucket.wait(now=2)
        (1.5, 0.0, 0.0)
        """
        self._fill(now)
        return max(0.0, -self._level / self._rate)

    def draw(self, events: int, now: float) -> None:
        """Take out `events`, into debt if need be."""
        self._fill(now)
        self._level -= events

    def _fill(self, now: float) -> None:
        self._level = min(self._rate, self._level + (now - self._at) * self._rate)
        self._at = now
