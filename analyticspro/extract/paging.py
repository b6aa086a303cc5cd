"""From one page of a list to the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from urllib.parse import urljoin

from analyticspro.errors import SourceError
from analyticspro.extract.exchange import Request, origin, shown, without

__all__ = ["Ask", "ByCursor", "ByLink", "ByNextUrl", "OnePage", "Paging", "Place", "Record"]
__all__ += ["Reply", "Step", "at_path", "scalar"]

# Where a page is, as JSON; None for the first.
Place = Mapping[str, object]


class Record(NamedTuple):
    """One record of a page: as JSON text that is the same whenever the record is, and read."""

    text: str
    value: object


@dataclass(frozen=True)
class Reply:
    """One page as it came.

    Attributes:
        request: What it answers.
        headers: By name in small letters.
        body: The JSON around the records; None where there is nothing but records.
        records: Those of the page.
        asked_at: Before it was asked for, by the clock of the source if it tells its time.
        size: Bytes.
    """

    request: Request
    headers: Mapping[str, str] = field(repr=False)
    body: object = field(repr=False)
    records: Sequence[Record] = field(repr=False)
    asked_at: datetime
    size: int = 0


Ask = Callable[[Request], Reply]


@dataclass(frozen=True)
class Step:
    """What one step of a walk brought.

    Attributes:
        replies: The pages asked for; the first is the one that the step is about.
        records: What is to be handed on.
        place: Where the next page is; None after the last.
        is_back: Whether it had to go back, so that a page seen before is no loop.
    """

    replies: Sequence[Reply]
    records: Sequence[Record]
    place: Place | None
    is_back: bool = False


class Paging(Protocol):
    """How a source parts its lists into pages."""

    def step(self, ask: Ask, first: Request, place: Place | None) -> Step:
        """Return the page at `place`.

        Args:
            ask: Asks for a page.
            first: The request of the stream, as it is for its first page.
            place: Which page; None for the first.
        """


class OnePage:
    """A list that comes whole."""

    def step(self, ask: Ask, first: Request, place: Place | None) -> Step:
        """Return the page."""
        reply = ask(first)
        return Step([reply], reply.records, None)


@dataclass(frozen=True)
class _ByUrl:
    """The source gives the address of the next page.

    Attributes:
        hidden: Parameters that hold a secret; see `Authentication.hidden`.
    """

    hidden: frozenset[str] = frozenset()

    def step(self, ask: Ask, first: Request, place: Place | None) -> Step:
        """Return the page at the address that the one before gave."""
        request = first if place is None else Request(str(place["url"]), headers=first.headers)
        reply = ask(request)
        link = self._link(reply)
        if not link:
            return Step([reply], reply.records, None)
        return Step([reply], reply.records, {"url": self._absolute(first, reply, link)})

    def _link(self, reply: Reply) -> str | None:
        raise NotImplementedError

    def _absolute(self, first: Request, reply: Reply, link: str) -> str:
        try:
            url = without(urljoin(reply.request.url, link), self.hidden)
            is_same = origin(url) == origin(first.url)
        except ValueError:
            raise SourceError(f"The next page after {reply.request} has no address.") from None
        if not is_same:
            raise SourceError(
                f"The next page after {reply.request} is said to be at {shown(url)}, where no "
                "secret is sent unasked. If that is right, write its host into url."
            )
        return url


@dataclass(frozen=True)
class ByLink(_ByUrl):
    """`Link: <…>; rel="next"` (RFC 8288)."""

    def _link(self, reply: Reply) -> str | None:
        for target, rest in re.findall(r"<([^>]*)>([^<]*)", reply.headers.get("link", "")):
            relation = re.search(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', rest, re.IGNORECASE)
            if relation and "next" in (relation[1] or relation[2] or "").lower().split():
                return str(target)
        return None


@dataclass(frozen=True)
class ByNextUrl(_ByUrl):
    """The address in a header, or in a field of the body; absolute or not."""

    body: str | None = None
    header: str | None = None

    def _link(self, reply: Reply) -> str | None:
        if self.header is not None:
            return reply.headers.get(self.header.lower())
        return scalar(at_path(reply.body, self.body or ""), self.body or "", reply)


@dataclass(frozen=True)
class ByCursor:
    """The source gives a token, in a header, the body, or as a field of the last record.

    Attributes:
        parameter: Takes the token.
        more: A field of the body that says whether there is another page; without it, the
            last one is that which gives no token (or has no record to take it from).
    """

    parameter: str
    body: str | None = None
    header: str | None = None
    last_record: str | None = None
    more: str | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)

    def step(self, ask: Ask, first: Request, place: Place | None) -> Step:
        """Return the page after the token that the one before gave."""
        request = first.adding(parameters=self.fixed)
        if place is not None:
            request = request.adding(parameters={self.parameter: str(place["token"])})
        reply = ask(request)
        has_more = None if self.more is None else at_path(reply.body, self.more)
        if has_more in (False, None, "false") and self.more is not None:
            return Step([reply], reply.records, None)
        token = self._token(reply)
        if not token and has_more:
            raise SourceError(
                f"{reply.request} says in {self.more!r} that there is more, but not where: "
                f"{self._place()} is empty. Check paging."
            )
        return Step([reply], reply.records, {"token": token} if token else None)

    def _place(self) -> str:
        if self.header is not None:
            return f"header {self.header!r}"
        if self.last_record is not None:
            return f"{self.last_record!r} of the last record"
        return repr(self.body)

    def _token(self, reply: Reply) -> str | None:
        if self.header is not None:
            return reply.headers.get(self.header.lower())
        if self.last_record is None:
            return scalar(at_path(reply.body, self.body or ""), self.body or "", reply)
        if not reply.records:
            return None
        return scalar(at_path(reply.records[-1].value, self.last_record), self.last_record, reply)


def at_path(value: object, path: str) -> object:
    """Return what the dots of `path` lead to; None if there is nothing.

    >>> at_path({"meta": {"next": "b"}}, "meta.next"), at_path([], "meta")
    ('b', None)
    """
    if isinstance(value, dict) and path in value:
        return value[path]
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def scalar(value: object, path: str, reply: Reply) -> str | None:
    """Return `value` as text; None for none. Raises SourceError for what is no single value."""
    if value is None or value is False:
        return None
    if isinstance(value, str | int) and value is not True:
        return str(value)
    raise SourceError(
        f"{reply.request}: {path!r} should say where the next page is, and holds no single value. "
        "Check paging."
    )
