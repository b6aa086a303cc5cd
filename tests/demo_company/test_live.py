"""The feeder goes on with the story, over outages and kills, without a gap or a double."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.demo_company import Company
from analyticspro.demo_company.live import Feeder, Pusher, write_key
from analyticspro.errors import Forbidden, RetriableError
from tests.api.server import Server, serving
from tests.demo_company.homes import begun, live, synced
from tests.local import free_port

NOW = clock.now().replace(microsecond=0)
FIRST = NOW.replace(minute=0, second=0) - timedelta(days=3)


@pytest.fixture
def demo(tmp_path: Path) -> tuple[Home, Company]:
    """A home that was begun three days ago and is as it was then."""
    home, company = begun(tmp_path / "home", FIRST)
    synced(home, company, FIRST)
    return home, company


@pytest.fixture
def server(demo: tuple[Home, Company]) -> Iterator[Server]:
    with serving(demo[0]) as running:
        yield running


class Flaky:
    """Sends through to the collector, but every so often does not, or says it did not."""

    def __init__(self, push: Pusher) -> None:
        self._push = push
        self.calls = 0

    def __call__(self, messages: list[dict[str, Any]]) -> int:
        self.calls += 1
        if self.calls % 4 == 1:
            raise RetriableError("not even sent")
        new = self._push(messages)
        if self.calls % 4 == 3:
            raise RetriableError("stored, but the answer was lost")
        return new


def test_it_goes_on_without_a_gap_or_a_double(
    demo: tuple[Home, Company], server: Server, tmp_path: Path
):
    home, company = demo
    push = Flaky(Pusher(server.url, write_key(home, now=NOW)))
    moments = [FIRST + timedelta(hours=hours) for hours in (0.01, 0.02, 7.5, 8, 31, 52.25)]
    for moment in [*moments, NOW]:
        done = False
        while not done:
            try:
                # As if it were started anew each time.
                Feeder(company, push=push, sync=lambda: 0).step(moment)
                done = True
            except RetriableError:
                pass
    assert push.calls > 3  # so it failed in both ways; some steps have nothing to send
    server.stop()
    synced(home, company, NOW)

    other, whole = begun(tmp_path / "other", FIRST)
    synced(other, whole, NOW)
    seen, expected = live(home), live(other)
    assert seen.keys() == expected.keys()
    for key, event in expected.items():
        if event[0] not in ("page_viewed", "session_started"):
            assert seen[key] == event
        else:  # a visitor's anonymous id is told besides
            assert seen[key][:7] == event[:7]


def test_what_was_sent_is_not_exported_as_well(demo: tuple[Home, Company], server: Server):
    home, company = demo
    push = Pusher(server.url, write_key(home, now=NOW))
    files = set((company.folder / "web").iterdir())
    sent, synced_then = Feeder(company, push=push, sync=lambda: 5).step(NOW)
    expected = company.tale.between("web", FIRST, NOW).height
    assert (sent, synced_then) == (expected, 5)
    assert expected > 0
    assert set((company.folder / "web").iterdir()) == files
    assert company.marks().until["web"] == NOW


def test_a_step_syncs_now_and_then(demo: tuple[Home, Company]):
    _, company = demo
    syncs: list[datetime] = []

    def sync() -> int:
        syncs.append(NOW)
        return 1

    feeder = Feeder(company, push=len, sync=sync)
    told = [
        feeder.step(FIRST + timedelta(seconds=seconds))[1] for seconds in (0, 2, 14, 15, 16, 31)
    ]
    assert told == [1, None, None, 1, None, 1]


def test_the_key_is_kept_and_made_anew_if_it_is_lost(demo: tuple[Home, Company]):
    home, _ = demo
    key = write_key(home, now=NOW)
    assert write_key(home, now=NOW) == key
    kept = home.path / "demo" / "write_key"
    assert kept.stat().st_mode & 0o077 == 0
    kept.unlink()
    other = write_key(home, now=NOW)
    assert other != key
    assert write_key(home, now=NOW) == other


def test_whoever_cannot_be_reached_or_refuses_is_told_apart(server: Server):
    with pytest.raises(RetriableError, match="does not answer"):
        Pusher(f"http://127.0.0.1:{free_port()}", "wk_none")([])
    with pytest.raises(Forbidden, match="write key"):
        Pusher(server.url, "wk_none")([])
