"""Refusals and statements, for the audit log: each kind once a minute, the rest of it counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from analyticspro import clock, logs
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError

if TYPE_CHECKING:
    from analyticspro.audit import AuditLog

__all__ = ["ACTION", "Denials"]

ACTION = "api.refused"
_WINDOW_S = 60.0
_MOST_KINDS = 20  # entries of their own in a window; what is beyond is one kind together


@dataclass(frozen=True)
class _Kind:
    who: str
    origin: str
    subject: str
    action: str = ACTION
    allowed: bool = False


_OTHERS = _Kind("several", "several", "several requests")


@dataclass
class _Seen:
    reason: str
    more: int = 0


class Denials:
    """Writes refusals down, beside the answers; a flood of them neither waits nor fills the disk.

    Who, from where, what was asked for, and why not: nothing of a body, a query or a token.
    Used in the event loop alone.
    """

    def __init__(
        self,
        home: Callable[[], Home],
        *,
        window_s: float = _WINDOW_S,
        most_kinds: int = _MOST_KINDS,
    ) -> None:
        self._home = home
        self._window_s, self._most_kinds = window_s, most_kinds
        self._kinds: dict[_Kind, _Seen] = {}
        self._timers: dict[_Kind, asyncio.TimerHandle] = {}
        # One thread, so that entries stand in the order of what they tell.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="denials")
        self._log: AuditLog | None = None
        self._held = ExitStack()
        self.counts: Counter[str] = Counter()

    def note(self, who: str, origin: str, subject: str, reason: str) -> None:
        """Note a refusal; the first of its kind in a minute is an entry, at once.

        Args:
            who: The hub's name of the caller, or `anonymous`.
            origin: The network address.
            subject: Method and route.
            reason: Why not.
        """
        self.counts["anonymous" if who == "anonymous" else "known"] += 1
        self._note(_Kind(who, origin, subject), reason)

    def note_statement(
        self, who: str, origin: str, subject: str, reason: str, *, allowed: bool
    ) -> None:
        """Note a person's own statement, run or refused; see `note`.

        Args:
            who: The hub's name of the caller.
            origin: The network address.
            subject: What it is made of; nothing that it holds.
            reason: What became of it.
            allowed: Whether it was run.
        """
        action = "sql.run" if allowed else "sql.refused"
        self._note(_Kind(who, origin, subject, action, allowed), reason)

    def note_package(
        self, who: str, origin: str, subject: str, reason: str, *, allowed: bool
    ) -> None:
        """Note a file of a package, given or refused: `subject` is project and file; see `note`."""
        action = "package.fetch" if allowed else "package.refused"
        self._note(_Kind(who, origin, subject, action, allowed), reason)

    def _note(self, kind: _Kind, reason: str) -> None:
        if kind not in self._kinds and len(self._kinds) >= self._most_kinds:
            kind, reason = _OTHERS, "Too many kinds of requests for an entry each."
        seen = self._kinds.get(kind)
        if seen is not None:
            seen.more += 1
            return
        self._kinds[kind] = _Seen(reason)
        loop = asyncio.get_running_loop()
        self._timers[kind] = loop.call_later(self._window_s, self._end, kind)
        self._write(kind, reason)

    async def close(self) -> None:
        """Write down what was only counted, and let go of the database."""
        for kind, timer in list(self._timers.items()):
            timer.cancel()
            self._end(kind)
        await asyncio.to_thread(self._writer.shutdown)
        self._held.close()

    def _end(self, kind: _Kind) -> None:
        self._timers.pop(kind)
        seen = self._kinds.pop(kind)
        if seen.more:
            self._write(kind, f"{seen.more:,} more in {self._window_s:g} s. {seen.reason}")

    def _write(self, kind: _Kind, reason: str) -> None:
        self._writer.submit(self._record, kind, reason, clock.now())

    def _record(self, kind: _Kind, reason: str, now: datetime) -> None:
        from analyticspro.audit import Actor  # brings SQLAlchemy: half a second at no start

        try:
            self._opened().record(
                Actor(kind.who, kind.origin),
                kind.action,
                kind.subject,
                reason,
                allowed=kind.allowed,
                now=now,
            )
        except AnalyticsProError as error:  # whoever is refused is refused all the same
            logs.error("not recorded", error)

    def _opened(self) -> AuditLog:
        if self._log is None:
            from analyticspro.audit import AuditLog
            from analyticspro.state import State

            home = self._home()
            state = self._held.enter_context(State.open(home.state_address))
            self._log = AuditLog.of(home, state)
        return self._log
