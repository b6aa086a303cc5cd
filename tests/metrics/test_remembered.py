"""An answer is given again as long as it is right, and says that it was remembered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.events import WriteMode
from analyticspro.metrics import Answer, Query
from analyticspro.policy import OWNER, Scope
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace
from tests.metrics.shop import PLACED, at, frame, told


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path)
    yield opened
    opened.close()


def commit(warehouse: Warehouse, when: datetime, number: int, day: str = "2024-01-10") -> None:
    order = told(day, PLACED, "10.00", order=str(number), id=str(number))
    with warehouse.writer() as writer, writer.commit(when):
        writer.store(
            "till", "p", frame([order]), mode=WriteMode.APPEND, received_at=when, watermark=None
        )


@pytest.fixture
def workspace(tmp_path: Path, warehouse: Warehouse) -> Workspace:
    commit(warehouse, at("2024-02-01"), 1)
    home = Home(tmp_path / "home").prepare()
    home.write_settings(currency="GBP")
    return Workspace(home, warehouse)


def asked(workspace: Workspace, scope: Scope = OWNER, **more: str) -> tuple[Decimal, bool]:
    [answer] = workspace.answers([Query.of("revenue", **more)], scope)
    assert isinstance(answer, Answer), answer
    return answer.frame["revenue"].sum(), answer.provenance["cached"]


def test_the_same_question_is_answered_once(workspace: Workspace):
    assert asked(workspace) == (Decimal("10.00"), False)
    assert asked(workspace) == (Decimal("10.00"), True)
    assert asked(workspace, grain="day") == (Decimal("10.00"), False)


def test_a_commit_makes_it_new(workspace: Workspace, warehouse: Warehouse):
    asked(workspace)
    commit(warehouse, at("2024-02-02"), 2)
    assert asked(workspace) == (Decimal("20.00"), False)


def test_so_does_the_end_of_a_sync(workspace: Workspace, warehouse: Warehouse):
    asked(workspace)
    with warehouse.writer() as writer:
        writer.note_source("till", declaration="{}", synced_at=at("2024-02-02"), outcome="{}")
    assert asked(workspace)[1] is False


def test_nobody_is_given_the_answer_of_another(workspace: Workspace):
    asked(workspace)
    assert asked(workspace, Scope("somebody else", OWNER.grants))[1] is False


def test_nothing_is_kept_while_an_event_lies_in_the_future(
    workspace: Workspace, warehouse: Warehouse
):
    commit(warehouse, at("2024-02-02"), 2, day="2100-01-01")
    assert [asked(workspace)[1] for _ in range(2)] == [False, False]
