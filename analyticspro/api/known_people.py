"""Persons, grants and the audit log, for the endpoints that are about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from analyticspro import clock
from analyticspro.api.callers import Caller
from analyticspro.config import Home
from analyticspro.errors import UnknownName
from analyticspro.policy import OWNER, Capability

if TYPE_CHECKING:
    from analyticspro.audit import AuditLog
    from analyticspro.policies import Policies
    from analyticspro.policies.seers import Seer
    from analyticspro.state import State

__all__ = ["KnownPeople", "may_ask_about_others"]

_USERNAME = re.compile(r"p[1-9][0-9]{0,8}")


class KnownPeople:
    """Opens the state database when it is first asked. Used in threads."""

    def __init__(self, home: Callable[[], Home]) -> None:
        self._home = home
        self._held = ExitStack()
        self._opened: tuple[State, Policies, AuditLog] | None = None
        self._one_opens = Lock()

    def seer(self, who: str) -> Seer:
        """Return whom `who` names, with what they are granted now; raises UnknownName."""
        from analyticspro.policies.seers import seer

        state, policies, _ = self._open()
        return seer(state, policies, who, now=clock.now())

    def asking(self, caller: Caller, by: str | None = None) -> Seer:
        """Return who asks; the owner of the machine may say for whom it does."""
        from analyticspro.policies.seers import Seer

        if not caller.is_owner:
            scope = replace(caller.scope, name=caller.name)
            return Seer(caller.name, self._title(caller.name), caller.role, scope)
        return Seer(OWNER.name, OWNER.name, None, OWNER) if by is None else self.seer(by)

    def called(self, name: str) -> str:
        """Return what a person is called; empty of whom the hub alone knows."""
        if _USERNAME.fullmatch(name) is None:
            return ""
        from analyticspro.state import PeopleTable

        with self._open()[0].reading() as connection:
            found = PeopleTable(connection).get(int(name[1:]))
        return "" if found is None else found.name

    def _title(self, name: str) -> str:
        # Whom the hub alone knows may be called as a role is, or as somebody's address.
        if _USERNAME.fullmatch(name) is None:
            return name
        try:
            return self.seer(name).title
        except UnknownName:
            return name

    @property
    def policies(self) -> Policies:
        """The grants."""
        return self._open()[1]

    @property
    def audit(self) -> AuditLog:
        """The audit log."""
        return self._open()[2]

    def admins(self) -> tuple[str, ...]:
        """Return the names of those who can grant something."""
        from analyticspro.policies.seers import admins

        return admins(self._open()[0])

    def close(self) -> None:
        """Let go of the database."""
        self._held.close()

    def _open(self) -> tuple[State, Policies, AuditLog]:
        with self._one_opens:
            if self._opened is None:
                from analyticspro.audit import AuditLog
                from analyticspro.policies import Policies  # brings SQLAlchemy: at no start
                from analyticspro.state import State

                home = self._home()
                state = self._held.enter_context(State.open(home.state_address))
                self._opened = (state, Policies.of(home, state), AuditLog.of(home, state))
            return self._opened


def may_ask_about_others(caller: Caller) -> bool:
    """Whether a caller may ask what others see."""
    return caller.is_owner or caller.decide(Capability.USERS_WRITE).allowed
