"""Persons join by signing up, by invitation, or as the first admin, and in no other way."""

from __future__ import annotations

import threading

import pytest

from analyticspro.accounts import NextStep, Standing, TooManyAttempts
from analyticspro.accounts.rules import Rules, SignUp
from analyticspro.errors import DefinitionError, Forbidden, SettingError
from analyticspro.policy import Role
from tests.accounts.conftest import GOOD, HERE, OTHER, ROOT, Office, office


def sign_up(desk: Office, email: str = "ada@acme.example", password: str = GOOD, **more: str):
    return desk.accounts.joining.sign_up(
        more.get("name", "Ada"), email, password, origin=more.get("origin", HERE), now=desk.now
    )


def test_who_signs_up_is_a_viewer_and_may_come_in(desk: Office):
    assert sign_up(desk, " Ada@ACME.example ") is NextStep.SIGN_IN
    [person] = desk.accounts.directory.all()
    assert (person.email, person.name, person.role) == ("ada@acme.example", "Ada", "viewer")
    assert desk.sign_in("ADA@acme.example").person == person
    assert [(row.who, row.subject) for row in desk.told("people.sign_up")] == [("anonymous", "p1")]


def test_with_mail_one_confirms_ones_address_first(mailing: Office):
    assert sign_up(mailing) is NextStep.CONFIRM
    with pytest.raises(Forbidden, match="Confirm your e-mail address"):
        mailing.sign_in("ada@acme.example")
    assert len(mailing.mails("verification")) == 2
    token = mailing.mailed_token("verification")
    mailing.accounts.joining.confirm(token, origin=HERE, now=mailing.now)
    assert mailing.sign_in("ada@acme.example").person.verified_at == mailing.now
    with pytest.raises(Forbidden, match="used already"):
        mailing.accounts.joining.confirm(token, origin=HERE, now=mailing.now)


def test_the_link_leads_to_the_page_of_the_workspace(mailing: Office):
    sign_up(mailing)
    assert "https://acme.example/hub/confirm?token=" in mailing.mails("verification")[0]


def test_where_it_is_asked_for_an_admin_approves(home, state):
    desk = office(home, state, has_mail=True, sign_up=SignUp.APPROVAL)
    sign_up(desk)
    token = desk.mailed_token("verification")
    person = desk.accounts.joining.confirm(token, origin=HERE, now=desk.now)
    assert person.standing is Standing.WAITING
    with pytest.raises(Forbidden, match="waits for an admin's approval"):
        desk.sign_in("ada@acme.example")
    desk.accounts.directory.approve(person.id, by=ROOT, now=desk.now)
    desk.accounts.directory.approve(person.id, by=ROOT, now=desk.now)
    assert len(desk.mails("approved")) == 1
    assert desk.sign_in("ada@acme.example").person.standing is Standing.ACTIVE


def test_where_only_the_invited_join_nobody_signs_up(home, state):
    desk = office(home, state, sign_up=SignUp.INVITED)
    with pytest.raises(Forbidden, match="by invitation"):
        sign_up(desk)


@pytest.mark.parametrize(
    "email", ["a@evil.example", "a@acme.example.evil.test", "a@sub.acme.example"]
)
def test_domains_may_be_told(home, state, email: str):
    desk = office(home, state, domains=("acme.example",))
    with pytest.raises(Forbidden, match=r"addresses of acme\.example"):
        sign_up(desk, email)
    assert sign_up(desk, "ada@ACME.example") is NextStep.SIGN_IN


def test_that_an_address_is_known_shows_nowhere_but_in_its_mail(mailing: Office):
    first = sign_up(mailing)
    assert sign_up(mailing, password=OTHER, name="Mallory") is first
    assert sign_up(mailing, "ADA@acme.example", password=OTHER) is first
    [person] = mailing.accounts.directory.all()
    assert person.name == "Ada"
    assert len(mailing.mails("already_joined")) == 1
    assert [row.allowed for row in mailing.told("people.sign_up")] == [True, False, False]
    with pytest.raises(Forbidden, match="is wrong"):
        mailing.sign_in("ada@acme.example", OTHER)


def test_many_sign_ups_for_one_address_at_once_make_one_account(desk: Office):
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda: answers.append(sign_up(desk, name="Ada"))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [NextStep.SIGN_IN] * 6
    assert len(desk.accounts.directory.all()) == 1
    assert desk.audit.verify().is_whole


def test_one_address_does_not_sign_up_without_end(desk: Office):
    for number in range(31):
        sign_up(desk, f"p{number}@acme.example")
    with pytest.raises(TooManyAttempts):
        sign_up(desk, "more@acme.example")
    assert sign_up(desk, "more@acme.example", origin="192.0.2.99") is NextStep.SIGN_IN


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@acme.example",
        "ada@",
        "ada@localhost",
        "a b@acme.example",
        "ada@acme..example",
        "ada@acme.example\nBcc: x@y.example",
        "ada@-acme.example",
        '"a"@acme.example',
        "<ada@acme.example>",
        "x" * 65 + "@acme.example",
        "ada@" + "x." * 130 + "example",
    ],
)
def test_what_is_no_address_is_refused(desk: Office, email: str):
    with pytest.raises(DefinitionError, match="no e-mail address"):
        sign_up(desk, email)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "Ada\x00", "Ada\u202eadA"])
def test_what_is_no_name_is_refused(desk: Office, name: str):
    with pytest.raises(DefinitionError, match="no name"):
        sign_up(desk, name=name)


def test_who_is_invited_gets_the_role_of_the_invitation_once(mailing: Office):
    joining = mailing.accounts.joining
    link = joining.invite("Bob@acme.example", Role.ANALYST, by=ROOT, now=mailing.now)
    assert mailing.mailed_token("invitation") == link.token
    assert link.url == f"https://acme.example/hub/join?token={link.token}"
    seen = joining.see(link.token, now=mailing.now)
    assert (seen.email, seen.role) == ("bob@acme.example", "analyst")
    person = joining.accept(link.token, "Bob", GOOD, origin=HERE, now=mailing.now)
    assert (person.role, person.email) == ("analyst", "bob@acme.example")
    assert mailing.sign_in("bob@acme.example").person.id == person.id
    with pytest.raises(Forbidden, match="used already"):
        joining.accept(link.token, "Eve", GOOD, origin=HERE, now=mailing.now)


def test_an_invitation_takes_no_other_address_than_its_own(desk: Office):
    joining = desk.accounts.joining
    link = joining.invite("bob@acme.example", Role.ADMIN, by=ROOT, now=desk.now)
    person = joining.accept(
        link.token, "Eve", GOOD, email="eve@evil.example", origin=HERE, now=desk.now
    )
    assert person.email == "bob@acme.example"


def test_an_invitation_expires_is_replaced_and_withdrawn(desk: Office):
    joining = desk.accounts.joining
    first = joining.invite("bob@acme.example", Role.ADMIN, by=ROOT, now=desk.now)
    second = joining.invite("bob@acme.example", Role.VIEWER, by=ROOT, now=desk.now)
    third = joining.invite("cleo@acme.example", Role.VIEWER, by=ROOT, now=desk.now)
    assert [link.email for link in joining.invitations()] == [
        "bob@acme.example",
        "cleo@acme.example",
    ]
    joining.withdraw("cleo@acme.example", by=ROOT, now=desk.now)
    for link in (first, third):
        with pytest.raises(Forbidden):
            joining.accept(link.token, "Eve", GOOD, origin=HERE, now=desk.now)
    with pytest.raises(Forbidden):
        joining.accept(second.token, "Bob", GOOD, origin=HERE, now=second.expires_at)
    with pytest.raises(DefinitionError, match="no invitation"):
        joining.withdraw("cleo@acme.example", by=ROOT, now=desk.now)


def test_an_invitation_is_still_good_after_a_password_that_is_not(desk: Office):
    link = desk.accounts.joining.invite("bob@acme.example", Role.VIEWER, by=ROOT, now=desk.now)
    with pytest.raises(DefinitionError, match="too short"):
        desk.accounts.joining.accept(link.token, "Bob", "short", origin=HERE, now=desk.now)
    assert desk.accounts.joining.accept(link.token, "Bob", GOOD, origin=HERE, now=desk.now)


def test_of_many_who_use_a_link_at_once_one_joins(desk: Office):
    link = desk.accounts.joining.first_admin_link(now=desk.now)
    assert link is not None
    outcomes: list[str] = []

    def accept(number: int) -> None:
        try:
            person = desk.accounts.joining.accept(
                link.token, "Eve", GOOD, email=f"e{number}@acme.example", origin=HERE, now=desk.now
            )
            outcomes.append(person.role)
        except Forbidden:
            outcomes.append("refused")

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["admin"] + ["refused"] * 4
    assert len(desk.accounts.directory.all()) == 1


def test_the_first_admin_comes_by_the_link_printed_last_and_there_is_one_first(desk: Office):
    joining = desk.accounts.joining
    old = joining.first_admin_link(now=desk.now)
    new = joining.first_admin_link(now=desk.now)
    assert old is not None
    assert new is not None
    with pytest.raises(Forbidden):
        joining.accept(old.token, "A", GOOD, email="a@acme.example", origin=HERE, now=desk.now)
    with pytest.raises(DefinitionError, match="no e-mail address"):
        joining.accept(new.token, "A", GOOD, origin=HERE, now=desk.now)
    admin = joining.accept(new.token, "A", GOOD, email="a@acme.example", origin=HERE, now=desk.now)
    assert admin.role == "admin"
    assert joining.first_admin_link(now=desk.now) is None


def test_a_link_that_was_printed_before_there_was_an_admin_opens_nothing_after(desk: Office):
    link = desk.accounts.joining.first_admin_link(now=desk.now)
    assert link is not None
    desk.add("ada@acme.example", Role.ADMIN)
    with pytest.raises(Forbidden):
        desk.accounts.joining.accept(
            link.token, "Eve", GOOD, email="eve@evil.example", origin=HERE, now=desk.now
        )


def test_who_is_there_is_not_invited(desk: Office):
    desk.add("ada@acme.example")
    with pytest.raises(DefinitionError, match="has an account already"):
        desk.accounts.joining.invite("Ada@acme.example", Role.ADMIN, by=ROOT, now=desk.now)


def test_the_rules_follow_the_settings():
    assert Rules.parse("approval", "Acme.example  bücher.example") == Rules(
        SignUp.APPROVAL, ("acme.example", "xn--bcher-kva.example")
    )
    with pytest.raises(SettingError, match="it may be open, approval, invited"):
        Rules.parse("closed", "")
    with pytest.raises(SettingError, match="sign_up_domains"):
        Rules.parse("open", "acme.example, acme.test")
