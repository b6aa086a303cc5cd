"""Delivers what is queued."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from analyticspro import logs
from analyticspro.outbox.message import sender_of
from analyticspro.outbox.sending import NotNow, Refused, Unreachable, send
from analyticspro.outbox.server import MailServer
from analyticspro.state import Mail, State

__all__ = ["Round", "Worker"]

_FIRST_DELAY = timedelta(minutes=1)  # what greylisting asks for
_LONGEST_DELAY = timedelta(hours=4)
_LEASE = timedelta(minutes=10)
_AT_MOST_S = 300.0  # less than the lease: who is slow hangs up before another begins


@dataclass(frozen=True)
class Round:
    """What one round of delivery came to, in mails."""

    sent: int = 0
    waiting: int = 0
    dead: int = 0


class Worker:
    """Hands mails to a server. Any number of them may work at once.

    A mail is one worker's until its lease ends. One that is killed after the server took a
    mail, and before that was noted, has it sent again, with the same Message-ID.
    """

    def __init__(
        self,
        state: State,
        server: MailServer,
        *,
        sender: str,
        name: str,
        lease: timedelta = _LEASE,
        at_most_s: float = _AT_MOST_S,
        patience_s: float = 30.0,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """Make a worker.

        Args:
            state: Where the mails are.
            server: Who takes them.
            sender: Whom they are from.
            name: What tells this worker from others; of a process, not of a machine.
            lease: How long a mail is this worker's.
            at_most_s: When to hang up on a server, in seconds; less than the lease.
            patience_s: How long to wait for each answer, in seconds.
            now: Tells the time; the database's by default, the same for all workers.
        """
        self._state, self._server, self._name = state, server, name
        self._sender = sender_of(sender).addr_spec
        self._now = now or state.now
        self._lease, self._at_most_s, self._patience_s = lease, at_most_s, patience_s

    def deliver(self, stop: threading.Event | None = None) -> Round:
        """Send what is due; return what came of it.

        The round ends where the server takes nothing at all: the rest would fail as well, and
        each mail has only so many attempts.
        """
        done: Counter[str] = Counter()
        while stop is None or not stop.is_set():
            now = self._now()
            mail = self._state.mails.claim(self._name, now=now, lease=self._lease)
            if mail is None:
                break
            how, goes_on = self._sent(mail)
            done[how] += 1
            if not goes_on:
                break
        return Round(**done)

    def _sent(self, mail: Mail) -> tuple[str, bool]:
        assert mail.content is not None
        if mail.attempt > mail.attempts_allowed:  # it ended whoever tried it, again and again
            return self._buried(mail, "Whoever sent it was lost each time."), True
        try:
            send(
                self._server,
                self._sender,
                mail.recipient,
                mail.content,
                at_most_s=self._at_most_s,
                patience_s=self._patience_s,
            )
        except Refused as error:
            return self._buried(mail, str(error)), True
        except NotNow as error:
            return self._failed(mail, str(error)), True
        except Unreachable as error:
            return self._failed(mail, str(error)), False
        self._state.mails.sent(mail, now=self._now())
        logs.info("mail_sent", mail=mail.id, kind=mail.kind, attempt=mail.attempt)
        return "sent", True

    def _failed(self, mail: Mail, reason: str) -> str:
        if mail.attempt >= mail.attempts_allowed:
            return self._buried(mail, reason)
        delay = min(_FIRST_DELAY * 2 ** min(mail.attempt - 1, 20), _LONGEST_DELAY)
        self._state.mails.retry(mail, reason, at=self._now() + delay)
        logs.warning("mail_waits", mail=mail.id, kind=mail.kind, reason=reason)
        return "waiting"

    def _buried(self, mail: Mail, reason: str) -> str:
        self._state.mails.give_up(mail, reason, now=self._now())
        logs.warning("mail_dead", mail=mail.id, kind=mail.kind, reason=reason)
        return "dead"
