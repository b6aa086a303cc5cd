"""What callers may see, by the data policies as they are now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from analyticspro import clock
from analyticspro.api.callers import Caller
from analyticspro.api.known_people import KnownPeople
from analyticspro.config import Home
from analyticspro.errors import Forbidden, UnknownName
from analyticspro.policy import OWNER, Scope, scopes_of

__all__ = ["Granted"]

# With the five seconds that policies are kept, below the ten within which a change holds.
_FRESH_FOR_S = 3.0
_MOST = 4096


class Granted:
    """Gives callers the scope that they read with; opens the state database when first asked."""

    def __init__(self, home: Callable[[], Home]) -> None:
        self.known = KnownPeople(home)
        self._kept: dict[tuple[str, str | None], tuple[float, Scope]] = {}
        self._one_opens = asyncio.Lock()

    async def to(self, caller: Caller, *, is_fresh: bool = False) -> Caller:
        """Return `caller` with what they may see.

        Args:
            caller: As the hub tells of them.
            is_fresh: Ask the database now, whenever it was asked last.
        """
        if caller.is_owner:
            return caller
        if caller.viewing_as is not None:
            return await self._to_both(caller, caller.viewing_as, is_fresh=is_fresh)
        key, now = (caller.name, caller.role), time.monotonic()
        kept = self._kept.get(key)
        if is_fresh or kept is None or kept[0] < now - _FRESH_FOR_S:
            async with self._one_opens:
                scope = await asyncio.to_thread(self._scope, caller, is_fresh=is_fresh)
            if len(self._kept) >= _MOST:
                self._kept.clear()
            kept = self._kept[key] = (now, scope)
        return replace(caller, scope=kept[1])

    async def _to_both(self, caller: Caller, other: str, *, is_fresh: bool) -> Caller:
        """Return who looks as `other` with what both may, so that nobody sees more by it."""
        own = caller.scope
        if own is not OWNER:
            own = (await self.to(replace(caller, viewing_as=None), is_fresh=is_fresh)).scope
        try:
            seen = await asyncio.to_thread(self.known.seer, other)
        except UnknownName:
            raise Forbidden(
                f"Refused: {other}, as whom you looked, is not there any more."
            ) from None
        scope = seen.scope  # nothing, of who may not come in
        if scope.grants:
            theirs = replace(caller, name=seen.name, role=seen.role, viewing_as=None)
            scope = (await self.to(theirs, is_fresh=is_fresh)).scope
        held = frozenset() if seen.role is None else caller.held & scopes_of(seen.role)
        return replace(caller, held=held, scope=scope.within(own))

    def close(self) -> None:
        """Let go of the database."""
        self.known.close()

    def _scope(self, caller: Caller, *, is_fresh: bool) -> Scope:
        policies, now = self.known.policies, clock.now()
        if is_fresh:
            policies.look_again()
        scope = policies.scope(caller.name, caller.role, now=now)
        if caller.role is None:
            return scope
        # All of a role who are granted nothing besides see the same, and share answers.
        of_role = policies.scope("", caller.role, now=now)
        return Scope(str(caller.role), scope.grants) if scope.grants == of_role.grants else scope
