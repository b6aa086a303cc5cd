"""Mail is set up on a page, tried with a real server, and what failed is sent again."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest

from analyticspro.config import Home
from analyticspro.outbox import MailServer
from analyticspro.policy import Role
from analyticspro.secrets_store import Secrets
from tests.hub.members import Member
from tests.hub.test_people_pages import sent_on, told
from tests.servers.smtp import Server, mail_server

FROM = "Acme Analytics <analytics@acme.example>"


@pytest.fixture(scope="module")
def smtp() -> Iterator[Server]:
    with mail_server() as server:
        yield server


@pytest.fixture
def admin(members: dict[Role, Member]) -> Member:
    return members[Role.ADMIN]


def set_up(admin: Member, port: object, **more: str):
    typed = {"security": "smtp", "host": "127.0.0.1", "port": str(port), "user": "", "sender": FROM}
    return admin.send_form("/hub/mail", do="set", **(typed | more))


def test_without_a_server_there_is_nothing_to_try(admin: Member):
    page = admin.get("/hub/mail").text
    assert "No mail yet" in page
    assert "Send a mail to" not in page
    refused = admin.send_form("/hub/mail", do="test", to="ada@acme.example")
    assert (refused.status_code, "Mail is not set up." in refused.text) == (400, True)


def test_mail_is_set_up_tried_and_used_at_once(admin: Member, smtp: Server, gate: Home):
    assert "Mail is set up." in set_up(admin, smtp.port).text
    done = admin.send_form("/hub/mail", do="test", to="ada@acme.example")
    assert "The server has taken the mail to ada@acme.example." in done.text
    assert smtp.taken[-1].recipients == ["ada@acme.example"]
    assert smtp.taken[-1].mail["From"] == FROM
    invited = admin.send_form("/hub/people/invitations", do="invite", email="by-mail@acme.example",
                              role="viewer")  # fmt: skip
    assert "on its way by mail" in invited.text
    assert "by-mail@acme.example" in admin.get("/hub/mail").text
    assert told(gate, "mail server")["mail.set"][0] == admin.person.username


def test_a_mail_that_is_refused_is_told_with_the_reason_and_sent_again(
    admin: Member, smtp: Server, gate: Home
):
    set_up(admin, smtp.port)
    smtp.answers["grace@acme.example"] = ["550 <script>no such user</script>"]
    done = admin.send_form("/hub/mail", do="test", to="grace@acme.example")
    assert "was not sent: It answers 550" in done.text
    assert "<script" not in done.text
    assert "1 failed" in done.text
    [number] = [
        part.split('"')[0]
        for part in done.text.split('name="mail" value="')[1:]
        if "grace@acme.example" in part.split("</button>")[0]
    ]
    again = admin.send_form("/hub/mail", do="resend", mail=number)
    assert "waits to be sent again" in again.text
    twice = admin.send_form("/hub/mail", do="resend", mail=number)
    assert (twice.status_code, "No dead mail" in twice.text) == (400, True)
    assert "mail.resend" in told(gate, f"mail {number}")


def test_a_server_that_is_not_there_is_told(admin: Member, smtp: Server):
    set_up(admin, 1)
    done = admin.send_form("/hub/mail", do="test", to="ada@acme.example")
    assert "was not sent: It cannot be spoken to" in done.text
    set_up(admin, smtp.port)


def test_the_password_is_among_the_secrets_and_nowhere_else(admin: Member, gate: Home):
    password = "p@ss:w/o rd%"
    given = {"host": "mail.acme.example", "security": "smtps", "user": "me@acme"}
    missing = set_up(admin, 465, **given)
    assert (missing.status_code, "The password of me@acme is missing." in missing.text) == (400, 1)
    page = set_up(admin, 465, **given, password=password)
    assert "Mail is set up." in page.text
    assert Secrets.open(gate).get("mail", "password") == password
    server = MailServer.of(Home(gate.path))
    assert (server.user, server.password, server.port) == ("me@acme", password, 465)
    files = [gate.settings_file, gate.path / "logs" / "hub.log"]
    assert [file for file in files if password in file.read_text()] == []
    assert password not in html.unescape(page.text)
    kept = set_up(admin, 587, **(given | {"security": "smtp+starttls"}))
    assert "Mail is set up." in kept.text, "the password that is kept goes on"
    assert MailServer.of(Home(gate.path)).password == password


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"host": "a b"}, "is no name of a server"),
        ({"host": "<script>"}, "is no name of a server"),
        ({"port": "many"}, "is no port"),
        ({"port": "0"}, "is no port"),
        ({"security": "none"}, "No encryption"),
        ({"sender": "nobody"}, "Setting mail_from"),
        ({"sender": "a\nBcc: b <x@y.z>"}, "Setting mail_from"),
        ({"user": "me", "password": "p", "host": "mail.example"}, "unencrypted"),
    ],
)
def test_what_cannot_work_is_not_kept(wrong, why: str, admin: Member, gate: Home):
    before = gate.settings_file.read_text()
    answer = set_up(admin, **({"port": "25"} | wrong))
    assert answer.status_code == 400
    assert why in html.unescape(answer.text)
    assert "<script" not in answer.text
    assert gate.settings_file.read_text() == before


def test_mail_is_turned_off_after_a_question(admin: Member, smtp: Server, gate: Home):
    set_up(admin, smtp.port)
    asked = admin.send_form("/hub/mail", do="off")
    assert "Send no mail any more?" in asked.text
    assert Home(gate.path).settings.mail_url
    assert "No mail is sent any more." in sent_on(admin, asked).text
    assert Home(gate.path).settings.mail_url == ""
    assert [one.name for one in Secrets.open(gate).names()] == []
