"""A declared page, drawn for whoever looks at it: without a kernel, from one answer of the api."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from logging import Logger
from typing import Any

from markupsafe import Markup

from analyticspro.dashboards.compositions import Composed
from analyticspro.dashboards.draw import Paint
from analyticspro.dashboards.drawn import Drawn, Request
from analyticspro.dashboards.gathering import Api, Gathered, Missing, Wanted
from analyticspro.dashboards.halves import Halves
from analyticspro.dashboards.states import failed
from analyticspro.dashboards.templating import render
from analyticspro.dashboards.words import html_of
from analyticspro.errors import AnalyticsProError

__all__ = ["Ready", "Viewing"]

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
        mark: The same for the same content.
    """

    document: Halves
    parts: bytes
    mark: str


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
        self._log = log
        self._asked: OrderedDict[tuple[str, str], Wanted] = OrderedDict()
        self._ready: OrderedDict[_Key, asyncio.Task[Ready]] = OrderedDict()

    async def view(
        self,
        composed: Composed,
        request: Request,
        widths: tuple[int, ...],
        token: str,
        *,
        more: Mapping[str, str] | None = None,
    ) -> Ready:
        """Return a page for a period and filters, as the holder of `token` may see it.

        Args:
            composed: The page.
            request: Period and filters.
            widths: Of the drawings, pixels.
            token: Of who looks.
            more: Headers sent along to the api.
        """
        name = json.dumps([request.period, *sorted(request.where.items())])
        place = (composed.key, name)
        wanted = self._asked.get(place, Wanted(dimensions=composed.page.dimensions))
        gathered = Gathered()
        draw = partial(self._drawn, composed, request, widths, gathered)
        for _ in range(_ROUNDS):
            try:
                reply = await self._api.figures(token, wanted, more)
            except AnalyticsProError as error:
                gathered.error = error
                return await asyncio.to_thread(draw)
            # What is said of the time is said to the minute.
            said = hashlib.sha256(reply.now[:16].encode() + reply.body).digest()
            key = (*place, widths, repr(wanted), said)
            gathered.take(reply, wanted)
            try:
                ready = await self._once(key, draw)
            except Missing as missing:
                wanted = wanted.and_also(missing)
                continue
            if gathered.used:  # drawn just now: what it took is what is asked first next time
                self._remember(place, Wanted(tuple(gathered.used), wanted.dimensions))
            return ready
        raise RuntimeError(f"{composed.page.title!r} asks for ever more")

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

    def _drawn(
        self,
        composed: Composed,
        request: Request,
        widths: tuple[int, ...],
        gathered: Gathered,
    ) -> Ready:
        page = composed.page
        try:
            drawn = page.draw(request, widths=widths, provider=gathered, paint=self._paint)
            return self._written(composed, drawn, widths)
        except Missing:
            raise
        except Exception as error:  # noqa: BLE001 - said on the page, and logged whole
            self._log.exception("page %r could not be drawn", page.title)
            drawn = Drawn(page.title, request, names=page.names).showing(failed(error))
            return self._written(composed, drawn, widths)

    def _written(self, composed: Composed, drawn: Drawn, widths: tuple[int, ...]) -> Ready:
        drawn.refreshes, drawn.has_shell = REFRESH_S, True
        message = drawn.message()
        parts = json.dumps(message).encode()
        mark = hashlib.sha256(parts).hexdigest()[:16]
        told: dict[str, Any] = {name: message[name] for name in _TOLD}
        told |= {"refresh": REFRESH_S, "mark": mark, "width": widths[0] if len(widths) == 1 else 0}
        document = render(
            "document.html",
            page=drawn,
            parts={name: Markup(html) for name, html in message["parts"].items()},
            told=told,
            assets=self._assets,
            above=Markup(_ABOVE),
            before=html_of(composed.before),
            after=html_of(composed.after),
        )
        return Ready(Halves.of(document, _ABOVE), gzip.compress(parts, 5), mark)
