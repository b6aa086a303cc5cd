"""The kernel's half of a live page."""

from __future__ import annotations

from typing import Any

import pytest

from analyticspro.dashboards import Page, bars, kpi
from analyticspro.dashboards.drawn import Request
from analyticspro.dashboards.live import LivePage, from_query
from tests.dashboards.provider import FrameProvider


class Recorded(LivePage):
    """A live page that keeps what it would send."""

    def send(self, content: Any, buffers: Any = None) -> None:
        self.__dict__.setdefault("sent", []).append(content)


@pytest.fixture
def page(provider: FrameProvider) -> Page:
    figures = [kpi("revenue"), bars("revenue", "country")]
    return Page("Overview", figures, Request("latest", {"country": ""}), ("country",), provider)


def test_a_wish_is_heard_at_once_and_then_drawn(page: Page):
    live = Recorded(page, Request("2011-11"))
    before = live.drawn["parts"]["body"]
    live._on_message(live, {"type": "draw", "seq": 1, "period": "2011-10", "country": "France"}, [])
    assert live.sent == [{"type": "heard", "seq": 1}]
    assert live.drawn["seq"] == 1
    assert (live.drawn["period"], live.drawn["where"]) == ("2011-10", {"country": "France"})
    assert live.drawn["parts"]["body"] != before


def test_one_drawing_is_made_for_a_window_of_known_width(page: Page):
    live = Recorded(page, Request("2011-11"))
    assert live.drawn["parts"]["body"].count("ap-drawing") == 2
    live._on_message(live, {"type": "draw", "seq": 1, "period": "2011-11", "width": 800}, [])
    assert live.drawn["parts"]["body"].count("ap-drawing") == 1


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("draw", id="no object"),
        pytest.param({"type": "run", "seq": 1}, id="another type"),
        pytest.param({"type": "draw"}, id="no number"),
        pytest.param({"type": "draw", "seq": "1"}, id="a number as text"),
    ],
)
def test_what_is_no_wish_is_not_answered(page: Page, message: Any):
    live = Recorded(page, Request("2011-11"))
    before = dict(live.drawn)
    live._on_message(live, message, [])
    assert "sent" not in live.__dict__
    assert live.drawn == before


def test_only_known_names_of_bounded_text_are_read(page: Page):
    live = Recorded(page, Request("2011-11"))
    wish = {"type": "draw", "seq": 1, "period": ["x"], "country": "F" * 9999, "plan": "pro"}
    live._on_message(live, wish, [])
    assert live.drawn["state"] == "error"
    assert set(live.drawn["where"]) == {"country"}
    assert len(live.drawn["where"]["country"]) == 200


def test_an_unexpected_failure_is_said_without_its_words(page: Page, caplog: Any):
    live = Recorded(page, Request("2011-11"))
    page.rows[0].figures[0].__dict__["metric"] = None  # no metric at all: a bug of ours
    live._on_message(live, {"type": "draw", "seq": 1, "period": "2011-10"}, [])
    assert live.drawn["state"] == "error"
    assert "Something went wrong" in live.drawn["parts"]["body"]
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Request("latest", {"country": ""})),
        ("period=2011-11&country=France", Request("2011-11", {"country": "France"})),
        ("period=&country=United+Kingdom", Request("latest", {"country": "United Kingdom"})),
        ("country=R%26D&token=secret", Request("latest", {"country": "R&D"})),
        ("period=2011-10&period=2011-11", Request("2011-11", {"country": ""})),
    ],
)
def test_the_address_says_what_to_show(page: Page, query: str, expected: Request):
    assert from_query(query, page) == expected
