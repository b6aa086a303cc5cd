"""Tells who follows figures that they have changed: worked out once for all who see the same."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from analyticspro import logs
from analyticspro.api.callers import Caller
from analyticspro.api.figures import Figures, Wanted, worked_out
from analyticspro.errors import AnalyticsProError, RetriableError, ServiceUnavailable
from analyticspro.policy import Scope
from analyticspro.workspace import Workspace

__all__ = ["Following"]

_PACE_S = 0.2  # at most five times a second
_SHARE = 3  # so many times as long as it took it rests: a quarter of a core at most
_LOOK_S = 0.04
_ANYWAY_S = 30.0  # days and minutes pass without a commit
_SIGN_OF_LIFE_S = 10.0
_MOST_OF_ONE = 200
_MOST_PAGES = 1_000  # of different queries or scopes


@dataclass
class _Group:
    """All who follow the same in the same scope."""

    wanted: Wanted
    scope: Scope
    bells: set[asyncio.Event] = field(default_factory=set)
    newest: Figures | None = None
    error: AnalyticsProError | None = None

    def ring(self) -> None:
        for bell in self.bells:
            bell.set()


class Following:
    """Who follows what, and the newest of it.

    After commits all that is followed is worked out, per scope in one go; those are told for
    whom something that shows is another. Whoever is told gets the mark of what it is now, and
    asks for it by that, so that the same bytes are not sent to each. While nobody follows
    nothing is done. Used in the event loop alone, but for `kept`.
    """

    def __init__(self, workspace: Workspace, *, pace_s: float = _PACE_S) -> None:
        self._workspace = workspace
        self._pace_s = pace_s
        self._groups: dict[tuple[Wanted, Scope], _Group] = {}
        self._followed_by: Counter[str] = Counter()
        self._keeping_up: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def count(self) -> int:
        """How many follow."""
        return self._followed_by.total()

    def kept(self, wanted: Wanted, scope: Scope, mark: str) -> Figures | None:
        """Return what whoever has `scope` was told of by `mark`; None if it is not the newest."""
        group = self._groups.get((wanted, scope))
        found = None if group is None else group.newest
        return found if found is not None and found.mark == mark else None

    async def lines(self, wanted: Wanted, caller: Caller) -> AsyncIterator[str]:
        """Yield a JSON object a line: `{"revision", "mark", "now"}` at first and at each change.

        An empty line is a sign of life. Only the newest is told to who is slow.
        """
        group, bell = self._join(wanted, caller), asyncio.Event()
        group.bells.add(bell)
        told = ""
        try:
            while not self._is_closed:
                bell.clear()
                newest = group.newest
                if group.error is not None:
                    yield json.dumps({"error": group.error.payload()}) + "\n"
                    return
                if newest is not None and newest.mark != told:
                    told = newest.mark
                    line = {"revision": newest.revision, "mark": told, "now": newest.now}
                    yield json.dumps(line) + "\n"
                    continue
                try:
                    await asyncio.wait_for(bell.wait(), _SIGN_OF_LIFE_S)
                except TimeoutError:
                    yield "\n"
        finally:
            self._leave(group, bell, caller)

    def check(self, wanted: Wanted, caller: Caller) -> None:
        """Raise ServiceUnavailable if the caller, or everybody, follows too much already."""
        is_new = (wanted, caller.scope) not in self._groups
        if self._followed_by[caller.name] >= _MOST_OF_ONE or (
            is_new and len(self._groups) >= _MOST_PAGES
        ):
            raise ServiceUnavailable("Too many pages are followed at once. Close some of yours.")

    async def close(self) -> None:
        """Let all go: the service stops."""
        self._is_closed = True
        for group in self._groups.values():
            group.ring()
        if self._keeping_up is not None:
            await asyncio.wait({self._keeping_up})

    def _join(self, wanted: Wanted, caller: Caller) -> _Group:
        key = (wanted, caller.scope)
        group = self._groups.setdefault(key, _Group(*key))
        self._followed_by[caller.name] += 1
        if self._keeping_up is None or self._keeping_up.done():
            self._keeping_up = asyncio.create_task(self._keep_up())
        return group

    def _leave(self, group: _Group, bell: asyncio.Event, caller: Caller) -> None:
        group.bells.discard(bell)
        self._followed_by -= Counter([caller.name])
        if not group.bells:
            self._groups.pop((group.wanted, group.scope), None)

    async def _keep_up(self) -> None:
        seen, looked_at = None, 0.0
        while self._groups and not self._is_closed:
            began, newest = time.monotonic(), self._workspace.newest
            groups = list(self._groups.values())
            if newest == seen and began < looked_at + _ANYWAY_S:
                groups = [group for group in groups if group.newest is None]
            else:
                seen, looked_at = newest, began
            if groups:
                for group in await asyncio.to_thread(self._worked_out, groups):
                    group.ring()
                took = time.monotonic() - began
                await asyncio.sleep(max(self._pace_s - took, _SHARE * took))
            else:
                await asyncio.sleep(_LOOK_S)

    def _worked_out(self, groups: list[_Group]) -> list[_Group]:
        """Work out what is followed; return whom to tell."""
        by_scope: dict[Scope, list[_Group]] = {}
        for group in groups:
            by_scope.setdefault(group.scope, []).append(group)
        changed = []
        for scope, same in by_scope.items():
            try:
                found = worked_out(self._workspace, scope, [group.wanted for group in same])
            except RetriableError:
                continue  # it is looked at again
            except AnalyticsProError as error:
                for group in same:
                    group.error = error
                changed += same
                continue
            except Exception as error:  # noqa: BLE001 - one that fails must not silence all
                logs.error("figures could not be followed", error)
                continue
            for group, figures in zip(same, found, strict=True):
                if group.newest is None or group.newest.sign != figures.sign:
                    group.newest = figures
                    changed.append(group)
        return changed
