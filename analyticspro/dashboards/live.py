"""A page that answers its controls: the kernel's half of `assets/page.js`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import anywidget
import traitlets

from analyticspro.config import environment
from analyticspro.dashboards.drawn import Drawn, Request
from analyticspro.dashboards.pages import LIVE_WIDTHS, Page
from analyticspro.dashboards.states import failed
from analyticspro.dashboards.templating import asset

__all__ = ["LivePage", "from_query", "show"]

_LOG = logging.getLogger(__name__)


def show(page: Page) -> None:
    """Display `page` as a widget, at what the address in the browser asks for."""
    from IPython.display import display

    request = from_query(environment().get("QUERY_STRING", ""), page)
    display(LivePage(page, request))  # type: ignore[no-untyped-call]


def from_query(query: str, page: Page) -> Request:
    """Return what the query string of an address asks for; what it leaves out is the page's.

    Values are only read here: whether they are right is found, and said, when drawing.
    """
    given = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    return page.asked(given)


class LivePage(anywidget.AnyWidget):
    """The page in the browser.

    `drawn` goes to the browser and is never read back: a browser may set any synced trait.
    Wishes come as messages; each is acknowledged at once, so that the browser can tell a
    kernel at work from one that is gone.
    """

    _esm = asset("page.js")
    _css = asset("page.css")
    drawn = traitlets.Dict().tag(sync=True)

    def __init__(self, page: Page, request: Request) -> None:
        self._page = page
        super().__init__(drawn={**self._draw(request, LIVE_WIDTHS), "seq": 0})
        self.on_msg(self._on_message)

    def _draw(self, request: Request, widths: Sequence[int]) -> dict[str, Any]:
        try:
            return _within(self._page.draw(request, widths=widths)).message()
        except Exception as error:  # noqa: BLE001 - said on the page, and logged whole
            _LOG.exception("page %r could not be drawn", self._page.title)
            return _within(Drawn(self._page.title, request).showing(failed(error))).message()

    def _on_message(self, _: object, content: object, buffers: object) -> None:
        if not isinstance(content, dict) or content.get("type") != "draw":
            return
        seq, width = content.get("seq"), content.get("width")
        if not isinstance(seq, int):
            return
        self.send({"type": "heard", "seq": seq})
        widths = (width,) if isinstance(width, int) and width > 0 else LIVE_WIDTHS
        self.drawn = {**self._draw(self._page.asked(content), widths), "seq": seq}


def _within(drawn: Drawn) -> Drawn:
    """Say so of a page that our own server shows, below its bar; stock Voilà has none."""
    drawn.has_shell = environment().get("SERVER_SOFTWARE") == "analyticspro"
    return drawn
