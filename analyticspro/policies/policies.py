"""The data policies of one workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from analyticspro.audit import Actor, AuditLog, Writing
from analyticspro.config import Home
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.policies.holders import Holder
from analyticspro.policy import DEFAULT_GRANTS, EVERYTHING, Grant, Role, RowFilter, Scope
from analyticspro.state import GrantTable, State

__all__ = ["Policies", "Stored", "check_tags"]

_KEPT_FOR = timedelta(seconds=5)
_TAG = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_BY_DEFAULT = "default"


@dataclass(frozen=True)
class Stored:
    """A grant, its number, and who has it.

    Attributes:
        made_by: Username; `default` of what nobody has changed.
        made_at: UTC; None of what nobody has changed.
    """

    number: int
    holder: Holder
    grant: Grant
    made_by: str
    made_at: datetime | None


class Policies:
    """Who is granted what. Any number of processes may have them open at once.

    A change made anywhere holds here within five seconds. Whether the caller may change
    anything, the caller has to have asked.
    """

    def __init__(self, state: State, audit: AuditLog) -> None:
        self._state = state
        self._audit = audit
        self._known: tuple[datetime, tuple[Stored, ...]] | None = None

    @classmethod
    def of(cls, home: Home, state: State) -> Self:
        """Return the policies of `home`, whose state database is open."""
        return cls(state, AuditLog.of(home, state))

    def all(self) -> tuple[Stored, ...]:
        """Return every grant, in the order of their numbers; the defaults before any change."""
        with self._state.reading() as connection:
            table = GrantTable(connection)
            if not table.changes():
                return _defaults()
            return tuple(
                Stored(
                    row.id,
                    Holder.parse(row.holder),
                    _read(row.content, f"grant {row.id} of {row.holder}"),
                    row.made_by,
                    row.made_at,
                )
                for row in table.all()
            )

    def scope(self, username: str, role: Role | None, *, now: datetime) -> Scope:
        """Return what a person may see: what the role is granted, and what the person is.

        Args:
            username: Such as `p12`.
            role: Of the person; None if there is none, so that only own grants count.
            now: UTC. What is stored is asked again when it was last five seconds ago.
        """
        known = self._known
        if known is None or not timedelta(0) <= now - known[0] < _KEPT_FOR:
            known = self._known = (now, self.all())
        names = {f"person:{username}", *([] if role is None else [f"role:{role}"])}
        return Scope(username, tuple(s.grant for s in known[1] if str(s.holder) in names))

    def look_again(self) -> None:
        """Have the next question be answered from what is stored by then."""
        self._known = None

    def grant(self, holder: Holder, given: Grant, *, by: Actor, now: datetime) -> Stored:
        """Grant something to a role or a person.

        Raises:
            DefinitionError: Something is no tag.
        """
        check_tags(given)
        with self._changing(now) as (writing, table, _):
            number = table.add(str(holder), _written(given), made_by=by.name, now=now)
            writing.note(by, "policies.grant", str(holder), f"{number}: {_told(given)}")
        named = replace(given, name=f"grant {number} of {holder}")
        return Stored(number, holder, named, by.name, now)

    def withdraw(self, number: int, *, by: Actor, now: datetime) -> Stored:
        """Withdraw a grant; raises UnknownName if there is none of this number."""
        found = {stored.number: stored for stored in self.all()}
        if number not in found:
            raise UnknownName.of("grant", str(number), map(str, found))
        gone = found[number]
        with self._changing(now) as (writing, table, renumbered):
            if not table.remove(renumbered.get(number, number)):
                raise UnknownName.of("grant", str(number), [str(row.id) for row in table.all()])
            note = f"{number}: {_told(gone.grant)}"
            writing.note(by, "policies.withdraw", str(gone.holder), note)
        return gone

    @contextmanager
    def _changing(self, now: datetime) -> Iterator[tuple[Writing, GrantTable, dict[int, int]]]:
        """Give a transaction with the defaults written down, if this is the first change."""
        with self._audit.writing(now) as writing:
            table = GrantTable(writing.connection)
            renumbered: dict[int, int] = {}
            if not table.changes(lock=True):
                for each in _defaults():
                    renumbered[each.number] = table.add(
                        str(each.holder), _written(each.grant), made_by=_BY_DEFAULT, now=now
                    )
            yield writing, table, renumbered
            table.count_change()
        self._known = None


def check_tags(given: Grant) -> None:
    """Raise DefinitionError if something that is granted is no tag."""
    for tag in given.tags - {EVERYTHING}:
        if _TAG.fullmatch(tag) is None:
            raise DefinitionError(
                f"{tag!r} is no tag. Use small letters, digits, _ and -, such as revenue."
            )


def _defaults() -> tuple[Stored, ...]:
    given = [(role, grant) for role, grants in DEFAULT_GRANTS.items() for grant in grants]
    return tuple(
        Stored(number, Holder.of_role(role), grant, _BY_DEFAULT, None)
        for number, (role, grant) in enumerate(given, 1)
    )


def _written(grant: Grant) -> dict[str, Any]:
    return {
        "tags": sorted(grant.tags),
        "where": [
            {"field": item.field, "values": list(item.values), "exclude": item.exclude}
            for item in grant.where
        ],
        "aggregates_only": grant.aggregates_only,
    }


def _read(content: dict[str, Any], name: str) -> Grant:
    where: Sequence[dict[str, Any]] = content["where"]
    return Grant(
        frozenset(content["tags"]),
        tuple(RowFilter(i["field"], tuple(i["values"]), exclude=i["exclude"]) for i in where),
        aggregates_only=content["aggregates_only"],
        name=name,
    )


def _told(grant: Grant) -> str:
    """Return a grant in words, without the values of its filters, which may be personal."""
    return str(replace(grant, name="")).removeprefix("grant ")
