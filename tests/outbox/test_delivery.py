"""Mail that was queued is sent, however the server behaves; what is refused is seen."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta

import pytest

from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.outbox import (
    Attachment,
    MailState,
    Message,
    Round,
)
from analyticspro.state import State
from tests.local import free_port
from tests.outbox.conftest import ADA, MINUTE, NOW, SENDER, deliver, only, queue
from tests.servers.smtp import CUT


def test_a_mail_arrives_whole_and_its_content_is_forgotten(state, outbox, server):
    with state.writing() as connection:
        message = Message(
            ADA,
            "Über 7 €",
            "Grüße",
            "report",
            "<b>Grüße</b>",
            (Attachment("a.csv", "text/csv", b"1;2"),),
        )
        outbox.enqueue(connection, message, now=NOW)
    queued = only(outbox)
    assert deliver(state, server.port) == Round(sent=1)
    [taken] = server.taken
    assert (taken.sender, taken.recipients) == ("analytics@acme.example", [ADA])
    assert taken.mail["From"] == SENDER
    assert taken.mail["Subject"] == "Über 7 €"
    assert taken.mail["Message-ID"] == queued.message_id
    assert taken.mail.get_body(("plain",)).get_content().strip() == "Grüße"
    assert taken.mail.get_body(("html",)).get_content().strip() == "<b>Grüße</b>"
    assert [part.get_filename() for part in taken.mail.iter_attachments()] == ["a.csv"]
    sent = only(outbox)
    assert (sent.state, sent.content, sent.ended_at) == (MailState.SENT, None, NOW)
    assert deliver(state, server.port) == Round()


def test_what_was_not_committed_is_not_sent(state, outbox, server):
    with suppress(ZeroDivisionError), state.writing() as connection:
        outbox.enqueue(connection, Message(ADA, "s", "t", "report"), now=NOW)
        raise ZeroDivisionError
    assert deliver(state, server.port) == Round()
    assert server.taken == []


def test_of_one_key_one_mail_is_queued_and_the_transaction_goes_on(state, outbox, server):
    assert queue(state, outbox, key="alert 7")
    with state.writing() as connection:
        for key in ("alert 7", "alert 8"):
            outbox.enqueue(connection, Message(ADA, "s", "t", "alert", key=key), now=NOW)
    assert deliver(state, server.port) == Round(sent=2)


def test_what_is_refused_for_good_is_dead_shown_and_sent_again_when_asked(state, outbox, server):
    server.answers[ADA] = ["550 nobody here"]
    queue(state, outbox, ADA, "bob@acme.example")
    assert deliver(state, server.port) == Round(sent=1, dead=1)
    [dead] = outbox.mails([MailState.DEAD])
    assert dead.error == "It answers 550 nobody here"
    assert outbox.counts() == {
        MailState.WAITING: 0,
        MailState.SENDING: 0,
        MailState.SENT: 1,
        MailState.DEAD: 1,
    }
    assert deliver(state, server.port, timedelta(days=9)) == Round()
    outbox.resend(dead.id, now=NOW)
    assert deliver(state, server.port) == Round(sent=1)
    assert server.taken[-1].mail["Message-ID"] == dead.message_id
    with pytest.raises(UnknownName):
        outbox.resend(dead.id, now=NOW)


@pytest.mark.parametrize("when", ["answers", "after"])
def test_who_is_asked_to_come_again_comes_again_later(state, outbox, server, when: str):
    getattr(server, when)[ADA] = ["451 greylisted", "452 still"]
    queue(state, outbox)
    assert deliver(state, server.port) == Round(waiting=1)
    assert deliver(state, server.port, 0.9 * MINUTE) == Round()
    assert deliver(state, server.port, MINUTE) == Round(waiting=1)
    assert only(outbox).not_before == NOW + 3 * MINUTE
    assert only(outbox).error == "It answers 452 still"
    assert deliver(state, server.port, 3 * MINUTE) == Round(sent=1)
    assert (only(outbox).attempt, only(outbox).error) == (3, None)


def test_a_yes_that_was_cut_off_is_sent_again_with_the_same_id(state, outbox, server):
    server.after[ADA] = [CUT]
    queue(state, outbox)
    assert deliver(state, server.port) == Round(waiting=1)
    assert deliver(state, server.port, MINUTE) == Round(sent=1)
    first, second = server.taken
    assert first.mail["Message-ID"] == second.mail["Message-ID"]


def test_a_server_that_is_gone_costs_one_mail_one_attempt(state, outbox):
    queue(state, outbox, ADA, "bob@acme.example", "cleo@acme.example")
    assert deliver(state, free_port()) == Round(waiting=1)
    assert sorted(mail.attempt for mail in outbox.mails()) == [0, 0, 1]


def test_a_mail_is_given_up_after_about_a_day_and_a_half(state, outbox, server):
    server.answers[ADA] = ["451 greylisted"] * 100
    queue(state, outbox)
    after, attempts = timedelta(0), 0
    while only(outbox).state is MailState.WAITING:
        after = only(outbox).not_before - NOW
        deliver(state, server.port, after)
        attempts += 1
    assert (attempts, only(outbox).state) == (14, MailState.DEAD)
    assert timedelta(days=1) < after < timedelta(days=2)


@contextmanager
def awkward(says: list[bytes]) -> Iterator[int]:
    """A server that says this, one a line that it is sent, and then nothing more."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    for words in says:
                        connection.sendall(words)
                        connection.recv(65536)
                    # It drips: each byte in time, the answer never whole.
                    for _ in range(200):
                        connection.sendall(b"2")
                        if ended.wait(0.05):
                            return

        ended = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            listening.close()
            thread.join()


POLITE = [b"220 hello\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"]


def test_a_server_that_only_drips_is_hung_up_on(state, outbox):
    queue(state, outbox)
    with awkward(POLITE) as port:
        assert deliver(state, port, at_most_s=0.5) == Round(waiting=1)


def test_a_server_that_says_nothing_is_not_waited_for(state, outbox):
    queue(state, outbox)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        assert deliver(state, silent.getsockname()[1], patience_s=0.2) == Round(waiting=1)
    assert only(outbox).error == "It does not answer in time."


@pytest.mark.parametrize(
    "greeting", [b"554 go away\r\n", b"421 closing\r\n", b"no SMTP at all\r\n"]
)
def test_a_server_that_takes_no_mail_at_all_kills_none(state, outbox, greeting: bytes):
    queue(state, outbox)
    with awkward([greeting]) as port:
        assert deliver(state, port, patience_s=0.5) == Round(waiting=1)


def test_workers_at_once_send_each_mail_once(state, outbox, server, fresh_address):
    recipients = [f"p{number}@acme.example" for number in range(24)]
    queue(state, outbox, *recipients)

    def work(number: int) -> None:
        with State.open(fresh_address) as mine:
            deliver(mine, server.port, name=f"worker {number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = Counter(taken.recipients[0] for taken in server.taken)
    assert counted == Counter(recipients)
    assert outbox.counts()[MailState.SENT] == 24


def test_the_mail_of_a_worker_that_is_gone_is_sent_when_its_lease_ends(state, outbox, server):
    queue(state, outbox)
    gone = state.mails.claim("gone", now=NOW, lease=10 * MINUTE)
    assert deliver(state, server.port, 9 * MINUTE) == Round()
    assert deliver(state, server.port, 10 * MINUTE) == Round(sent=1)
    assert not state.mails.retry(gone, "late", at=NOW)
    assert not state.mails.give_up(gone, "late", now=NOW)
    assert only(outbox).state is MailState.SENT


def test_a_mail_that_ends_each_of_its_workers_is_buried(state, outbox, server):
    queue(state, outbox)
    for number in range(14):
        state.mails.claim("gone", now=NOW + number * MINUTE, lease=MINUTE)
    assert deliver(state, server.port, timedelta(hours=1)) == Round(dead=1)
    assert server.taken == []


@pytest.mark.parametrize(
    ("recipient", "subject"),
    [(ADA, "a\nBcc: eve@evil.example"), (f"{ADA}\nBcc: eve@evil.example", "a"), ("ada", "a")],
)
def test_what_would_bend_a_header_is_refused(state, outbox, recipient: str, subject: str):
    with pytest.raises(DefinitionError, match="cannot be written"), state.writing() as connection:
        outbox.enqueue(connection, Message(recipient, subject, "t", "report"), now=NOW)


def test_no_content_shows_where_a_mail_is_shown(state, outbox):
    with state.writing() as connection:
        message = Message(ADA, "s", "the link: tok_123", "reset")
        outbox.enqueue(connection, message, now=NOW)
    assert "tok_123" not in repr((message, only(outbox)))
