"""A page as HTML: figures, states, words."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from analyticspro.dashboards import Page, bars, kpi, line, page, summary, table
from analyticspro.dashboards.drawn import Request
from analyticspro.dashboards.layout import panel_width
from analyticspro.errors import DefinitionError, ServiceUnavailable, UnknownName
from tests.dashboards.provider import METRICS, FrameProvider, orders

FIGURES = [*(kpi(name) for name in METRICS), [line("revenue"), bars("revenue", "country")]]


class Seen(HTMLParser):
    """Elements with a data-metric, ids, and the names of all tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if "data-metric" in given and "data-row" not in given:
            self.values[str(given["data-metric"])] = str(given["data-value"])


def made(provider: FrameProvider, figures: Any = FIGURES, **options: Any) -> Page:
    return page("Overview", figures, client=provider, **{"period": "2011-11", **options})


def test_a_page_holds_every_value_unrounded(provider: FrameProvider):
    seen = Seen(made(provider).static_html())
    expected = {
        name: kpi(name).over("2011-11", client=provider).view().exact  # type: ignore[union-attr]
        for name in METRICS
    }
    assert seen.values == expected


def test_a_static_page_stands_by_itself(provider: FrameProvider):
    html = made(provider).static_html()
    assert not Seen(html).tags & {"script", "link", "iframe", "img", "select"}
    assert not re.search(r"https?://|//\w", re.sub(r"data:[^\"')]+", "", html))
    assert len(Seen(html).ids) == len(set(Seen(html).ids))


def test_all_is_asked_in_one_batch_and_each_question_once(provider: FrameProvider):
    made(provider, [kpi("revenue"), kpi("revenue"), line("revenue"), summary("revenue")])
    assert provider.batches == [3]  # the value, the series, the series before


def test_metrics_of_the_same_sources_are_asked_together_from_then_on(provider: FrameProvider):
    drawn = made(provider)
    [first] = provider.batches
    again = drawn.draw(Request("2011-10"), strict=True)
    assert provider.batches == [first, 4]  # values, series, series before, countries
    fresh = made(provider, period="2011-10").draw(Request("2011-10"))
    assert again.parts()["body"] == fresh.parts()["body"]


def test_one_bad_metric_does_not_spoil_those_asked_with_it(provider: FrameProvider):
    drawn = made(provider)
    provider.failures["orders"] = DefinitionError("orders has no such thing")
    parts = drawn.draw(Request("2011-10")).parts()
    assert parts["body"].count("data-figure-error") == 1
    assert set(Seen(parts["body"]).values) == set(METRICS) - {"orders"}


def test_a_figure_that_fails_says_so_in_its_place(provider: FrameProvider):
    live = Page("Overview", FIGURES, Request("2011-11"), (), provider)
    provider.failures["orders"] = ServiceUnavailable("The <api> does not answer.")
    drawn = live.draw(Request("2011-11"))
    body = drawn.parts()["body"]
    assert drawn.name == "ready"
    assert "The &lt;api&gt; does not answer." in body
    assert "data-retry" in body


def test_an_error_of_all_figures_is_said_once(provider: FrameProvider):
    live = Page("Overview", FIGURES, Request("2011-11"), ("country",), provider)
    provider.failures |= dict.fromkeys(METRICS, ServiceUnavailable("The api does not answer."))
    drawn = live.draw(Request("2011-11"))
    assert drawn.name == "error"
    assert drawn.parts()["body"].count("The api does not answer.") == 1
    assert 'data-control="period"' in drawn.parts()["controls"]


def test_a_service_that_is_down_is_an_error_with_a_way_on(provider: FrameProvider):
    provider.down = ServiceUnavailable("The api does not answer. Run 'analyticspro up'.")
    live = Page("Overview", FIGURES, Request(), ("country",), provider)
    parts = live.draw(Request()).parts()
    assert "data-retry" in parts["body"]
    assert 'role="alert"' in parts["body"]
    with pytest.raises(ServiceUnavailable):
        made(provider)


def test_a_report_is_never_made_with_a_hole_in_it(provider: FrameProvider):
    provider.failures["orders"] = ServiceUnavailable("The api does not answer.")
    with pytest.raises(ServiceUnavailable):
        made(provider)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        pytest.param(Request("banana"), "No period &#39;banana&#39;", id="no period"),
        pytest.param(
            Request("2011-11", {"country": "Frnace"}),
            "Did you mean &#39;France&#39;?",
            id="no value",
        ),
    ],
)
def test_a_wrong_wish_is_told_with_its_cure_and_can_be_mended(
    provider: FrameProvider, request_: Request, words: str
):
    drawn = made(provider).draw(request_)
    parts = drawn.parts()
    assert drawn.name == "error"
    assert words in parts["body"]
    assert 'data-control="period"' in parts["controls"]
    assert 'data-period="latest"' in parts["body"]
    with pytest.raises((UnknownName, DefinitionError)):
        made(provider, period=request_.period, where=request_.where)


def test_a_period_without_data_is_empty_not_an_error(provider: FrameProvider):
    drawn = made(provider).draw(Request("2010-03"))
    body = drawn.parts()["body"]
    assert drawn.name == "empty"
    assert "No data in March 2010" in body
    assert "The data covers 14 Aug 2011 to 9 Dec 2011." in body
    assert 'data-period="2011-12"' in body
    assert "role=" not in body


def test_a_filter_without_data_in_the_period_is_empty_too(provider: FrameProvider):
    provider.lines = provider.lines.vstack(
        orders()
        .tail(1)
        .with_columns(
            country=provider.lines["country"]
            .head(1)
            .replace_strict(provider.lines["country"][0], "Malta", default="Malta")
        )
    )
    drawn = made(provider).draw(Request("2011-10", {"country": "Malta"}))
    assert drawn.name == "empty"
    assert "No data for Malta in October 2011" in drawn.parts()["body"]
    assert "data-clear" in drawn.parts()["body"]


def test_an_empty_workspace_says_how_to_fill_it(empty: FrameProvider):
    body = made(empty, period="latest").draw(Request()).parts()["body"]
    assert "There is no data yet" in body
    assert "analyticspro sources sync" in body
    assert "analyticspro demo" in body


def test_a_demo_is_marked_in_every_state(provider: FrameProvider, empty: FrameProvider):
    for source in (provider, empty):
        assert "data-demo" not in made(source).static_html()
        source.demo = True
        assert ">Demo data<" in made(source).static_html()
        assert ">Demo data<" in made(source).draw(Request("banana")).parts()["head"]


def test_whatever_comes_from_data_is_escaped():
    hostile = '<script>alert("x")</script>'
    provider = FrameProvider(orders(countries=(hostile, "France", "R&D")))
    live = made(
        provider, [kpi("revenue"), bars("revenue", "country"), table(["revenue"], by="country")]
    )
    for request in (Request("2011-11"), Request("2011-11", {"country": hostile}), Request(hostile)):
        html = "".join(live.draw(request).parts().values())
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_provenance_says_how_it_was_computed(provider: FrameProvider):
    foot = made(provider).draw(Request("2011-11")).parts()["foot"]
    assert METRICS["revenue"]["meaning"] in foot
    assert "WHERE x &lt; 1 &amp; y" in foot
    assert "Rejected records" in foot
    assert "9 Dec 2011, 12:50 UTC" in foot


def test_the_subtitle_says_how_far_an_unfinished_period_goes(provider: FrameProvider):
    assert made(provider).draw(Request("latest")).subtitle == "December 2011, to 9 Dec"
    assert made(provider).draw(Request("2011-11", {"country": "France"})).subtitle == (
        "November 2011 · France"
    )


def test_cards_that_follow_each_other_share_a_strip(provider: FrameProvider):
    rows = made(provider).rows
    assert [(row.kind, len(row.figures)) for row in rows] == [("strip", 5), ("row", 2)]


@pytest.mark.parametrize("figures", [[], [[]], ["revenue"]])
def test_a_page_is_made_of_figures(provider: FrameProvider, figures: Any):
    with pytest.raises(DefinitionError):
        made(provider, figures)


def test_a_chart_is_as_wide_as_its_panel():
    assert panel_width(1280, 1, 0) == 1190
    assert sum(panel_width(1280, 2, index) + 42 for index in (0, 1)) in (1215, 1216)
    assert panel_width(900, 2, 1) == panel_width(900, 1, 0)
    assert panel_width(4000, 2, 0) == panel_width(1280, 2, 0)
