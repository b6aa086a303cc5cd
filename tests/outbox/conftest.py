"""An outbox, and a server to send to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from analyticspro.outbox import Mail, MailServer, Message, Outbox, Round, Security, Worker
from analyticspro.state import State
from tests.servers.smtp import Server, mail_server
from tests.state.fresh import fresh_address, make_fresh, state

__all__ = ["fresh_address", "make_fresh", "state"]

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
SENDER = "Acme Analytics <analytics@acme.example>"
ADA = "ada@acme.example"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with mail_server() as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """A server that takes everything, until it is told otherwise."""
    for memory in (running.taken, running.answers, running.after, running.tried):
        memory.clear()
    return running


@pytest.fixture
def outbox(state: State) -> Outbox:
    return Outbox(state, sender=SENDER)


def queue(state: State, outbox: Outbox, *recipients: str, key: str | None = None) -> bool:
    with state.writing() as connection:
        return [
            outbox.enqueue(
                connection,
                Message(recipient, "Über 7 €", "Grüße", "report", key=key),
                now=NOW,
            )
            for recipient in recipients or (ADA,)
        ][-1]


def deliver(state: State, port: int, after: timedelta = timedelta(0), **more: object) -> Round:
    where = MailServer(Security.NONE, "127.0.0.1", port)
    chosen = {"server": where, "name": "worker", "now": lambda: NOW + after} | more
    return Worker(state, sender=SENDER, **chosen).deliver()  # type: ignore[arg-type]


def only(outbox: Outbox) -> Mail:
    [mail] = outbox.mails()
    return mail
