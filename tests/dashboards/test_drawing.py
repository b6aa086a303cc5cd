"""Charts as specifications and as SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import altair
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from analyticspro.dashboards.draw import on_page, svg
from analyticspro.dashboards.figures import bars, kpi, line, summary, table
from analyticspro.dashboards.figures.cell import FIGURE_TYPE, VEGA_TYPE, Figure
from analyticspro.dashboards.spec import HEX, PAGE
from analyticspro.errors import DefinitionError
from tests.dashboards.provider import FrameProvider, orders

CHARTS = [
    pytest.param(kpi("revenue"), id="kpi"),
    pytest.param(line("revenue"), id="line"),
    pytest.param(line("average_order_value"), id="ratio"),
    pytest.param(line("revenue", by="country"), id="lines"),
    pytest.param(bars("revenue", "country"), id="bars"),
    pytest.param(bars("cancellation_rate", "country"), id="fractions"),
]
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.mark.parametrize("period", ["2011-12", "2011-11-05", "all"])
@pytest.mark.parametrize("figure", CHARTS)
def test_every_chart_is_valid_vega_lite(figure: Figure, period: str, provider: FrameProvider):
    spec = figure.over(period, client=provider).spec()
    assert spec["$schema"] == "https://vega.github.io/schema/vega-lite/v5.json"
    version_six = {**spec, "$schema": "https://vega.github.io/schema/vega-lite/v6.json"}
    altair.Chart.from_dict(version_six, validate=True)
    ElementTree.fromstring(svg(spec))


@pytest.mark.parametrize("figure", CHARTS)
def test_a_cell_gets_what_lab_papermill_and_mail_can_show(figure: Figure, provider: FrameProvider):
    bundle = figure.over("2011-11", client=provider)._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", VEGA_TYPE, "text/plain", FIGURE_TYPE}
    assert "var(--" not in bundle["image/svg+xml"]
    output = new_output("display_data", data=bundle)
    nbformat.validate(new_notebook(cells=[new_code_cell("x", outputs=[output])]))


def test_a_table_is_the_only_figure_that_is_html(provider: FrameProvider):
    rows = table(["revenue"], by="country").over("2011-11", client=provider)
    assert "<table" in rows._repr_mimebundle_()["text/html"]
    words = summary("revenue").over("2011-11", client=provider)
    assert "text/html" not in words._repr_mimebundle_()
    with pytest.raises(DefinitionError, match="is not a chart"):
        rows.to_altair()


def test_an_author_can_go_on_with_altair(provider: FrameProvider):
    chart = line("revenue").over("2011-11", client=provider).to_altair()
    assert chart.properties(title="Mine").to_dict()["title"] == "Mine"


def test_labels_of_time_are_those_of_the_wall_clock(provider: FrameProvider):
    spec = line("revenue").over("2011-11", client=provider).spec()
    axis = spec["encoding"]["x"]
    assert axis["scale"]["type"] == "utc"
    assert "utcFormat" in axis["axis"]["labelExpr"]
    labels = re.findall(r">(\d+ \w{3})</text>", svg(spec))
    assert labels[0] == "1 Nov"


def test_a_page_draws_in_colours_that_follow_its_scheme(provider: FrameProvider):
    view: Any = line("revenue").over("2011-11", client=provider).view()
    assert "var(--ap-series)" in on_page(svg(view.spec(PAGE, 400)), "")
    assert HEX.series in svg(view.spec(HEX, 400))


def test_every_mark_says_its_value(provider: FrameProvider):
    view: Any = line("revenue").over("2011-11", client=provider).view()
    drawn = on_page(svg(view.spec(PAGE, 400)), "")
    said = re.findall(r'<line aria-label="([^"]+)"', drawn)
    assert said == [point.words for point in view.points]


@pytest.mark.parametrize(
    "figure", [bars("revenue", "country"), line("revenue", by="country")], ids=["bars", "lines"]
)
def test_names_from_data_stay_text(figure: Figure):
    provider = FrameProvider(orders(countries=(HOSTILE, "'); datum.x", "France")))
    drawn = svg(figure.over("2011-11", client=provider).spec())
    assert "<img" not in drawn
    ElementTree.fromstring(drawn)


def test_two_drawings_share_no_id(provider: FrameProvider):
    view: Any = line("revenue", by="country").over("2011-11", client=provider).view()
    spec = view.spec(PAGE, 400)
    first, second = (on_page(svg(spec), name) for name in ("a-", "b-"))
    of = [set(re.findall(r'\bid="([^"]+)"', drawn)) for drawn in (first, second)]
    assert not of[0] & of[1]
    for drawn, ids in zip((first, second), of, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", drawn)) <= ids
