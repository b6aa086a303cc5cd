"""A declared page as its viewers get it: each from what the api tells them, and nothing else."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import polars as pl
import pytest

from analyticspro.dashboards import Page, bars, kpi, line
from analyticspro.dashboards.compositions import Composed
from analyticspro.dashboards.draw import PaintError, paint_here
from analyticspro.dashboards.drawn import Request
from analyticspro.dashboards.gathering import Api
from analyticspro.dashboards.kernels import composing_environment
from analyticspro.dashboards.painters import Painters
from analyticspro.dashboards.viewing import Look, Ready, Viewing
from analyticspro.errors import ServiceUnavailable
from tests.dashboards.api_of_frames import FramesApi, frames_api
from tests.dashboards.provider import FrameProvider, orders

T = TypeVar("T")
NOVEMBER = Request("2011-11", {"country": ""})
WIDTHS = (1280,)
LOG = logging.getLogger("test")


def sales(**more: Any) -> Composed:
    figures = [kpi("revenue"), kpi("orders"), [line("revenue"), bars("revenue", "country")]]
    return Composed("v1", Page("Sales", figures, NOVEMBER, ("country",), **more), "**Words**", "")


@pytest.fixture
def api() -> Iterator[FramesApi]:
    """Ann sees all, Ben sees France alone."""
    everything = orders()
    french = everything.filter(pl.col("country") == "France")
    with frames_api({"ann": FrameProvider(everything), "ben": FrameProvider(french)}) as server:
        yield server


Looking = Callable[..., Awaitable[Ready]]


def looking(api: FramesApi, do: Callable[[Looking], Awaitable[T]], paint: Any = paint_here) -> T:
    """Run `do` with a function that looks at the page of sales."""

    async def run() -> T:
        viewing = Viewing(Api(lambda: api.url), paint, "/assets/v/", LOG)
        page = sales()

        async def look(token: str, request: Request = NOVEMBER) -> Ready:
            return await viewing.view(Look(page, request, WIDTHS, token))

        return await do(look)

    return asyncio.run(run())


def text(ready: Ready) -> str:
    return gzip.decompress(ready.document.around("")).decode()


def test_the_first_answer_holds_every_value_and_every_chart(api: FramesApi):
    async def do(look: Looking) -> Ready:
        return await look("ann")

    html = text(looking(api, do))
    expected = kpi("revenue").over("2011-11", client=api.providers["ann"]).view()
    assert f'data-metric="revenue" data-value="{expected.exact}"' in html  # type: ignore[union-attr]
    assert html.count('aria-roledescription="chart"') == 2
    assert html.count('<div class="ap-spark" aria-hidden="true"><svg') == 2
    assert "<strong>Words</strong>" in html
    assert " style=" not in html.split("<main")[0]
    assert "<script>" not in html


def test_all_figures_are_asked_in_one_batch(api: FramesApi):
    async def do(look: Looking) -> None:
        await look("ann")  # finds out what the page asks
        del api.asked[:]
        await look("ann")
        await look("ben")

    looking(api, do)
    assert len(api.asked) == 2
    assert len(set(api.asked)) == 1


def test_two_of_different_scope_never_get_a_byte_of_each_other_s(api: FramesApi):
    async def do(look: Looking) -> list[tuple[Ready, Ready]]:
        return [
            tuple(await asyncio.gather(look("ann"), look("ben")))  # type: ignore[misc]
            for _ in range(50)
        ]

    pairs = looking(api, do)
    alone = {name: text(looking(api, _look_as(name))) for name in ("ann", "ben")}
    assert "Germany" in alone["ann"]
    assert "Germany" not in alone["ben"]
    assert {text(ann) for ann, _ in pairs} == {alone["ann"]}
    assert {text(ben) for _, ben in pairs} == {alone["ben"]}


def _look_as(name: str) -> Callable[[Looking], Awaitable[Ready]]:
    return lambda look: look(name)


def test_those_who_see_the_same_share_a_drawing(api: FramesApi):
    api.providers["cat"] = api.providers["ann"]
    painted: list[int] = []

    def paint(specs: Sequence[str]) -> list[str | PaintError]:
        painted.append(len(specs))
        return paint_here(specs)

    async def do(look: Looking) -> None:
        ready = await look("ann")
        many = await asyncio.gather(*(look(name) for name in ("ann", "cat") * 10))
        assert {each.mark for each in many} == {ready.mark}

    looking(api, do, paint)
    assert painted == [4]


def test_new_data_is_drawn_anew(api: FramesApi):
    async def do(look: Looking) -> tuple[Ready, Ready]:
        before = await look("ann")
        provider = api.providers["ann"]
        provider.lines = provider.lines.with_columns(pl.col("pence") * 2)
        return before, await look("ann")

    before, after = looking(api, do)
    assert before.mark != after.mark


@pytest.mark.parametrize(
    ("spoil", "title"),
    [
        (lambda api: api.providers.clear(), "You may not see this"),
        (lambda api: api.server_close(), "The figures could not be fetched"),
    ],
    ids=["no permission", "api away"],
)
def test_what_keeps_the_figures_away_is_said_and_not_kept(
    api: FramesApi, spoil: Callable[[FramesApi], None], title: str
):
    async def do(look: Looking) -> str:
        await look("ann")
        spoil(api)
        return text(await look("ann"))

    html = looking(api, do)
    assert title in html
    assert "data-value" not in html
    if title == "You may not see this":
        assert "An admin can grant" in html


def test_one_figure_that_fails_leaves_the_others(api: FramesApi):
    async def do(look: Looking) -> str:
        await look("ann")
        api.providers["ann"].failures["orders"] = ServiceUnavailable("Orders are away.")
        return text(await look("ann"))

    html = looking(api, do)
    assert html.count("data-figure-error") == 1
    assert 'data-metric="revenue"' in html


def test_a_chart_that_cannot_be_drawn_leaves_the_others(api: FramesApi):
    def paint(specs: Sequence[str]) -> list[str | PaintError]:
        return [PaintError("Its chart could not be drawn."), *paint_here(specs[1:])]

    async def do(look: Looking) -> str:
        return text(await look("ann"))

    html = looking(api, do, paint)
    assert html.count("Its chart could not be drawn.") == 1
    assert html.count('aria-roledescription="chart"') == 2


def test_the_parts_alone_tell_the_address(api: FramesApi):
    async def do(look: Looking) -> Ready:
        return await look("ann", Request("2011-10", {"country": "France"}))

    parts = json.loads(gzip.decompress(looking(api, do).parts))
    assert parts["address"] == {"period": "2011-10", "country": "France"}
    assert parts["state"] == "ready"


def test_painters_draw_apart_and_are_started_again():
    painters = Painters(composing_environment(), 1)
    try:
        spec = json.dumps({"mark": "bar", "data": {"values": [{"a": 1}]}})
        [first, bad] = painters.paint([spec, '{"mark": 7}'])
        assert isinstance(first, str)
        assert first.startswith("<svg")
        assert isinstance(bad, PaintError)
        painters._all[0]._process.kill()
        [other] = painters.paint([spec.replace("1", "2")])
        again = (
            painters.paint([spec.replace("1", "2")]) if isinstance(other, PaintError) else [other]
        )
        assert isinstance(again[0], str)
        assert painters.paint([spec]) == [first]
    finally:
        painters.close()
    assert painters._all[0]._process.returncode is not None
