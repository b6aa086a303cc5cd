"""A rule over stored history fires where the live one did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyticspro.alerts import Rule
from analyticspro.alerts.backtest import Backtest, backtest
from analyticspro.alerts.book import AlertBook
from analyticspro.alerts.evaluator import Evaluator
from analyticspro.alerts.figures import Figures
from analyticspro.config import Settings
from analyticspro.errors import DefinitionError, Forbidden
from analyticspro.policy import OWNER, Grant, Scope
from analyticspro.state import AlertTable, State
from tests.metrics.shop import PLACED, Happening, Shop, told

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
POUNDS = Settings(currency="GBP")


def rule(**changes: Any) -> Rule:
    few = {"kind": "threshold", "is": "<", "value": 2}
    return Rule.parse({"name": "few", "metric": "orders", "when": few} | changes)


def orders(counts: list[int]) -> list[Happening]:
    return [
        told(f"{START + hour * HOUR:%Y-%m-%d %H}:{number:02}", PLACED, "1.00",
             order=f"{hour}-{number}", id=f"{hour}-{number}")
        for hour, count in enumerate(counts)
        for number in range(count)
    ]  # fmt: skip


def tried(shop: Shop, of: Rule, scope: Scope = OWNER, **more: Any) -> Backtest:
    figures, during = Figures(shop.warehouse, POUNDS), more.pop("during", "2026-03-02")
    return backtest(of, figures, during, scope, now=START + 2 * 24 * HOUR, **more)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3), min_size=2, max_size=8), st.integers(0, 2), st.integers(0, 2))
def test_it_fires_where_the_live_rule_did(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], hold: int, keep: int
):
    of = rule(hold_for=f"{hold}h", keep_firing_for=f"{keep}h", routes=["a", "b"])
    happened, folder = orders([2, *counts, 1]), tmp_path_factory.mktemp("shop")
    with Shop.at(folder) as shop, State.open(folder / "state.db") as state:
        AlertBook(state).put([of], who="ada", now=START)
        evaluator = Evaluator(state, Figures(shop.warehouse, POUNDS))
        for hour in range(len(counts) + 2):
            end = START + (hour + 1) * HOUR
            shop.holds([each for each in happened if each.at < end])
            evaluator.look(end)
        live = [(a.fired_at, a.resolved_at is None, a.value) for a in AlertBook(state).alerts()]
        with state.reading() as connection:
            notices = len(AlertTable(connection).notices())
        found = tried(shop, of)
    assert [(f.fired_at, f.resolved_at is None, f.value) for f in found.firings] == live[::-1]
    assert found.notices == notices


def test_it_tells_when_how_long_and_what_it_does_not_know(tmp_path: Path):
    with Shop.at(tmp_path) as shop:
        shop.holds(orders([2, 1, 1, 2, 2, 0, 2, 2]))
        found = tried(shop, rule())
    times = [((f.fired_at - START) / HOUR, (f.resolved_at - START) / HOUR) for f in found.firings
             if f.resolved_at]  # fmt: skip
    assert (times, found.active, found.buckets) == ([(2, 4), (6, 7)], 3 * HOUR, 7)
    assert "known today" in found.notes[0]


def test_as_known_is_what_was_there_then(tmp_path: Path):
    """All of it was stored today, so in March nothing was known."""
    with Shop.at(tmp_path) as shop:
        shop.holds(orders([2, 1, 2]))
        found = tried(shop, rule(without_data="breach"), as_known=True)
        assert [firing.value for firing in found.firings] == []
        with pytest.raises(DefinitionError, match="500 is the most"):
            tried(shop, rule(), as_known=True, during="2026-02-01..2026-04-01")


def test_who_may_not_see_the_figure_tries_no_rule_on_it(tmp_path: Path):
    with Shop.at(tmp_path) as shop:
        shop.holds(orders([2, 1, 2]))
        nobody = Scope("vera", (Grant(frozenset()),))
        with pytest.raises(Forbidden, match="revenue"):
            tried(shop, rule(metric="revenue"), nobody)
        event = rule(metric=None, when={"kind": "event", "event": PLACED})
        with pytest.raises(Forbidden):
            tried(shop, event, nobody)
        with pytest.raises(DefinitionError, match="no history"):
            tried(shop, rule(when={"kind": "no_data", "within": "1h"}))
