"""Paging by position: pages of a list that may move while it is read.

A position is only right while nothing before it changes. If a record goes away (or to the
end of a list that is ordered by the last change), all that follow move up, and the one at the
edge of the next page is never seen. So each page is read such that it overlaps the one
before: where none of the records known from there is found again, the list has moved further
than the overlap, and the reading goes back by a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypedDict, cast

from analyticspro.errors import RetriableError
from analyticspro.extract.exchange import Request
from analyticspro.extract.paging import Ask, Place, Record, Reply, Step, at_path
from analyticspro.extract.session import Refused

__all__ = ["ByOffset", "ByPage"]

# How many records of the page before are remembered, with the place, and so in the cursor.
_REMEMBERED = 200
_MOST_BACK = 50


class _Place(TypedDict):
    """Where the next page starts, and what ended the one before."""

    at: int
    seen: list[str]
    length: int  # of the page before
    back: int  # how often it went back in one go


@dataclass(frozen=True)
class _Positions:
    """What both have in common.

    Attributes:
        parameter: Takes the position.
        start: The first position.
        identity: What tells a record that has not moved: its key, and whatever the list may
            be ordered by that can change.
        fixed: Parameters of each page, such as its size.
        total: A field of the body that says how many records (of `ByPage`: pages) there are
            in all.
        more: One that says whether there is another page. Without both, the end is where
            a page is empty: a page may be shorter than asked for and not be the last.
    """

    parameter: str
    start: int
    identity: Callable[[Record], str]
    fixed: Mapping[str, str] = field(default_factory=dict)
    total: str | None = None
    more: str | None = None

    def _ask(self, ask: Ask, first: Request, position: int) -> Reply:
        return ask(first.adding(parameters={**self.fixed, self.parameter: str(position)}))

    def _says_end(self, reply: Reply, next_at: int) -> bool:
        if self.more is not None and at_path(reply.body, self.more) in (False, None, "false"):
            return True
        total = None if self.total is None else at_path(reply.body, self.total)
        return isinstance(total, str | int) and str(total).isdecimal() and next_at >= int(total)

    def _place(self, at: int, records: Sequence[Record], length: int) -> Place:
        seen = [self._mark(record) for record in records[-_REMEMBERED:]]
        return cast(Place, _Place(at=at, seen=seen, length=length, back=0))

    def _mark(self, record: Record) -> str:
        """Return what tells a record in its place (first half) and its state (second half)."""
        return _digest(self.identity(record)) + _digest(record.text)

    def _sorted_out(
        self, records: Sequence[Record], seen: Sequence[str]
    ) -> tuple[list[Record], bool]:
        """Return the records that are new, and whether any was known."""
        known = {mark[:16] for mark in seen}
        states = set(seen)
        marks = [self._mark(record) for record in records]
        fresh = [r for r, mark in zip(records, marks, strict=True) if mark not in states]
        return fresh, any(mark[:16] in known for mark in marks)

    @staticmethod
    def _back(replies: Sequence[Reply], place: _Place, at: int) -> Step:
        if place["back"] >= _MOST_BACK:
            raise RetriableError(
                f"The list of {replies[0].request} moves faster than it can be read. Sync again "
                "later, or page it by a cursor, or ask for larger pages."
            )
        earlier = _Place(at=at, seen=place["seen"], length=place["length"], back=place["back"] + 1)
        return Step(replies, [], cast(Place, earlier), is_back=True)


@dataclass(frozen=True)
class ByOffset(_Positions):
    """`offset=200`: each page starts a little before the end of the one before."""

    def step(self, ask: Ask, first: Request, place: Place | None) -> Step:
        """Return the page at `place`, less what is known of it."""
        if place is None:
            reply = self._ask(ask, first, self.start)
            return self._after(reply, self.start, [reply], reply.records)
        at = cast(_Place, place)
        length = at["length"]
        overlap = max(1, length // 10) if length > 1 else 0
        overlap = min(overlap, at["at"] - self.start)
        reply = self._ask(ask, first, at["at"] - overlap)
        fresh, is_known = self._sorted_out(reply.records, at["seen"])
        if overlap and not is_known:
            return self._back([reply], at, max(self.start, at["at"] - overlap - length))
        if len(reply.records) > overlap or self._says_end(reply, at["at"] - self.start):
            return self._after(reply, at["at"] - overlap, [reply], fresh)
        # Nothing but the overlap: the end, unless its pages are as short as that.
        beyond = self._ask(ask, first, at["at"])
        new, _ = self._sorted_out(beyond.records, at["seen"])
        return self._after(beyond, at["at"], [reply, beyond], [*fresh, *new])

    def _after(
        self, reply: Reply, at: int, replies: Sequence[Reply], fresh: Sequence[Record]
    ) -> Step:
        next_at = at + len(reply.records)
        if not reply.records or self._says_end(reply, next_at - self.start):
            return Step(replies, fresh, None)
        return Step(replies, fresh, self._place(next_at, reply.records, len(reply.records)))


@dataclass(frozen=True)
class ByPage(_Positions):
    """`page=3`: numbers cannot overlap, so the page before is read once more, after it.

    Attributes:
        is_checked: Whether to do so. What a list that is read whole at each sync loses in
            one, the next one finds; so there it is not worth twice the requests.
    """

    is_checked: bool = True

    def step(self, ask: Ask, first: Request, place: Place | None) -> Step:
        """Return the page at `place`, and what has moved into the one before."""
        if place is None:
            reply = self._ask(ask, first, self.start)
            return self._after(reply, self.start, [reply], reply.records)
        at = cast(_Place, place)
        number = at["at"]
        reply = self._page_or_end(ask, first, number)
        if not self.is_checked or number == self.start:
            fresh, _ = self._sorted_out(reply.records, at["seen"])
            return self._after(reply, number, [reply], fresh)
        before = self._page_or_end(ask, first, number - 1)
        fresh, is_known = self._sorted_out([*before.records, *reply.records], at["seen"])
        if not is_known:
            return self._back([reply, before], at, number - 1)
        return self._after(reply, number, [reply, before], fresh)

    def _page_or_end(self, ask: Ask, first: Request, number: int) -> Reply:
        """Return the page; a list may answer 404 for what is after its last page."""
        try:
            return self._ask(ask, first, number)
        except Refused as error:
            if error.status != 404 or number <= self.start:
                raise
        reply = self._ask(ask, first, self.start)  # the list itself must be there
        return Reply(reply.request, reply.headers, None, (), reply.asked_at)

    def _after(
        self, reply: Reply, number: int, replies: Sequence[Reply], fresh: Sequence[Record]
    ) -> Step:
        if not reply.records or self._says_end(reply, number + 1 - self.start):
            return Step(replies, fresh, None)
        return Step(replies, fresh, self._place(number + 1, reply.records, len(reply.records)))


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
