"""What is looked for in the audit log, as it stands in the address of its page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from analyticspro.accounts import Person
from analyticspro.errors import DefinitionError

__all__ = ["Search"]

_LONGEST = 200
_OUTCOMES = {"done": True, "refused": False}
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Search:
    """A search.

    Attributes:
        who: A username, an e-mail or a name of somebody who is there.
        action: Of this action, or of all below it.
        subject: What is in the name of what it was done to.
        outcome: `done`, `refused`, or both if empty.
        since: The first day, UTC, as 2026-11-01.
        until: The last day, UTC, itself included.
        before: Only entries older than this number.
    """

    who: str = ""
    action: str = ""
    subject: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""
    before: str = ""

    @classmethod
    def sent(cls, given: Callable[[str, str], str]) -> Search:
        """Return what came with a request."""
        return cls(**{name: given(name, "").strip()[:_LONGEST] for name in cls.__annotations__})

    def filters(self, people: Mapping[str, Person]) -> dict[str, Any]:
        """Return it as `AuditLog.newest` takes it.

        Raises:
            DefinitionError: A date is none.
        """
        last = _day(self.until)
        return {
            "who": self._username(people) or None,
            "action": self.action or None,
            "subject": self.subject or None,
            "allowed": _OUTCOMES.get(self.outcome),
            "since": _day(self.since),
            "until": None if last is None else last + timedelta(days=1),
            "before": int(self.before) if _NUMBER.fullmatch(self.before) else None,
        }

    def address(self, **more: object) -> str:
        """Return it as the part of an address after the question mark."""
        given = {**asdict(self), **more}
        return urlencode({name: value for name, value in given.items() if value})

    def _username(self, people: Mapping[str, Person]) -> str:
        wanted = self.who.casefold()
        for username, person in people.items():
            if wanted and wanted in (person.email.casefold(), person.name.casefold()):
                return username
        return self.who


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except (ValueError, OverflowError):
        raise DefinitionError(f"{text!r} is no day. Write it as 2026-11-01.") from None
