"""Pages that are open are told of changes: who sees what, and until when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.dashboards_server.open_pages import PAGE, OpenSite, Window, open_site, orders_in

SIGHT = {"p1": "Ruritania", "p2": "Zubrowka"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSite]:
    with open_site(tmp_path_factory.mktemp("open"), SIGHT) as running:
        yield running


async def to_orders(window: Window, wanted: int) -> dict[str, Any]:
    """Take steps until one tells of so many orders."""
    while True:
        step = dict(await window.change())
        if orders_in("".join([*step["pieces"].values(), *step["parts"].values()])) == wanted:
            return step


def test_a_change_is_told_in_pieces_and_what_is_not_another_is_not_told(site: OpenSite):
    async def run() -> None:
        window = await site.window("p1")
        await window.live()
        before = orders_in(site.ask("GET", PAGE, cookie=site.cookie_of("p1")).text) or 0
        mark = window.told["mark"]
        site.sends("Zubrowka")  # which this one does not see
        site.sends("Ruritania")
        step = await to_orders(window, before + 1)
        assert step["since"] == mark
        assert "body" not in step["parts"]
        assert set(step["pieces"]) >= {"0-0", "0-1", "1-0"}
        assert "0-4" not in step["pieces"]  # the rate of cancellations is what it was
        await window.close()

    asyncio.run(run())


def test_what_was_missed_is_told_at_the_return(site: OpenSite):
    async def run() -> None:
        first = await site.window("p1")
        await first.live()
        mark, before = first.told["mark"], orders_in(first.html) or 0
        await first.close()
        site.sends("Ruritania", "Ruritania")
        again = await site.window("p1", shows=mark)
        step = await to_orders(again, before + 2)
        assert (step["since"], "body" in step["parts"]) == (mark, False)
        await again.close()
        unknown = await site.window("p1", shows="made up")
        step = await to_orders(unknown, before + 2)
        assert (step["since"], "body" in step["parts"]) == ("", True)
        await unknown.close()

    asyncio.run(run())


def test_one_that_does_not_say_that_it_shows_it_is_sent_nothing_more(site: OpenSite):
    async def run() -> None:
        window = await site.window("p2")
        await window.live()
        before = orders_in(site.ask("GET", PAGE, cookie=site.cookie_of("p2")).text) or 0
        site.sends("Zubrowka")
        while await window.step() is None:
            pass
        site.sends("Zubrowka", "Zubrowka")
        other = await site.window("p2")
        await other.live()
        site.sends("Zubrowka")
        await to_orders(other, before + 4)
        assert window.socket.read_queue.qsize() == 0
        await window.shows()
        await to_orders(window, before + 4)
        await other.close()
        await window.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("who", "origin"),
    [
        pytest.param("p1", "https://elsewhere.example", id="another site"),
        pytest.param("p1", "", id="no browser"),
        pytest.param("nobody", "here", id="nobody known"),
    ],
)
def test_others_get_no_socket(site: OpenSite, who: str, origin: str):
    here = f"http://127.0.0.1:{site.port}"
    headers = {"Origin": here if origin == "here" else origin} if origin else {}
    headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    headers |= {"Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    answer = site.ask("GET", "/live/overview", cookie=site.cookie_of(who), **headers)
    assert answer.status == 403


ROUNDS = [pytest.param(6, id="6"), pytest.param(1_000, id="1000", marks=pytest.mark.soak)]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_two_of_different_sight_never_get_a_byte_of_each_other_s(site: OpenSite, rounds: int):
    """Both load the page and are told of changes at the same moment; one sees every other order."""

    async def look(name: str) -> str:
        return await asyncio.to_thread(
            lambda: site.ask("GET", PAGE, cookie=site.cookie_of(name)).text
        )

    async def run() -> None:
        windows = {name: await site.window(name) for name in SIGHT}
        seen = {name: orders_in(await look(name)) or 0 for name in SIGHT}
        for window in windows.values():
            await window.live()
        for number in range(rounds):
            countries = [*SIGHT.values()][: 1 + number % 2]
            await asyncio.to_thread(site.sends, *countries)
            changed = [name for name in SIGHT if SIGHT[name] in countries]
            for name in changed:
                seen[name] += 1
            steps = [to_orders(windows[name], seen[name]) for name in changed]
            pages = await asyncio.gather(*(look(name) for name in SIGHT), *steps)
            for name, html in zip(SIGHT, pages, strict=False):
                assert orders_in(str(html)) == seen[name]
                _has_none_of_others(name, str(html))
        for name, window in windows.items():
            assert len(window.received) >= rounds // 2
            for told in window.received:
                _has_none_of_others(name, told.decode())
            await window.close()

    asyncio.run(run())


def _has_none_of_others(name: str, told: str) -> None:
    assert not [SIGHT[other] for other in SIGHT if other != name and SIGHT[other] in told]


def test_the_stream_ends_with_the_right(tmp_path_factory: pytest.TempPathFactory):
    with open_site(tmp_path_factory.mktemp("ended"), {"p1": "Ruritania"}) as site:

        async def run() -> int:
            window = await site.window("p1")
            await window.live()
            del site.hub.people["p1"]
            loop = asyncio.get_running_loop()
            lost_at = loop.time()
            with pytest.raises(EOFError) as ended:
                await to_orders(window, -1)
            assert loop.time() < lost_at + 10
            window.socket.close()
            return int(ended.value.args[0])

        assert asyncio.run(run()) == 4403
