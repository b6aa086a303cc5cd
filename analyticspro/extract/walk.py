"""Walks a list from page to page, and notices when it goes round in circles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import NoReturn

from analyticspro.errors import SourceError
from analyticspro.extract.exchange import Request, shown
from analyticspro.extract.paging import Ask, Paging, Place, Step
from analyticspro.extract.session import Refused

__all__ = ["PlaceRefused", "walk"]

_MOST_EMPTY = 1_000
_MOST_STALE = 5
_NOWHERE: tuple[str | None, str | None] = (None, None)
# What a source answers to the place of a page that it does not know.
_PLACE_REFUSED = (400, 404, 410, 416, 422)


class PlaceRefused(Refused):
    """The source does not know (or no longer knows) the place where a walk was to go on.

    Begin the walk anew, once: a token may have outlived its time, or its record may be gone.
    """


def walk(paging: Paging, ask: Ask, first: Request, place: Place | None) -> Iterator[Step]:
    """Yield the pages from `place` to the last.

    Args:
        paging: How the list is parted.
        ask: Asks for a page.
        first: The request of its first page.
        place: Where to begin; None for the first page.

    Raises:
        PlaceRefused: The source does not take a place of a page but the first.
        SourceError: The same page again, or the source refuses.
    """
    circle = _Circle(first)
    empty = 0
    while True:
        try:
            step = paging.step(ask, first, place)
        except Refused as error:
            if place is not None and error.status in _PLACE_REFUSED:
                raise PlaceRefused(str(error), error.status) from None
            raise
        circle.check(step)
        empty = 0 if step.replies[0].records else empty + 1
        if empty > _MOST_EMPTY:
            raise SourceError(
                f"{first} has answered {empty} empty pages, each with another after it. "
                "Check paging."
            )
        yield step
        if step.place is None:
            return
        place = step.place


class _Circle:
    """Notices a page that comes again, by its place or by its content.

    However many pages there are, two are remembered: the last one, and one further and
    further back (Brent's way to find a cycle). By position a page may come again where much
    was inserted before it, so there it takes several without anything new.
    """

    def __init__(self, first: Request) -> None:
        self._first = first
        self._last = self._mark = _NOWHERE
        self._steps = 0
        self._renew_at = 1
        self._stale = 0

    def check(self, step: Step) -> None:
        """Raise SourceError if the step leads where the walk has been."""
        if step.place is not None and "at" in step.place:
            is_stale = not step.is_back and not step.records and bool(step.replies[0].records)
            self._stale = self._stale + 1 if is_stale else 0
            if self._stale > _MOST_STALE:
                self._refuse("answers the same page again and again", step)
            return
        place = None if step.place is None else json.dumps(step.place, sort_keys=True)
        content = _content(step)
        for before_place, before_content in (self._last, self._mark):
            if place is not None and place == before_place:
                self._refuse("leads in a circle: the next page has been read already", step)
            if content is not None and content == before_content:
                self._refuse("answers the same page twice", step)
        self._last = (place, content)
        self._steps += 1
        if self._steps == self._renew_at:
            self._mark, self._steps, self._renew_at = self._last, 0, self._renew_at * 2

    def _refuse(self, what: str, step: Step) -> NoReturn:
        raise SourceError(
            f"{self._first} {what}; the next would be {_where(step.place)}. Check paging of the "
            "stream: the source does not take in where to go on."
        )


def _content(step: Step) -> str | None:
    """Return a digest of the page's records; None if it has none."""
    if not step.replies[0].records:
        return None
    digest = blake2b(digest_size=16)
    for record in step.replies[0].records:
        digest.update(record.text.encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def _where(place: Place | None) -> str:
    """Return what can be shown of a place: an address may hold a secret."""
    if place is None:
        return "none"
    if "url" in place:
        return f"at {shown(str(place['url']))}"
    return f"{place['at']}" if "at" in place else f"after {str(place['token'])[:100]!r}"
