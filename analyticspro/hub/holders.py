"""Whom grants and questions can be about, as people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyticspro.accounts import Person
from analyticspro.policies import Holder, Stored
from analyticspro.policies.row_words import told_rows
from analyticspro.policy import EVERYTHING, Role, Rows

__all__ = ["GrantWords", "choices", "in_words", "title_of"]


@dataclass(frozen=True)
class GrantWords:
    """A grant as a row of a table."""

    number: int
    holder: str
    who: str
    tags: str
    rows: str
    shows: str
    by: str
    at: str


def choices(people: Sequence[Person]) -> dict[str, list[tuple[str, str]]]:
    """Return what a select offers: value and title, roles and then persons."""
    roles = [(f"role:{role}", f"Every {role}") for role in Role]
    persons = [
        (f"person:{one.username}", f"{one.name} ({one.email})")
        for one in sorted(people, key=lambda one: one.name.casefold())
    ]
    return {"Roles": roles, "People": persons}


def title_of(holder: Holder, people: Mapping[str, Person]) -> str:
    """Return who has a grant, in words; of who was removed, the username."""
    if holder.kind == "role":
        return f"every {holder.name}"
    known = people.get(holder.name)
    return holder.name if known is None else known.name


def in_words(stored: Stored, people: Mapping[str, Person]) -> GrantWords:
    """Return a grant as an admin reads it, with the values of its filters."""
    grant, by = stored.grant, people.get(stored.made_by)
    tags = ", ".join(sorted(grant.tags)) or "what carries no tag"
    return GrantWords(
        number=stored.number,
        holder=str(stored.holder),
        who=title_of(stored.holder, people),
        tags="everything" if EVERYTHING in grant.tags else tags,
        rows=told_rows(Rows.of(grant.where)),
        shows="figures only" if grant.aggregates_only else "figures and single records",
        by=stored.made_by if by is None else by.name,
        at="" if stored.made_at is None else f"{stored.made_at:%Y-%m-%d %H:%M}",
    )
