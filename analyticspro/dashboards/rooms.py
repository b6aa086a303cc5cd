"""Browsers that have a page open, and how they are told of changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable
from contextlib import aclosing
from typing import Protocol

from analyticspro.dashboards.changes import Change
from analyticspro.dashboards.gathering import Wanted
from analyticspro.dashboards.pieces import Pieces
from analyticspro.dashboards.viewing import Look, Viewing
from analyticspro.errors import AnalyticsProError, Forbidden

__all__ = ["Crowded", "Rooms", "Window"]

_MOST_OF_ONE = 60
_MOST_OF_PAGE = 2_000
_MOST = 10_000
_SOONEST_AGAIN_S, _LATEST_AGAIN_S = 0.5, 8.0


class Crowded(Exception):
    """Too many have this page open, or this person has too many."""


class Window(Protocol):
    """A browser's window, as those who tell it of changes see it; none of this may wait."""

    def show(self, page: Pieces) -> None:
        """Show a page, in place of any that waits to be shown."""

    def say(self, *, is_live: bool) -> None:
        """Say whether changes are told of just now."""

    def end(self, reason: str) -> None:
        """Close it: the right to look is lost."""


class _Room:
    """The windows of one token that show the same."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.windows: set[Window] = set()
        self.shown: Pieces | None = None
        self.is_live = False
        self.task: asyncio.Task[None] | None = None

    def show(self, page: Pieces) -> None:
        self.shown = page
        for window in self.windows:
            window.show(page)

    def say(self, *, is_live: bool) -> None:
        if is_live != self.is_live:
            self.is_live = is_live
            for window in self.windows:
                window.say(is_live=is_live)


class Rooms:
    """All windows, by what they show to whom.

    Each room follows the api under its own token, which ends when the right does. What is drawn
    is shared by all who are told the same bytes (`Viewing`); a room without windows is closed.
    """

    def __init__(self, viewing: Viewing) -> None:
        self._viewing = viewing
        self._rooms: dict[Hashable, _Room] = {}
        self._of_one: Counter[str] = Counter()
        self._of_page: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many windows there are."""
        return self._of_one.total()

    def enter(self, look: Look, window: Window) -> None:
        """Have a window told of changes until it leaves.

        Raises:
            Crowded: There are too many already.
        """
        if (
            self._of_one[look.token] >= _MOST_OF_ONE
            or self._of_page[look.composed.key] >= _MOST_OF_PAGE
            or self.count >= _MOST
        ):
            raise Crowded
        room = self._rooms.get(look.key)
        if room is None:
            room = self._rooms[look.key] = _Room(look)
            room.task = asyncio.create_task(self._keep(room))
        room.windows.add(window)
        self._of_one[look.token] += 1
        self._of_page[look.composed.key] += 1
        window.say(is_live=room.is_live)
        if room.shown is not None:
            window.show(room.shown)

    def leave(self, look: Look, window: Window) -> None:
        """Tell a window no more; nothing if it is not told of anything."""
        room = self._rooms.get(look.key)
        if room is None or window not in room.windows:
            return
        room.windows.discard(window)
        self._of_one -= Counter([look.token])
        self._of_page -= Counter([look.composed.key])
        if not room.windows:
            self._close(room)

    async def close(self) -> None:
        """Close all rooms."""
        for room in list(self._rooms.values()):
            self._close(room)
        await self._viewing.changes.close()

    def _close(self, room: _Room) -> None:
        if self._rooms.get(room.look.key) is room:
            del self._rooms[room.look.key]
        if room.task is not None:
            room.task.cancel()

    async def _keep(self, room: _Room) -> None:
        """Follow the api for as long as there are windows; again and again while it is away."""
        pause_s = _SOONEST_AGAIN_S
        wanted: Wanted | None = None
        while True:
            try:
                _, wanted = await self._viewing.look(room.look, wanted)
                while wanted is not None:
                    wanted = await self._follow(room, wanted)
                    pause_s = _SOONEST_AGAIN_S
            except Forbidden as error:
                self._end(room, str(error))
                return
            except AnalyticsProError:
                room.say(is_live=False)
            except Exception:
                room.say(is_live=False)
                self._viewing.log.exception("page %r is not live", room.look.composed.page.title)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LATEST_AGAIN_S)

    async def _follow(self, room: _Room, wanted: Wanted) -> Wanted:
        """Show each change; return what is wanted once that is something else."""
        newest, bell = _Newest(), asyncio.Event()

        async def listen() -> None:
            changes = self._viewing.changes.follow(room.look.token, wanted, dict(room.look.more))
            async with aclosing(changes):
                async for change in changes:
                    newest.change = change
                    bell.set()

        listening = asyncio.create_task(listen())
        listening.add_done_callback(lambda _: bell.set())
        try:
            while True:
                bell.clear()
                change, newest.change = newest.change, None
                if change is None:
                    if listening.done():
                        listening.result()
                        return wanted
                    await bell.wait()
                    continue
                ready, now_wanted = await self._viewing.look(room.look, wanted, change)
                room.say(is_live=True)
                room.show(ready.pieces)
                if now_wanted != wanted:
                    return now_wanted
        finally:
            listening.cancel()

    def _end(self, room: _Room, reason: str) -> None:
        for window in list(room.windows):
            window.end(reason)
            self.leave(room.look, window)
        self._close(room)


class _Newest:
    """The newest change; those before it need not be drawn any more."""

    change: Change | None = None
