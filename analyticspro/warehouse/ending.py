"""Ends what is being read, once nobody waits for it or may have it any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from analyticspro.errors import Stopped

if TYPE_CHECKING:
    from analyticspro.warehouse.reader import Reader

__all__ = ["Ending"]


class Ending:
    """Given along with a question, so that another thread can end the answering of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: list[Reader] = []
        self._is_due = False

    def is_due(self) -> bool:
        """Tell whether the work is to end."""
        return self._is_due

    def end(self) -> None:
        """Have the work end, and interrupt what is being read at the moment.

        Call it again until the work is done: an interrupt before a statement begins is lost.
        """
        self._is_due = True
        with self._lock:  # a reader that is taken out below may be given to somebody else
            for reader in self._readers:
                reader.interrupt()

    def check(self) -> None:
        """Raise Stopped if the work is to end."""
        if self._is_due:
            raise Stopped("Stopped: whoever asked for it has gone, or may not have it any more.")

    @contextmanager
    def of(self, reader: Reader) -> Iterator[None]:
        """Let `end` interrupt this reader while the block runs.

        Raises:
            Stopped: It was interrupted.
        """
        self.check()
        with self._lock:
            self._readers.append(reader)
        try:
            yield
        except duckdb.InterruptException:
            self.check()
            raise
        finally:
            with self._lock:
                self._readers.remove(reader)
