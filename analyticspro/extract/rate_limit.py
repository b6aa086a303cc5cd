"""How often a source may be asked."""

from __future__ import annotations

import threading

from analyticspro.extract.timing import Timing

__all__ = ["RateLimit"]


class RateLimit:
    """A token bucket that all streams of a source share, whichever thread reads them.

    It starts full, so `burst` requests go out at once; the next wait their turn.
    """

    def __init__(self, requests: float, seconds: float, timing: Timing, *, burst: int = 1) -> None:
        """Make the bucket.

        Args:
            requests: How many requests it allows …
            seconds: … in how many seconds.
            timing: How to wait.
            burst: How many may follow each other at once.
        """
        self._gap = seconds / requests
        self._burst = burst
        self._timing = timing
        self._lock = threading.Lock()
        # When the bucket will be full again; it is empty `burst` gaps before that.
        self._full_at = timing.monotonic()

    def take(self) -> None:
        """Wait until one more request may be sent, and count it."""
        with self._lock:
            now = self._timing.monotonic()
            self._full_at = max(self._full_at, now) + self._gap
            wait = self._full_at - self._burst * self._gap - now
        if wait > 0:
            self._timing.sleep(wait)

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so many seconds: the source said that it was too much."""
        with self._lock:
            until = self._timing.monotonic() + seconds
            self._full_at = max(self._full_at, until + (self._burst - 1) * self._gap)
