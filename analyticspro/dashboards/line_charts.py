"""Lines over time: the chart and the sparkline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analyticspro.dashboards.formats import Unit
from analyticspro.dashboards.spec import QUIET, WORDS, Palette, Spec, milliseconds, spec_of
from analyticspro.grain import Grain

__all__ = ["Point", "line_chart", "sparkline"]


@dataclass(frozen=True)
class Point:
    """One bucket of a series.

    Attributes:
        at: Its start, wall clock.
        value: None is a gap.
        words: What a tooltip and a screen reader say.
        series: Which line, 0 for the first.
        is_partial: Whether its time is not over yet, so its value will still grow.
    """

    at: datetime
    value: float | None
    words: str
    series: int = 0
    is_partial: bool = False


def _rows(points: Sequence[Point], names: Sequence[str] = ("",)) -> list[Spec]:
    known = {(point.series, index) for index, point in enumerate(points) if point.value is not None}
    return [
        {
            "at": milliseconds(point.at),
            "value": point.value,
            "words": point.words,
            "series": names[point.series],
            "partial": point.is_partial,
            # A point without a neighbour on either side makes no line, so it gets a dot.
            "dot": point.is_partial
            or not known & {(point.series, index - 1), (point.series, index + 1)},
        }
        for index, point in enumerate(points)
    ]


def _x(domain: tuple[datetime, datetime] | None, axis: Spec | None) -> Spec:
    scale: Spec = {"type": "utc"}
    if domain is not None:
        scale["domain"] = [milliseconds(at) for at in domain]
    return {"field": "at", "type": "temporal", "scale": scale, "axis": axis}


def _y(*, zero: bool, axis: Spec | None) -> Spec:
    scale = {"zero": zero, "nice": True} if axis else {"zero": zero, "nice": False}
    return {"field": "value", "type": "quantitative", "scale": scale, "axis": axis}


_KNOWN = {"filter": "isValid(datum.value)"}
_WHOLE = {"filter": "isValid(datum.value) && !datum.partial"}


def sparkline(points: Sequence[Point], palette: Palette, width: int, height: int) -> Spec:
    """Return a line without axes, its last value dotted, hollow if not over yet.

    It is hidden from screen readers, and joins over buckets without a value: it tells the
    course, not the single value.
    """
    known = [point for point in points if point.value is not None]
    is_partial = bool(known) and known[-1].is_partial
    line = {"type": "line", "color": palette.series, "strokeWidth": 1.5, **QUIET}
    dot = {"type": "point", "filled": True, "size": 22, "opacity": 1, **QUIET}
    if is_partial:
        dot |= {"fill": palette.surface, "stroke": palette.series, "strokeWidth": 1.5}
    else:
        dot |= {"color": palette.series}
    body: Spec = {
        "padding": 3,
        "data": {"values": _rows(known)},
        "encoding": {"x": _x(None, None), "y": _y(zero=False, axis=None)},
        "layer": [
            {"mark": line, "data": {"values": _rows(known[:-1] if is_partial else known)}},
            {"mark": dot, "data": {"values": _rows(known[-1:])}},
        ],
    }
    if is_partial:
        tail = {"mark": {**line, "strokeDash": [2, 3]}, "data": {"values": _rows(known[-2:])}}
        body["layer"].insert(1, tail)
    return spec_of(body, palette, width, height)


def _ticks(starts: Sequence[datetime], grain: Grain, room: int) -> Spec:
    """Return an x axis with as many labels, at bucket starts, as `room` pixels hold."""
    form = {
        Grain.HOUR: "%H:%M",
        Grain.DAY: "%-d %b",
        Grain.WEEK: "%-d %b",
        Grain.MONTH: "%b %Y",
        Grain.QUARTER: "%b %Y",
        Grain.YEAR: "%Y",
    }[grain]
    fits = max(2, room // 74)
    strides = {Grain.HOUR: (1, 3, 6, 12, 24), Grain.DAY: (1, 2, 7, 14, 28)}
    steps = strides.get(grain, (1, 2, 3, 4, 6, 12, 24))
    stride = next((n for n in steps if -(-len(starts) // n) <= fits), len(starts))
    return {
        "values": [milliseconds(at) for at in starts[::stride]],
        "labelExpr": f"utcFormat(datum.value, '{form}')",
        "labelFlush": 8,
        "labelOverlap": True,
        "grid": False,
    }


def line_chart(
    points: Sequence[Point],
    *,
    before: Sequence[Point],
    names: Sequence[str],
    starts: Sequence[datetime],
    grain: Grain,
    unit: Unit,
    zero: bool,
    palette: Palette,
    width: int,
    height: int,
) -> Spec:
    """Return one or more lines over time.

    Args:
        points: Of all series, each in order of time.
        before: The previous period, moved onto this one's buckets; drawn faintly.
        names: Of the series; a single one needs no legend.
        starts: Every bucket of the period, also those still to come.
        grain: Length of a bucket.
        unit: Of the values.
        zero: Whether the axis starts at zero.
        palette: Colours.
        width: Pixels.
        height: Pixels.
    """
    y_axis = {"tickCount": 4, "labelExpr": unit.axis, "labelFlush": False}
    band = max(4.0, width / max(1, len(starts)))
    colour: Spec = {"color": {"value": palette.series}}
    if len(names) > 1:
        shades = [palette.series, *palette.others][: len(names)]
        legend = {"orient": "top", "symbolType": "stroke", "columns": max(2, width // 130)}
        colour = {
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": list(names), "range": shades},
                "legend": {**legend, "symbolStrokeWidth": 2},
            }
        }
    body: Spec = {
        "data": {"values": _rows(points, names)},
        "encoding": {
            "x": _x((starts[0], starts[-1]), _ticks(starts, grain, width)),
            "y": _y(zero=zero, axis=y_axis),
        },
        "layer": _line_layers(before, colour, palette, band, is_single=len(names) == 1),
    }
    return spec_of(body, palette, width, height)


def _line_layers(
    before: Sequence[Point], colour: Spec, palette: Palette, band: float, *, is_single: bool
) -> list[Spec]:
    faint = {"type": "line", "color": palette.previous, "strokeWidth": 1.25, **QUIET}
    area = {"type": "area", "color": palette.series, "opacity": 0.08, "line": False, **QUIET}
    line = {"type": "line", "strokeWidth": 2, "strokeJoin": "round", **QUIET}
    dot = {"type": "point", "size": 46, "strokeWidth": 2, "fill": palette.surface, **QUIET}
    reach = {"type": "rule", "strokeWidth": band, "opacity": 0}
    joined = {
        "window": [{"op": "lead", "field": "partial", "as": "next"}],
        "groupby": ["series"],
        "sort": [{"field": "at"}],
    }
    tail = {"filter": "isValid(datum.value) && (datum.partial || datum.next)"}
    layers: list[Spec] = []
    if before:
        layers.append({"data": {"values": _rows(before)}, "mark": faint})
    if is_single:
        layers.append({"transform": [_WHOLE], "mark": area})
    shown = {"condition": {"test": "datum.dot", "value": 1}, "value": 0}
    layers += [
        {"mark": line, "encoding": colour, "transform": [{"calculate": _HIDE, "as": "value"}]},
        {
            "mark": {**line, "strokeDash": [3, 4]},
            "encoding": colour,
            "transform": [joined, tail],
        },
        {"mark": dot, "encoding": {**colour, "opacity": shown}, "transform": [_KNOWN]},
        {
            "mark": reach,
            "encoding": {"y": {"value": 0}, "y2": {"value": "height"}, "description": WORDS},
            "transform": [_KNOWN],
        },
    ]
    return layers


_HIDE = "datum.partial ? null : datum.value"
