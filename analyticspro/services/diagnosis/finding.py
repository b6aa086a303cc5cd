"""What a check found, and what the checks look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from analyticspro.config import Home
from analyticspro.services.table import Service

__all__ = ["Finding", "Subject", "count"]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: What was looked at.
        is_ok: Whether all is well with it.
        found: What was seen, without a full stop.
        cure: What to do about it; empty if all is well.
    """

    check: str
    is_ok: bool
    found: str
    cure: str = ""

    @classmethod
    def well(cls, check: str, found: str) -> Finding:
        """Return that all is well."""
        return cls(check, True, found)

    @classmethod
    def problem(cls, check: str, found: str, cure: str) -> Finding:
        """Return that something is wrong."""
        return cls(check, False, found, cure)

    @classmethod
    def of(cls, check: str, error: Exception) -> Finding:
        """Return the problem that an error tells of: its first sentence, then the cure.

        >>> Finding.of("token", ValueError("It is open. Run 'chmod 600 x'.")).cure
        "Run 'chmod 600 x'."
        """
        found, *rest = re.split(r"[.:;] (?=[A-Z'])", str(error), maxsplit=1)
        return cls.problem(check, found.rstrip("."), rest[0] if rest else "")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Subject:
    """What is examined.

    Attributes:
        home: The workspace; its folder is there.
        now: The time, UTC.
        services: Those that belong to it.
    """

    home: Home
    now: datetime
    services: Sequence[Service]


def count(number: int, what: str) -> str:
    """Return a number of things in words.

    >>> count(1, "secret"), count(2, "secret")
    ('1 secret', '2 secrets')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")
