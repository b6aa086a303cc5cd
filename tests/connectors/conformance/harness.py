"""What a connector must bring to be put through the conformance suite.

A connector's harness starts a real server (or makes a real file) and changes what is in it;
everything else is in `test_conformance.py`. To add a connector: write a class with the members
of `Harness`, and name it in `conftest.HARNESSES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from analyticspro.connectors import Connector

STREAM = "orders"
T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Record:
    """One record of the source under test: an order, which may change.

    `extra` are fields that the declaration knows nothing of.
    """

    id: str
    at: datetime
    total: str = "10.00"
    extra: Mapping[str, object] = field(default_factory=dict)


def records(count: int, start: int = 0) -> list[Record]:
    """Return `count` records, each changed 20 minutes after the one before."""
    return [
        Record(f"o{n:05}", T0 + timedelta(minutes=20 * n), f"{n}.50")
        for n in range(start, start + count)
    ]


class Fault(StrEnum):
    """What goes wrong while the source is read."""

    TOO_MANY = "429 with Retry-After"
    ERRORS = "500s"
    CUT = "connection cut in mid-page"
    MALFORMED = "malformed JSON"
    EXPIRED = "expired token that can be renewed"
    REVOKED = "token that was revoked"
    DOWN = "nothing but errors"


class Harness(Protocol):
    """A source under test.

    The declaration behind `connector` has the stream `STREAM`, key `id`, write mode merge by
    `at`, a cursor on `at` with a lookback of one hour, event `order_placed`, amount `total` in
    EUR, and reads some five records a page.
    """

    def connector(self) -> Connector:
        """Return the connector, new, as after a restart of the program."""

    def put(self, records: Sequence[Record]) -> None:
        """Insert the records, or change those whose id is there."""

    def delete(self, ids: Sequence[str]) -> None:
        """Take records away."""

    def order(self, ids: Sequence[str]) -> None:
        """Let the source hand out its records in this order, if it has an order of its own."""

    def between_pages(self, act: Callable[[int], None]) -> None:
        """Call `act` with the number of the page, from 1, whenever one has been handed out."""

    def stop(self) -> None:
        """End it."""


class WebHarness(Harness, Protocol):
    """A source that is asked over HTTP, and answers JSON."""

    def put_raw(self, raw: object) -> None:
        """Insert `raw` as it is, which is no record."""

    def fail(self, fault: Fault, page: int) -> None:
        """Let `fault` happen when the `page`th page from now is asked for, from 1."""

    def repeat(self, records: int) -> None:
        """Let each page begin with so many records of the one before."""

    def waits(self) -> list[float]:
        """Return how long was waited each time, in seconds."""
