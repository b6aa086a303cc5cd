"""What is pushed is complete up to now, less what may be late: also while nothing comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from analyticspro import clock
from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from analyticspro.errors import RetriableError
from analyticspro.ingest.intake import ALLOWED_LATENESS, Intake
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace
from tests.api.server import serving
from tests.ingest.test_intake import delivery, row, taken
from tests.local import until

NOON = datetime(2026, 11, 21, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    """What the intake takes for the time."""

    at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def warehouse(home: Home) -> Iterator[Warehouse]:
    with Workspace.open(home) as workspace:
        yield workspace._warehouse


def watermark(warehouse: Warehouse) -> datetime:
    with warehouse.reader(OWNER) as reader:
        return reader.sources()["watermark"].item()


def test_it_advances_by_the_clock(warehouse: Warehouse):
    now = Clock()
    intake = Intake(warehouse, now=now)
    taken(intake, delivery(row("1")))
    assert watermark(warehouse) == NOON - ALLOWED_LATENESS
    now.at = NOON + HOUR
    intake.keep_time()
    assert watermark(warehouse) == NOON + HOUR - ALLOWED_LATENESS
    now.at = NOON  # a clock that was put back takes nothing away
    intake.keep_time()
    assert watermark(warehouse) == NOON + HOUR - ALLOWED_LATENESS
    intake.close()


def test_it_stands_while_nothing_could_come(warehouse: Warehouse):
    now = Clock()
    intake = Intake(warehouse, now=now)
    taken(intake, delivery(row("1")))
    intake.close()  # it takes no more
    now.at = NOON + HOUR
    intake.keep_time()
    assert watermark(warehouse) == NOON - ALLOWED_LATENESS


def test_it_stands_once_a_commit_has_failed(warehouse: Warehouse):
    now = Clock()
    intake = Intake(warehouse, now=now)
    taken(intake, delivery(row("1")))
    with warehouse.writer() as writer:
        writer._connection.execute("ALTER TABLE ledger RENAME TO away")
    with pytest.raises(RetriableError):
        taken(intake, delivery(row("2")))
    with warehouse.writer() as writer:
        writer._connection.execute("ALTER TABLE away RENAME TO ledger")
    now.at = NOON + HOUR
    intake.keep_time()
    assert watermark(warehouse) == NOON - ALLOWED_LATENESS
    taken(intake, delivery(row("2")))
    intake.keep_time()
    intake.close()
    assert watermark(warehouse) == NOON + HOUR - ALLOWED_LATENESS


def test_a_service_that_is_started_goes_on_with_it(home: Home):
    """What was pushed a day ago: figures do not wait for the next event."""
    with Workspace.open(home) as workspace:
        now = Clock()
        now.at = clock.now() - timedelta(days=1)
        intake = Intake(workspace._warehouse, now=now)
        taken(intake, delivery(row("1")))
        intake.close()
    WriteKeys.of(home).create("shop", now=clock.now())
    started = clock.now()
    with serving(home) as server:

        def reached() -> bool:
            [source] = server.call("GET", "/v1/sources").json["sources"]
            return datetime.fromisoformat(source["watermark"]) >= started - ALLOWED_LATENESS

        until(reached)
