"""Roles change, persons go, and there is always an admin left."""

from __future__ import annotations

import threading

import pytest

from analyticspro.accounts.directory import LastAdmin
from analyticspro.errors import DefinitionError, Forbidden, UnknownName
from analyticspro.policy import Role
from tests.accounts.conftest import HERE, ROOT, Office

ADA, BOB = "ada@acme.example", "bob@acme.example"


def test_a_role_is_changed_and_the_log_tells_from_what_to_what(desk: Office):
    ada = desk.add(ADA)
    desk.accounts.directory.set_role(ada.id, Role.ANALYST, by=ROOT, now=desk.now)
    assert desk.accounts.directory.get(ada.id).role == "analyst"
    [row] = desk.told("people.role")
    assert (row.who, row.subject, row.reason) == ("machine", "p1", "viewer → analyst")


def test_the_last_admin_is_neither_demoted_nor_removed(desk: Office):
    ada, bob = desk.add(ADA, Role.ADMIN), desk.add(BOB, Role.ADMIN)
    directory = desk.accounts.directory
    directory.set_role(bob.id, Role.VIEWER, by=ROOT, now=desk.now)
    with pytest.raises(LastAdmin, match="Make somebody else an admin first"):
        directory.set_role(ada.id, Role.MANAGER, by=ROOT, now=desk.now)
    with pytest.raises(LastAdmin):
        directory.remove(ada.id, by=ROOT, now=desk.now)
    directory.set_role(ada.id, Role.ADMIN, by=ROOT, now=desk.now)
    assert directory.get(ada.id).role == "admin"
    assert [row.allowed for row in desk.told("people.role")] == [True, False, True]
    directory.remove(bob.id, by=ROOT, now=desk.now)


def test_two_admins_who_remove_each_other_at_once_leave_one(desk: Office):
    for number in range(4):
        ada = desk.add(f"a{number}@acme.example", Role.ADMIN)
        bob = desk.add(f"b{number}@acme.example", Role.ADMIN)
        if number == 0:
            others = []
        outcomes: list[str] = []

        def remove(person_id: int, outcomes: list[str] = outcomes) -> None:
            try:
                desk.accounts.directory.remove(person_id, by=ROOT, now=desk.now)
                outcomes.append("removed")
            except LastAdmin:
                outcomes.append("kept")

        threads = [threading.Thread(target=remove, args=(person.id,)) for person in (ada, bob)]
        threads += [threading.Thread(target=remove, args=(number,)) for number in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = [person for person in desk.accounts.directory.all() if person.role == "admin"]
        assert len(left) == 1
        assert outcomes.count("kept") == 1
        others = [person.id for person in left]


def test_who_is_removed_is_out_at_once_and_the_address_is_free_again(desk: Office):
    desk.add(BOB, Role.ADMIN)
    ada = desk.add(ADA)
    session = desk.sign_in(ADA)
    desk.accounts.directory.remove(ada.id, by=ROOT, now=desk.now)
    assert desk.accounts.entering.session(session.token, now=desk.now) is None
    with pytest.raises(Forbidden, match="is wrong"):
        desk.sign_in(ADA)
    with pytest.raises(UnknownName):
        desk.accounts.directory.remove(ada.id, by=ROOT, now=desk.now)
    again = desk.add(ADA, Role.MANAGER)
    assert again.id != ada.id
    assert desk.sign_in(ADA).person.role == "manager"


def test_a_person_is_found_by_address_and_by_username(desk: Office):
    ada = desk.add(ADA)
    directory = desk.accounts.directory
    assert directory.named("Ada@ACME.example") == ada
    assert directory.of_username("p1") == ada
    for username in ("p2", "p01", "1", "p", "p١", "ada"):
        assert directory.of_username(username) is None
    with pytest.raises(UnknownName, match=r"Did you mean 'ada@acme\.example'"):
        directory.named("ade@acme.example")


def test_a_person_is_renamed(desk: Office):
    ada = desk.add(ADA)
    desk.accounts.directory.rename(ada.id, "  Ada   Lovelace ", by=ROOT, now=desk.now)
    assert desk.accounts.directory.get(ada.id).name == "Ada Lovelace"
    with pytest.raises(DefinitionError, match="no name"):
        desk.accounts.directory.rename(ada.id, "", by=ROOT, now=desk.now)


def test_all_that_was_done_is_in_a_log_that_holds(desk: Office):
    desk.add(BOB, Role.ADMIN)
    ada = desk.add(ADA)
    desk.accounts.directory.set_role(ada.id, Role.ANALYST, by=ROOT, now=desk.now)
    desk.sign_in(ADA)
    desk.accounts.directory.remove(ada.id, by=ROOT, now=desk.now)
    told = [(row.action, row.who, row.origin) for row in reversed(desk.audit.newest())]
    assert told == [
        ("people.invite", "machine", "command line"),
        ("people.join", "p1", HERE),
        ("people.invite", "machine", "command line"),
        ("people.join", "p2", HERE),
        ("people.role", "machine", "command line"),
        ("sign_in", "p2", HERE),
        ("people.remove", "machine", "command line"),
    ]
    assert desk.audit.verify().is_whole
