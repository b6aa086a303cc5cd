"""What whoever answers relies on in a cache, whichever it is; see docs/scaling.md."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from analyticspro.metrics import Answer, Query
from analyticspro.metrics.answer_cache import AnswerCache
from analyticspro.metrics.known import Known
from analyticspro.policy import OWNER, Scope
from tests.seams.implementations import CACHES

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
UTC_ZONE, TOKYO = ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo")
REVENUE = Query.of("revenue")


def known(revision: int = 7, noted: int = 1, newest: datetime = NOW - timedelta(days=1)) -> Known:
    extents = pl.DataFrame({"source": ["s"], "name": ["n"], "last": [newest]})
    sources = pl.DataFrame({"name": ["s"], "watermark": [newest]})
    return Known(revision, extents, sources, noted)


ASKED: dict[str, Any] = {
    "query": REVENUE, "scope": OWNER, "known": known(), "now": NOW, "zone": UTC_ZONE,
}  # fmt: skip


def answer(number: int = 1) -> Answer:
    return Answer(pl.DataFrame({"revenue": [number]}), {"cached": False, "n": number})


@pytest.fixture(params=CACHES.values(), ids=list(CACHES))
def cache(request: pytest.FixtureRequest) -> AnswerCache:
    make: Callable[[], AnswerCache] = request.param
    return make()


def put(cache: AnswerCache, **changes: Any) -> None:
    given = ASKED | changes
    cache.put(*(given[name] for name in ASKED), given.get("answer") or answer())


def get(cache: AnswerCache, **changes: Any) -> Answer | None:
    return cache.get(**(ASKED | changes))


def test_an_answer_is_given_again_and_says_so(cache: AnswerCache):
    assert get(cache) is None
    put(cache)
    found = get(cache, now=NOW + timedelta(hours=11))  # on the same day
    assert found is not None
    assert found.frame.rows() == [(1,)]
    assert found.provenance == {"cached": True, "n": 1}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"query": Query.of("orders")}, id="another question"),
        pytest.param({"query": replace(REVENUE, compare=True)}, id="asked otherwise"),
        pytest.param({"scope": Scope("somebody else")}, id="by another"),
        pytest.param({"known": known(8)}, id="after a commit"),
        pytest.param({"known": known(6)}, id="by who knows less"),
        pytest.param({"known": known(noted=2)}, id="after a sync ended"),
        pytest.param({"now": NOW + timedelta(hours=12)}, id="on another day"),
        pytest.param({"zone": TOKYO, "now": NOW + timedelta(hours=4)}, id="another day there"),
    ],
)
def test_it_is_given_for_nothing_else(cache: AnswerCache, changes: dict[str, Any]):
    put(cache)
    assert get(cache, **changes) is None


def test_what_the_clock_alone_would_change_is_not_kept(cache: AnswerCache):
    ahead = known(newest=NOW + timedelta(minutes=1))
    put(cache, known=ahead)
    assert get(cache, known=ahead) is None


def test_the_newest_of_two_stands(cache: AnswerCache):
    put(cache)
    put(cache, answer=answer(2))
    found = get(cache)
    assert found is None or found.frame.rows() == [(2,)]


def test_it_may_forget_and_mixes_nothing_up_however_many_use_it(cache: AnswerCache):
    def use(worker: int) -> int:
        hits = 0
        for number in range(600):
            at = known(1000 * worker + number % 300)
            put(cache, known=at, answer=answer(at.revision))
            found = get(cache, known=at)
            if found is not None:
                assert found.frame.rows() == [(at.revision,)]
                hits += 1
        return hits

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) > 0
    put(cache)
    assert get(cache) is not None, "what has just been put is there"
