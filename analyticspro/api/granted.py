"""What callers may see, by the data policies as they are now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from analyticspro import clock
from analyticspro.api.callers import Caller
from analyticspro.config import Home
from analyticspro.policy import Scope

if TYPE_CHECKING:
    from analyticspro.policies import Policies

__all__ = ["Granted"]

# With the five seconds that policies are kept, below the ten within which a change holds.
_FRESH_FOR_S = 3.0
_MOST = 4096


class Granted:
    """Gives callers the scope that they read with; opens the state database when first asked."""

    def __init__(self, home: Callable[[], Home]) -> None:
        self._home = home
        self._policies: Policies | None = None
        self._held = ExitStack()
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
        key, now = (caller.name, caller.role), time.monotonic()
        kept = self._kept.get(key)
        if is_fresh or kept is None or kept[0] < now - _FRESH_FOR_S:
            async with self._one_opens:
                scope = await asyncio.to_thread(self._scope, caller, is_fresh=is_fresh)
            if len(self._kept) >= _MOST:
                self._kept.clear()
            kept = self._kept[key] = (now, scope)
        return replace(caller, scope=kept[1])

    def close(self) -> None:
        """Let go of the database."""
        self._held.close()

    def _scope(self, caller: Caller, *, is_fresh: bool) -> Scope:
        policies, now = self._opened(), clock.now()
        if is_fresh:
            policies.look_again()
        scope = policies.scope(caller.name, caller.role, now=now)
        if caller.role is None:
            return scope
        # All of a role who are granted nothing besides see the same, and share answers.
        of_role = policies.scope("", caller.role, now=now)
        return Scope(str(caller.role), scope.grants) if scope.grants == of_role.grants else scope

    def _opened(self) -> Policies:
        if self._policies is None:
            from analyticspro.policies import Policies  # brings SQLAlchemy: at no start
            from analyticspro.state import State

            home = self._home()
            state = self._held.enter_context(State.open(home.state_address))
            self._policies = Policies.of(home, state)
        return self._policies
