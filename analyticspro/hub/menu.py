"""The menu of who is signed in, from the permission table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analyticspro.errors import DefinitionError
from analyticspro.hub.routes import ROUTES
from analyticspro.policy import MenuEntry, menu_of, role_of

__all__ = ["Entry", "menu_for"]

_PAGES = frozenset(path for path, _ in ROUTES)
# Where entries lead whose pages are not the hub's own.
_ELSEWHERE = {"/lab": "spawn"}
_SERVICES = {"/dashboards": "dashboards"}


@dataclass(frozen=True)
class Entry:
    """An entry of the menu.

    Attributes:
        title: What it is called.
        path: Where it stands in the table, such as `/people`.
        below: Where it leads, below the hub's own address; empty if to a service.
        service: The service it leads to; empty if to a page of the hub.
    """

    title: str
    path: str
    below: str = ""
    service: str = ""


def menu_for(user: Any) -> tuple[Entry, ...]:
    """Return what the role of one of the hub's users may open, in the order of the table.

    An entry of the table whose page does not exist is left out. Nobody, and whoever has no
    role or two, is shown nothing.
    """
    try:
        role = role_of([group.name for group in user.groups]) if user else None
    except DefinitionError:
        role = None
    entries = () if role is None else menu_of(role)
    return tuple(found for entry in entries if (found := _placed(entry)) is not None)


def _placed(entry: MenuEntry) -> Entry | None:
    if entry.path in _SERVICES:
        return Entry(entry.title, entry.path, service=_SERVICES[entry.path])
    if entry.path in _PAGES:
        return Entry(entry.title, entry.path, below=entry.path.removeprefix("/"))
    if entry.path in _ELSEWHERE:
        return Entry(entry.title, entry.path, below=_ELSEWHERE[entry.path])
    return None
