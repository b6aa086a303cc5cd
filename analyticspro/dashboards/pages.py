"""A page of figures: one declaration, drawn as a live page, a static one or a report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from analyticspro import composing
from analyticspro.config import environment
from analyticspro.dashboards import layout
from analyticspro.dashboards.choices import FilterChoice, controls, filter_choice
from analyticspro.dashboards.context import Context, Provider
from analyticspro.dashboards.draw import Paint, paint_here
from analyticspro.dashboards.drawn import Drawn, Request
from analyticspro.dashboards.fetching import Batch
from analyticspro.dashboards.figures.cell import Figure, connected
from analyticspro.dashboards.formats import day_words, moment_words, period_words
from analyticspro.dashboards.origin import origin
from analyticspro.dashboards.parameters import named, value_of
from analyticspro.dashboards.states import failed, no_data_at_all, no_data_here
from analyticspro.dashboards.templating import render, style
from analyticspro.dashboards.views import View
from analyticspro.errors import AnalyticsProError, DefinitionError, UnknownName

__all__ = ["Page", "page"]

Row = Figure | Sequence[Figure]
# What Voilà's kernels find in SERVER_SOFTWARE: stock Voilà's own word, and our server's.
_LIVE_ON = ("voila", "analyticspro")
# Of a window before it is known, and of a page that stands by itself (see page.css).
LIVE_WIDTHS = (1280, 390)
_STATIC_WIDTHS = (960, 390)
_LONGEST = 200  # of a value in an address
_CURRENCY = "currency"
_PERIOD = "period"
PAGE_TYPE = "application/vnd.analyticspro.page+json"


def page(
    title: str,
    figures: Sequence[Row],
    *,
    period: str = "latest",
    where: Mapping[str, str] | None = None,
    filters: Sequence[str] = ("country",),
    client: Provider | None = None,
) -> Page:
    """Return a page of figures, to be the last line of a notebook's cell.

    Composed by the page server it is declared, and drawn there for each viewer; `period` and
    the values of `where` may then be the notebook's parameters, under whose names they stand
    in the address. Served from a kernel by Voilà it is live: its reader chooses period and
    filters, errors are shown in it. Anywhere else (Lab, papermill, nbconvert) it is drawn
    here and now, once, and an error is raised, so that a report is never sent with a hole in
    it.

    Args:
        title: Heading of the page.
        figures: From top to bottom; cards that follow each other make a strip, a list
            makes a row.
        period: As `analyticspro.period.parse_period` reads it.
        where: Dimension to value; an empty value is no filter.
        filters: Dimensions that the reader may filter by; where the data has amounts of
            several currencies, one of them is always chosen as well.
        client: Who answers; the workspace that `connect()` finds by default.

    Raises:
        AnalyticsProError: Not served by Voilà, and a figure could not be drawn.
    """
    given = {_PERIOD: period, **(where or {})}
    values = {name: value_of(value) for name, value in given.items()}
    names = {name: found for name, value in given.items() if (found := named(value))}
    request = Request(values.pop(_PERIOD), values)
    made = Page(title, figures, request, tuple(filters), client, names=names)
    if not made.is_live and not composing.is_on():
        made.static_html()
    return made


class Page:
    """A page of figures; see `page`."""

    def __init__(
        self,
        title: str,
        figures: Sequence[Row],
        request: Request,
        filters: tuple[str, ...],
        client: Provider | None = None,
        *,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.title = title
        self.rows = layout.rows(figures)
        self.request = request
        self.filters = tuple(dict.fromkeys((*filters, _CURRENCY)))
        # Under which parameter of its notebook `period` or a dimension stands in an address.
        self.names = dict(names or {})
        self._client = client
        self._static: str | None = None
        self._batch = Batch()

    @property
    def is_live(self) -> bool:
        """Whether Voilà serves it, so that there is a kernel to answer its controls."""
        return environment().get("SERVER_SOFTWARE", "").lower().startswith(_LIVE_ON)

    @property
    def has_own_client(self) -> bool:
        """Whether its author said who answers."""
        return self._client is not None

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The filters whose values are asked for."""
        return tuple(name for name in self.filters if name != _CURRENCY)

    @property
    def figures(self) -> list[Figure]:
        """All figures, from top to bottom."""
        return [figure for row in self.rows for figure in row.figures]

    @property
    def client(self) -> Provider:
        """Who answers, found at first need."""
        if self._client is None:
            self._client = connected()
        return self._client

    def asked(self, given: Mapping[str, object]) -> Request:
        """Return what an address or a browser's message asks for.

        What it leaves out is as the page has it. Values are only read here: whether they are
        right is found, and said, when drawing.
        """
        # Whatever a browser sends is text of a bounded length, under the names of the controls.
        wanted = {
            name: sent[:_LONGEST].strip()
            for name in (_PERIOD, *self.filters)
            if isinstance(sent := given.get(self.names.get(name, name)), str)
        }
        period = wanted.pop(_PERIOD, "") or self.request.period
        return Request(period, {**self.request.where, **wanted})

    def draw(
        self,
        request: Request,
        *,
        widths: Sequence[int] = LIVE_WIDTHS,
        strict: bool = False,
        provider: Provider | None = None,
        paint: Paint = paint_here,
    ) -> Drawn:
        """Return the page for a period and filters.

        Args:
            request: What is asked for; a wrong value is shown as an error.
            widths: Of the windows to draw charts for, in pixels, the widest first: one if
                the reader's is known, else a wide and a narrow one, and the page takes its pick.
            strict: Raise the first error instead of showing it.
            provider: Who answers, this time.
            paint: Who draws the charts.
        """
        drawn = Drawn(title=self.title, request=request, names=self.names)
        try:
            client = provider or self.client
            workspace = client.workspace()
            _introduce(drawn, workspace)
            if workspace["first"] is None or workspace["last"] is None:
                return drawn.showing(no_data_at_all())
            views = self._fill(drawn, client, workspace, strict=strict)
            if views:
                shown = _shown_at(widths)
                drawn.rows = layout.drawn_rows(self.rows, views, shown, self._prefix, paint)
        except AnalyticsProError as error:
            if strict:
                raise
            drawn.showing(failed(error))
        return drawn

    def _fill(
        self,
        drawn: Drawn,
        client: Provider,
        workspace: Mapping[str, Any],
        *,
        strict: bool,
    ) -> Sequence[View | AnalyticsProError]:
        """Say all but the figures; return what these show, nothing if a message is in place."""
        currencies = workspace["currencies"]
        request = drawn.request = _in_one_currency(drawn.request, currencies)
        choices = self._choices(client, request, currencies)
        now = datetime.fromisoformat(workspace["now"])
        try:
            context = Context.of(workspace, request.period, request.where)
        except DefinitionError:
            latest = Context.of(workspace, "latest", {})
            drawn.controls = controls(latest, now, choices, asked=request.period)
            raise
        drawn.controls = controls(context, now, choices)
        drawn.request = Request(context.period.name, request.where)
        drawn.subtitle = _subtitle(context)
        _check(request, choices)
        if not context.has_overlap:
            drawn.showing(no_data_here(context))
            return ()
        # What one viewer's answers taught must not show in another's, so it is not kept then.
        batch = self._batch if client is self._client else Batch()
        views, fetched = batch.fetch(client, self.figures, context)
        problem = _problem(views, strict=strict)
        if problem is not None:
            raise problem
        drawn.provenance = origin(fetched)
        if context.where and all(not isinstance(v, Exception) and v.is_empty for v in views):
            drawn.showing(no_data_here(context))
            return ()
        return views

    @property
    def _prefix(self) -> str:
        return f"ap{hashlib.blake2s(self.title.encode(), digest_size=4).hexdigest()}"

    def _choices(
        self, client: Provider, request: Request, currencies: Sequence[str]
    ) -> list[FilterChoice]:
        choices = [
            filter_choice(name, client.values(name), request.where) for name in self.dimensions
        ]
        if len(currencies) > 1:
            choices.append(filter_choice(_CURRENCY, currencies, request.where, one_only=True))
        return choices

    def static_html(self) -> str:
        """Return the page as HTML that stands by itself: no script, no address, no control.

        Raises:
            AnalyticsProError: A figure could not be drawn.
        """
        if self._static is None:
            drawn = self.draw(self.request, widths=_STATIC_WIDTHS, strict=True)
            drawn.controls = None
            self._static = render("static.html", page=drawn, css=style())
        return self._static

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if composing.is_on():
            from analyticspro.dashboards.declaration import declared

            return {PAGE_TYPE: declared(self), "text/plain": f"<page {self.title!r}>"}
        return {"text/html": self.static_html(), "text/plain": f"<page {self.title!r}>"}

    def _ipython_display_(self) -> None:
        if not self.is_live:
            raise NotImplementedError  # IPython then takes the mimebundle
        from analyticspro.dashboards.live import show

        show(self)


def _in_one_currency(request: Request, currencies: Sequence[str]) -> Request:
    """Return the request for one currency, by default the most frequent: they do not add up."""
    if len(currencies) < 2 or request.where.get(_CURRENCY):
        return request
    return Request(request.period, {**request.where, _CURRENCY: currencies[0]})


def _introduce(drawn: Drawn, workspace: Mapping[str, Any]) -> None:
    drawn.workspace = workspace["name"]
    drawn.is_demo = bool(workspace["demo"])
    drawn.timezone = workspace["timezone"]
    if workspace["last"] is not None:
        last = datetime.fromisoformat(workspace["last"])
        drawn.freshness = f"Data to {moment_words(last)} {drawn.timezone}"
    now = moment_words(datetime.fromisoformat(workspace["now"]))
    drawn.ending = f"Drawn {now} {drawn.timezone}, revision {workspace['revision']}."


def _check(request: Request, choices: Sequence[FilterChoice]) -> None:
    """Raise UnknownName if a filter's value is none of the data's."""
    for choice in choices:
        value = request.where.get(choice.name, "")
        if value and value not in choice.values:
            raise UnknownName.of(choice.name.replace("_", " "), value, choice.values)


def _subtitle(context: Context) -> str:
    period = context.period
    words = period_words(period.name, period.start, period.end)
    if period.name == "all" and context.first and context.last:
        words += f", {day_words(context.first)} to {day_words(context.last)}"
    elif context.last and period.start <= context.last < period.end - timedelta(days=1):
        words += f", to {context.last.day} {context.last:%b}"
    parts = [words]
    parts += [value for one in context.where for value in one.values]
    return " · ".join(parts)


def _shown_at(widths: Sequence[int]) -> list[tuple[str, int]]:
    """Return each width with the class that page.css shows it by."""
    kept = [max(300, min(width, 4000)) for width in widths]
    return list(zip(("ap-wide", "ap-narrow") if len(kept) == 2 else ("",), kept, strict=True))


def _problem(
    views: Sequence[View | AnalyticsProError], *, strict: bool
) -> AnalyticsProError | None:
    """Return the error to show instead of the page: the one that befell every figure."""
    errors = [view for view in views if isinstance(view, AnalyticsProError)]
    if errors and (strict or len(errors) == len(views)):
        return errors[0]
    return None
