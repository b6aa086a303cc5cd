"""Whether a text speaks of somebody: how records that could not be read are told to be theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

__all__ = ["mentions"]


def mentions(text: str | None, ids: Sequence[str]) -> bool:
    """Tell whether `text` holds one of `ids`.

    In JSON an id is held by a value that is the id, at any depth; a longer text that contains
    it says something else. In any other text, such as a line of CSV that breaks off, it is
    held where no letter, digit or underscore stands beside it.

    >>> mentions('{"customer": "ann", "note": "of joanna"}', ["ann"])
    True
    >>> mentions('{"note": "of joanna"}', ["ann"]), mentions('7,"ann,Paris', ["ann"])
    (False, True)
    """
    if text is None or not text:
        return False
    try:
        return _holds(json.loads(text, parse_int=str, parse_float=str), frozenset(ids))
    except (ValueError, RecursionError):
        return any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text) for each in ids)


def _holds(value: object, ids: frozenset[str]) -> bool:
    match value:
        case str():
            return value in ids
        case dict():
            return any(_holds(each, ids) for each in value.values())
        case list():
            return any(_holds(each, ids) for each in value)
    return False
