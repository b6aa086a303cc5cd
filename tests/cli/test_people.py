"""The owner of the machine lets persons in, and reads the log and the mails."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from analyticspro import clock
from analyticspro.accounts import Accounts
from analyticspro.config import Home
from analyticspro.outbox import Message, Outbox
from analyticspro.state import State
from tests.cli.terminal import run

GOOD = "quiet harbour lantern 88"


def token(url: str) -> str:
    [found] = parse_qs(urlsplit(url.strip()).query)["token"]
    return found


def test_persons_are_invited_given_roles_reset_and_removed(home: Home):
    assert "Nobody yet" in run("people", "list", home=home.path).err
    invited = run("people", "invite", "ada@acme.example", "--role", "admin", home=home.path)
    assert (invited.code, "It works once" in invited.err) == (0, True)
    run("people", "invite", "bob@acme.example", home=home.path)
    with State.open(home.state_address) as state:
        accounts = Accounts.of(home, state, base_url="")
        accounts.joining.accept(
            token(invited.out), "Ada", GOOD, origin="192.0.2.7", now=clock.now()
        )
        listed = run("people", "list", "--format", "json", home=home.path).json
        assert [(row["email"], row["role"], row["standing"]) for row in listed] == [
            ("ada@acme.example", "admin", "active"),
            ("bob@acme.example", "viewer", "invited"),
        ]
        last = run("people", "role", "ada@acme.example", "viewer", home=home.path)
        assert (last.code, "This is the last admin" in last.err) == (2, True)
        link = run("people", "reset", "ada@acme.example", home=home.path)
        accounts.recovery.reset(
            token(link.out), "velvet orbit pelican 17", origin="192.0.2.7", now=clock.now()
        )
    gone = run("people", "remove", "bob@acme.example", home=home.path)
    assert "withdrawn" in gone.err
    unknown = run("people", "role", "eve@acme.example", "viewer", home=home.path)
    assert (unknown.code, "No person 'eve@acme.example'" in unknown.err) == (2, True)
    listed = run("audit", "list", "--format", "json", home=home.path).json
    assert [row["action"] for row in reversed(listed)] == [
        "people.invite",
        "people.invite",
        "people.join",
        "people.role",
        "reset.link",
        "password",
        "people.withdraw",
    ]
    assert run("audit", "list", "--refused", home=home.path).out.count("\n") == 2


def test_a_log_that_was_changed_is_told_and_ends_the_command(home: Home):
    run("people", "invite", "ada@acme.example", home=home.path)
    whole = run("audit", "verify", home=home.path)
    assert (whole.code, whole.out.startswith("1:")) == (0, True)
    assert run("audit", "verify", "--head", whole.out.strip(), home=home.path).code == 0
    with closing(sqlite3.connect(Path(home.state_address))) as database:
        database.execute("DROP TRIGGER audit_entries_no_delete")
        database.execute("DELETE FROM audit_entries")
        database.commit()
    broken = run("audit", "verify", home=home.path)
    assert (broken.code, "Entries are missing at the end" in broken.err) == (5, True)
    told = run("audit", "verify", "--format", "json", home=home.path)
    assert (told.code, told.json["whole"]) == (5, False)


def test_a_dead_mail_is_shown_without_its_content_and_sent_again(home: Home):
    with State.open(home.state_address) as state:
        with state.writing() as connection:
            Outbox(state, sender="a@acme.example").enqueue(
                connection,
                Message("ada@acme.example", "Hello", "tok_123", "reset"),
                now=clock.now(),
            )
        claimed = state.mails.claim("test", now=clock.now(), lease=timedelta(hours=1))
        assert claimed is not None
        state.mails.give_up(claimed, "It answers 550 no", now=clock.now())
    shown = run("mails", "list", "--state", "dead", home=home.path)
    assert "It answers 550 no" in shown.out
    assert "tok_123" not in shown.out + run("mails", "list", "--format", "json", home=home.path).out
    assert run("mails", "resend", "1", home=home.path).code == 0
    assert run("mails", "resend", "1", home=home.path).code == 2
