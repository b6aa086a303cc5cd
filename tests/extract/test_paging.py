"""From page to page: each way finds its next page, keeps to its host, and notices a circle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from analyticspro.errors import SourceError
from analyticspro.extract import (
    ByCursor,
    ByLink,
    ByNextUrl,
    ByOffset,
    ByPage,
    Paging,
    PlaceRefused,
    Record,
    Refused,
    Reply,
    Request,
    walk,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FIRST = Request("https://api.example.com/v1/deals", {"limit": "2"}, {"x-tenant": "7"})


def reply(
    request: Request,
    rows: list[Any],
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    found = [Record(json.dumps(row), row) for row in rows]
    return Reply(request, headers or {}, body, found, NOW)


@pytest.mark.parametrize(
    ("link", "following"),
    [
        (
            '<https://api.example.com/v1/deals?p=2>; rel="next"',
            "https://api.example.com/v1/deals?p=2",
        ),
        (
            "</v1/deals?p=1>; rel=first, </v1/deals?p=2>; rel=next",
            "https://api.example.com/v1/deals?p=2",
        ),
        ('<?p=2,3>; title="a, b"; REL="last Next"', "https://api.example.com/v1/deals?p=2,3"),
        ('<?p=2&key=hush>; rel="next"', "https://api.example.com/v1/deals?p=2"),
        ('<?p=0>; rel="prev"', None),
        ('<?p=2>; rel="nextly"', None),
        ("", None),
    ],
)
def test_a_link_header_says_where_the_next_page_is(link: str, following: str | None):
    paging = ByLink(frozenset({"key"}))
    step = paging.step(lambda r: reply(r, [1], headers={"link": link}), FIRST, None)
    assert step.place == (following and {"url": following})


def test_the_address_of_the_next_page_stands_alone_with_the_same_headers():
    asked: list[Request] = []

    def ask(request: Request) -> Reply:
        asked.append(request)
        more = {"links": {"next": "/v1/deals?p=2"}} if len(asked) == 1 else {"links": {}}
        return reply(request, [len(asked)], more)

    list(walk(ByNextUrl(body="links.next"), ask, FIRST, None))
    assert [request.address for request in asked] == [
        "https://api.example.com/v1/deals?limit=2",
        "https://api.example.com/v1/deals?p=2",
    ]
    assert asked[1].headers == FIRST.headers


@pytest.mark.parametrize(
    "link", ["https://evil.example.com/v1", "http://api.example.com/v1/deals", "//x/", "http://[x"]
)
def test_no_page_is_asked_for_elsewhere(link: str):
    with pytest.raises(SourceError, match=r"next page after GET https://api\.example"):
        ByNextUrl(header="X-Next").step(
            lambda r: reply(r, [1], headers={"x-next": link}), FIRST, None
        )


def test_a_token_comes_from_the_last_record_until_there_is_no_more():
    paging = ByCursor("starting_after", last_record="id", more="has_more")
    pages = iter([([{"id": "a"}, {"id": "b"}], True), ([{"id": "c"}], False)])
    asked = []

    def ask(request: Request) -> Reply:
        asked.append(dict(request.parameters))
        rows, more = next(pages)
        return reply(request, rows, {"has_more": more})

    steps = list(walk(paging, ask, FIRST, None))
    assert [len(step.records) for step in steps] == [2, 1]
    assert asked == [{"limit": "2"}, {"limit": "2", "starting_after": "b"}]


def test_more_without_a_place_is_no_silent_end():
    paging = ByCursor("after", last_record="id", more="has_more")
    with pytest.raises(SourceError, match="there is more, but not where: 'id' of the last record"):
        paging.step(lambda r: reply(r, [{"no": 1}], {"has_more": True}), FIRST, None)


@pytest.mark.parametrize("token", [{"a": 1}, [1], True, 1.5])
def test_a_token_is_one_value(token: object):
    with pytest.raises(SourceError, match="'next' should say where the next page is"):
        ByCursor("after", body="next").step(lambda r: reply(r, [1], {"next": token}), FIRST, None)


def never_moving(paging: Paging, headers: Mapping[str, str], body: Mapping[str, Any]) -> None:
    for _ in walk(paging, lambda r: reply(r, [1, 2], body, headers), FIRST, None):
        pass


def told(record: Record) -> str:
    return record.text


@pytest.mark.parametrize(
    ("paging", "headers", "body"),
    [
        pytest.param(ByLink(), {"link": "</v1/deals>; rel=next"}, {}, id="link"),
        pytest.param(ByNextUrl(body="next"), {}, {"next": "/v1/deals"}, id="next_url"),
        pytest.param(ByNextUrl(header="N"), {"n": "/v1/deals"}, {}, id="header"),
        pytest.param(ByCursor("after", body="next"), {}, {"next": "x"}, id="cursor"),
        pytest.param(ByOffset("offset", 0, told), {}, {}, id="offset"),
        pytest.param(ByPage("page", 1, told), {}, {}, id="page"),
        pytest.param(ByPage("page", 1, told, is_checked=False), {}, {}, id="page, unchecked"),
    ],
)
def test_a_source_that_does_not_take_in_where_to_go_on_is_noticed(
    paging: Paging, headers: Mapping[str, str], body: Mapping[str, Any]
):
    with pytest.raises(SourceError, match=r"(same page|in a circle).*Check paging"):
        never_moving(paging, headers, body)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 30])
def test_a_circle_of_any_length_is_noticed_by_its_places(length: int):
    asked = count()

    def ask(request: Request) -> Reply:
        number = next(asked)
        assert number < 10 * length + 10
        return reply(request, [number], {"next": f"t{number % length}"})

    with pytest.raises(SourceError, match=r"in a circle.*after 't[0-9]+'"):
        list(walk(ByCursor("after", body="next"), ask, FIRST, None))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 30])
def test_a_circle_of_any_length_is_noticed_by_its_content(length: int):
    asked = count()

    def ask(request: Request) -> Reply:
        number = next(asked)
        assert number < 10 * length + 10
        return reply(request, [number % length], {"next": f"t{number}"})

    with pytest.raises(SourceError, match="the same page twice"):
        list(walk(ByCursor("after", body="next"), ask, FIRST, None))


def test_pages_that_are_all_empty_come_to_an_end():
    asked = count()
    with pytest.raises(SourceError, match="1001 empty pages"):
        list(
            walk(
                ByCursor("after", body="next"),
                lambda r: reply(r, [], {"next": next(asked)}),
                FIRST,
                None,
            )
        )


def test_a_place_that_is_not_known_is_told_from_a_list_that_is_not_there():
    def ask(request: Request) -> Reply:
        raise Refused("no such token", 410)

    paging = ByCursor("after", body="next")
    with pytest.raises(PlaceRefused):
        list(walk(paging, ask, FIRST, {"token": "old"}))
    with pytest.raises(Refused) as error:
        list(walk(paging, ask, FIRST, None))
    assert not isinstance(error.value, PlaceRefused)


@pytest.mark.parametrize("more", [{"more": False}, {"total": 4}])
def test_a_list_by_position_ends_where_it_says(more: Mapping[str, Any]):
    asked = []

    def ask(request: Request) -> Reply:
        asked.append(request.parameters["offset"])
        at = int(request.parameters["offset"])
        ends = {"more": at + 2 < 4} if "more" in more else more
        return reply(request, [f"r{n}" for n in range(at, min(4, at + 3))], ends)

    paging = ByOffset("offset", 0, told, **{name: name for name in more})
    found = [record.value for step in walk(paging, ask, FIRST, None) for record in step.records]
    assert found == ["r0", "r1", "r2", "r3"]
    assert asked == ["0", "2"]


def test_a_page_number_behind_the_last_may_be_refused():
    def ask(request: Request) -> Reply:
        number = int(request.parameters["page"])
        if number > 2:
            raise Refused("no such page", 404)
        return reply(request, [f"{number}a", f"{number}b"])

    paging = ByPage("page", 1, told)
    found = [record.value for step in walk(paging, ask, FIRST, None) for record in step.records]
    assert found == ["1a", "1b", "2a", "2b"]
