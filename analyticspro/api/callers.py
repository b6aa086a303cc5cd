"""Who a token is of: the owner of the workspace, or whoever the hub says."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, TypeVar

from analyticspro.api.hub_answers import HubAnswers
from analyticspro.errors import DefinitionError, Forbidden, ServiceUnavailable
from analyticspro.policy import (
    OWNER,
    Capability,
    Decision,
    Role,
    Scope,
    decide,
    role_of,
)

__all__ = ["FRESH_FOR_S", "Caller", "Callers"]

# With the time that the hub is given to answer (3 s), below the 10 s within which a right that
# is taken away is gone.
FRESH_FOR_S = 6.0
_MOST = 4096
# Whoever was here so lately is asked about before the hub's word is old, so that no request of
# theirs has to wait for it.
_KEEP_WARM_S = 30.0
_AHEAD = 0.75  # of the time that it is fresh
_LONGEST = 256  # characters of a token

T = TypeVar("T")


@dataclass(frozen=True)
class Caller:
    """Somebody who asks.

    Attributes:
        name: The hub's name of a person or service, or `owner`.
        scope: What is handed on to whoever reads; see `granted.Granted`.
        held: The hub's scopes of the token.
        by_key: Whether it is an API key or a service, not a session of a browser.
        confirmed_at: When the hub was asked, on the monotonic clock, seconds.
        is_owner: Whether it is the owner of the workspace, who may everything.
        role: A person's; None of services and of whoever has none.
        viewing_as: The username as whom an admin looks; None who looks as themselves.
    """

    name: str
    scope: Scope
    held: frozenset[str]
    by_key: bool
    confirmed_at: float
    is_owner: bool = False
    role: Role | None = None
    viewing_as: str | None = None

    @classmethod
    def owner(cls) -> Caller:
        """Return the owner of the workspace, on the machine itself."""
        return cls(OWNER.name, OWNER, frozenset(), by_key=True, confirmed_at=inf, is_owner=True)

    def called(self, name: str) -> str:
        """Return who is to be noted down: `name` if the owner says so, else who it is."""
        return name if self.is_owner else self.name

    def decide(self, capability: Capability) -> Decision:
        """Return whether the caller has `capability`, and why."""
        return decide(self.held, capability, holder=self.name, by_key=self.by_key)


class Callers:
    """Resolves tokens; keeps what the hub said for six seconds, by a digest of the token."""

    def __init__(
        self,
        owner_token: str,
        hub: HubAnswers,
        *,
        fresh_for_s: float = FRESH_FOR_S,
        most: int = _MOST,
        keep_warm_s: float = _KEEP_WARM_S,
    ) -> None:
        self._fresh_for_s, self._most, self._keep_warm_s = fresh_for_s, most, keep_warm_s
        self._owner_token = owner_token.encode()
        self._owner = Caller.owner()
        self._hub = hub
        self._known: OrderedDict[bytes, Caller] = OrderedDict()
        # Apart, so that made-up tokens drive nobody's out.
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._used_at: dict[bytes, float] = {}  # of those known
        self._asking: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._timers: dict[bytes, asyncio.TimerHandle] = {}

    async def of(self, token: str, *, is_local: bool = True) -> Caller | None:
        """Return who has `token`, asked of the hub at most six seconds ago; None if nobody.

        Args:
            token: As it came.
            is_local: Whether the owner's own counts; not through the hub's proxy.

        Raises:
            ServiceUnavailable: Only the hub can tell, and does not answer.
            Forbidden: A person of two roles at once.
        """
        if is_local and hmac.compare_digest(token.encode(), self._owner_token):
            return self._owner
        if not self._may_be_one(token) or not self._hub.exists:
            return None
        digest, now = hashlib.sha256(token.encode()).digest(), time.monotonic()
        self._used_at[digest] = now
        known = self._known.get(digest)
        if known is not None and known.confirmed_at > now - self._fresh_for_s:
            return known
        if self._unknown.get(digest, 0.0) > now - self._fresh_for_s:
            return None
        return await asyncio.shield(self._answer(token, digest))

    def close(self) -> None:
        """Ask about nobody any more by itself."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._keep_warm_s = 0

    @property
    def held(self) -> int:
        """How many answers of the hub are kept."""
        return len(self._known) + len(self._unknown)

    @staticmethod
    def _may_be_one(token: str) -> bool:
        return len(token) <= _LONGEST and token.isascii() and token.isprintable() and token != ""

    def _answer(self, token: str, digest: bytes) -> asyncio.Task[Caller | None]:
        """Return the hub's answer to come: for all who bring the same token, the same."""
        if digest not in self._asking:
            asking = self._ask(token, digest, time.monotonic())
            task = self._asking[digest] = asyncio.create_task(asking)
            task.add_done_callback(lambda done: self._asked(digest, done))
        return self._asking[digest]

    def _look_ahead(self, token: str, digest: bytes) -> None:
        del self._timers[digest]
        was_here = self._used_at.get(digest, 0.0) > time.monotonic() - self._keep_warm_s
        if was_here and digest in self._known:
            self._answer(token, digest)

    def _asked(self, digest: bytes, done: asyncio.Task[Caller | None]) -> None:
        del self._asking[digest]
        if not done.cancelled():
            done.exception()  # whoever asked may have gone: then nobody else looks at it

    async def _ask(self, token: str, digest: bytes, now: float) -> Caller | None:
        told = await self._hub.about(token)
        found = None if told is None else _caller(told, now)
        if found is None:
            self._known.pop(digest, None)
            self._put(self._unknown, digest, now)
            return None
        self._put(self._known, digest, found)
        if self._keep_warm_s and digest not in self._timers:
            loop, ahead_s = asyncio.get_running_loop(), self._fresh_for_s * _AHEAD
            self._timers[digest] = loop.call_later(ahead_s, self._look_ahead, token, digest)
        return found

    def _put(self, kept: OrderedDict[bytes, T], digest: bytes, value: T) -> None:
        kept[digest] = value
        kept.move_to_end(digest)
        while len(kept) > self._most:
            kept.popitem(last=False)
        if len(self._used_at) > 3 * self._most:
            self._used_at = {one: at for one, at in self._used_at.items() if one in self._known}


def _caller(told: Mapping[str, Any], now: float) -> Caller:
    try:
        name, held = str(told["name"]), frozenset(map(str, told["scopes"]))
        is_person = told["kind"] == "user"
        role = role_of(list(told["groups"])) if is_person else None
        by_key = not told["session_id"]
    except DefinitionError as error:
        raise Forbidden(f"Refused: {error}") from None
    except (KeyError, TypeError):
        raise ServiceUnavailable("The hub's answer about the caller is not understood.") from None
    known_as = name if is_person else f"service {name}"
    # What they may see is for the policies to say: nothing until then.
    return Caller(known_as, Scope(known_as), held, by_key=by_key, confirmed_at=now, role=role)
