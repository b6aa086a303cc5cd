"""The permission table. To change what a role may do, change one row of `PERMISSIONS`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analyticspro.errors import UnknownName

__all__ = [
    "PERMISSIONS",
    "Capability",
    "MenuEntry",
    "Permission",
    "Role",
    "capabilities_of",
    "menu_of",
    "permission",
    "roles_with",
    "scopes_of",
]

_PREFIX = "custom:analyticspro:"


class Role(StrEnum):
    """The four roles; each person has one. The hub knows them as groups of these names."""

    ADMIN = "admin"
    MANAGER = "manager"
    ANALYST = "analyst"
    VIEWER = "viewer"

    @classmethod
    def of(cls, name: str) -> Role:
        """Return the role called `name`; raises UnknownName."""
        try:
            return cls(name)
        except ValueError:
            raise UnknownName.of("role", name, [str(role) for role in cls]) from None


class Capability(StrEnum):
    """What may be allowed, one by one; code asks for these, never for a role."""

    DASHBOARD_READ = "dashboard:read"
    ANALYTICS_READ = "analytics:read"
    REPORTS_READ = "reports:read"
    REPORTS_WRITE = "reports:write"
    REPORTS_DELETE = "reports:delete"
    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    EXPORT = "export"
    USERS_WRITE = "users:write"
    SERVERS = "servers"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    NOTEBOOKS_WRITE = "notebooks:write"
    OWN_ACCOUNT = "own"
    DATA_ADMIN = "data:admin"
    INGEST = "ingest"
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"


@dataclass(frozen=True)
class MenuEntry:
    """An entry of the menu, shown to whoever holds the capability of its row."""

    title: str
    path: str


@dataclass(frozen=True)
class Permission:
    """A row of the table: one capability, and who has it.

    Attributes:
        capability: What is allowed.
        title: The same in words.
        roles: Who has it.
        menu: What it adds to the menu, in order.
        hub_scopes: Scopes of the hub's own that carry it, instead of a custom one. `!user`
            stands for whoever holds it.
        only_keys: It is held to be handed on to API keys: a person's own session does not
            act by it.
    """

    capability: Capability
    title: str
    roles: frozenset[Role]
    menu: tuple[MenuEntry, ...] = ()
    hub_scopes: tuple[str, ...] = ()
    only_keys: bool = False

    @property
    def scopes(self) -> tuple[str, ...]:
        """The hub's scopes; whoever holds all of them has the capability."""
        return self.hub_scopes or (f"{_PREFIX}{self.capability}",)


_EVERYONE = frozenset(Role)
_ADMIN = frozenset({Role.ADMIN})
_ADMIN_ANALYST = frozenset({Role.ADMIN, Role.ANALYST})
_ADMIN_MANAGER = frozenset({Role.ADMIN, Role.MANAGER})
_ALL_BUT_VIEWER = _EVERYONE - {Role.VIEWER}

# In the order of the menu.
PERMISSIONS: tuple[Permission, ...] = (
    Permission(
        Capability.DASHBOARD_READ,
        "see dashboards",
        _EVERYONE,
        (MenuEntry("Dashboards", "/dashboards"),),
    ),
    Permission(
        Capability.ANALYTICS_READ,
        "see analytics (cohorts, funnels, customer 360, explore)",
        _EVERYONE,
        (MenuEntry("Analytics", "/analytics"),),
    ),
    Permission(
        Capability.REPORTS_READ, "see reports", _EVERYONE, (MenuEntry("Reports", "/reports"),)
    ),
    Permission(Capability.REPORTS_WRITE, "create, generate, schedule reports", _ADMIN_MANAGER),
    Permission(Capability.REPORTS_DELETE, "delete reports", _ADMIN),
    Permission(
        Capability.ALERTS_READ,
        "see alerts (bell, panel)",
        _ADMIN_ANALYST,
        (MenuEntry("Alerts", "/alerts"),),
    ),
    Permission(
        Capability.ALERTS_WRITE,
        "manage alert rules; acknowledge, comment, resolve",
        _ADMIN_ANALYST,
    ),
    Permission(Capability.EXPORT, "export data", _ALL_BUT_VIEWER),
    Permission(
        Capability.SOURCES_READ,
        "see sources, freshness, schema, reconciliation",
        _ADMIN_ANALYST,
        (MenuEntry("Sources", "/sources"),),
    ),
    Permission(
        Capability.SOURCES_WRITE,
        "connect, change, sync, replay sources; mark properties; see rejects' content",
        _ADMIN,
    ),
    Permission(
        Capability.SERVERS,
        "JupyterLab server (code against the API, as oneself)",
        _ADMIN_ANALYST,
        (MenuEntry("JupyterLab", "/lab"),),
        hub_scopes=("servers!user", "access:servers!user"),
    ),
    Permission(
        Capability.NOTEBOOKS_WRITE,
        "write notebooks; publish dashboards and report notebooks",
        _ADMIN_ANALYST,
    ),
    Permission(
        Capability.USERS_WRITE,
        "manage users, groups, data policies",
        _ADMIN,
        (MenuEntry("People", "/people"), MenuEntry("Policies", "/policies")),
    ),
    Permission(
        Capability.AUDIT_READ, "see the audit log", _ADMIN, (MenuEntry("Audit log", "/audit"),)
    ),
    Permission(
        Capability.SETTINGS_WRITE,
        "change settings and retention",
        _ADMIN,
        (MenuEntry("Settings", "/settings"), MenuEntry("Mail", "/mail")),
    ),
    Permission(Capability.DATA_ADMIN, "erase a person's data, back up, restore", _ADMIN),
    Permission(
        Capability.INGEST,
        "ingest events (API keys and services, never a person's default)",
        _ADMIN,
        only_keys=True,
    ),
    Permission(
        Capability.OWN_ACCOUNT,
        "own profile, password, sessions, API keys (within one's own scopes)",
        _EVERYONE,
        (
            MenuEntry("Why?", "/why"),
            MenuEntry("API keys", "/keys"),
            MenuEntry("Your account", "/account"),
        ),
        hub_scopes=("read:users!user", "users:activity!user", "tokens!user"),
    ),
)

_ROWS = {row.capability: row for row in PERMISSIONS}


def permission(capability: Capability) -> Permission:
    """Return the row of `capability`."""
    return _ROWS[capability]


def capabilities_of(role: Role) -> frozenset[Capability]:
    """Return what `role` may do.

    >>> Capability.SERVERS in capabilities_of(Role.MANAGER)
    False
    """
    return frozenset(row.capability for row in PERMISSIONS if role in row.roles)


def roles_with(capability: Capability) -> frozenset[Role]:
    """Return the roles that may do it.

    >>> sorted(roles_with(Capability.EXPORT))
    [<Role.ADMIN: 'admin'>, <Role.ANALYST: 'analyst'>, <Role.MANAGER: 'manager'>]
    """
    return permission(capability).roles


def scopes_of(role: Role) -> frozenset[str]:
    """Return the hub's scopes of all that `role` may do."""
    return frozenset(s for row in PERMISSIONS if role in row.roles for s in row.scopes)


def menu_of(role: Role) -> tuple[MenuEntry, ...]:
    """Return the menu that `role` is shown, in order.

    >>> [entry.title for entry in menu_of(Role.VIEWER)]
    ['Dashboards', 'Analytics', 'Reports', 'Why?', 'API keys', 'Your account']
    """
    return tuple(entry for row in PERMISSIONS if role in row.roles for entry in row.menu)
