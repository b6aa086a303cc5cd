"""How much one person may fetch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from analyticspro.errors import RetriableError

__all__ = ["Rations"]

_WINDOW_S = 3600.0


class Rations:
    """Counts what each person has fetched in this hour. Used in the event loop alone."""

    def __init__(self, *, files: int = 500, size: int = 5_000_000_000, at_once: int = 4) -> None:
        """Begin to count.

        Args:
            files: Pages and files of one person in an hour.
            size: Their bytes in an hour.
            at_once: How many one person may fetch side by side.
        """
        self._files, self._size, self._most_at_once = files, size, at_once
        self._window = -1.0
        self._fetched: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._at_once: Counter[str] = Counter()

    @contextmanager
    def one(self, who: str, now: float) -> Iterator[None]:
        """Count one fetch, which is at work while the block runs.

        Args:
            who: The person.
            now: Seconds of a clock that only goes forward.

        Raises:
            RetriableError: It is one too many.
        """
        if now >= self._window + _WINDOW_S or self._window < 0:
            self._window = now
            self._fetched.clear()
            self._bytes.clear()
        if self._at_once[who] >= self._most_at_once:
            raise RetriableError(f"{self._most_at_once} files are being fetched already.")
        if self._fetched[who] >= self._files or self._bytes[who] >= self._size:
            raise RetriableError(
                f"No more packages in this hour: at most {self._files:,} pages and files, and "
                f"{self._size / 1e9:g} GB."
            )
        self._fetched[who] += 1
        self._at_once[who] += 1
        try:
            yield
        finally:
            self._at_once[who] -= 1
            if not self._at_once[who]:
                del self._at_once[who]

    def took(self, who: str, size: int) -> None:
        """Count bytes that a person was given."""
        self._bytes[who] += size
