"""Rows of a page, and how wide each of their figures is drawn.

The widths repeat the grid of page.css, so that a chart is drawn at the very size it is
shown at and its letters are as large as those around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from analyticspro.dashboards.draw import Paint, PaintError, on_page, paint_here, written
from analyticspro.dashboards.figures.cards import Kpi
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.dashboards.spec import PAGE
from analyticspro.dashboards.views import BarsView, KpiView, LineView, View
from analyticspro.errors import AnalyticsProError, DefinitionError

__all__ = ["Drawing", "DrawnRow", "Entry", "Row", "drawn_rows", "panel_width", "rows"]

_SIDE_BY_SIDE = 948
_SPARK = (196, 42)


@dataclass(frozen=True)
class Row:
    """Figures side by side; a strip holds cards."""

    kind: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Drawing:
    """One drawing of a chart, and the class of the widths that show it ("" for all)."""

    shown: str
    svg: Markup


@dataclass(frozen=True)
class Entry:
    """One figure on the page, or why it is not there."""

    name: str
    view: View | None = None
    message: str = ""
    spark: Markup = field(default_factory=Markup)
    drawings: tuple[Drawing, ...] = ()


@dataclass(frozen=True)
class DrawnRow:
    """A row with everything drawn."""

    kind: str
    entries: tuple[Entry, ...]


def rows(figures: Sequence[Figure | Sequence[Figure]]) -> tuple[Row, ...]:
    """Return the rows of a page: cards that follow each other share one.

    Raises:
        DefinitionError: Something in it is no figure.
    """
    found: list[Row] = []
    for given in figures:
        row = (given,) if isinstance(given, Figure) else tuple(given)
        for figure in row:
            if not isinstance(figure, Figure):
                raise DefinitionError(
                    f"{figure!r} is not a figure. A page is made of kpi(), line(), bars(), "
                    "table() and lists of them."
                )
        kind = "strip" if row and all(isinstance(figure, Kpi) for figure in row) else "row"
        if kind == "strip" and found and found[-1].kind == "strip":
            row = (*found.pop().figures, *row)
        if row:
            found.append(Row(kind, row))
    if not found:
        raise DefinitionError("A page needs at least one figure.")
    return tuple(found)


def panel_width(page_width: int, count: int, index: int) -> int:
    """Return the room for a chart inside panel `index` of `count`, on a page so wide.

    >>> panel_width(1280, 2, 0), panel_width(390, 2, 0)
    (711, 324)
    """
    is_narrow = page_width < 700
    room = min(page_width, 1280) - (32 if is_narrow else 48)
    if count > 1 and page_width >= _SIDE_BY_SIDE:
        share = (0.62, 0.38)[index] if count == 2 else 1 / count
        room = int((room - 16 * (count - 1)) * share)
    return room - (34 if is_narrow else 42)


def drawn_rows(
    declared: Sequence[Row],
    views: Sequence[View | AnalyticsProError],
    widths: Sequence[tuple[str, int]],
    prefix: str,
    paint: Paint = paint_here,
) -> tuple[DrawnRow, ...]:
    """Return the rows with their charts, from the views in the order of the figures.

    All charts of the page are painted at once, so that whoever paints can share them out.
    """
    each = iter(views)
    planned = [
        (row, [next(each) for _ in row.figures], f"{prefix}-{number}")
        for number, row in enumerate(declared)
    ]
    charts = [
        [_charts(held, index, widths, f"{name}-{index}") for index in range(len(held))]
        for _, held, name in planned
    ]
    wanted = [chart for row in charts for entry in row for chart in entry]
    painted = dict(zip(map(id, wanted), paint([chart.spec for chart in wanted]), strict=True))
    drawn = []
    for (row, held, _), charted in zip(planned, charts, strict=True):
        entries = (
            _entry(figure, view, [(chart, painted[id(chart)]) for chart in found])
            for figure, view, found in zip(row.figures, held, charted, strict=True)
        )
        drawn.append(DrawnRow(row.kind, tuple(entries)))
    return tuple(drawn)


@dataclass(frozen=True)
class _Chart:
    """A chart to be painted: for which widths, and what its ids begin with."""

    shown: str
    spec: str
    prefix: str


def _charts(
    row: Sequence[View | AnalyticsProError],
    index: int,
    widths: Sequence[tuple[str, int]],
    prefix: str,
) -> list[_Chart]:
    view = row[index]
    if isinstance(view, KpiView):
        spark = view.spark(PAGE, *_SPARK)
        return [_Chart("", written(spark), f"{prefix}-")] if spark else []
    if not isinstance(view, LineView | BarsView) or view.is_empty:
        return []
    found = []
    for shown, page_width in widths:
        width = panel_width(page_width, len(row), index)
        if isinstance(view, LineView) and page_width >= _SIDE_BY_SIDE:
            spec = view.spec(PAGE, width, _height_beside(row))
        else:
            spec = view.spec(PAGE, width)
        found.append(_Chart(shown, written(spec), f"{prefix}{shown}-"))
    return found


def _entry(
    figure: Figure,
    view: View | AnalyticsProError,
    painted: Sequence[tuple[_Chart, str | PaintError]],
) -> Entry:
    name = figure.name.replace("_", " ").capitalize()
    if isinstance(view, AnalyticsProError):
        return Entry(name, message=str(view))
    drawn = []
    for chart, svg in painted:
        if isinstance(svg, PaintError):
            return Entry(name, message=str(svg))
        drawn.append((chart.shown, on_page(svg, chart.prefix)))
    if isinstance(view, KpiView):
        return Entry(view.title, view, spark=Markup("".join(svg for _, svg in drawn)))
    title = getattr(view, "title", name)
    drawings = (Drawing(shown, _labelled(svg, title)) for shown, svg in drawn)
    return Entry(title, view, drawings=tuple(drawings))


def _height_beside(row: Sequence[View | AnalyticsProError]) -> int | None:
    """Return the height of a line that stands beside bars, so that both end together."""
    heights = [view.height for view in row if isinstance(view, BarsView)]
    return max(240, min(400, max(heights))) if heights else None


def _labelled(drawn: str, title: str) -> Markup:
    """Return the SVG as one stop of the tab key, named, with its marks below it."""
    opening = Markup('<svg role="group" tabindex="0" aria-roledescription="chart" aria-label="{}"')
    return opening.format(title) + Markup(drawn.removeprefix("<svg"))
