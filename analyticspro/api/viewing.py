"""Looking at pages as somebody else does: for admins, read only, for half an hour."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from analyticspro import clock, logs
from analyticspro.api.callers import Caller
from analyticspro.api.known_people import KnownPeople
from analyticspro.client.viewing import HEADER, PAGE_HEADER
from analyticspro.errors import AnalyticsProError, DefinitionError, Forbidden
from analyticspro.policy import Capability, Role, scopes_of

__all__ = ["LASTS_FOR", "Viewing", "Viewings"]

LASTS_FOR = timedelta(minutes=30)

_MOST = 256  # at once
_MOST_PAGES = 1_000  # noted of each
_PAGE_AGAIN_S = 60.0
# Of what is asked by POST, what reads: a question may be too long for an address.
_QUESTIONS = frozenset({"/v1/query", "/v1/queries", "/v1/figures", "/v1/figures/changes"})


@dataclass(frozen=True)
class Viewing:
    """An admin who looks as somebody else.

    Attributes:
        admin: Who looks, by the hub's name.
        person: As whom, by username.
        name: What that person is called.
        role: That person's, at the start.
        until: When it ends by itself.
        ticket: Brought along with each request; worth nothing to anybody but the admin.
    """

    admin: str
    person: str
    name: str
    role: Role
    until: datetime
    origin: str
    ticket: str = field(repr=False)


class Viewings:
    """Who looks as whom. Kept in memory: with the service they end.

    A ticket only ever narrows what its admin may: to reads, to capabilities of both, and to
    rows and fields that both are granted. Used in the event loop alone.
    """

    def __init__(self, known: KnownPeople, *, lasts_for: timedelta = LASTS_FOR) -> None:
        self._known = known
        self._lasts_for = lasts_for
        self._viewings: dict[str, Viewing] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pages: dict[str, dict[str, float]] = {}
        # One thread, so that entries stand in the order of what they tell.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="viewings")

    async def start(self, caller: Caller, who: str, by: str | None, origin: str) -> Viewing:
        """Have an admin look as `who`; whatever they looked as before ends.

        Raises:
            UnknownName: There is no such person.
            DefinitionError: It is a role, or the admin.
        """
        admin = caller.called(by or caller.name)
        seen = await asyncio.to_thread(self._known.seer, who)
        if seen.role is None or seen.role == seen.name:
            raise DefinitionError(f"{who!r} is no person. Name one to look as, such as p12.")
        if seen.name == admin:
            raise DefinitionError("This is you. Choose somebody else to look as.")
        if len(self._viewings) >= _MOST:
            raise DefinitionError("Too many look as somebody else at once. End one of these.")
        for other in [each for each in self._viewings.values() if each.admin == admin]:
            self._end(other, "Another was begun.")
        name = seen.title.removesuffix(f" ({seen.name})")
        until, ticket = clock.now() + self._lasts_for, secrets.token_urlsafe(24)
        viewing = Viewing(admin, seen.name, name, seen.role, until, origin, ticket)
        await self._write(viewing, "view_as.start", f"Until {until:%Y-%m-%d %H:%M} UTC.")
        self._viewings[viewing.ticket], self._pages[viewing.ticket] = viewing, {}
        self._timers[viewing.ticket] = asyncio.get_running_loop().call_later(
            self._lasts_for.total_seconds(), self._end, viewing, "Its time was over."
        )
        return viewing

    def end(self, caller: Caller, ticket: str) -> bool:
        """End it; tell whether it still went on, and was this caller's."""
        viewing = self._viewings.get(ticket)
        if viewing is None or not (caller.is_owner or viewing.admin == caller.name):
            return False
        self._end(viewing, "")
        return True

    def of(self, ticket: str) -> Viewing | None:
        """Return which view a ticket is of; None if of none that goes on."""
        return self._viewings.get(ticket)

    def narrowed(self, caller: Caller, asked: Mapping[str, str], method: str, path: str) -> Caller:
        """Return who really asks: the caller, or the caller as somebody else.

        What they see is for `Granted` to say.

        Args:
            caller: As whom the token is.
            asked: The headers of the request, in small letters.
            method: Of the request.
            path: Of the request.

        Raises:
            Forbidden: The ticket is over or another's, the caller may not, or it is no read.
        """
        ticket = asked.get(HEADER.lower())
        if ticket is None:
            return caller
        viewing = self._viewings.get(ticket)
        if viewing is None or not (caller.is_owner or viewing.admin == caller.name):
            raise Forbidden("Refused: this view as somebody else is over. Begin another.")
        if clock.now() >= viewing.until:
            raise Forbidden("Refused: this view as somebody else is over, after 30 minutes.")
        if not caller.is_owner:
            caller.decide(Capability.USERS_WRITE).enforce()
        if method not in ("GET", "HEAD") and path not in _QUESTIONS:
            raise Forbidden(
                f"Refused: you look as {viewing.name}, which changes nothing. Leave that first."
            )
        self._visited(viewing, asked.get(PAGE_HEADER.lower()) or f"{method} {path}")
        return _as_both(caller, viewing)

    async def close(self) -> None:
        """End all of them, and write down what is not yet."""
        for viewing in list(self._viewings.values()):
            self._end(viewing, "The service was stopped.")
        await asyncio.to_thread(self._writer.shutdown)

    def _end(self, viewing: Viewing, why: str) -> None:
        if self._viewings.pop(viewing.ticket, None) is None:
            return
        self._timers.pop(viewing.ticket).cancel()
        del self._pages[viewing.ticket]
        self._write(viewing, "view_as.end", why)

    def _visited(self, viewing: Viewing, page: str) -> None:
        pages, now = self._pages[viewing.ticket], time.monotonic()
        if now < pages.get(page, -_PAGE_AGAIN_S) + _PAGE_AGAIN_S:
            return
        if len(pages) >= _MOST_PAGES:
            raise Forbidden("Refused: too many pages for one view as somebody else. Begin anew.")
        pages[page] = now
        self._write(viewing, "view_as.page", page)

    def _write(self, viewing: Viewing, action: str, reason: str) -> asyncio.Future[None]:
        now, loop = clock.now(), asyncio.get_running_loop()
        work = loop.run_in_executor(self._writer, self._record, viewing, action, reason, now)
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        return work

    def _record(self, viewing: Viewing, action: str, reason: str, now: datetime) -> None:
        from analyticspro.audit import Actor  # brings SQLAlchemy: half a second at no start

        actor = Actor(viewing.admin, viewing.origin)
        try:
            self._known.audit.record(actor, action, viewing.person, reason, now=now)
        except AnalyticsProError as error:
            logs.error("view as not recorded", error)
            raise


def _as_both(caller: Caller, viewing: Viewing) -> Caller:
    theirs = scopes_of(viewing.role)
    return replace(
        caller,
        held=theirs if caller.is_owner else caller.held & theirs,
        is_owner=False,
        by_key=False,
        # The owner is asked about nowhere; the view is, so that it ends in time.
        confirmed_at=min(caller.confirmed_at, time.monotonic()),
        viewing_as=viewing.person,
    )
