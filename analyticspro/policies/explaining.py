"""Why somebody sees something or not: one answer for the pages, the api and the command line.

It is made of what decides: the grants of a scope, and the permission table.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from analyticspro.metrics import catalog
from analyticspro.policies.asked import Kind, Thing
from analyticspro.policies.seers import Seer
from analyticspro.policy import (
    FIELD_TAGS,
    UNTAGGED,
    Decision,
    Rows,
    Scope,
    decide,
    permission,
    scopes_of,
)

__all__ = ["Explained", "Tagged", "explain"]


class Tagged(Protocol):
    """Knows what only the data tells."""

    def dimension_tags(self, name: str) -> tuple[frozenset[str], bool]:
        """Return the tags of a dimension, and whether it is declared; raises UnknownName."""

    def tags_of_property(self, event: str, path: str) -> frozenset[str]:
        """Return the tags of a property of an event; raises UnknownName."""


@dataclass(frozen=True)
class Explained:
    """An answer.

    Attributes:
        who: Whom it is about.
        what: What was asked about.
        shown: Whether it is seen, or may be done; None where that depends on the row.
        reason: Why, with the granting rows, or those that there are.
        missing: The row that would change it; empty if nothing is missing.
        cure: Who can add it, and where; empty if nothing is missing.
    """

    who: str
    what: str
    shown: bool | None
    reason: str
    missing: str = ""
    cure: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def explain(what: str, of: Seer, tagged: Tagged, admins: Collection[str] = ()) -> Explained:
    """Return whether somebody sees something, and why.

    Args:
        what: As `Thing.parse` reads it.
        of: Whom it is about.
        tagged: Asked about properties and promoted dimensions alone.
        admins: Names of those who can grant it, for the cure.

    Raises:
        UnknownName: There is no such thing.
        DefinitionError: It cannot be read.
    """
    thing = Thing.parse(what)
    if thing.kind in (Kind.CAPABILITY, Kind.PAGE):
        return _of_capability(thing, of, admins)
    tags, aggregates = _carried(thing, tagged)
    decision = _decided(thing, of.scope, tags, declared=aggregates)
    called = " ".join(what.split())
    if not decision.allowed:
        needed = _needed(tags, of)
        return Explained(of.title, called, False, decision.reason, needed, _cure(admins))
    rows = _rows(of.scope, tags, thing, declared=aggregates)
    if not thing.where:
        return Explained(of.title, called, True, decision.reason)
    seen, why = _of_row(rows, {each.field: each.values[0] for each in thing.where})
    reason = f"{decision.reason} {why}"
    if seen is False:
        needed = _needed(tags, of, of_row=thing)
        return Explained(of.title, called, False, reason, needed, _cure(admins))
    return Explained(of.title, called, seen, reason)


def _of_capability(thing: Thing, of: Seer, admins: Collection[str]) -> Explained:
    wanted = thing.capability
    row = permission(wanted)
    held = () if of.role is None else scopes_of(of.role)
    # As the hub writes them out for who holds them.
    scopes = [f"{each}={of.name}" if each.endswith("!user") else each for each in held]
    decision = decide(scopes, wanted, holder=of.name)
    told = "page" if thing.kind is Kind.PAGE else "capability"
    what = f"{told} {thing.name}"
    if decision.allowed:
        return Explained(of.title, what, True, f"The role {of.role} may {row.title}.")
    if row.only_keys and of.role in row.roles:
        return Explained(of.title, what, False, decision.reason)
    roles = ", ".join(sorted(map(str, row.roles)))
    missing = f"A role that has “{row.title}” ({wanted}): {roles}."
    return Explained(of.title, what, False, decision.reason, missing, _cure(admins, "/people"))


def _carried(thing: Thing, tagged: Tagged) -> tuple[frozenset[str], bool]:
    """Return the tags that one grant has to cover, and whether aggregates are enough."""
    if thing.kind is Kind.METRIC:
        found = [tagged.dimension_tags(name) for name in thing.by]
        tags = frozenset(catalog.metric(thing.name).tags).union(*(each for each, _ in found))
        return tags, all(declared for _, declared in found)
    if thing.kind is Kind.DIMENSION:
        return tagged.dimension_tags(thing.name)
    if thing.kind is Kind.FIELD:
        return FIELD_TAGS[thing.name], False
    if thing.kind is Kind.TAG:
        return frozenset({thing.name}), False
    event, _, path = thing.name.partition(".")
    return tagged.tags_of_property(event, path), False


def _is_figure(thing: Thing) -> bool:
    return thing.kind in (Kind.METRIC, Kind.DIMENSION)


def _decided(thing: Thing, scope: Scope, tags: frozenset[str], *, declared: bool) -> Decision:
    name = thing.name
    if thing.kind is Kind.TAG:
        name = f"A field tagged {name}"
    elif thing.kind is Kind.DIMENSION:
        name = f"The dimension {name}"
    elif thing.by:
        name = f"{name} by {', '.join(thing.by)}"
    if _is_figure(thing):
        return scope.explain_figure(name, tags, declared=declared)
    return scope.explain_field(name, tags)


def _rows(scope: Scope, tags: frozenset[str], thing: Thing, *, declared: bool) -> Rows:
    if _is_figure(thing):
        return scope.figures(tags, declared=declared)
    return scope.records(tags)


def _of_row(rows: Rows, row: dict[str, str]) -> tuple[bool | None, str]:
    """Return whether a row of which these fields are known is one of `rows`."""
    named = ", ".join(f"{field}={value}" for field, value in row.items())
    unknown: set[str] = set()
    for way in rows.ways:
        known = [item for item in way if item.field in row]
        if not all(item.passes(row) for item in known):
            continue
        if len(known) == len(way):
            return True, f"Rows with {named} are shown."
        unknown |= {item.field for item in way} - row.keys()
    if unknown:
        more = ", ".join(sorted(unknown))
        return None, f"Whether a row with {named} is shown depends on its {more}, too."
    return False, f"Rows with {named} are hidden: no row filter of these grants lets them pass."


def _needed(tags: Collection[str], of: Seer, of_row: Thing | None = None) -> str:
    carried = ", ".join(sorted(tags)) or "what carries no tag"
    if UNTAGGED in tags:
        carried = "everything (*), or a tag on what is not tagged yet"
    holder = of.name if of.role == of.name else f"{of.name} or their role"
    rows = "" if of_row is None else f", in rows with {', '.join(map(str, of_row.where))}"
    return f"One grant of {carried}{rows}, to {holder}."


def _cure(admins: Collection[str], page: str = "/policies") -> str:
    who = ", ".join(sorted(admins)) or "An admin"
    return f"{who} can add it on the page {page}."
