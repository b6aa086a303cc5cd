"""The form of a grant: what was typed into it, and the grant that it means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from analyticspro.errors import DefinitionError
from analyticspro.policies import Holder, Stored
from analyticspro.policies.policies import check_tags
from analyticspro.policy import EVERYTHING, Grant, RowFilter, Tag

__all__ = ["GrantForm"]

_LONGEST = 5_000


@dataclass(frozen=True)
class GrantForm:
    """What was typed: kept as it is, so that nobody types it twice.

    Attributes:
        tags: Those that were ticked.
        own: Tags of one's own words, apart by commas or blanks.
        where: Row filters, one a line.
    """

    holder: str = ""
    tags: tuple[str, ...] = ()
    own: str = ""
    where: str = ""
    aggregates_only: bool = False

    @classmethod
    def sent(
        cls, typed: Callable[[str], str], several: Callable[[str], Sequence[str]]
    ) -> GrantForm:
        """Return what came with a request."""
        return cls(
            holder=typed("holder")[:200],
            tags=tuple(several("tag"))[:100],
            own=typed("own")[:_LONGEST],
            where=typed("where")[:_LONGEST],
            aggregates_only=typed("aggregates") == "yes",
        )

    @classmethod
    def of(cls, stored: Stored) -> GrantForm:
        """Return the form that would make a grant once more."""
        known = {EVERYTHING, *map(str, Tag)}
        return cls(
            holder=str(stored.holder),
            tags=tuple(sorted(stored.grant.tags & known)),
            own=", ".join(sorted(stored.grant.tags - known)),
            where="\n".join(map(str, stored.grant.where)),
            aggregates_only=stored.grant.aggregates_only,
        )

    def whose(self) -> Holder:
        """Return who would have it; raises DefinitionError if nobody was chosen."""
        if not self.holder:
            raise DefinitionError("Nobody is chosen. Say who is to have the grant.")
        return Holder.parse(self.holder)

    def grant(self) -> Grant:
        """Return it; raises DefinitionError where something is no tag or no row filter."""
        own = self.own.replace(",", " ").split()
        where = tuple(RowFilter.parse(line) for line in self.where.splitlines() if line.strip())
        tags = frozenset((*self.tags, *own))
        given = Grant(tags, where, aggregates_only=self.aggregates_only)
        check_tags(given)
        return given

    def asked(self) -> dict[str, Any]:
        """Return the grant as the api takes it."""
        given = self.grant()
        return {
            "tags": sorted(given.tags),
            "where": list(map(str, given.where)),
            "aggregates_only": given.aggregates_only,
        }

    def fields(self) -> list[tuple[str, str]]:
        """Return it as hidden inputs, to be sent once more."""
        plain = [("holder", self.holder), ("own", self.own), ("where", self.where)]
        aggregates = [("aggregates", "yes")] if self.aggregates_only else []
        return [*plain, *(("tag", tag) for tag in self.tags), *aggregates]
