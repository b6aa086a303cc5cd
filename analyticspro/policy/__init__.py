"""Who may do what, and who is asking.

`PERMISSIONS` is the one table: the hub's groups, roles and scopes, the api's checks, the
menus, the documentation page and the tests are made from it.
"""

from analyticspro.policy.decision import Decision, decide
from analyticspro.policy.hub import custom_scopes, group_of, load_groups, load_roles, role_of
from analyticspro.policy.page import markdown
from analyticspro.policy.scope import OWNER, Scope
from analyticspro.policy.table import (
    PERMISSIONS,
    Capability,
    MenuEntry,
    Permission,
    Role,
    capabilities_of,
    menu_of,
    permission,
    roles_with,
)

__all__ = [
    "OWNER",
    "PERMISSIONS",
    "Capability",
    "Decision",
    "MenuEntry",
    "Permission",
    "Role",
    "Scope",
    "capabilities_of",
    "custom_scopes",
    "decide",
    "group_of",
    "load_groups",
    "load_roles",
    "markdown",
    "menu_of",
    "permission",
    "role_of",
    "roles_with",
]
