"""Settings are changed on a page: checked as at a start, written whole, and in the audit log."""

from __future__ import annotations

import html
from dataclasses import fields
from typing import Any

import pytest

from analyticspro.config import Home, Settings
from analyticspro.hub.settings_page import ELSEWHERE, GROUPS
from analyticspro.policy import Role
from tests.hub.members import Member
from tests.hub.serving import Visitor
from tests.hub.test_people_pages import sent_on, told


@pytest.fixture
def admin(members: dict[Role, Member]) -> Member:
    return members[Role.ADMIN]


def change(admin: Member, gate: Home, group: str, **typed: str) -> Any:
    """Send the form of a group as it stands, but for what is typed."""
    now = Home(gate.path).settings
    known = {name: getattr(now, name) for name in GROUPS[group]}
    stands = {name: "yes" if value is True else str(value) for name, value in known.items()
              if value is not False}  # fmt: skip
    return admin.send_form("/hub/settings", group=group, **(stands | typed))


def test_every_setting_is_on_a_page():
    shown = [name for names in GROUPS.values() for name in names] + [*ELSEWHERE]
    assert sorted(shown) == sorted(item.name for item in fields(Settings))


def test_a_setting_is_written_and_waits_for_the_next_start(admin: Member, gate: Home):
    name = "Acme & <b>Söhne</b>"
    page = change(admin, gate, "Workspace", name=name, timezone="Europe/Berlin")
    assert "The settings are written." in page.text
    assert "until the next start: Workspace" in page.text
    assert "<b>S" not in page.text
    now = Home(gate.path).settings
    assert (now.name, now.timezone) == (name, "Europe/Berlin")
    assert now.hub_port == gate.settings.hub_port
    assert told(gate, "timezone")["settings.change"] == (
        admin.person.username, "127.0.0.1", True
    )  # fmt: skip


def test_rules_of_joining_count_at_once(admin: Member, gate: Home):
    change(admin, gate, "Joining", sign_up="invited")
    with Visitor(gate) as stranger:
        assert "One joins by invitation here." in stranger.get("/hub/signup").text
        change(admin, gate, "Joining", sign_up="open", sign_up_domains="acme.example")
        assert "For addresses of acme.example." in stranger.get("/hub/signup").text


@pytest.mark.parametrize(
    ("group", "typed", "why"),
    [
        ("Workspace", {"timezone": "Mars/Olympus"}, "Setting timezone is 'Mars/Olympus'"),
        ("Workspace", {"currency": "<script>"}, "Setting currency"),
        ("Joining", {"sign_up": "everybody"}, "Setting sign_up is 'everybody'"),
        ("Joining", {"sign_up_domains": "a..b"}, "Setting sign_up_domains"),
        ("Keeping", {"backup_at": "every night"}, "Setting backup_at: Cron"),
        ("Keeping", {"backups_kept": "0"}, "keep at least 1"),
        ("Keeping", {"hot_days": "-1"}, "must be a whole number"),
        ("Keeping", {"keep_days": "10"}, "set hot_days too"),
        ("Addresses", {"host": "0.0.0.0"}, "which other machines can reach"),
        ("Addresses", {"port": "99999"}, "a port is 1 to 65535"),
        ("Addresses", {"tls_certificate": "/no/file", "tls_key": "/no/key"}, "no such file"),
        ("Nonsense", {}, "cannot be done here"),
    ],
)
def test_what_would_not_start_is_not_written(
    group: str, typed: dict[str, str], why: str, admin: Member, gate: Home
):
    before = gate.settings_file.read_text()
    if group in GROUPS:
        answer = change(admin, gate, group, **typed)
    else:
        answer = admin.send_form("/hub/settings", group=group)
    assert (answer.status_code, why in html.unescape(answer.text)) == (400, True)
    assert "<script" not in answer.text
    assert gate.settings_file.read_text() == before


def test_what_deletes_for_good_is_asked_first(admin: Member, gate: Home):
    asked = change(admin, gate, "Keeping", hot_days="30", keep_days="90")
    assert "archived months older than 90 days are deleted for good" in asked.text
    assert Home(gate.path).settings.keep_days == 0
    assert "The settings are written." in sent_on(admin, asked).text
    assert Home(gate.path).settings.keep_days == 90
    longer = change(admin, gate, "Keeping", keep_days="120")
    assert "The settings are written." in longer.text, "nothing is lost by keeping more"


def test_where_people_reach_it_is_asked_first(admin: Member, gate: Home):
    asked = change(admin, gate, "Addresses", public_url="https://analytics.acme.example")
    assert "nobody gets in until" in asked.text
    assert "The settings are written." in sent_on(admin, asked).text
    assert Home(gate.path).settings.public_url == "https://analytics.acme.example"


def test_nobody_changes_what_is_not_on_the_page(admin: Member, gate: Home):
    change(admin, gate, "Workspace", state_url="postgresql://evil", demo="yes", port="1")
    now = Home(gate.path).settings
    assert (now.state_url, now.demo, now.port) == ("", False, gate.settings.port)
