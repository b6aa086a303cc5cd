"""The menu of who is signed in, from the permission table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analyticspro.config import Addresses
from analyticspro.errors import DefinitionError
from analyticspro.policy import Place, places_of, role_of

__all__ = ["Menu"]


@dataclass(frozen=True)
class Menu:
    """Makes the menu of whoever is signed in; the hub's templates have it as `menu`.

    Attributes:
        addresses: Where the pages are.
        base_url: What the hub's own pages are below.
    """

    addresses: Addresses
    base_url: str = "/hub/"

    def __call__(self, user: Any) -> tuple[Place, ...]:
        """Return what the role of one of the hub's users may open, in the order of the table.

        Nobody, and whoever has no role or two, is shown nothing.
        """
        try:
            role = role_of([group.name for group in user.groups]) if user else None
        except DefinitionError:
            role = None
        return places_of(role, hub=self.base_url.rstrip("/"), pages=self.addresses.pages)
