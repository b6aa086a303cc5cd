"""What the collector asks of whatever carries events to the warehouse: the seam for Kafka."""

from __future__ import annotations

import asyncio
from typing import Protocol

from analyticspro.ingest.deliveries import Delivery, Taken

__all__ = ["Bus"]


class Bus(Protocol):
    """The way in for what is pushed.

    Beside what types can say, a bus keeps what `tests/seams/test_bus.py` asks of it: what was
    answered is stored, once, whatever is killed after; what comes again is told to be a
    duplicate; of two deliveries of one id the one that was submitted first stands; it holds a
    bounded number, and says so.
    """

    @property
    def waiting(self) -> int:
        """How many events wait to be stored."""

    def is_full(self) -> bool:
        """Tell whether nothing more can be taken for now."""

    def submit(self, delivery: Delivery) -> asyncio.Future[Taken]:
        """Take a delivery; what is returned is done once all of it is durable.

        Raises:
            RetriableError: It is full, or closed. Nothing was taken.
        """

    def keep_time(self) -> None:
        """Let the watermarks of what is pushed go on while nothing comes."""

    def close(self) -> None:
        """Take no more; store and answer what waits."""
