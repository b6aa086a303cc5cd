"""The menu of who is signed in, from the permission table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analyticspro.config import Addresses
from analyticspro.errors import DefinitionError
from analyticspro.hub.routes import ROUTES
from analyticspro.policy import menu_of, role_of

__all__ = ["Entry", "Menu"]

_PAGES = frozenset(path for path, _ in ROUTES)
# Where entries lead whose pages are not the hub's own.
_ELSEWHERE = {"/lab": "spawn"}


@dataclass(frozen=True)
class Entry:
    """An entry of the menu.

    Attributes:
        title: What it is called.
        path: Where it stands in the table, such as `/people`.
        href: Where it leads.
    """

    title: str
    path: str
    href: str


@dataclass(frozen=True)
class Menu:
    """Makes the menu of whoever is signed in; the hub's templates have it as `menu`.

    Attributes:
        addresses: Where the pages are.
        base_url: What the hub's own pages are below.
    """

    addresses: Addresses
    base_url: str = "/hub/"

    def __call__(self, user: Any) -> tuple[Entry, ...]:
        """Return what the role of one of the hub's users may open, in the order of the table.

        An entry of the table whose page does not exist is left out. Nobody, and whoever has no
        role or two, is shown nothing.
        """
        try:
            role = role_of([group.name for group in user.groups]) if user else None
        except DefinitionError:
            role = None
        entries = () if role is None else menu_of(role)
        placed = ((entry, self._href(entry.path)) for entry in entries)
        return tuple(Entry(entry.title, entry.path, href) for entry, href in placed if href)

    def _href(self, path: str) -> str:
        if path == "/dashboards":
            return f"{self.addresses.pages}/dashboards/"
        if path in _PAGES:
            return f"{self.base_url}{path.removeprefix('/')}"
        return f"{self.base_url}{_ELSEWHERE[path]}" if path in _ELSEWHERE else ""
