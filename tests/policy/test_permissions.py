"""The permission table is the agreed one, and everything made from it says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyticspro.errors import DefinitionError, Forbidden, UnknownName
from analyticspro.policy import (
    OWNER,
    PERMISSIONS,
    Capability,
    Role,
    Scope,
    capabilities_of,
    custom_scopes,
    decide,
    group_of,
    load_groups,
    load_roles,
    markdown,
    menu_of,
    permission,
    role_of,
    roles_with,
)

PAGE = Path(__file__).parent.parent.parent / "docs" / "permissions.md"

# As agreed (permissions.md): admin, manager, analyst, viewer.
AGREED = """
dashboard:read   x x x x
analytics:read   x x x x
reports:read     x x x x
reports:write    x x . .
reports:delete   x . . .
alerts:read      x . x .
alerts:write     x . x .
export           x x x .
users:write      x . . .
servers          x . x .
sources:read     x . x .
sources:write    x . . .
notebooks:write  x . x .
own              x x x x
data:admin       x . . .
ingest           x . . .
settings:write   x . . .
audit:read       x . . .
"""
ORDER = (Role.ADMIN, Role.MANAGER, Role.ANALYST, Role.VIEWER)


def agreed() -> dict[str, set[Role]]:
    lines = [line.split() for line in AGREED.strip().splitlines()]
    return {
        name: {role for role, mark in zip(ORDER, marks, strict=True) if mark == "x"}
        for name, *marks in lines
    }


def scopes_in_hub(role: Role) -> set[str]:
    """What the hub gives a member of the role's group, and everybody who is signed in."""
    return {
        scope
        for entry in load_roles(services=("api",))
        if entry["name"] == "user" or group_of(role) in entry["groups"]
        for scope in entry["scopes"]
    }


def test_the_table_is_the_agreed_one():
    assert {str(row.capability): set(row.roles) for row in PERMISSIONS} == agreed()
    assert len(PERMISSIONS) == len(Capability)


@pytest.mark.parametrize("role", Role)
def test_the_hub_gives_each_role_what_the_table_says(role: Role):
    held = scopes_in_hub(role)
    wanted = {
        scope for row in PERMISSIONS if role in agreed()[row.capability] for scope in row.scopes
    }
    assert held == wanted | {"access:services!service=api"}


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_managers_and_viewers_have_no_scope_about_servers(role: Role):
    assert not [scope for scope in scopes_in_hub(role) if "servers" in scope]
    assert Capability.SERVERS not in capabilities_of(role)


def test_no_role_reaches_what_is_anothers():
    for entry in load_roles():
        own = [scope for scope in entry["scopes"] if not scope.startswith("custom:")]
        assert all(scope.endswith("!user") for scope in own), entry["name"]


def test_every_custom_scope_is_described_and_written_as_the_hub_wants():
    used = {scope for role in Role for scope in scopes_in_hub(role) if scope.startswith("custom:")}
    assert used == set(custom_scopes())
    assert "custom:analyticspro:dashboard:read" in used
    for name, described in custom_scopes().items():
        assert re.fullmatch(r"custom:[a-z0-9][a-z0-9_\-\*:]+[a-z0-9_\*]", name)
        assert described["description"]


def test_roles_of_the_hubs_own_keep_their_meaning():
    names = [entry["name"] for entry in load_roles()]
    assert names[0] == "user"
    assert not {"admin", "server", "token"} & set(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9\-_~.]{1,253}[a-z0-9]", name) for name in names)


def test_each_role_has_a_group_with_its_members():
    groups = load_groups({Role.ANALYST: ["zoe", "ada"]})
    assert set(groups) == {group_of(role) for role in Role}
    assert groups["analyst"]["users"] == ["ada", "zoe"]
    assert groups["admin"]["users"] == []


def test_who_is_in_two_roles_groups_has_none():
    assert role_of(["viewer"]) is Role.VIEWER
    assert role_of(["paris"]) is None
    with pytest.raises(DefinitionError, match="admin and viewer"):
        role_of(["viewer", "admin"])


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("capability", Capability)
def test_the_decision_follows_the_table(role: Role, capability: Capability):
    held = [scope.replace("!user", "!user=ada") for scope in scopes_in_hub(role)]
    found = decide(held, capability, holder="ada", by_key=True)
    assert found.allowed is (role in agreed()[capability]) is (role in roles_with(capability))
    assert found.reason


def test_what_is_anothers_gives_nothing():
    of_bob = ["servers!user=bob", "access:servers!user=bob"]
    assert not decide(of_bob, Capability.SERVERS, holder="ada").allowed
    assert decide(of_bob, Capability.SERVERS, holder="bob").allowed
    assert not decide(of_bob[:1], Capability.SERVERS, holder="bob").allowed


def test_what_names_no_capability_is_refused():
    everything = [scope for row in PERMISSIONS for scope in row.scopes]
    found = decide(everything, None, holder="ada")
    assert not found.allowed
    with pytest.raises(Forbidden, match="names no capability"):
        found.enforce()


def test_a_persons_own_session_does_not_ingest():
    held = permission(Capability.INGEST).scopes
    assert not decide(held, Capability.INGEST, holder="ada").allowed
    assert decide(held, Capability.INGEST, holder="ada", by_key=True).allowed


def test_a_refusal_says_whose_it_is():
    found = decide([], Capability.ALERTS_READ, holder="ada")
    assert found.reason == (
        "Refused: alerts:read (see alerts (bell, panel)) is for admins, analysts. "
        "An admin can change your role."
    )


def test_a_menu_shows_what_its_role_may_open():
    assert [entry.title for entry in menu_of(Role.MANAGER)] == [
        "Dashboards",
        "Analytics",
        "Reports",
        "Why?",
        "API keys",
        "Your account",
    ]
    assert {entry.title for entry in menu_of(Role.ADMIN)} >= {"People", "Audit log", "Settings"}
    paths = [entry.path for entry in menu_of(Role.ADMIN)]
    assert len(paths) == len(set(paths))


def test_the_page_is_the_one_the_table_makes():
    assert PAGE.read_text() == markdown(), (
        "Run: python -m analyticspro.policy > docs/permissions.md"
    )


def test_an_unknown_role_is_told_from_the_known():
    with pytest.raises(UnknownName, match="Did you mean 'analyst'"):
        Role.of("analist")


def test_the_owner_still_sees_everything():
    assert OWNER.is_unlimited
    assert not Scope("owner").is_unlimited
