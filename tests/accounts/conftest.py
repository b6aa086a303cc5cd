"""Accounts of a workspace, with mail and without."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from argon2 import PasswordHasher

from analyticspro.accounts import Accounts, Passwords, Person, Rules
from analyticspro.audit import Actor, AuditLog, AuditRow
from analyticspro.config import Home
from analyticspro.outbox import Outbox
from analyticspro.policy import Role
from analyticspro.state import State
from tests.state.fresh import fresh_address, make_fresh, state

__all__ = ["fresh_address", "make_fresh", "state"]

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
HERE = "192.0.2.7"
GOOD = "quiet harbour lantern 88"
OTHER = "velvet orbit pelican 17"
ROOT = Actor("machine", "command line")
# What it costs to guess is not what these tests are about.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Office:
    """Accounts, and what one needs to look behind them."""

    home: Home
    state: State
    accounts: Accounts
    audit: AuditLog
    outbox: Outbox | None
    now: datetime = field(default=NOW)

    def later(self, **span: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**span)
        return self.now

    def add(self, email: str, role: Role = Role.VIEWER, password: str = GOOD) -> Person:
        """Have somebody join."""
        link = self.accounts.joining.invite(email, role, by=ROOT, now=self.now)
        return self.accounts.joining.accept(
            link.token, email.partition("@")[0], password, origin=HERE, now=self.now
        )

    def sign_in(self, email: str, password: str = GOOD, origin: str = HERE):
        return self.accounts.entering.sign_in(
            email, password, origin=origin, agent="Browser/1", now=self.now
        )

    def mails(self, kind: str) -> list[str]:
        """The texts of the mails of a kind that wait, the oldest first."""
        assert self.outbox is not None
        found = [mail for mail in reversed(self.outbox.mails()) if mail.kind == kind]
        texts = []
        for mail in found:
            body = message_from_bytes(mail.content, policy=default).get_body()
            texts.append(body.get_content())
        return texts

    def mailed_token(self, kind: str) -> str:
        """The token in the newest mail of a kind."""
        [token] = re.findall(r"\?token=(\S+)", self.mails(kind)[-1])
        return token

    def told(self, action: str) -> list[AuditRow]:
        """The entries of the log about an action, the oldest first."""
        return self.audit.newest(1000, action=action)[::-1]


def office(home: Home, state: State, *, has_mail: bool = False, **rules: object) -> Office:
    audit = AuditLog.of(home, state)
    outbox = Outbox(state, sender="Acme <acme@acme.example>") if has_mail else None
    made = Accounts(
        state,
        audit,
        rules=Rules(**rules),
        outbox=outbox,
        base_url="https://acme.example/hub/",
        passwords=Passwords(QUICK),
    )
    return Office(home, state, made, audit, outbox)


@pytest.fixture
def desk(home: Home, state: State) -> Office:
    """Accounts of a workspace without mail."""
    return office(home, state)


@pytest.fixture
def mailing(home: Home, state: State) -> Office:
    """Accounts of a workspace with mail."""
    return office(home, state, has_mail=True)
