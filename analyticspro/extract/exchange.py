"""What is asked of a source over HTTP, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

__all__ = ["Again", "Malformed", "Request", "Response", "origin", "shown", "without"]


class Again(Exception):
    """The same request may be answered if it is sent again, after `wait` seconds if told."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


class Malformed(Exception):
    """The answer is not written as it should be; the message never quotes it."""


@dataclass(frozen=True)
class Request:
    """A request, which never shows its parameters and headers: a secret may be among them.

    Attributes:
        url: Absolute; it may have parameters of its own.
        parameters: Put into the query; they take the place of those of the same name.
        form: Sent as the body of a POST; without it the request is a GET.
    """

    url: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def method(self) -> Literal["GET", "POST"]:
        """GET, or POST where there is a form."""
        return "GET" if self.form is None else "POST"

    @property
    def address(self) -> str:
        """The whole URL, parameters included."""
        parts = urlsplit(self.url)
        kept = [
            pair
            for pair in parse_qsl(parts.query, keep_blank_values=True)
            if pair[0] not in self.parameters
        ]
        query = urlencode([*kept, *self.parameters.items()])
        return urlunsplit(parts._replace(query=query, fragment=""))

    def adding(
        self,
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        """Return the request with `parameters` and `headers` besides its own."""
        return replace(
            self,
            parameters={**self.parameters, **(parameters or {})},
            headers={**self.headers, **(headers or {})},
        )

    def __str__(self) -> str:
        return f"{self.method} {shown(self.url)}"


@dataclass(frozen=True)
class Response:
    """A whole answer, unpacked.

    Attributes:
        headers: By name in small letters.
        is_whole: Whether the answer itself said where it ends, so that one that was cut
            would have been noticed.
        seconds: How long the answer took.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    is_whole: bool = True
    seconds: float = 0

    @property
    def date(self) -> datetime | None:
        """When the server says it answered, by its own clock."""
        return http_date(self.headers.get("date", ""))


def http_date(text: str) -> datetime | None:
    """Return the instant that a header says; None if it says none."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return at if at.tzinfo else None


def origin(url: str) -> tuple[str, str, int | None]:
    """Return whom `url` speaks to: scheme, host, port.

    >>> origin("https://API.example.com/v1") == origin("https://api.example.com:443/")
    True
    """
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def shown(url: str) -> str:
    """Return `url` as a message may show it: without account, parameters and fragment.

    >>> shown("https://me:pw@api.example.com/v1?key=secret#x")
    'https://api.example.com/v1'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def without(url: str, names: frozenset[str]) -> str:
    """Return `url` without the parameters of these `names`.

    >>> without("https://api.example.com/v1?key=secret&page=2", frozenset({"key"}))
    'https://api.example.com/v1?page=2'
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if not any(name in names for name, _ in pairs):
        return url
    query = urlencode([pair for pair in pairs if pair[0] not in names])
    return urlunsplit(parts._replace(query=query))
