"""Whose a token is: asked of the hub seldom, kept briefly, and never made up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from analyticspro.api.callers import Caller, Callers
from analyticspro.api.hub_answers import HubAnswers
from analyticspro.config import Home
from analyticspro.errors import Forbidden, ServiceUnavailable
from analyticspro.policy import OWNER, Capability, Role, Scope
from tests.authorisation.hub_double import HubDouble, doubling, model

OWN = "the owner's own token, long enough"


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubDouble]:
    home = Home(tmp_path_factory.mktemp("callers") / "home").prepare()
    with doubling(home) as double:
        double.people = {"a": model("ada", Role.ANALYST), "v": model("vera", Role.VIEWER)}
        yield double


def run(
    hub: HubDouble | Home,
    work: Callable[[Callers], Awaitable[None]],
    *,
    fresh_for_s: float = 600,
    most: int = 100,
    keep_warm_s: float = 0,
) -> None:
    home = hub.home if isinstance(hub, HubDouble) else hub

    async def whole() -> None:
        answers = HubAnswers(lambda: home)
        try:
            callers = Callers(
                OWN, answers, fresh_for_s=fresh_for_s, most=most, keep_warm_s=keep_warm_s
            )
            await work(callers)
        finally:
            await answers.close()

    asyncio.run(whole())


def test_a_token_is_whose_the_hub_says(hub: HubDouble):
    async def work(callers: Callers) -> None:
        found = await callers.of("a")
        assert isinstance(found, Caller)
        assert (found.role, found.scope) == (Role.ANALYST, Scope("ada")), "nothing is granted yet"
        assert (found.is_owner, found.name) == (False, "ada")
        assert found.decide(Capability.SOURCES_READ).allowed
        refused = found.decide(Capability.SOURCES_WRITE)
        assert not refused.allowed
        assert "sources:write" in refused.reason
        assert await callers.of("b") is None

    run(hub, work)


def test_the_owner_is_known_without_the_hub(hub: HubDouble):
    async def work(callers: Callers) -> None:
        found = await callers.of(OWN)
        assert found is not None
        assert found.scope is OWNER
        assert await callers.of(OWN, is_local=False) is None

    run(hub, work)
    assert hub.asked == [OWN]  # by the proxy it is a token like any other


def test_nobody_becomes_the_owner_by_their_name(hub: HubDouble):
    hub.people["o"] = model("owner", None)

    async def work(callers: Callers) -> None:
        found = await callers.of("o")
        assert found is not None
        assert (found.name, found.is_owner, found.scope == OWNER) == ("owner", False, False)
        assert not found.decide(Capability.DASHBOARD_READ).allowed

    run(hub, work)


def test_what_the_hub_said_is_kept_but_not_the_token(hub: HubDouble):
    async def work(callers: Callers) -> None:
        for _ in range(3):
            assert await callers.of("a") is not None
            assert await callers.of("a made-up one") is None
        assert "made-up" not in repr(vars(callers))

    run(hub, work)
    assert hub.asked == ["a", "a made-up one"]


def test_and_asked_again_when_it_is_old(hub: HubDouble):
    async def work(callers: Callers) -> None:
        assert await callers.of("a") is not None
        del hub.people["a"]
        assert await callers.of("a") is None

    run(hub, work, fresh_for_s=0)


def test_what_is_asked_at_once_is_asked_once(hub: HubDouble):
    async def work(callers: Callers) -> None:
        hub.goes_on.clear()
        waiting = [asyncio.create_task(callers.of(token)) for token in "avavavav"]
        while len(hub.asked) < 2:
            await asyncio.sleep(0.01)
        waiting[0].cancel()  # who goes away takes nobody's answer along
        hub.goes_on.set()
        found = await asyncio.gather(*waiting[1:])
        assert [one.name for one in found if one] == "vera ada vera ada vera ada vera".split()

    run(hub, work)
    assert sorted(hub.asked) == ["a", "v"]


def test_made_up_tokens_neither_fill_the_memory_nor_drive_anybody_out(hub: HubDouble):
    async def work(callers: Callers) -> None:
        await callers.of("a")
        for number in range(20):
            assert await callers.of(f"made up {number}") is None
        assert callers.held == 6
        await callers.of("a")

    run(hub, work, most=5)
    assert hub.asked.count("a") == 1


@pytest.mark.parametrize("token", ["", "é", "a\nb", "x" * 257])
def test_what_cannot_be_a_token_is_not_asked_about(token: str, hub: HubDouble):
    async def work(callers: Callers) -> None:
        assert await callers.of(token) is None

    run(hub, work)
    assert hub.asked == []


def test_two_roles_at_once_are_none(hub: HubDouble):
    hub.people["t"] = model("two", Role.ADMIN) | {"groups": ["admin", "viewer"]}

    async def work(callers: Callers) -> None:
        with pytest.raises(Forbidden, match="at once"):
            await callers.of("t")

    run(hub, work)


class TestAHubThatDoesNotAnswer:
    def test_lets_nobody_in_but_the_owner(self, tmp_path_factory: pytest.TempPathFactory):
        home = Home(tmp_path_factory.mktemp("down") / "home").prepare()
        with doubling(home):
            pass  # it was there once

        async def work(callers: Callers) -> None:
            with pytest.raises(ServiceUnavailable, match="The hub cannot say who you are"):
                await callers.of("a")
            assert await callers.of(OWN) is not None

        run(home, work)

    def test_nor_one_that_fails_or_talks_nonsense(self, hub: HubDouble):
        hub.people["n"] = {"name": "nobody in particular"}

        async def work(callers: Callers) -> None:
            with pytest.raises(ServiceUnavailable, match="not understood"):
                await callers.of("n")
            hub.status = 500
            with pytest.raises(ServiceUnavailable, match="It answered 500"):
                await callers.of("a")
            hub.status = 200
            assert await callers.of("a") is not None  # a failure is not kept

        run(hub, work)

    def test_what_it_said_counts_no_longer_than_else(self, hub: HubDouble):
        async def work(callers: Callers) -> None:
            assert await callers.of("a") is not None
            hub.status = 500
            with pytest.raises(ServiceUnavailable):
                await callers.of("a")

        run(hub, work, fresh_for_s=0)


def test_a_home_without_a_hub_sends_no_token_anywhere(hub: HubDouble):
    (hub.home.path / "hub" / "api-token").unlink()

    async def work(callers: Callers) -> None:
        assert await callers.of("a") is None

    run(hub, work)
    assert hub.asked == []


class TestWhoeverWasHereLately:
    def test_is_asked_about_before_the_word_is_old(self, hub: HubDouble):
        async def work(callers: Callers) -> None:
            first = await callers.of("a")
            while len(hub.asked) < 3:
                await asyncio.sleep(0.02)
            again = await callers.of("a")
            assert first is not None
            assert again is not None
            assert again.confirmed_at > first.confirmed_at
            callers.close()

        run(hub, work, fresh_for_s=0.2, keep_warm_s=600)

    def test_and_is_gone_at_once_where_the_hub_says_so(self, hub: HubDouble):
        async def work(callers: Callers) -> None:
            assert await callers.of("a") is not None
            del hub.people["a"]
            while len(hub.asked) < 2:
                await asyncio.sleep(0.02)
            while callers.held and await callers.of("a") is not None:
                await asyncio.sleep(0.02)
            assert await callers.of("a") is None

        run(hub, work, fresh_for_s=0.4, keep_warm_s=600)

    def test_but_not_for_ever(self, hub: HubDouble):
        async def work(callers: Callers) -> None:
            assert await callers.of("a") is not None
            await asyncio.sleep(0.5)

        run(hub, work, fresh_for_s=0.1, keep_warm_s=0.05)
        assert len(hub.asked) == 1
