"""All that is done with accounts, in one place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Self

from analyticspro.accounts.admitting import Admitting
from analyticspro.accounts.desk import Desk
from analyticspro.accounts.directory import Directory
from analyticspro.accounts.entering import Entering
from analyticspro.accounts.joining import Joining
from analyticspro.accounts.passwords import Passwords
from analyticspro.accounts.recovery import Recovery
from analyticspro.accounts.rules import Rules
from analyticspro.accounts.strikes import Throttle
from analyticspro.accounts.trying import Trying, is_for_trying
from analyticspro.audit import AuditLog
from analyticspro.config import Home
from analyticspro.outbox import Outbox
from analyticspro.state import LinkTable, SessionTable, State

__all__ = ["Accounts"]


class Accounts:
    """The accounts of one workspace. Any number of processes may have them open at once.

    What a method has returned from is committed: no kill and no power cut takes it back. Most
    methods hash a password or wait for the disk: keep them off an event loop.

    Attributes:
        joining: Sign-up, invitations, the first admin.
        entering: Sign-in, sessions.
        admitting: Sign-in by a provider.
        recovery: Changed and forgotten passwords.
        directory: Who there is, with which role.
        trying: Made-up people of a demo.
        rules: What is asked of those who join.
        has_mail: Whether mail is sent; without it an admin hands links over.
    """

    def __init__(
        self,
        state: State,
        audit: AuditLog,
        *,
        rules: Rules | None = None,
        outbox: Outbox | None = None,
        base_url: str = "http://127.0.0.1:8750",
        passwords: Passwords | None = None,
        is_open: Callable[[], bool] = lambda: False,
    ) -> None:
        self.rules = rules or Rules()
        self.has_mail = outbox is not None
        self._state = state
        self._throttle = Throttle(state, audit)
        desk = Desk(
            state,
            audit,
            self.rules,
            passwords or Passwords(shortest=self.rules.shortest_password),
            self._throttle,
            outbox,
            base_url.rstrip("/"),
        )
        self.joining = Joining(desk)
        self.entering = Entering(desk, self.joining)
        self.admitting = Admitting(desk)
        self.recovery = Recovery(desk, self.entering)
        self.directory = Directory(desk)
        self.trying = Trying(desk, is_open=is_open)

    @classmethod
    def of(cls, home: Home, state: State, *, base_url: str) -> Self:
        """Return the accounts of `home`, by its settings.

        Args:
            home: The workspace.
            state: Its state database, open.
            base_url: What links in mails begin with.

        Raises:
            SettingError: A setting cannot be used.
        """
        settings = home.settings
        has_mail = bool(settings.mail_url)
        return cls(
            state,
            AuditLog.of(home, state),
            rules=Rules.parse(settings.sign_up, settings.sign_up_domains),
            outbox=Outbox(state, sender=settings.mail_from) if has_mail else None,
            base_url=base_url,
            is_open=lambda: is_for_trying(Home(home.path)),  # it may become a demo meanwhile
        )

    def tidy(self, *, now: datetime) -> None:
        """Forget links and sessions that have ended, and attempts that no longer count."""
        self._throttle.tidy(now)
        with self._state.writing() as connection:
            LinkTable(connection).clear(now=now)
            SessionTable(connection).clear(now=now, idle_since=now - self.rules.session_idle)
