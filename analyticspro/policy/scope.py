"""Who is asking, and what they may see: the scope that every read of the warehouse is given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from analyticspro.policy.decision import Decision
from analyticspro.policy.rows import RowFilter, Rows
from analyticspro.policy.tags import EVERYTHING, UNTAGGED

__all__ = ["OWNER", "Grant", "Scope"]


@dataclass(frozen=True)
class Grant:
    """One row of a policy: what carries no other tags than these, in the rows that pass.

    Attributes:
        tags: What is granted; `EVERYTHING` for all, also for what nobody has tagged. What
            carries no tag is granted by every grant.
        where: Filters; a row must pass every one.
        aggregates_only: Figures by declared dimensions and calendar grains, never records.
        name: Which row it is, for whoever asks why.
    """

    tags: frozenset[str]
    where: tuple[RowFilter, ...] = ()
    aggregates_only: bool = False
    name: str = ""

    def covers(self, tags: Collection[str]) -> bool:
        """Whether this grant alone is enough for something that carries `tags`."""
        return EVERYTHING in self.tags or self.tags.issuperset(tags)

    def __str__(self) -> str:
        granted = "everything" if EVERYTHING in self.tags else ", ".join(sorted(self.tags))
        words = [granted or "what carries no tag"]
        words += ["aggregates only"] if self.aggregates_only else []
        # Without the values: one that is left out would be told by its filter.
        words += [f"rows by {', '.join(item.field for item in self.where)}"] if self.where else []
        return f"{self.name or 'grant'} ({'; '.join(words)})"


@dataclass(frozen=True)
class Scope:
    """What one caller may see. Without grants that is nothing.

    Two scopes that are equal see the same, so answers may be kept by scope.

    Attributes:
        name: Shown in provenance: under which policy the figure was computed.
        grants: United, never combined: what carries several tags takes one grant that has all.
    """

    name: str
    grants: tuple[Grant, ...] = field(default=())

    @property
    def is_unlimited(self) -> bool:
        """Whether one grant shows everything there is."""
        return any(
            EVERYTHING in each.tags and not each.where and not each.aggregates_only
            for each in self.grants
        )

    def figures(self, tags: Collection[str], *, declared: bool = True) -> Rows:
        """Return the rows that a figure which carries `tags` may be made of.

        Args:
            tags: Of the metric, and of all that it is cut by.
            declared: Whether it is cut by declared dimensions alone; a property may be as
                good as the record.
        """
        return _rows(self._covering(tags, aggregates=declared))

    def records(self, tags: Collection[str] = ()) -> Rows:
        """Return the rows in whose records a field that carries `tags` shows; else it is None."""
        return _rows(self._covering(tags, aggregates=False))

    def within(self, other: Scope) -> Scope:
        """Return what both see: for whoever looks as somebody else, and never sees more by it.

        A grant of both has the tags that each of a pair has, in the rows that pass both.
        """
        if other.is_unlimited:
            return self
        pairs = [(mine, theirs) for mine in self.grants for theirs in other.grants]
        return Scope(self.name, tuple(_both(mine, theirs) for mine, theirs in pairs))

    def explain_figure(
        self, what: str, tags: Collection[str], *, declared: bool = True
    ) -> Decision:
        """Return whether a figure shows, and why."""
        return self._explained(what, tags, aggregates=declared)

    def explain_field(self, what: str, tags: Collection[str]) -> Decision:
        """Return whether a field of records shows, and why."""
        return self._explained(what, tags, aggregates=False)

    def _covering(self, tags: Collection[str], *, aggregates: bool) -> list[Grant]:
        return [
            each
            for each in self.grants
            if each.covers(tags) and (aggregates or not each.aggregates_only)
        ]

    def _explained(self, what: str, tags: Collection[str], *, aggregates: bool) -> Decision:
        found = self._covering(tags, aggregates=aggregates)
        carried = _carried(what, tags)
        if found:
            by = "; ".join(map(str, found))
            return Decision(allowed=True, reason=f"{carried} Shown in {_rows(found)}, by {by}.")
        held = "; ".join(map(str, self.grants)) or "none"
        alone = "" if aggregates else ", beyond figures by declared dimensions"
        return Decision(
            allowed=False,
            reason=f"{carried} No single grant of {self.name} covers that{alone}. Grants: {held}. "
            "An admin can add one.",
        )


def _both(one: Grant, other: Grant) -> Grant:
    tags = one.tags & other.tags
    if EVERYTHING in one.tags:
        tags = other.tags
    elif EVERYTHING in other.tags:
        tags = one.tags
    return Grant(
        tags,
        (*one.where, *(item for item in other.where if item not in one.where)),
        aggregates_only=one.aggregates_only or other.aggregates_only,
        name=f"{one.name} within {other.name}",
    )


def _rows(grants: Collection[Grant]) -> Rows:
    return Rows.of(*(each.where for each in grants))


def _carried(what: str, tags: Collection[str]) -> str:
    if UNTAGGED in tags:
        return f"{what} is not tagged yet, so it is for admins."
    if not tags:
        return f"{what} carries no tag."
    several = "tag" if len(tags) == 1 else "tags"
    return f"{what} carries the {several} {', '.join(sorted(tags))}."


OWNER = Scope("owner", (Grant(frozenset({EVERYTHING}), name="owner of the home"),))
