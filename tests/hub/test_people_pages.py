"""Admins manage people: over HTTP, at a real hub; what they do holds, and is in the audit log."""

from __future__ import annotations

import html
import re
from contextlib import closing
from typing import Any

import pytest

from analyticspro import clock
from analyticspro.accounts import Accounts, Standing
from analyticspro.audit import AuditLog
from analyticspro.config import Home
from analyticspro.policy import PERMISSIONS, Role
from analyticspro.state import PeopleTable, State
from tests.hub.members import GOOD, MACHINE, Member, joined
from tests.hub.serving import Visitor

SHARES_A_HUB = True

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"' onmouseover=alert(1) x='",
    "right to left": "שלום עולם",
    "long": "Llanfair" * 12,
    "template": "{{ 7*7 }}",
}


@pytest.fixture
def admin(members: dict[Role, Member]) -> Member:
    return members[Role.ADMIN]


def told(gate: Home, subject: str) -> dict[str, Any]:
    """Return the newest entry of each action on a subject: who, from where, how it changed."""
    with State.open(gate.state_address) as state:
        rows = AuditLog.of(gate, state).newest(2000)
    return {
        row.action: (row.who, row.origin, row.allowed) for row in reversed(rows)
        if row.subject == subject
    }  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_is_shown_as_text(name: str, admin: Member, accounts: Accounts):
    person = joined(accounts, Role.VIEWER, name)
    for page in (f"people/{person.id}", f"people?q={person.email}"):
        shown = admin.get(f"/hub/{page}").text
        assert "<script" not in shown
        assert (
            f"<bdi>{html.escape(name).replace('&#x27;', '&#39;').replace('&quot;', '&#34;')}</bdi>"
            in shown
        )
    asked = admin.send_form(f"/hub/people/{person.id}", do="remove")
    assert name in html.unescape(re.sub(r"<[^>]*>", "", asked.text))
    assert "<script" not in asked.text


def test_people_are_found_by_name_address_role_and_state(admin: Member, accounts: Accounts):
    person = joined(accounts, Role.MANAGER, "Grace Hopper")

    def is_found(**sought: str) -> bool:
        return person.email in admin.get("/hub/people", params=sought).text

    assert is_found()
    assert is_found(q="hopper GRACE", role="manager", state="active")
    assert is_found(q=person.email)
    assert not is_found(q="hopper", role="viewer")
    assert not is_found(q="hopper", state="suspended")
    assert "Nobody is found" in admin.get("/hub/people", params={"q": "nobody at all"}).text


def test_a_role_is_changed_and_who_did_it_is_known(admin: Member, accounts: Accounts, gate: Home):
    person = joined(accounts, Role.VIEWER)
    page = admin.send_form(f"/hub/people/{person.id}", do="role", role="analyst")
    assert "The role is changed." in page.text
    assert accounts.directory.named(person.email).role == "analyst"
    assert told(gate, person.username)["people.role"] == (admin.person.username, "127.0.0.1", True)
    wrong = admin.send_form(f"/hub/people/{person.id}", do="role", role="emperor")
    assert (wrong.status_code, "No role" in wrong.text) == (400, True)


def test_suspending_is_asked_first_then_signs_out_until_active_again(
    admin: Member, accounts: Accounts, gate: Home
):
    with closing(Member(gate, accounts, Role.ANALYST, "Sue Spended")) as other:
        path = f"/hub/people/{other.person.id}"
        asked = admin.send_form(path, do="suspend")
        assert f"Suspend Sue Spended ({other.person.email})?" in html.unescape(asked.text)
        assert other.get("/hub/home").url.path == "/hub/home"
        assert "suspended" in sent_on(admin, asked).text
        assert other.get("/hub/home").url.path == "/hub/login"
        refused = other.send_form("/hub/login", email=other.person.email, password=GOOD)
        assert (refused.status_code, "is suspended" in refused.text) == (403, True)
        assert "active again" in admin.send_form(path, do="reactivate").text
        back = other.send_form("/hub/login", email=other.person.email, password=GOOD)
        assert back.url.path == "/hub/home"
        assert {"people.suspend", "people.reactivate"} <= told(gate, other.person.username).keys()


def test_a_removed_person_is_gone_and_may_be_invited_again(admin: Member, accounts: Accounts):
    person = joined(accounts, Role.VIEWER, "Rita Removed")
    asked = admin.send_form(f"/hub/people/{person.id}", do="remove")
    assert accounts.directory.get(person.id) is not None
    done = sent_on(admin, asked)
    assert (done.url.path, "The account is removed." in done.text) == ("/hub/people", True)
    assert accounts.directory.get(person.id) is None
    gone = admin.get(f"/hub/people/{person.id}")
    assert (gone.status_code, "There is nothing here" in gone.text) == (404, True)
    invited = admin.send_form("/hub/people/invitations", do="invite", email=person.email,
                              role="viewer")  # fmt: skip
    assert "is invited" in invited.text


def test_everybody_is_signed_out_everywhere(admin: Member, accounts: Accounts, gate: Home):
    with closing(Member(gate, accounts, Role.VIEWER)) as other:
        asked = admin.send_form(f"/hub/people/{other.person.id}", do="signout")
        assert "All devices are signed out." in sent_on(admin, asked).text
        assert other.get("/hub/home").url.path == "/hub/login"


def test_a_link_for_a_new_password_is_shown_once(admin: Member, accounts: Accounts, gate: Home):
    person = joined(accounts, Role.VIEWER)
    page = admin.send_form(f"/hub/people/{person.id}", do="reset")
    [url] = re.findall(r'value="(http[^"]*/hub/reset\?token=[^"]+)"', page.text)
    assert url not in admin.get(f"/hub/people/{person.id}").text
    with Visitor(gate) as visitor:
        path = url.partition(str(gate.settings.hub_port))[2]
        chosen = visitor.send_form(path, password="velvet orbit pelican 17")
        assert "Your password is changed" in chosen.text


def test_the_last_admin_stays_whatever_is_tried(admin: Member, accounts: Accounts, gate: Home):
    for one in accounts.directory.all():
        if one.role == Role.ADMIN and one.id != admin.person.id:
            accounts.directory.remove(one.id, by=MACHINE, now=clock.now())
    path = f"/hub/people/{admin.person.id}"
    for typed in ({"do": "remove"}, {"do": "suspend"}, {"do": "role", "role": "viewer"}):
        page = sent_on(admin, admin.send_form(path, **typed))
        assert (page.status_code, "This is the last admin." in page.text) == (400, True)
    assert accounts.directory.get(admin.person.id).role == Role.ADMIN
    assert told(gate, admin.person.username)["people.role"][2] is False


def test_who_waits_is_approved(admin: Member, accounts: Accounts, gate: Home):
    person = joined(accounts, Role.VIEWER)
    with State.open(gate.state_address) as state, state.writing() as connection:
        people = PeopleTable(connection)
        people.change(person.id, now=clock.now(), standing=Standing.WAITING)
    assert "waiting for your approval" in admin.get("/hub/people").text
    done = admin.send_form(f"/hub/people/{person.id}", do="approve")
    assert "The account is approved." in done.text
    assert accounts.directory.get(person.id).standing is Standing.ACTIVE
    again = admin.send_form(f"/hub/people/{person.id}", do="eat")
    assert (again.status_code, "cannot be done" in again.text) == (400, True)


def test_an_invitation_is_made_listed_taken_up_and_another_taken_back(
    admin: Member, accounts: Accounts, gate: Home
):
    page = "/hub/people/invitations"
    made = admin.send_form(page, do="invite", email="Invited@acme.example", role="manager")
    [url] = re.findall(r'value="(http[^"]*/hub/join\?token=[^"]+)"', made.text)
    listed = admin.get(page).text
    assert "invited@acme.example" in listed
    assert url not in listed
    with Visitor(gate) as visitor:
        path = url.partition(str(gate.settings.hub_port))[2]
        start = visitor.send_form(path, name="Ina Vited", password=GOOD)
        assert start.url.path == "/hub/home"
    assert accounts.directory.named("invited@acme.example").role == Role.MANAGER
    admin.send_form(page, do="invite", email="second@acme.example", role="admin")
    asked = admin.send_form(page, do="withdraw", email="second@acme.example")
    assert "Take back the invitation of second@acme.example?" in asked.text
    assert "is taken back" in sent_on(admin, asked).text
    open_ones = {one.email for one in accounts.joining.invitations()}
    assert open_ones.isdisjoint({"invited@acme.example", "second@acme.example"})
    twice = admin.send_form(page, do="invite", email="invited@acme.example", role="viewer")
    assert (twice.status_code, "has an account already" in twice.text) == (400, True)
    wrong = admin.send_form(page, do="invite", email="<b>nobody</b>", role="viewer")
    assert (wrong.status_code, "<b>nobody" in wrong.text) == (400, False)
    assert {"people.invite", "people.withdraw"} <= told(gate, "invitation").keys()


def test_the_page_of_roles_is_the_table(admin: Member):
    page = html.unescape(admin.get("/hub/people/roles").text)
    for row in PERMISSIONS:
        [line] = [one for one in re.findall(r"<tr>.*?</tr>", page) if f">{row.title}" in one]
        shown = re.findall(r">(yes|no)<", line)
        assert shown == ["yes" if role in row.roles else "no" for role in Role]


def sent_on(visitor: Visitor, asked: Any) -> Any:
    """Send the form of a page that asks whether one is sure."""
    [form] = re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', asked.text, re.DOTALL)
    fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[1])
    return visitor.post(form[0], data={name: html.unescape(value) for name, value in fields})
