"""Durations as people write them: 90s, 15m, 2h, 7d."""

from __future__ import annotations

import re
from datetime import timedelta

from analyticspro.errors import DefinitionError

__all__ = ["parse_duration", "write_duration"]

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST = timedelta(days=366)


def parse_duration(text: str, what: str) -> timedelta:
    """Return the duration written as `text`; `what` names it in errors.

    >>> parse_duration("15m", "hold_for")
    datetime.timedelta(seconds=900)
    """
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    length = timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found else None
    if length is None or length > _LONGEST:
        raise DefinitionError(
            f"{what} is {text!r}. Write a whole number of seconds (s), minutes (m), hours (h) or "
            "days (d), such as 15m, and no more than 366d."
        )
    return length


def write_duration(length: timedelta) -> str:
    """Return `length`, of whole seconds, in the longest unit that it is a multiple of.

    >>> write_duration(timedelta(hours=36)), write_duration(timedelta(0))
    ('36h', '0s')
    """
    seconds = round(length.total_seconds())
    for unit, size in _UNITS.items():
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return "0s"
