"""One-time links: codes that sign in one browser, once, for a short while."""

from __future__ import annotations

import hashlib
import secrets
import threading
from datetime import datetime, timedelta

from analyticspro.errors import Forbidden

__all__ = ["LIFETIME", "Links"]

LIFETIME = timedelta(minutes=15)
_MOST_OPEN = 100


class Links:
    """The codes that are still open. They are held in memory, hashed, and end with it."""

    def __init__(self) -> None:
        self._open: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def make(self, now: datetime) -> tuple[str, datetime]:
        """Return a new code and when it expires; the oldest give way beyond a hundred."""
        code = secrets.token_urlsafe(32)
        expires_at = now + LIFETIME
        with self._lock:
            self._open = {key: at for key, at in self._open.items() if at > now}
            while len(self._open) >= _MOST_OPEN:
                del self._open[min(self._open, key=self._open.__getitem__)]
            self._open[_hash(code)] = expires_at
        return code, expires_at

    def redeem(self, code: str, now: datetime) -> None:
        """Use up `code`.

        Raises:
            Forbidden: It was never made, was used already, or has expired.
        """
        with self._lock:
            expires_at = self._open.pop(_hash(code), None)
        if expires_at is None or expires_at <= now:
            raise Forbidden(
                "This link was used already, or is older than 15 minutes. "
                "'analyticspro link' prints a new one."
            )


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
