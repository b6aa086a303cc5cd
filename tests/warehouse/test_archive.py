"""Events of long ago are in files, and nobody can tell: figures, the past and duplicates agree."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.metrics import Filter, Query, catalog
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.metrics.shop import EVENTS, Shop
from tests.metrics.test_catalogue import cuts_of
from tests.warehouse.archived import (
    EVERYTHING,
    JANUARY,
    NOW,
    QUARTER,
    archive,
    counts,
    event,
    live,
    read,
    store,
)

# Figures


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The awkward shop, some of it rolled up."""
    with Shop.at(tmp_path_factory.mktemp("shop")) as opened:
        yield opened.holds_in_two_steps(EVENTS)


@pytest.fixture(scope="module")
def before(shop: Shop) -> dict[Query, Any]:
    """Every metric in every cut, before half of the shop is archived."""
    queries = [
        Query((metric,), cut.grain, cut.by, QUARTER, cut.where)
        for metric in catalog.METRICS
        for cut in cuts_of(metric)[:2]
    ]
    # A dimension that no rollup holds.
    queries.append(Query(("units",), None, ("product",), QUARTER, (Filter("product", ("cup",)),)))
    found = {query: shop.ask(query).frame for query in queries}
    archived = archive(shop.warehouse)
    assert counts(shop.warehouse)[1] == archived > len(EVENTS) / 3
    return found


@pytest.mark.parametrize("metric", catalog.METRICS)
def test_a_figure_is_the_same_when_half_is_archived(
    metric: str, shop: Shop, before: dict[Query, Any]
):
    asked = [query for query in before if query.metrics == (metric,)]
    assert asked
    for query in asked:
        assert shop.ask(query).frame.equals(before[query])


def test_the_past_is_the_same_when_it_is_archived(warehouse: Warehouse):
    moments = [datetime(2024, 3, day, tzinfo=UTC) for day in range(1, 4)]
    for version, at in enumerate(moments):
        with warehouse.writer() as writer, writer.commit(at):
            events = pl.DataFrame(
                [
                    event(1, "2024-01-05", version=version, amount_minor=version, currency="GBP"),
                    event(10 + version, "2024-01-06", version=1),
                ],
                schema=SCHEMA,
            )
            writer.store("till", "p", events, mode=WriteMode.MERGE, received_at=at, watermark=None)
    known = "SELECT seq, event_id, amount_minor, retired FROM events ORDER BY seq"
    told = [read(warehouse, known, as_of=at) for at in moments]
    everything = read(warehouse, EVERYTHING)
    assert archive(warehouse) == 6
    assert [read(warehouse, known, as_of=at) for at in moments] == told
    assert [len(rows) for rows in told] == [2, 3, 4]
    assert read(warehouse, EVERYTHING) == everything
    # What befalls an archived event later leaves the past as it was, too.
    store(warehouse, event(1, "2024-01-05", version=9, amount_minor=9, currency="GBP"))
    assert [read(warehouse, known, as_of=at) for at in moments] == told


# What befalls archived events


@pytest.mark.parametrize("is_opened_anew", [False, True])
def test_what_is_archived_is_a_duplicate_still(is_opened_anew: bool, file: Path, tmp_path: Path):
    rows = [event(n, "2024-01-05", version=1) for n in range(3)]
    opened = Warehouse.open(file, backups=tmp_path / "backups")
    with closing(opened) as warehouse:
        store(warehouse, *rows)
        assert archive(warehouse) == 3
        if not is_opened_anew:
            assert store(warehouse, *rows, event(7, "2024-01-05")).unchanged == 3
            return
    with closing(Warehouse.open(file, backups=tmp_path / "backups")) as warehouse:
        stored = store(warehouse, *rows, event(7, "2024-01-05"))
        assert (stored.new, stored.unchanged) == (1, 3)
        assert read(warehouse, "SELECT count(*), count(DISTINCT seq) FROM events") == [(4, 4)]


def test_an_archived_event_is_corrected(warehouse: Warehouse):
    store(warehouse, *(event(n, "2024-01-05", version=1) for n in range(3)))
    archive(warehouse)
    stored = store(warehouse, event(1, "2024-01-05", version=2, amount_minor=5, currency="GBP"))
    assert stored.changed == 1
    assert live(warehouse) == [("0", None, "p"), ("1", 5, "p"), ("2", None, "p")]
    assert counts(warehouse) == (2, 2)
    versions = "SELECT version, retired FROM events WHERE event_id = '1' ORDER BY seq"
    assert read(warehouse, versions) == [(1, 2), (2, None)]
    assert archive(warehouse) == 2
    assert counts(warehouse) == (0, 4)
    assert read(warehouse, versions) == [(1, 2), (2, None)]
    # The first file holds its older version too, which was taken back from it.
    warehouse.archive.rewrite([part.number for part in warehouse.archive.partitions()], NOW)
    assert counts(warehouse) == (0, 4)
    assert read(warehouse, versions) == [(1, 2), (2, None)]


def test_an_archived_event_is_retracted_and_moves(warehouse: Warehouse):
    whole = {"mode": WriteMode.REPLACE, "is_whole": True}
    store(warehouse, *(event(n, "2024-01-05") for n in range(4)), **whole)
    archive(warehouse)
    store(warehouse, event(0, "2024-01-05"), event(1, "2024-01-05"), **whole, part="q")
    store(warehouse, event(2, "2024-01-05"), **whole)
    assert live(warehouse) == [("0", None, "q"), ("1", None, "q"), ("2", None, "p")]
    with warehouse.reader(OWNER) as reader:
        [(seen, new, retracted)] = (
            reader.ledger().select(pl.sum("seen"), pl.sum("new"), pl.sum("retracted")).rows()
        )
        assert (seen, new, retracted) == (7, 4, 1)
        assert sum(reader.ledger()["live"]) == 3


def test_a_late_event_waits_in_the_table_for_the_next_run(warehouse: Warehouse):
    store(warehouse, event(0, "2024-01-05"))
    assert archive(warehouse) == 1
    for number in range(1, 9):
        store(warehouse, event(number, "2024-01-20"))
        assert counts(warehouse) == (1, number)
        assert archive(warehouse) == 1
        assert counts(warehouse) == (0, number + 1)
    # The files of a month that have become many are made one.
    assert len(warehouse.archive.partitions()) == 2
    assert archive(warehouse) == 0


def test_events_of_a_month_that_is_not_over_stay(warehouse: Warehouse):
    store(warehouse, event(0, "2024-01-31T23:59:59"), event(1, "2024-02-01"))
    assert archive(warehouse, datetime(2024, 2, 28, tzinfo=UTC)) == 1
    assert counts(warehouse) == (1, 1)
    [partition] = warehouse.archive.partitions()
    assert (partition.month, partition.file) == (JANUARY, "2024-01/000001.parquet")


def test_what_changes_while_a_file_is_written_counts(warehouse: Warehouse):
    """The file is of an earlier moment; what is in the table is right."""
    store(warehouse, *(event(n, "2024-01-05", version=1) for n in range(3)))

    with warehouse._writing:  # the file is written, and cannot be made known yet
        thread = threading.Thread(target=archive, args=(warehouse,))
        thread.start()
        folder = warehouse.archive._folder
        while not list(folder.glob("*/*.parquet")):
            thread.join(0.01)
        with warehouse._database.cursor() as cursor:
            cursor.execute("UPDATE hot SET part = 'q' WHERE event_id = '1'")
    thread.join()
    assert live(warehouse) == [("0", None, "p"), ("1", None, "q"), ("2", None, "p")]
    assert counts(warehouse) == (1, 2)
