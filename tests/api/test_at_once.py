"""Figures that many ask for at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analyticspro.api.at_once import AtOnce
from analyticspro.api.figures import Wanted
from analyticspro.config import Home
from analyticspro.errors import Stopped
from analyticspro.metrics import Query
from analyticspro.policy import OWNER, Grant, Scope
from analyticspro.warehouse import Ending
from analyticspro.workspace import Workspace
from tests.metrics.shop import EVENTS, Shop

ORDERS = Wanted((Query.of("orders"),), ("country",))
OTHER = Scope("somebody", (Grant(frozenset()),))


def test_they_are_worked_out_once_for_a_scope_and_anew_for_who_asks_later(tmp_path: Path):
    home = Home(tmp_path / "home").prepare()
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)

    with Workspace.open(home) as workspace:
        at_once = AtOnce(workspace)
        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(at_once.figures, ORDERS, OWNER, Ending()) for _ in range(20)]
            other = pool.submit(at_once.figures, ORDERS, OTHER, Ending()).result()
            same = [each.result() for each in asked]
        later = at_once.figures(ORDERS, OWNER, Ending())
        ended = Ending()
        ended.end()
        with pytest.raises(Stopped):
            at_once.figures(ORDERS, OWNER, ended)
    assert len(set(map(id, same))) < 20
    assert {each.sign for each in same} == {later.sign}
    assert other is not same[0]
    assert id(later) not in set(map(id, same))
    assert (later.sign, later.revision) == (same[0].sign, same[0].revision)
