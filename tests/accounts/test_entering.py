"""Who has the password comes in; who guesses waits, and learns nothing."""

from __future__ import annotations

import threading

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from analyticspro.accounts import Accounts, Passwords, TooManyAttempts
from analyticspro.audit import Actor
from analyticspro.errors import Forbidden, UnknownName
from analyticspro.state import State
from tests.accounts.conftest import GOOD, HERE, OTHER, QUICK, ROOT, Office, office

ADA = "ada@acme.example"


def fail(desk: Office, email: str = ADA, origin: str = HERE) -> str:
    """Try a wrong password; return what one is told."""
    try:
        desk.sign_in(email, "a wrong guess of mine", origin)
    except (Forbidden, TooManyAttempts) as error:
        return str(error)
    raise AssertionError("it came in")


def test_an_unknown_address_is_told_as_a_wrong_password_is(desk: Office):
    desk.add(ADA)
    assert fail(desk) == fail(desk, "nobody@acme.example") == fail(desk, "no address")
    assert [(row.subject, row.allowed) for row in desk.told("sign_in")] == [
        ("p1", False),
        ("unknown", False),
        ("unknown", False),
    ]


def test_an_unknown_address_costs_the_same_hash(home, state):
    class Counting(PasswordHasher):
        verified = 0

        def verify(self, hash, password):  # noqa: A002 - argon2's own name
            type(self).verified += 1
            return super().verify(hash, password)

    counting = Counting(time_cost=1, memory_cost=8, parallelism=1)
    desk = office(home, state)
    desk.accounts = Accounts(state, desk.audit, passwords=Passwords(counting))
    desk.add(ADA)
    counts = []
    for email in (ADA, "nobody@acme.example", "no address"):
        before = Counting.verified
        fail(desk, email)
        counts.append(Counting.verified - before)
    assert counts == [1, 1, 1]


def test_after_some_attempts_one_waits_longer_each_time(desk: Office):
    desk.add(ADA)
    for _ in range(6):
        assert "wrong" in fail(desk)
    assert fail(desk) == "Too many attempts. Try again in 1 minute."
    with pytest.raises(TooManyAttempts):
        desk.sign_in(ADA)  # the right one does not help a guesser either
    desk.later(seconds=30)
    assert "wrong" in fail(desk)
    desk.later(seconds=59)
    assert "1 minute" in fail(desk)
    desk.later(seconds=1)
    assert desk.sign_in(ADA).person.email == ADA
    assert "wrong" in fail(desk)


def test_the_wait_has_an_end_however_often_one_tries(desk: Office):
    desk.add(ADA)
    for _ in range(20):
        fail(desk)
        desk.later(minutes=15)
    assert desk.sign_in(ADA)


def test_an_account_that_nobody_has_is_locked_as_one_that_somebody_has(desk: Office):
    desk.add(ADA)
    seen = [[fail(desk, email) for _ in range(8)] for email in (ADA, "nobody@acme.example")]
    assert seen[0] == seen[1]


def test_one_address_does_not_try_all_accounts(desk: Office):
    for number in range(31):
        fail(desk, f"p{number}@acme.example")
    assert "Too many" in fail(desk, "another@acme.example")
    assert "wrong" in fail(desk, "another@acme.example", "192.0.2.99")


def test_who_comes_in_again_and_again_is_not_locked_out(desk: Office):
    desk.add(ADA)
    for _ in range(32):
        desk.sign_in(ADA)


def test_guesses_at_once_are_all_counted(desk: Office):
    desk.add(ADA)
    told: list[str] = []
    threads = [threading.Thread(target=lambda: told.append(fail(desk))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("wrong" in answer for answer in told) == 6
    assert desk.audit.verify().is_whole


def test_a_flood_of_attempts_does_not_fill_the_log(desk: Office):
    desk.add(ADA)
    for _ in range(50):
        fail(desk)
    # Six wrong ones, the lock of the account, the lock of the address.
    assert len(desk.told("sign_in")) == 8


def test_a_session_is_known_by_its_token_until_it_ends(desk: Office):
    desk.add(ADA)
    new = desk.sign_in(ADA)
    entering = desk.accounts.entering
    person, session = entering.session(new.token, now=desk.now)
    assert (person.email, session.origin, session.agent) == (ADA, HERE, "Browser/1")
    assert entering.session(new.token + "x", now=desk.now) is None
    entering.sign_out(new.token, origin=HERE, now=desk.now)
    entering.sign_out(new.token, origin=HERE, now=desk.now)
    assert entering.session(new.token, now=desk.now) is None
    assert len(desk.told("sign_out")) == 1


def test_a_session_ends_unused_and_in_the_end_used_or_not(desk: Office):
    desk.add(ADA)
    idle, used = desk.sign_in(ADA).token, desk.sign_in(ADA).token
    entering = desk.accounts.entering
    for day in range(1, 31):
        now = desk.later(days=1)
        assert (entering.session(used, now=now) is not None) is (day < 30)
        if day == 7:
            assert entering.session(idle, now=now) is None
    desk.accounts.tidy(now=desk.now)
    assert entering.sessions(1) == []


def test_sessions_are_listed_and_revoked_one_by_one_or_all(desk: Office):
    ada, bob = desk.add(ADA), desk.add("bob@acme.example")
    first, second, third = (desk.sign_in(ADA) for _ in range(3))
    other = desk.sign_in("bob@acme.example")
    entering, me = desk.accounts.entering, Actor(ada.username, HERE)
    assert {found.id for found in entering.sessions(ada.id)} == {
        first.session.id,
        second.session.id,
        third.session.id,
    }
    entering.revoke(ada.id, first.session.id, by=me, now=desk.now)
    assert entering.session(first.token, now=desk.now) is None
    with pytest.raises(UnknownName):
        entering.revoke(ada.id, other.session.id, by=me, now=desk.now)
    assert entering.sign_out_everywhere(ada.id, by=me, now=desk.now, but=third.session.id) == 1
    assert entering.session(third.token, now=desk.now) is not None
    assert entering.sign_out_everywhere(ada.id, by=me, now=desk.now) == 1
    assert entering.session(other.token, now=desk.now) is not None
    assert len(entering.sessions(bob.id)) == 1


def test_a_dated_hash_is_made_anew(desk: Office):
    ada = desk.add(ADA)
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    again = Accounts(desk.state, desk.audit, passwords=Passwords(stronger))
    again.entering.sign_in(ADA, GOOD, origin=HERE, now=desk.now)
    fresh = desk.accounts.directory.get(ada.id)
    assert fresh.password_hash != ada.password_hash
    assert Passwords(QUICK).is_dated(fresh.password_hash)
    again.entering.sign_in(ADA, GOOD, origin=HERE, now=desk.now)


def everything(state: State) -> str:
    """All that the database holds, as text."""
    names = ["people", "links", "sessions", "strikes", "audit_entries", "audit_head"]
    with state.reading() as connection:
        return repr([connection.execute(text(f"SELECT * FROM {name}")).all() for name in names])


def test_no_secret_is_kept_or_shown(desk: Office):
    link = desk.accounts.joining.invite("bob@acme.example", "viewer", by=ROOT, now=desk.now)
    ada = desk.add(ADA)
    new = desk.sign_in(ADA)
    typed_as_address = "my secret password"
    fail(desk, typed_as_address)
    kept = everything(desk.state)
    for secret in (GOOD, new.token, link.token, typed_as_address, OTHER):
        assert secret not in kept
        assert secret not in repr((new, link, ada))
    assert "argon2" in kept
    assert "argon2" not in repr(ada)
    assert new.session.digest not in repr(new)
