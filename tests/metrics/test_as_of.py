"""A figure can be asked for as it was known at an earlier moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.errors import DefinitionError
from analyticspro.events import WriteMode
from analyticspro.metrics import Answer, Query
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace
from tests.metrics.shop import PLACED, Happening, at, frame, told

FIRST, SECOND = at("2024-02-01"), at("2024-02-10")
BEFORE, BETWEEN, AFTER = at("2024-01-31"), at("2024-02-05"), at("2024-02-20")


def order(number: int, day: str, amount: str) -> Happening:
    return told(day, PLACED, amount, order=f"O{number}", customer="ann", id=str(number))


def stored(warehouse: Warehouse, when: datetime, *orders: Happening) -> None:
    with warehouse.writer() as writer, writer.commit(when):
        writer.store(
            "till", "p", frame(orders), mode=WriteMode.REPLACE, received_at=when, watermark=None
        )


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    home = Home(tmp_path).prepare()
    home.write_settings(currency="GBP")
    warehouse = Warehouse.open(home.warehouse_file, backups=tmp_path)
    stored(warehouse, FIRST, order(1, "2024-01-10", "10.00"), order(2, "2024-01-11", "5.00"))
    # An order is corrected, and one that is weeks late comes in.
    stored(warehouse, SECOND, order(1, "2024-01-10", "12.00"), order(3, "2024-01-02", "1.00"))
    warehouse.compact()
    yield Workspace(home, warehouse)
    warehouse.close()


def revenue(workspace: Workspace, as_of: datetime | None, **asked: str) -> Answer:
    [answer] = workspace.answers([Query.of("revenue", as_of=as_of, **asked)], OWNER)
    assert isinstance(answer, Answer), answer
    return answer


@pytest.mark.parametrize(
    ("as_of", "pounds"),
    [(None, "18.00"), (AFTER, "18.00"), (SECOND, "18.00"), (BETWEEN, "15.00"), (BEFORE, "0.00")],
)
def test_it_is_what_was_committed_by_then(
    as_of: datetime | None, pounds: str, workspace: Workspace
):
    answer = revenue(workspace, as_of)
    assert answer.frame["revenue"].to_list() == [Decimal(pounds)]
    assert answer.provenance["as_of"] == (as_of and as_of.isoformat())


def test_it_can_be_cut_and_compared_like_any_other(workspace: Workspace):
    then = revenue(workspace, BETWEEN, grain="day").frame.rows()
    assert then == [
        (at("2024-01-10").date(), Decimal("10.00")),
        (at("2024-01-11").date(), Decimal("5.00")),
    ]


def test_a_clock_that_was_set_back_changes_no_earlier_answer(workspace: Workspace):
    before = revenue(workspace, BETWEEN).frame["revenue"][0]
    stored(workspace._warehouse, at("2024-02-02"), order(1, "2024-01-10", "99.00"))
    assert revenue(workspace, BETWEEN).frame["revenue"][0] == before
    assert revenue(workspace, None).frame["revenue"][0] == Decimal("105.00")


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(DefinitionError, match="could be any zone's"):
        Query.of("revenue", as_of="2024-02-05T00:00:00")
    with pytest.raises(DefinitionError, match="is no moment"):
        Query.of("revenue", as_of="yesterday")
