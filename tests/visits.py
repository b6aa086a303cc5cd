"""Sessions, in plain Python: going from event to event, as semantics.md has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol, TypeVar

__all__ = ["Seen", "acts", "is_bounce", "pages", "visits"]

GAP, LONGEST = timedelta(minutes=30), timedelta(hours=24)
PAGES = {"page_viewed", "screen_viewed"}
REVERSALS = {"order_cancelled", "order_refunded"}
BY_ITSELF = {"session_started", "session_ended", "user_identified", "user_aliased", "group_joined"}


class Seen(Protocol):
    """What has to be known of an event."""

    @property
    def at(self) -> datetime: ...
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def user(self) -> str | None: ...
    @property
    def session(self) -> str | None: ...


Event = TypeVar("Event", bound=Seen)


def visits(events: Iterable[Event], source: Callable[[Event], str]) -> list[list[Event]]:
    """Return the sessions, each its events in order."""

    def visitor(event: Event) -> tuple[str, bool, str]:
        return source(event), event.session is not None, event.session or event.user or ""

    counted = [event for event in events if _is_of_somebody(event)]
    counted.sort(key=lambda event: (visitor(event), event.at, event.id))
    found: list[list[Event]] = []
    for (_, is_numbered, _), own in groupby(counted, key=visitor):
        session: list[Event] = []
        for event in own:
            if session and not is_numbered:
                is_long = event.at - session[0].at >= LONGEST
                if is_long or event.at - session[-1].at > GAP:
                    found.append(session)
                    session = []
            session.append(event)
        found.append(session)
    return found


def _is_of_somebody(event: Seen) -> bool:
    if event.session is not None:
        return True
    return event.user is not None and event.name not in REVERSALS


def pages(session: Iterable[Seen]) -> int:
    return sum(event.name in PAGES for event in session)


def acts(session: Iterable[Seen]) -> int:
    return sum(event.name not in PAGES | REVERSALS | BY_ITSELF for event in session)


def is_bounce(session: list[Event]) -> bool:
    return pages(session) == 1 and acts(session) == 0
