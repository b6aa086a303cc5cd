"""Who may see what where nobody has said otherwise.

Source: permissions.md, Who may see what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from analyticspro.policy.scope import Grant, Scope
from analyticspro.policy.table import Role
from analyticspro.policy.tags import EVERYTHING, Tag

__all__ = ["DEFAULT_GRANTS", "scope_of_role"]


def _grant(role: Role, number: int, tags: Iterable[str], *, aggregates_only: bool = False) -> Grant:
    name = f"default {number} of {role}s"
    return Grant(frozenset(map(str, tags)), aggregates_only=aggregates_only, name=name)


DEFAULT_GRANTS: Mapping[Role, tuple[Grant, ...]] = MappingProxyType(
    {
        Role.ADMIN: (_grant(Role.ADMIN, 1, [EVERYTHING]),),
        Role.MANAGER: (_grant(Role.MANAGER, 1, [Tag.REVENUE, Tag.HEALTH, Tag.CREDITS]),),
        Role.ANALYST: (_grant(Role.ANALYST, 1, [Tag.REVENUE, Tag.HEALTH, Tag.CREDITS]),),
        Role.VIEWER: (
            _grant(Role.VIEWER, 1, []),
            _grant(Role.VIEWER, 2, [Tag.REVENUE, Tag.CREDITS], aggregates_only=True),
        ),
    }
)


def scope_of_role(role: Role, name: str) -> Scope:
    """Return what a member of `role` sees by the defaults.

    Args:
        role: Of the caller.
        name: The caller's, such as `p12`.
    """
    return Scope(name, DEFAULT_GRANTS[role])
