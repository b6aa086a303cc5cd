"""Transactions, kills and syncs in any order: in the end what was read is what is there."""

from __future__ import annotations

import itertools
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.connectors.sql.shop import Shop, add, sqlite_shop

START = datetime(2026, 2, 1, tzinfo=UTC)
LOOKBACK = timedelta(seconds=100)

# A step: how many seconds pass, then what happens.
WRITE, COMMIT, SYNC, KILLED = "write", "commit", "sync", "killed"
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 5, 40, 150]),
        st.sampled_from([WRITE, WRITE, WRITE, COMMIT, COMMIT, SYNC, KILLED, KILLED]),
        st.integers(1, 12),
    ),
    min_size=10,
    max_size=60,
)


class World:
    """A table whose writers stamp rows at one moment and commit at a later one."""

    def __init__(self, shop: Shop, stream: dict[str, object], *, is_by_key: bool) -> None:
        shop.orders()
        self.shop = shop
        self.sync = shop.sync(stream, page_rows=2)
        self.is_by_key = is_by_key
        self.at = START
        self.open: list[tuple[datetime, int, str]] = []
        self.keys = itertools.count(1)
        self.totals: dict[str, int] = {}

    def step(self, seconds: int, what: str, number: int) -> None:
        self.at += timedelta(seconds=seconds)
        while self.open and self.open[0][0] < self.at - LOOKBACK + timedelta(seconds=1):
            self.commit(0)  # none lasts longer than is declared
        if what == WRITE:
            key = next(self.keys) if self.is_by_key else number
            self.open.append((self.at, key, f"{self.at:%Y-%m-%d %H:%M:%S}"))
        elif what == COMMIT and self.open:
            self.commit(number % len(self.open))
        elif what == SYNC:
            self.sync.run(now=self.at)
        elif what == KILLED:
            self.sync.run(now=self.at, pages=number)

    def commit(self, index: int) -> None:
        began, key, stamp = self.open.pop(index)
        total = int((began - START).total_seconds())
        known = self.shop.rows(f"SELECT updated_at FROM orders WHERE id = {key}")
        if known and known[0][0] > stamp:
            return  # whoever holds the row makes the other one wait: stamps of a row grow
        self.shop.run(f"DELETE FROM orders WHERE id = {key}", add(key, stamp, str(total)))
        self.totals[str(key)] = 100 * total

    def end(self) -> None:
        while self.open:
            self.commit(0)
        self.sync.run(now=self.at)
        assert self.sync.totals() == self.totals
        self.at += timedelta(days=1)
        for _ in range(2):
            self.sync.run(now=self.at)
        assert self.sync.totals() == self.totals


MODES = {
    "by time": ({"lookback": 100, "overlap": 0}, False),
    "by time with an overlap": ({"lookback": 100, "overlap": 3}, False),
    "by key": ({"updated_at": None, "overlap": 60}, True),
}


@pytest.mark.parametrize("mode", MODES)
@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_nothing_is_lost(mode: str, steps: list[tuple[int, str, int]]) -> None:
    stream, is_by_key = MODES[mode]
    with tempfile.TemporaryDirectory() as folder:
        shop = sqlite_shop(Path(folder) / "shop.sqlite")
        world = World(shop, stream, is_by_key=is_by_key)
        for step in steps:
            world.step(*step)
        world.end()
