"""Where the entries of the menu lead, for whatever page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from analyticspro.policy.table import Role, menu_of

__all__ = ["Place", "places_of"]

# Those whose pages there are; below what the hub's own begin with, or the dashboards'.
_OF_THE_HUB = {
    "/lab": "/spawn",
    **{f"/{name}": f"/{name}" for name in ("people", "policies", "audit", "settings", "mail")},
    **{f"/{name}": f"/{name}" for name in ("why", "keys", "account")},
}
_DASHBOARDS = "/dashboards"


@dataclass(frozen=True)
class Place:
    """An entry of the menu whose page exists.

    Attributes:
        title: What it is called.
        path: Where it stands in the table, such as `/people`.
        href: Where it leads.
    """

    title: str
    path: str
    href: str


def places_of(role: Role | None, *, hub: str, pages: str) -> tuple[Place, ...]:
    """Return what a role may open, in the order of the table.

    An entry of the table whose page does not exist is left out rather than leading to nothing.

    Args:
        role: None is shown nothing.
        hub: What the addresses of the hub's pages begin with, such as `/hub`.
        pages: What those of the dashboards begin with.

    >>> [place.href for place in places_of(Role.VIEWER, hub="/hub", pages="http://d")][:2]
    ['http://d/dashboards/', '/hub/why']
    """
    found = []
    for entry in () if role is None else menu_of(role):
        if entry.path == _DASHBOARDS:
            found.append(Place(entry.title, entry.path, f"{pages}{_DASHBOARDS}/"))
        elif entry.path in _OF_THE_HUB:
            found.append(Place(entry.title, entry.path, f"{hub}{_OF_THE_HUB[entry.path]}"))
    return tuple(found)
