"""A forgotten password is had again by whoever reads the mail, or asks an admin; by no other."""

from __future__ import annotations

import pytest

from analyticspro.accounts import TooManyAttempts
from analyticspro.errors import DefinitionError, Forbidden
from tests.accounts.conftest import GOOD, HERE, OTHER, ROOT, Office

ADA = "ada@acme.example"


def ask(desk: Office, email: str = ADA) -> None:
    desk.accounts.recovery.ask(email, origin=HERE, now=desk.now)


def reset(desk: Office, token: str, password: str = OTHER):
    return desk.accounts.recovery.reset(token, password, origin=HERE, now=desk.now)


def test_a_link_by_mail_sets_a_new_password_once_and_ends_all_sessions(mailing: Office):
    mailing.add(ADA)
    old = mailing.sign_in(ADA)
    ask(mailing, " ADA@acme.example")
    token = mailing.mailed_token("reset")
    reset(mailing, token)
    assert mailing.accounts.entering.session(old.token, now=mailing.now) is None
    assert mailing.sign_in(ADA, OTHER)
    with pytest.raises(Forbidden, match="is wrong"):
        mailing.sign_in(ADA, GOOD)
    with pytest.raises(Forbidden, match="used already"):
        reset(mailing, token, "another pelican harbour 4")
    assert len(mailing.mails("password_changed")) == 1


def test_who_has_no_account_is_told_the_same_and_gets_no_mail(mailing: Office):
    mailing.add(ADA)
    ask(mailing)
    ask(mailing, "nobody@acme.example")
    assert [mail.recipient for mail in mailing.outbox.mails() if mail.kind == "reset"] == [ADA]
    assert [(row.subject, row.allowed) for row in mailing.told("reset.ask")] == [
        ("p1", True),
        ("unknown", False),
    ]


def test_a_link_expires_and_a_newer_one_ends_it(mailing: Office):
    mailing.add(ADA)
    ask(mailing)
    first = mailing.mailed_token("reset")
    ask(mailing)
    second = mailing.mailed_token("reset")
    with pytest.raises(Forbidden):
        reset(mailing, first)
    mailing.later(hours=1)
    with pytest.raises(Forbidden):
        reset(mailing, second)


def test_a_password_that_is_refused_leaves_the_link(mailing: Office):
    mailing.add(ADA)
    ask(mailing)
    token = mailing.mailed_token("reset")
    with pytest.raises(DefinitionError, match="easily guessed"):
        reset(mailing, token, "password1234")
    assert reset(mailing, token).email == ADA


def test_a_link_is_not_asked_for_without_end(mailing: Office):
    mailing.add(ADA)
    for _ in range(6):
        ask(mailing)
    with pytest.raises(TooManyAttempts):
        ask(mailing)


def test_who_is_locked_out_comes_in_by_a_new_password(mailing: Office):
    mailing.add(ADA)
    for _ in range(6):
        with pytest.raises(Forbidden):
            mailing.sign_in(ADA, "a wrong guess of mine")
    with pytest.raises(TooManyAttempts):
        mailing.sign_in(ADA)
    ask(mailing)
    reset(mailing, mailing.mailed_token("reset"))
    assert mailing.sign_in(ADA, OTHER)


def test_without_mail_an_admin_hands_the_link_over(desk: Office):
    ada = desk.add(ADA)
    with pytest.raises(DefinitionError, match="Ask an admin"):
        ask(desk)
    link = desk.accounts.recovery.link(ada.id, by=ROOT, now=desk.now)
    assert link.url == f"https://acme.example/hub/reset?token={link.token}"
    reset(desk, link.token)
    assert desk.sign_in(ADA, OTHER)
    assert [(row.who, row.reason) for row in desk.told("password")] == [
        ("p1", "by a link of machine")
    ]


def test_a_link_of_another_kind_resets_nothing(desk: Office):
    desk.add(ADA)
    invitation = desk.accounts.joining.invite("b@acme.example", "viewer", by=ROOT, now=desk.now)
    with pytest.raises(Forbidden):
        reset(desk, invitation.token)
    assert desk.accounts.joining.see(invitation.token, now=desk.now)


def test_a_link_of_somebody_removed_opens_nothing(desk: Office):
    ada = desk.add(ADA)
    link = desk.accounts.recovery.link(ada.id, by=ROOT, now=desk.now)
    desk.accounts.directory.remove(ada.id, by=ROOT, now=desk.now)
    desk.add(ADA)
    with pytest.raises(Forbidden):
        reset(desk, link.token)
    with pytest.raises(DefinitionError, match="not there any more"):
        desk.accounts.recovery.link(ada.id, by=ROOT, now=desk.now)


def test_one_changes_ones_password_with_the_old_one_and_stays_signed_in_here(desk: Office):
    desk.add(ADA)
    here, there = desk.sign_in(ADA), desk.sign_in(ADA)
    change = desk.accounts.recovery.change
    with pytest.raises(Forbidden, match="is wrong"):
        change(here.person, OTHER, "another pelican harbour 4", origin=HERE, now=desk.now)
    with pytest.raises(DefinitionError, match="easily guessed"):
        change(here.person, GOOD, "password1234", origin=HERE, now=desk.now)
    change(here.person, GOOD, OTHER, origin=HERE, now=desk.now, keep=here.session.id)
    assert desk.accounts.entering.session(here.token, now=desk.now) is not None
    assert desk.accounts.entering.session(there.token, now=desk.now) is None
    assert desk.sign_in(ADA, OTHER)


def test_who_stole_a_session_does_not_guess_the_password(desk: Office):
    desk.add(ADA)
    stolen = desk.sign_in(ADA)
    change = desk.accounts.recovery.change
    for _ in range(6):
        with pytest.raises(Forbidden):
            change(stolen.person, "a wrong guess of mine", OTHER, origin=HERE, now=desk.now)
    with pytest.raises(TooManyAttempts):
        change(stolen.person, GOOD, OTHER, origin=HERE, now=desk.now)
