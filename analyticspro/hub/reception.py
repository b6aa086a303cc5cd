"""Accounts for the hub's event loop: hashed and read in threads, remembered for a moment."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar

from analyticspro import clock
from analyticspro.accounts import Accounts, Person, SignedIn, Standing
from analyticspro.audit import Actor, AuditLog
from analyticspro.config import Addresses, Home
from analyticspro.state import State

__all__ = ["Entered", "Reception", "hub_session"]

_REMEMBERED_SECONDS = 2.0
_MOST_REMEMBERED = 5_000
_HASHES_AT_ONCE = 2  # each takes 64 MiB
_READS_AT_ONCE = 2
_REFUSALS_EVERY_S = 60.0  # of one kind: who tries again and again fills no disk

Result = TypeVar("Result")


@dataclass(frozen=True)
class Entered:
    """Somebody who is signed in, and by which session."""

    person: Person
    session: SignedIn


class Reception:
    """The accounts of a workspace, as the hub asks for them.

    Hashing has threads of its own: a flood of sign-ins does not keep those waiting who are in.

    Attributes:
        home: The workspace, with the settings that were in force when the hub started.
        addresses: Where its pages are.
        state: Its state database.
        audit: Its audit log.
        accounts: Its accounts, by the settings of now.
    """

    def __init__(self, home: Home, state: State) -> None:
        self.home, self.state, self.addresses = home, state, Addresses.of(home)
        self.audit = AuditLog.of(home, state)
        self.accounts = self._accounts(home)
        self._refused_at: dict[tuple[str, str], float] = {}
        self._hashing = ThreadPoolExecutor(_HASHES_AT_ONCE, "hashing")
        self._reading = ThreadPoolExecutor(_READS_AT_ONCE, "reading")
        self._remembered: dict[tuple[str, object], tuple[float, Any]] = {}
        self._changes = 0

    @classmethod
    def of(cls, home: Home) -> Self:
        """Open the accounts of a home; links lead to the hub's pages."""
        return cls(home, State.open(home.state_address))

    def follow_settings(self) -> None:
        """Take the rules of joining, and whether there is mail, from the settings of now."""
        self.accounts = self._accounts(Home(self.home.path))

    def _accounts(self, home: Home) -> Accounts:
        # Where the pages are does not change before the next start.
        base_url = f"{self.addresses.public}/hub"
        return Accounts.of(home, self.state, base_url=base_url)

    async def note(self, actor: Actor, action: str, subject: str, reason: str = "") -> None:
        """Say in the audit log what was done that is not an account's."""
        note = partial(self.audit.record, actor, action, subject, reason, now=clock.now())
        await asyncio.get_running_loop().run_in_executor(self._reading, note)

    async def refused(self, actor: Actor, asked: str, reason: str) -> None:
        """Note in the audit log that somebody was refused a page; each kind once a minute."""
        kind, now = (actor.name, asked), time.monotonic()
        if now < self._refused_at.get(kind, -_REFUSALS_EVERY_S) + _REFUSALS_EVERY_S:
            return
        if len(self._refused_at) >= _MOST_REMEMBERED:
            self._refused_at.clear()
        self._refused_at[kind] = now
        note = partial(
            self.audit.record, actor, "hub.refused", asked, reason, allowed=False, now=clock.now()
        )
        await asyncio.get_running_loop().run_in_executor(self._reading, note)

    async def do(self, method: Callable[..., Result], *args: Any, **named: Any) -> Result:
        """Return what a method of the accounts does now, which may hash and may change things.

        Nothing that was remembered outlives it: what it ended has ended.
        """
        call = partial(method, *args, now=clock.now(), **named)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._hashing, call)
        finally:
            self._changes += 1
            self._remembered.clear()

    async def entered(self, token: str) -> Entered | None:
        """Return who holds a session's token; what ended elsewhere is known 2 s later."""
        return await self._known(("token", token), partial(self._by_token, token))

    async def person(self, username: str) -> Person | None:
        """Return whom the hub calls so, if they may be in."""
        return await self._known(("person", username), partial(self._by_username, username))

    async def holds(self, person: Person, session: str) -> bool:
        """Tell whether what the hub calls a session is one of this person's that goes on."""
        return session in await self.sessions(person)

    async def sessions(self, person: Person) -> frozenset[str]:
        """Return what the hub calls the sessions of this person that go on."""
        return await self._known(("of", person.id), partial(self._sessions, person.id))

    async def read(self, method: Callable[..., Result], *args: Any) -> Result:
        """Return what a method of the accounts finds, which neither hashes nor changes."""
        call = partial(method, *args)
        return await asyncio.get_running_loop().run_in_executor(self._reading, call)

    async def _known(self, key: tuple[str, object], ask: Callable[[], Result]) -> Result:
        until, found = self._remembered.get(key, (0.0, None))
        if time.monotonic() < until:
            return found  # type: ignore[no-any-return]  # one type a kind of key
        asked_at, changes = time.monotonic(), self._changes
        fresh = await asyncio.get_running_loop().run_in_executor(self._reading, ask)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        if changes == self._changes:  # else it may be what was before a change
            self._remembered[key] = (asked_at + _REMEMBERED_SECONDS, fresh)
        return fresh

    def _by_token(self, token: str) -> Entered | None:
        found = self.accounts.entering.session(token, now=clock.now())
        return None if found is None else Entered(*found)

    def _by_username(self, username: str) -> Person | None:
        found = self.accounts.directory.of_username(username)
        return found if found is not None and found.standing is Standing.ACTIVE else None

    def _sessions(self, person_id: int) -> frozenset[str]:
        now, idle = clock.now(), self.accounts.rules.session_idle
        return frozenset(
            hub_session(one)
            for one in self.accounts.entering.sessions(person_id)
            if now < one.expires_at and now < one.seen_at + idle
        )


def hub_session(session: SignedIn) -> str:
    """Return what the hub calls a session.

    The hub gives its name for a session to every host below its own, Labs too, and notes it
    with each token that it hands out. It can be made from what is kept of a session, so that
    such a token ends with it, and lets nobody in.
    """
    mark = hmac.new(session.digest.encode(), b"session of the hub", hashlib.sha256)
    return f"{session.id}-{mark.hexdigest()[:32]}"
