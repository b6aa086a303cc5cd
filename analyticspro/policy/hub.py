"""The table as JupyterHub's configuration takes it; `hub/` holds no list of its own.

c.JupyterHub.custom_scopes = custom_scopes()
c.JupyterHub.load_groups = load_groups()
c.JupyterHub.load_roles = load_roles(services=("api", "dashboards"))
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from analyticspro.errors import DefinitionError
from analyticspro.policy.table import PERMISSIONS, Capability, Role, permission

__all__ = ["custom_scopes", "group_of", "lab_scopes", "load_groups", "load_roles", "role_of"]

# The hub has roles of its own called admin and user; a role of ours must not change those.
_ROLE_PREFIX = "analyticspro-"
# What the hub gives to each server, to tell that it is at work and to know its own person.
_OF_EVERY_SERVER = ("users:activity!user", "access:servers!server")


def custom_scopes() -> dict[str, dict[str, str]]:
    """Return the scopes that the hub does not have by itself, each with its description."""
    return {
        scope: {"description": f"AnalyticsPro: {row.title}"}
        for row in PERMISSIONS
        if not row.hub_scopes
        for scope in row.scopes
    }


def group_of(role: Role) -> str:
    """Return the hub's group that carries `role`."""
    return str(role)


def role_of(groups: Collection[str]) -> Role | None:
    """Return the role of a member of `groups`; None if it is in none of ours.

    Raises:
        DefinitionError: It is in more than one: united, they would be a role nobody defined.

    >>> role_of(["analyst", "berlin-office"])
    <Role.ANALYST: 'analyst'>
    """
    found = [role for role in Role if group_of(role) in groups]
    if len(found) > 1:
        raise DefinitionError(
            f"A person is in the groups {' and '.join(found)} at once. Leave one of them."
        )
    return found[0] if found else None


def load_groups(
    members: Mapping[Role, Collection[str]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return a group for each role.

    Args:
        members: The hub's names of those who are in it; an authenticator that manages groups
            adds them itself, so that none need be given.
    """
    given = members or {}
    return {
        group_of(role): {
            "users": sorted(given.get(role, ())),
            "properties": {"title": role.capitalize()},
        }
        for role in Role
    }


def load_roles(*, services: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the hub's roles: one for each of ours, and `user` cut down to one's own account.

    The hub's own `user` gives everybody a server; here only the row of `servers` does.

    Args:
        services: The hub's services that every signed-in person may reach; what one may do
            there, each of them decides by the other scopes.
    """
    own = permission(Capability.OWN_ACCOUNT)
    reach = [f"access:services!service={name}" for name in sorted(services)]
    user = {
        "name": "user",
        "description": f"Everybody who is signed in: {own.title}",
        "scopes": [*own.scopes],
    }
    return [user, *(_role(role, reach) for role in Role)]


def lab_scopes(role: Role) -> list[str]:
    """Return what code in a Lab may by the token that the Lab is given.

    All that the person may ask of the services, and nothing of the hub: by a right to servers
    or to tokens, code could give itself something that outlives the Lab. Taken from the person,
    a right is taken from the token as well: the hub looks at both.

    >>> lab_scopes(Role.VIEWER)[0], "tokens!user" in lab_scopes(Role.ADMIN)
    ('custom:analyticspro:dashboard:read', False)
    """
    asked = [
        scope
        for row in PERMISSIONS
        if role in row.roles and not (row.hub_scopes or row.only_keys)
        for scope in row.scopes
    ]
    return [*asked, *_OF_EVERY_SERVER]


def _of(role: Role) -> list[str]:
    return [scope for row in PERMISSIONS if role in row.roles for scope in row.scopes]


def _role(role: Role, reach: list[str]) -> dict[str, Any]:
    scopes = _of(role)
    return {
        "name": f"{_ROLE_PREFIX}{role}",
        "description": f"{role.capitalize()} of AnalyticsPro",
        "scopes": scopes + reach,
        "groups": [group_of(role)],
    }
