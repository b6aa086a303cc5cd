"""A declared page, drawn for whoever looks at it: without a kernel, from one answer of the api."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from logging import Logger
from typing import Any

from markupsafe import Markup

from analyticspro.dashboards.changes import Change, Changes
from analyticspro.dashboards.compositions import Composed
from analyticspro.dashboards.draw import Paint
from analyticspro.dashboards.drawn import Drawn, Request
from analyticspro.dashboards.gathering import Api, Gathered, Missing, Wanted
from analyticspro.dashboards.halves import Halves
from analyticspro.dashboards.pieces import Marks, Pieces, cut
from analyticspro.dashboards.states import failed
from analyticspro.dashboards.templating import render
from analyticspro.dashboards.words import html_of
from analyticspro.errors import AnalyticsProError

__all__ = ["Look", "Ready", "Viewing"]

_KEPT = 300
_REMEMBERED = 2000
_ROUNDS = 5
REFRESH_S = 30
_TOLD = ("state", "address", "said", "marks")  # beside the parts, which the document holds
_ABOVE = "<!-- above -->"
_Key = tuple[str, str, tuple[int, ...], str, bytes]


@dataclass(frozen=True)
class Ready:
    """A page as it is sent, but for what is above it, which is its viewer's own.

    Attributes:
        document: The whole page, HTML around the bar and the banner.
        parts: Its parts alone, JSON in gzip, for a page that is open already.
        pieces: The same, for a page that is told of changes.
    """

    document: Halves
    parts: bytes
    pieces: Pieces

    @property
    def mark(self) -> str:
        """The same for the same content."""
        return self.pieces.mark


@dataclass(frozen=True)
class Look:
    """Who looks at what, and how.

    Attributes:
        composed: The page.
        request: Period and filters.
        widths: Of the drawings, pixels.
        token: Of who looks.
        more: Headers sent along to the api.
    """

    composed: Composed
    request: Request
    widths: tuple[int, ...]
    token: str = field(repr=False)
    more: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def place(self) -> tuple[str, str]:
        """The page and what of it is asked for, whoever looks."""
        asked = [self.request.period, *sorted(self.request.where.items())]
        return self.composed.key, json.dumps(asked)

    @property
    def key(self) -> Hashable:
        """The same for looks that are told the same."""
        return (*self.place, self.widths, self.token, self.more)


class Viewing:
    """Draws declared pages.

    What is drawn is kept by what it was drawn from, to the byte: the api's own answer to this
    viewer's token. So whoever may see less is shown less, and two who see the same share it.

    Args:
        api: Asked at every view, under the viewer's token.
        paint: Who draws the charts.
        assets: Address of the page's style and script.
        log: Told of what nobody expected.
    """

    def __init__(self, api: Api, paint: Paint, assets: str, log: Logger) -> None:
        self._api = api
        self._paint = paint
        self._assets = assets
        self.log = log
        self._asked: OrderedDict[tuple[str, str], Wanted] = OrderedDict()
        self._ready: OrderedDict[_Key, asyncio.Task[Ready]] = OrderedDict()
        self._seen: OrderedDict[str, Marks] = OrderedDict()
        self.changes = Changes(api)

    async def view(self, look: Look) -> Ready:
        """Return a page for a period and filters, as who looks may see it."""
        return (await self.look(look))[0]

    async def look(
        self, look: Look, wanted: Wanted | None = None, change: Change | None = None
    ) -> tuple[Ready, Wanted]:
        """Return a page, and what it asks for.

        Args:
            look: Who looks at what.
            wanted: What it asked for when it was drawn last.
            change: What the api told this viewer of, of that; the page is drawn from it.

        Raises:
            AnalyticsProError: There was a change, and it cannot be had; else the page says so.
        """
        place, more = look.place, dict(look.more)
        dimensions = look.composed.page.dimensions
        wanted = wanted or self._asked.get(place, Wanted(dimensions=dimensions))
        gathered, is_told = Gathered(), change is not None
        draw = partial(self._drawn, look, gathered)
        for _ in range(_ROUNDS):
            try:
                if change is None:
                    reply = await self._api.figures(look.token, wanted, more)
                else:
                    reply = await self.changes.reply(change, look.token, wanted, more)
            except AnalyticsProError as error:
                if is_told:
                    raise
                gathered.error = error
                return await asyncio.to_thread(draw), wanted
            change = None
            # What is said of the time is said to the minute.
            said = hashlib.sha256(reply.now[:16].encode() + reply.body).digest()
            key = (*place, look.widths, repr(wanted), said)
            gathered.take(reply, wanted)
            try:
                ready = await self._once(key, draw)
            except Missing as missing:
                wanted = wanted.and_also(missing)
                continue
            if gathered.used:  # drawn just now: what it took is what is asked first next time
                wanted = Wanted(tuple(gathered.used), wanted.dimensions)
                self._remember(place, wanted)
            self._seen[ready.mark] = ready.pieces.marks
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return ready, wanted
        raise RuntimeError(f"{look.composed.page.title!r} asks for ever more")

    def marks(self, mark: str) -> Marks:
        """Return the pieces of a page that was drawn here, by its mark; none if it is forgotten."""
        return self._seen.get(mark, {})

    async def _once(self, key: _Key, draw: Callable[[], Ready]) -> Ready:
        """Return what is drawn for a key; drawn once, however many want it at the same time."""
        task = self._ready.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(asyncio.to_thread(draw))
            self._ready[key] = task
            while len(self._ready) > _KEPT:
                self._ready.popitem(last=False)
        self._ready.move_to_end(key)
        return await asyncio.shield(task)

    def _remember(self, place: tuple[str, str], wanted: Wanted) -> None:
        self._asked[place] = wanted
        while len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)

    def _drawn(self, look: Look, gathered: Gathered) -> Ready:
        page = look.composed.page
        try:
            drawn = page.draw(
                look.request, widths=look.widths, provider=gathered, paint=self._paint
            )
            return self._written(look, drawn)
        except Missing:
            raise
        except Exception as error:  # said on the page, and logged whole
            self.log.exception("page %r could not be drawn", page.title)
            drawn = Drawn(page.title, look.request, names=page.names).showing(failed(error))
            return self._written(look, drawn)

    def _written(self, look: Look, drawn: Drawn) -> Ready:
        drawn.refreshes, drawn.has_shell = REFRESH_S, True
        message = drawn.message()
        marked_body = message["parts"]["body"]
        message["parts"]["body"] = cut(marked_body)[0]
        parts = json.dumps(message).encode()
        mark = hashlib.sha256(parts).hexdigest()[:16]
        width = look.widths[0] if len(look.widths) == 1 else 0
        told: dict[str, Any] = {name: message[name] for name in _TOLD}
        told |= {"refresh": REFRESH_S, "mark": mark, "width": width}
        document = render(
            "document.html",
            page=drawn,
            parts={name: Markup(html) for name, html in message["parts"].items()},
            told=told,
            assets=self._assets,
            above=Markup(_ABOVE),
            before=html_of(look.composed.before),
            after=html_of(look.composed.after),
        )
        zipped = gzip.compress(parts, 5)
        return Ready(Halves.of(document, _ABOVE), zipped, Pieces.of(mark, message, marked_body))
