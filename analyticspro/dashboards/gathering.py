"""All that a page asks the api for, gathered in one request under its viewer's token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from analyticspro.errors import AnalyticsProError, ServiceUnavailable, from_payload
from analyticspro.metrics.query import Query

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["Api", "Gathered", "Missing", "Reply", "Wanted"]

_TIMEOUT_S = 60
_AT_ONCE = 64
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Wanted:
    """What is to be asked: queries, and dimensions whose values are offered."""

    queries: tuple[Query, ...] = ()
    dimensions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as the api is asked."""
        return {
            "queries": [query.to_json() for query in self.queries],
            "values": list(self.dimensions),
        }

    def and_also(self, missing: Missing) -> Wanted:
        """Return all this and what was missing."""
        queries = dict.fromkeys((*self.queries, *missing.queries))
        added = (missing.dimension,) if missing.dimension else ()
        return Wanted(tuple(queries), (*self.dimensions, *added))


class Missing(Exception):
    """A page needs what was not gathered yet."""

    def __init__(self, queries: Sequence[Query] = (), dimension: str = "") -> None:
        super().__init__("not gathered yet")
        self.queries = tuple(queries)
        self.dimension = dimension


@dataclass(frozen=True)
class Reply:
    """What the api said.

    Attributes:
        body: The same for all who see the same of the same data.
        now: Wall-clock time in the workspace's zone, ISO.
    """

    body: bytes
    now: str


class Api:
    """Asks the api of a workspace.

    Args:
        address: Where it answers; asked each time, as it may have been started again.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._client: AsyncHTTPClient = SimpleAsyncHTTPClient(
            force_instance=True, max_clients=_AT_ONCE, max_body_size=_MOST_BYTES
        )

    @property
    def address(self) -> str:
        """Where it answers just now."""
        return self._address()

    async def figures(
        self, token: str, wanted: Wanted, more: Mapping[str, str] | None = None
    ) -> Reply:
        """Return all that is wanted, from one moment; raises AnalyticsProError.

        Args:
            token: Of who looks.
            wanted: What is asked for.
            more: Headers sent along.
        """
        request = HTTPRequest(
            f"{self._address()}/v1/figures",
            method="POST",
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **(more or {}),
            },
            body=json.dumps(wanted.to_json()),
            request_timeout=_TIMEOUT_S,
            connect_timeout=_TIMEOUT_S,
            follow_redirects=False,
        )
        try:
            reply = await self._client.fetch(request)
            return Reply(reply.body, reply.headers["Analyticspro-Now"])
        except HTTPClientError as error:
            raise _told(error) from None
        except (OSError, KeyError):
            raise ServiceUnavailable(
                f"The api does not answer at {self._address()}. 'analyticspro status' tells "
                "whether it runs; 'analyticspro up' starts it."
            ) from None


def _told(error: HTTPClientError) -> AnalyticsProError:
    try:
        assert error.response is not None
        return from_payload(json.loads(error.response.body)["error"])
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError):
        return ServiceUnavailable(f"The api answered {error.code}. Try again.")


@dataclass
class Gathered:
    """What was gathered for one drawing of a page; it takes the part of the client there.

    Attributes:
        error: Raised instead of any answer.
        used: The queries that were taken up, in order.
    """

    error: AnalyticsProError | None = None
    used: dict[Query, None] = field(default_factory=dict)
    _unread: list[tuple[Reply, Wanted]] = field(default_factory=list)
    _workspace: dict[str, Any] = field(default_factory=dict)
    _values: dict[str, dict[str, Any]] = field(default_factory=dict)
    _answers: dict[Query, dict[str, Any]] = field(default_factory=dict)

    def take(self, reply: Reply, wanted: Wanted) -> None:
        """Keep what the api said to what was wanted; it is read when the page is drawn."""
        self._unread.append((reply, wanted))

    def _read(self) -> None:
        for reply, wanted in self._unread:
            told = json.loads(reply.body)
            self._workspace = {**told["workspace"], "now": reply.now}
            self._values.update(told["values"])
            self._answers.update(zip(wanted.queries, told["answers"], strict=True))
        self._unread.clear()

    def workspace(self) -> dict[str, Any]:
        """Return what the workspace is and how far its data reaches."""
        if self.error is not None:
            raise self.error
        self._read()
        return self._workspace

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension; raises Missing."""
        if dimension not in self._values:
            raise Missing(dimension=dimension)
        found = self._values[dimension]
        if "error" in found:
            raise from_payload(found["error"])
        return list(found["values"])

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        """Return an answer or an error for each query; raises Missing."""
        from analyticspro.client.remote import answer_of

        if any(query not in self._answers for query in queries):
            raise Missing(queries)
        self.used.update(dict.fromkeys(queries))
        found = [self._answers[query] for query in queries]
        return [from_payload(i["error"]) if "error" in i else answer_of(i) for i in found]
