"""Mail goes where the setting says, encrypted as it says, or not at all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from analyticspro.errors import SettingError
from analyticspro.outbox import MailServer, Outbox, Round, Security
from analyticspro.state import State
from tests.outbox.conftest import MINUTE, SENDER, deliver, only, queue
from tests.servers.smtp import PASSWORD, USER, certificate, mail_server


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("trusted"))


def secure(port: int, trusted: Path | None, scheme: str, password: str = PASSWORD) -> MailServer:
    signed_in = f"{USER}:${{SECRET}}@" if scheme == "smtp+starttls" else ""
    return MailServer.parse(
        f"{scheme}://{signed_in}127.0.0.1:{port}",
        {"SECRET": password},
        certificates=trusted,
    )


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_mail_goes_encrypted_to_who_proves_to_be_the_server(
    make_fresh, tmp_path, trusted: Path, scheme: str
):
    with (
        State.open(make_fresh(tmp_path)) as state,
        mail_server(
            trusted, from_the_start=scheme == "smtps", with_password=scheme != "smtps"
        ) as server,
    ):
        outbox = Outbox(state, sender=SENDER)
        queue(state, outbox)
        unknown = deliver(state, 0, server=secure(server.port, None, scheme))
        assert unknown == Round(waiting=1)
        assert "certificate" in only(outbox).error
        assert server.taken == []
        right = secure(server.port, trusted, scheme)
        assert deliver(state, 0, timedelta(hours=1), server=right) == Round(sent=1)
        assert len(server.taken) == 1


def test_a_wrong_password_of_ours_kills_no_mail(state, outbox, trusted: Path):
    queue(state, outbox)
    with mail_server(trusted, with_password=True) as server:
        wrong = secure(server.port, trusted, "smtp+starttls", "wrong")
        assert deliver(state, 0, server=wrong) == Round(waiting=1)
        assert only(outbox).error == "It does not let us in: 535."
        none = MailServer(Security.STARTTLS, "127.0.0.1", server.port, certificates=trusted)
        assert deliver(state, 0, MINUTE, server=none) == Round(waiting=1)
        assert "530" in only(outbox).error
        right = secure(server.port, trusted, "smtp+starttls")
        assert deliver(state, 0, timedelta(hours=1), server=right) == Round(sent=1)


def test_where_encryption_is_wanted_nothing_goes_in_the_clear(state, outbox, server, trusted):
    queue(state, outbox)
    where = secure(server.port, trusted, "smtp+starttls")
    assert deliver(state, 0, server=where) == Round(waiting=1)
    assert "STARTTLS" in only(outbox).error
    assert server.taken == []


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("mail.example", "cannot be read"),
        ("http://mail.example", "cannot be read"),
        ("smtps://mail.example:port", "cannot be read"),
        ("smtps://", "cannot be read"),
        ("smtp://me:hunter2@mail.example", "unencrypted"),
        ("smtps://me:${MISSING}@mail.example", r"\$\{MISSING\}, which is not set"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_the_password(address: str, told: str):
    with pytest.raises(SettingError, match=told) as caught:
        MailServer.parse(address, {})
    assert "hunter2" not in str(caught.value)


def test_an_address_names_the_usual_ports_and_hides_the_password():
    assert MailServer.parse("smtps://mail.example", {}).port == 465
    assert MailServer.parse("smtp+starttls://mail.example", {}).port == 587
    assert MailServer.parse("smtp://127.0.0.1", {}).port == 25
    found = MailServer.parse(f"smtps://me:{quote('p@ss/w#', safe='')}@mail.example", {})
    assert found.password == "p@ss/w#"
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize("sender", ["", "Acme", "Acme <>", "a@b\nBcc: c@d", "ä@b.example"])
def test_what_mail_cannot_be_from_is_told(state, sender: str):
    with pytest.raises(SettingError, match="mail_from"):
        Outbox(state, sender=sender)
