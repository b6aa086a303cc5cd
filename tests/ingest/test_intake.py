"""Many deliveries, one transaction. What every bus has to keep is in tests/seams/test_bus.py."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import polars as pl
import pytest

from analyticspro.config import Home
from analyticspro.errors import RetriableError
from analyticspro.ingest.deliveries import Delivery, Reject, Taken
from analyticspro.ingest.intake import Intake, Limits
from analyticspro.policy import OWNER
from analyticspro.warehouse import Outcome, Warehouse
from analyticspro.workspace import Workspace

NOW_US = 1_795_276_800_000_000  # 2026-11-21T16:00:00Z
NEW, DUPLICATE, CONFLICT = Outcome.NEW, Outcome.DUPLICATE, Outcome.CONFLICT


@pytest.fixture
def warehouse(home: Home) -> Iterator[Warehouse]:
    with Workspace.open(home) as workspace:
        yield workspace._warehouse


def row(
    event_id: str, *, source: str = "shop", raw: str = "{}", name: str = "paid"
) -> tuple[object, ...]:
    whole = f"{source}:messages:{event_id}"
    return (whole, name, NOW_US, None, "u1", None, None, None, "{}", raw)


def delivery(
    *rows: tuple[object, ...], source: str = "shop", rejects: list[Reject] | None = None
) -> Delivery:
    return Delivery(source, "messages", rows, rejects or [], 100)


def taken(intake: Intake, *deliveries: Delivery) -> list[Taken]:
    """Submit all at once; return what became of each."""

    async def submit() -> list[Taken]:
        answers: list[Awaitable[Taken]] = [intake.submit(one) for one in deliveries]
        return list(await asyncio.gather(*answers))

    return asyncio.run(submit())


def read(warehouse: Warehouse, sql: str) -> pl.DataFrame:
    with warehouse.reader(OWNER) as reader:
        return reader.frame(sql)


class Blocked:
    """Somebody else who holds the writer until released."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._held, self._release = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold, args=[warehouse])

    def _hold(self, warehouse: Warehouse) -> None:
        with warehouse.writer():
            self._held.set()
            assert self._release.wait(30)

    def __enter__(self) -> Callable[[], None]:
        self._thread.start()
        assert self._held.wait(30)
        return self._release.set

    def __exit__(self, *_: object) -> None:
        self._release.set()
        self._thread.join()


def test_what_is_answered_is_stored(warehouse: Warehouse):
    intake = Intake(warehouse)
    [found] = taken(intake, delivery(row("1"), row("2")))
    intake.close()
    assert found == Taken([NEW, NEW], {})
    stored = read(warehouse, "SELECT event_id, name, occurred_at, part FROM events ORDER BY 1")
    assert stored.rows() == [
        (f"shop:messages:{n}", "paid", datetime(2026, 11, 21, 16), "messages") for n in (1, 2)
    ]


def test_deliveries_that_wait_together_share_a_commit(warehouse: Warehouse):
    """And each is told of its own events, whatever the others are."""
    intake = Intake(warehouse)
    taken(intake, delivery(row("0")))
    with Blocked(warehouse) as release:

        async def submit() -> list[Taken]:
            first = intake.submit(delivery(row("a")))
            while intake._queue:  # it is being committed from now on
                await asyncio.sleep(0.001)
            rest = [
                delivery(row("b"), row("a"), row("b", raw='{"x":1}')),
                delivery(row("b", source="app"), source="app"),
                delivery(row("c"), rejects=[("type", "x", "is wrong", "{}")]),
                delivery(row("b")),
            ]
            answers = [intake.submit(one) for one in rest]
            release()
            return list(await asyncio.gather(first, *answers))

        found = asyncio.run(submit())
    intake.close()
    assert [one.outcomes for one in found] == [
        [NEW], [NEW, DUPLICATE, CONFLICT], [NEW], [NEW], [DUPLICATE],
    ]  # fmt: skip
    ledger = read(
        warehouse,
        "SELECT revision, source, seen, new, duplicates, conflicts, rejected FROM ledger "
        "WHERE source IS NOT NULL ORDER BY ALL",
    )
    assert ledger["revision"].n_unique() == 3
    assert ledger.rows()[2:] == [(3, "app", 1, 1, 0, 0, 0), (3, "shop", 6, 2, 3, 1, 1)]
    aside = read(warehouse, "SELECT source, line, field, value, reason, raw FROM rejects")
    assert aside.rows() == [("shop", None, "type", "x", "is wrong", "{}")]


def test_an_event_that_is_none_after_all_is_set_aside(warehouse: Warehouse):
    intake = Intake(warehouse)
    first, second = taken(
        intake,
        delivery(row("1"), row("2", name="Not A Name"), row("3")),
        delivery(row("x" * 600), row("4")),
    )
    intake.close()
    assert first.outcomes == [NEW, None, NEW]
    assert first.problems[1][:2] == ("name", "Not A Name")
    assert second.outcomes == [None, NEW]
    assert second.problems[0][2] == "is longer than 512 bytes"
    assert read(warehouse, "SELECT count(*) FROM events").item() == 3
    assert read(warehouse, "SELECT count(*) FROM rejects WHERE raw = '{}'").item() == 2


def test_rejects_alone_are_kept_as_well(warehouse: Warehouse):
    intake = Intake(warehouse)
    wrong: Reject = ("event", None, "is missing", '{"a":1}')
    for _ in range(2):
        assert taken(intake, delivery(rejects=[wrong])) == [Taken([], {})]
    intake.close()
    assert read(warehouse, "SELECT raw FROM rejects").rows() == [('{"a":1}',)]


def test_a_queue_whose_oldest_waits_too_long_takes_no_more(warehouse: Warehouse):
    intake = Intake(warehouse, limits=Limits(patience_s=0.0))

    async def fill() -> list[Taken]:
        with Blocked(warehouse) as release:
            first = intake.submit(delivery(row("1")))
            while not intake.is_full():
                await asyncio.sleep(0.001)
            with pytest.raises(RetriableError, match="Too much is waiting"):
                intake.submit(delivery(row("too much")))
            release()
        found = await first
        while intake.is_full():
            await asyncio.sleep(0.001)
        return [found, await intake.submit(delivery(row("more")))]

    assert [one.outcomes for one in asyncio.run(fill())] == [[NEW], [NEW]]
    intake.close()


def test_what_cannot_be_committed_is_not_acknowledged(home: Home):
    with Workspace.open(home) as workspace:
        warehouse = workspace._warehouse
        intake = Intake(warehouse)
        taken(intake, delivery(row("1")))
        with warehouse.writer() as writer:
            writer._connection.execute("DROP TABLE ledger")  # no commit can be entered any more
        with pytest.raises(RetriableError, match="could not be stored"):
            taken(intake, delivery(row("2")))
        assert read(warehouse, "SELECT event_id FROM events").rows() == [("shop:messages:1",)]
        assert intake.waiting == 0
        intake.close()


def test_the_source_is_known_from_its_first_event_on(warehouse: Warehouse):
    at = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    intake = Intake(warehouse, now=lambda: at)
    taken(intake, delivery(row("1"), rejects=[(None, None, "is wrong", "{}")]))
    intake.close()
    with warehouse.reader(OWNER) as reader:
        [source] = reader.sources().to_dicts()
    assert (source["name"], source["records"], source["rejected"]) == ("shop", 2, 1)
    assert source["watermark"] == datetime(2026, 11, 21, 16, 25, tzinfo=UTC)
    # It came half an hour after it happened.
    assert read(warehouse, "SELECT is_late FROM events").rows() == [(True,)]
