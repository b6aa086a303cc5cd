"""How far the reading of a stream has come: what its cursor holds.

A *walk* reads a list from its first page to its last. What the next walk asks for ("what has
changed since") moves only when a walk has ended, whatever the order of its records: until then
anything may still come. Meanwhile the cursor holds the place of the next page, so that a kill
goes on in the middle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from analyticspro.extract.paging import Place

__all__ = ["Progress", "Value"]

# What orders the records of a stream: an instant, or a number that counts up.
Value = datetime | int


@dataclass(frozen=True)
class Progress:
    """What is known of a stream that is read again and again.

    Attributes:
        since: All that was changed up to here has been read.
        highest: The highest seen in the walk that is under way.
        started_at: Before its first page was asked for, by the source's clock.
        place: Its next page; None: no walk is under way.
    """

    since: Value | None = None
    highest: Value | None = None
    started_at: datetime | None = None
    place: Place | None = None

    def after(
        self, values: Iterable[Value], *, asked_at: datetime, place: Place | None
    ) -> Progress:
        """Return the progress after a page.

        Args:
            values: Those of its records.
            asked_at: Before the page was asked for, by the source's clock.
            place: Where the next page is; None if this was the last.
        """
        known = [] if self.highest is None else [self.highest]
        highest = max([*known, *values], default=None)
        started_at = self.started_at if self.is_under_way else asked_at
        if place is not None:
            return replace(self, highest=highest, started_at=started_at, place=place)
        return Progress(since=self._forward(highest, started_at or asked_at))

    @property
    def is_under_way(self) -> bool:
        """Whether a walk has been begun and not ended."""
        return self.place is not None

    def anew(self) -> Progress:
        """Return the progress as if the walk under way had not begun."""
        return Progress(since=self.since)

    def _forward(self, highest: Value | None, started_at: datetime) -> Value | None:
        """Return from where the next walk reads on.

        Not from behind the start of this one, whatever was seen: what was changed while it
        went on may have been changed on a page that it had already passed.
        """
        if isinstance(highest, datetime):
            highest = min(highest, started_at)
        if highest is None or self.since is None:
            return self.since if highest is None else highest
        return max(self.since, highest)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "since": _plain(self.since),
            "highest": _plain(self.highest),
            "started_at": _plain(self.started_at),
            "place": self.place,
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Progress:
        """Return what `to_json` was made of."""
        started_at = _value(given["started_at"])
        return cls(
            _value(given["since"]),
            _value(given["highest"]),
            started_at if isinstance(started_at, datetime) else None,
            given["place"],
        )

    def __str__(self) -> str:
        return json.dumps(self.to_json())


def _plain(value: Value | None) -> str | int | None:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _value(plain: str | int | None) -> Value | None:
    return datetime.fromisoformat(plain) if isinstance(plain, str) else plain
