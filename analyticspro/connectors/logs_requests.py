"""Reads the lines that web servers write of requests: Common and Combined Log Format."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from analyticspro.errors import DataError

if TYPE_CHECKING:
    from analyticspro.connectors.logs_source import LogsSource

__all__ = ["COLUMNS", "request"]

COLUMNS = (
    *("time", "user", "method", "path", "query", "status", "bytes"),
    *("referrer", "agent", "response", "client"),
)

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
# Each piece with what it is called where it is missing. Source: Apache's mod_log_config
# and nginx' ngx_http_log_module, which agree on both formats.
_COMMON = (
    (r"(\S+) ", "client"),
    (r"\S+ ", "identity"),
    (r"([^\[\"]+) (?=\[)", "user"),
    (r"\[([^\]]+)\] ", "time in brackets"),
    (rf"{_QUOTED} ", "request in quotes"),
    (r"([0-9]{3}) ", "status of three digits"),
    (r"([0-9]+|-)", "number of bytes"),
)
_COMBINED = (
    *_COMMON,
    (rf" {_QUOTED}", "referrer in quotes"),
    (rf" {_QUOTED}", "agent in quotes"),
)
_TIME = (r" ([0-9]{1,12}(?:\.[0-9]{1,9})?|-)", "response time")
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}

_Pieces = tuple[tuple[re.Pattern[str], str], ...]


def _compiled(pieces: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], _Pieces]:
    whole = re.compile("".join(pattern for pattern, _ in pieces))
    return whole, tuple((re.compile(pattern), name) for pattern, name in pieces)


_FORMATS = {
    ("common", False): _compiled(_COMMON),
    ("common", True): _compiled((*_COMMON, _TIME)),
    ("combined", False): _compiled(_COMBINED),
    ("combined", True): _compiled((*_COMBINED, _TIME)),
}


def request(source: LogsSource, line: str) -> list[str | None]:
    """Return the values of `COLUMNS` that a line holds.

    A request that was none (a scanner's bytes, a connection that said nothing) has neither
    method nor path, and counts all the same: the server answered it.

    Args:
        source: Says the format.
        line: After `redacted`, without its end.

    Raises:
        DataError: It is not written so; says what is missing, and where.
    """
    whole, pieces = _FORMATS[source.format, source.response_time is not None]
    found = whole.fullmatch(line)
    if found is None:
        raise DataError(_because(source, line, pieces))
    client, user, time, asked, status, size, *more = found.groups()
    response = _microseconds(more.pop(), source.response_time) if source.response_time else None
    referrer, agent = more or (None, None)
    method, path, query = _asked(asked, source)
    sent = "0" if size == "-" else size
    address = None if referrer is None else _given(referrer.partition("?")[0])
    return [
        *(time, _given(user), method, path, query, status, sent),
        *(address, agent and _given(agent), response, _given(client)),
    ]


def _given(text: str) -> str | None:
    return None if text in ("-", "") else text


def _asked(asked: str, source: LogsSource) -> tuple[str | None, str | None, str | None]:
    method, _, rest = asked.partition(" ")
    target, blank, protocol = rest.rpartition(" ")
    if not blank or not protocol.startswith("HTTP/") or not method.isalpha():
        return None, None, None
    if "://" in target[:12]:  # as a proxy is asked
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    kept = [item for item in query.split("&") if item.partition("=")[0] in source.keep_query]
    return method, path, "&".join(kept) or None


def _microseconds(text: str, unit: str) -> str | None:
    return None if text == "-" else str(round(Decimal(text) * _MICROSECONDS[unit]))


def _because(source: LogsSource, line: str, pieces: _Pieces) -> str:
    at = 0
    for pattern, name in pieces:
        found = pattern.match(line, at)
        if found is None:
            return f"is no line of format {source.format!r}: no {name} at character {at + 1}"
        at = found.end()
    cure = "" if source.response_time else "; if that is the response time, set response_time"
    return (
        f"is no line of format {source.format!r}: goes on after its end at character {at + 1}{cure}"
    )
