"""How Segment's names become names of events."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from analyticspro.errors import DefinitionError
from analyticspro.events import check_name

__all__ = ["KINDS", "event_name"]

# Segment's types of message; a track message says itself what happened.
KINDS = {
    "track": None,
    "identify": "user_identified",
    "page": "page_viewed",
    "screen": "screen_viewed",
    "group": "group_joined",
    "alias": "user_aliased",
}

_LONGEST = 200
# Where a word starts inside of another: orderPaid, HTTPError.
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[^a-z0-9]+")


def event_name(given: str) -> str | None:
    """Return the name of an event that a sender calls `given`; None if none can be made.

    Words are joined by underscores, accents are dropped, and a name that starts with a digit
    is put behind `event_`. So names that differ in nothing else become one.

    >>> event_name("Order Completed"), event_name("FirstHTTPCall12"), event_name("Café – 2nd")
    ('order_completed', 'first_http_call12', 'cafe_2nd')
    >>> event_name("3D Viewed"), event_name("注文")
    ('event_3d_viewed', None)
    """
    return _known(given) if len(given) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _known(given: str) -> str | None:
    plain = unicodedata.normalize("NFKD", given).encode("ascii", "ignore").decode()
    # What is a letter elsewhere must not vanish from between two words.
    if any(
        sign.isalpha() and not unicodedata.normalize("NFKD", sign)[0].isascii() for sign in given
    ):
        return None
    words = _BETWEEN.sub("_", _HUMP.sub("_", plain.replace("'", "")).lower()).strip("_")
    if words[:1].isdigit():
        words = f"event_{words}"
    try:
        return check_name(words)
    except DefinitionError:
        return None
