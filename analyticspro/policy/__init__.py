"""Who may do what, and who is asking.

`PERMISSIONS` is the one table: the hub's groups, roles and scopes, the api's checks, the
menus, the documentation page and the tests are made from it. A `Scope` is what a caller may
see; `DEFAULT_GRANTS` says so where nobody else does.
"""

from analyticspro.policy.decision import Decision, decide
from analyticspro.policy.defaults import DEFAULT_GRANTS, scope_of_role
from analyticspro.policy.hub import (
    custom_scopes,
    group_of,
    lab_scopes,
    load_groups,
    load_roles,
    role_of,
)
from analyticspro.policy.page import markdown
from analyticspro.policy.places import Place, places_of
from analyticspro.policy.rows import ALL_ROWS, NO_ROWS, RowFilter, Rows
from analyticspro.policy.scope import OWNER, Grant, Scope
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
    scopes_of,
)
from analyticspro.policy.tags import (
    CREDIT_EVENTS,
    EVERYTHING,
    FIELD_TAGS,
    PUBLIC,
    TEXT_FIELDS,
    UNTAGGED,
    Tag,
    property_tags,
)

__all__ = [
    "ALL_ROWS",
    "CREDIT_EVENTS",
    "DEFAULT_GRANTS",
    "EVERYTHING",
    "FIELD_TAGS",
    "NO_ROWS",
    "OWNER",
    "PERMISSIONS",
    "PUBLIC",
    "TEXT_FIELDS",
    "UNTAGGED",
    "Capability",
    "Decision",
    "Grant",
    "MenuEntry",
    "Permission",
    "Place",
    "Role",
    "RowFilter",
    "Rows",
    "Scope",
    "Tag",
    "capabilities_of",
    "custom_scopes",
    "decide",
    "group_of",
    "lab_scopes",
    "load_groups",
    "load_roles",
    "markdown",
    "menu_of",
    "permission",
    "places_of",
    "property_tags",
    "role_of",
    "roles_with",
    "scope_of_role",
    "scopes_of",
]
