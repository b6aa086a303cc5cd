"""A figure that was complete when it was shown, and is another now, is restated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.events import WriteMode
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.restated import restated
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace
from tests.metrics.shop import PLACED, Happening, at, frame, told

SHOWN = at("2024-02-01")


def order(number: int, day: str, amount: str, country: str = "France") -> Happening:
    return told(day, PLACED, amount, order=str(number), id=str(number), country=country)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    home = Home(tmp_path).prepare()
    home.write_settings(currency="GBP")
    warehouse = Warehouse.open(home.warehouse_file, backups=tmp_path)

    def commit(when: str, *orders: Happening) -> None:
        moment = at(when)
        with warehouse.writer() as writer, writer.commit(moment):
            writer.store(
                "till",
                "p",
                frame(orders),
                mode=WriteMode.REPLACE,
                received_at=moment,
                watermark=None,
            )

    commit("2024-01-31", order(1, "2024-01-10", "10.00"), order(2, "2024-01-11", "5.00"),
           order(3, "2024-01-12 09:00", "1.00"))  # fmt: skip
    # One is corrected, one comes late, and the last day, which was not over, goes on.
    commit("2024-02-10", order(1, "2024-01-10", "12.00"), order(4, "2024-01-11", "2.00", "Italy"),
           order(5, "2024-01-12 18:00", "7.00"))  # fmt: skip
    yield Workspace(home, warehouse)
    warehouse.close()


def rows(workspace: Workspace, **asked: object) -> list[tuple[object, ...]]:
    return changed(workspace, Query.of("revenue", "orders", **asked), SHOWN)  # type: ignore[arg-type]


def changed(workspace: Workspace, query: Query, since: datetime) -> list[tuple[object, ...]]:
    then, now = workspace.answers([replace(query, as_of=since), query], OWNER)
    assert isinstance(then, Answer)
    assert isinstance(now, Answer)
    return restated(query, then, now).rows()


def test_a_correction_and_a_late_event_are_seen_and_a_day_that_goes_on_is_not(
    workspace: Workspace,
):
    assert rows(workspace, grain="day") == [
        (date(2024, 1, 10), Decimal("10.00"), Decimal("12.00"), 1, 1),
        (date(2024, 1, 11), Decimal("5.00"), Decimal("7.00"), 1, 2),
    ]


def test_what_was_not_there_then_is_a_change(workspace: Workspace):
    assert rows(workspace, grain="day", by="country")[1:] == [
        (date(2024, 1, 11), "Italy", None, Decimal("2.00"), None, 1),
    ]


def test_a_total_counts_only_if_its_period_was_over(workspace: Workspace):
    assert rows(workspace, period="2024-01-10..2024-01-12") == [
        (Decimal("15.00"), Decimal("19.00"), 2, 3)
    ]
    assert rows(workspace, period="2024-01-10..2024-01-13") == []


def test_nothing_has_changed_since_the_last_commit(workspace: Workspace):
    query = Query.of("revenue", grain="day")
    assert changed(workspace, query, at("2024-02-11")) == []
