"""Takes out of a line of a web server's log what is not to be stored."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Literal

__all__ = ["Client", "redacted"]

Client = Literal["drop", "network", "whole"]

# From the question mark or the hash on, to a blank or a quote that is not escaped.
_QUERY = re.compile(r'[?#](?:\\.|[^\s"\\])*')
_SIGNED_IN = re.compile(r'(?<=://)[^/@\s"]*@')
_ADDRESS = re.compile(r"[\w%-]*[.:][\w.:%-]*")
_HIDDEN = "*"


def redacted(line: str, *, client: Client, keep_query: Collection[str] = ()) -> str:
    """Return the line without values of query strings, passwords in addresses, and the client.

    The whole line is treated, before anything reads it: so neither an event nor its raw
    record nor a reject can hold what was taken out. Names of parameters stay.

    >>> redacted('1.2.3.4 - - "GET /reset?token=s3cret&page=2"', client="network",
    ...          keep_query=["page"])
    '1.2.3.0 - - "GET /reset?token=*&page=2"'

    Args:
        line: As it came.
        client: How much is kept of the address that the line begins with.
        keep_query: Parameters whose values stay.
    """
    kept = set(keep_query)
    line = _QUERY.sub(lambda found: _query(found[0], kept), line)
    line = _SIGNED_IN.sub("", line)
    if client == "whole":
        return line
    first, blank, rest = line.partition(" ")
    if _ADDRESS.fullmatch(first):
        first = _network(first) if client == "network" else "-"
    return first + blank + rest


def _query(text: str, kept: set[str]) -> str:
    if text.startswith("#"):
        return ""
    inner, _, _ = text[1:].partition("#")
    return "?" + "&".join(_parameter(item, kept) for item in inner.split("&"))


def _parameter(item: str, kept: set[str]) -> str:
    name, equals, value = item.partition("=")
    if not equals:  # the name alone may be the secret
        return item if not item or item in kept else _HIDDEN
    return f"{name}={value if name in kept or not value else _HIDDEN}"


def _network(address: str) -> str:
    """Return the network of 256 addresses (IPv6: of the /48); a host's name is dropped."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "-"
    length = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network((found, length), strict=False).network_address)
