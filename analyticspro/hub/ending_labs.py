"""Ends the Lab of whoever may have none any more, and its connections where a session ended."""

from __future__ import annotations

import asyncio
from typing import Any

from analyticspro.accounts import Person
from analyticspro.hub.reception import Reception
from analyticspro.policy import Capability, Role, capabilities_of

__all__ = ["LabWatch"]

# At three looks, six seconds: so long a Lab may still believe of a session that it goes on,
# and let in who comes again.
_CUTS = 3


class LabWatch:
    """Looks again and again who may have the Labs that run.

    A connection that is open, as a kernel's, is asked about by nobody: where a session ended,
    all connections to that person's Lab are broken, and a browser whose session goes on connects
    anew.
    """

    def __init__(self, hub: Any, reception: Reception) -> None:
        """Begin.

        Args:
            hub: The running `JupyterHub`.
            reception: The accounts.
        """
        self._hub, self._reception = hub, reception
        self._sessions: dict[str, frozenset[str]] = {}
        self._begun: dict[str, set[str]] = {}
        self._cuts: dict[str, int] = {}
        self._is_first = True  # what ended while the hub was down, is not known

    def began(self, name: str, session: str) -> None:
        """Know of a person's session, which may have ended before the next look."""
        self._begun.setdefault(name, set()).add(session)

    async def look(self) -> None:
        """End what has to end."""
        running = [user for user in list(self._hub.users.values()) if user.spawner.ready]
        # Side by side: each may take its time, and all have to end soon.
        await asyncio.gather(*(self._look_at(user) for user in running))
        self._is_first = False
        names = {user.name for user in running}
        self._sessions = {name: held for name, held in self._sessions.items() if name in names}
        self._begun = {name: held for name, held in self._begun.items() if name in names}
        self._cuts = {name: left for name, left in self._cuts.items() if name in names}

    async def _look_at(self, user: Any) -> None:
        person = await self._reception.person(user.name)
        if person and Capability.SERVERS in capabilities_of(Role(person.role)):
            await self._cut_if_a_session_ended(user, person)
            return
        self._hub.log.warning("The Lab of %s ends: it may have none any more", user.name)
        await self._end(user)

    async def _cut_if_a_session_ended(self, user: Any, person: Person) -> None:
        now = await self._reception.sessions(person)
        before = self._sessions.get(user.name, frozenset()) | self._begun.pop(user.name, set())
        self._sessions[user.name] = now
        if self._is_first or before - now:
            self._cuts[user.name] = _CUTS
        left = self._cuts.pop(user.name, 0)
        if not left:
            return
        if left > 1:
            self._cuts[user.name] = left - 1
        # Another spawner than ours does not know how, or there is no sandbox: then all of it ends.
        cut = getattr(user.spawner, "cut", None)
        if cut is None or not cut():
            if self._is_first:
                return
            self._hub.log.warning("The Lab of %s ends, as a session of theirs did", user.name)
            await self._end(user)

    async def _end(self, user: Any) -> None:
        try:
            await self._hub.proxy.delete_user(user)
        finally:
            await user.stop()
