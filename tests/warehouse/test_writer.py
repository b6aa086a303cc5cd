"""A commit is all or nothing; an event has one live version, and keeps the older ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from analyticspro.connectors.batch import REJECTS
from analyticspro.events import SCHEMA
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor, Warehouse

NOW = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)
DAY = timedelta(days=1)
CURSOR = Cursor("f00d:cafe", size=10, changed_ns=1, records=3, rounded=1)


def events(**ids: Any) -> pl.DataFrame:
    """Return events by id; the value is the time, or other fields."""
    rows = []
    for name, given in ids.items():
        fields = given if isinstance(given, dict) else {"occurred_at": given}
        rows.append(
            {"event_id": name, "name": "order_placed", "occurred_at": NOW, "properties": "{}"}
            | fields
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def rejects(**lines: str) -> pl.DataFrame:
    """Return rejects by line (`_3="reason"`)."""
    rows = [
        {"line": int(line[1:]), "field": "at", "value": "x", "reason": reason, "raw": "raw"}
        for line, reason in lines.items()
    ]
    return pl.DataFrame(rows, schema=REJECTS)


class Part:
    """Reads a part into the warehouse, batch by batch."""

    def __init__(self, warehouse: Warehouse, source: str = "shop", part: str = "a.csv") -> None:
        self.warehouse, self.place = warehouse, (source, part)

    def read(
        self,
        *batches: pl.DataFrame,
        aside: pl.DataFrame | None = None,
        at: datetime = NOW,
        watermark: datetime | None = None,
        to_the_end: bool = True,
    ) -> tuple[list[tuple[int, int, int]], int]:
        """Return new, changed, unchanged of each batch, and how many events were retracted."""
        aside = rejects() if aside is None else aside
        stored, retracted = [], 0
        seen = [np.empty(0, np.int64)]
        with self.warehouse.writer() as writer:
            for batch in batches:
                with writer.commit(at):
                    kept = writer.store(*self.place, batch, received_at=at, watermark=watermark)
                    writer.set_aside(*self.place, aside)
                stored.append((kept.new, kept.changed, kept.unchanged))
                seen.append(kept.seqs)
            if to_the_end:
                with writer.commit(at):
                    retracted = writer.finish_part(
                        *self.place, seen=np.concatenate(seen), rejects=aside, cursor=CURSOR
                    )
        return stored, retracted


@pytest.fixture
def part(warehouse: Warehouse) -> Part:
    return Part(warehouse)


def live(warehouse: Warehouse, columns: str = "event_id") -> list[Any]:
    with warehouse.reader(OWNER) as reader:
        rows = reader.frame(f"SELECT {columns} FROM events WHERE retired IS NULL ORDER BY ALL")
    return rows.rows() if "," in columns else rows.to_series().to_list()


def open_rejects(warehouse: Warehouse) -> list[tuple[int, str]]:
    with warehouse.reader(OWNER) as reader:
        return reader.rejects("shop", limit=100).select("line", "reason").rows()


# Commits


def test_a_commit_that_fails_leaves_nothing(part: Part, warehouse: Warehouse):
    part.read(events(a=NOW))

    def fail() -> None:
        with warehouse.writer() as writer, writer.commit(NOW):
            kept = writer.store("shop", "a.csv", events(b=NOW), received_at=NOW, watermark=None)
            writer.set_aside("shop", "a.csv", rejects(_2="bad"))
            writer.finish_part("shop", "a.csv", seen=kept.seqs, rejects=rejects(), cursor=CURSOR)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert live(warehouse) == ["a"]
    assert open_rejects(warehouse) == []
    with warehouse.reader(OWNER) as reader:
        assert reader.revision() == 2


def test_revisions_count_up_without_a_gap(part: Part, warehouse: Warehouse):
    part.read(events(a=NOW), events(b=NOW))
    with warehouse.writer() as writer:
        with writer.commit(NOW - DAY) as revision:
            assert revision == 4
        with pytest.raises(KeyError), writer.commit(NOW):
            raise KeyError
        with writer.commit(NOW) as revision:
            assert revision == 5, "a clock set back and a failure change nothing"


# Versions


def test_an_event_is_new_then_unchanged_then_changed(part: Part, warehouse: Warehouse):
    assert part.read(events(a=NOW, b=NOW)) == ([(2, 0, 0)], 0)
    assert part.read(events(a=NOW, b=NOW)) == ([(0, 0, 2)], 0)
    assert part.read(events(a=NOW, b=NOW - DAY, c=NOW)) == ([(1, 1, 1)], 0)
    with warehouse.reader(OWNER) as reader:
        versions = reader.frame("SELECT event_id, revision, retired FROM events ORDER BY ALL")
    assert versions.rows() == [("a", 1, None), ("b", 1, 5), ("b", 5, None), ("c", 5, None)]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "order_cancelled"},
        {"customer_id": "c"},
        {"customer_id": ""},
        {"user_id": "c"},
        {"session_id": "c"},
        {"amount_minor": 0, "currency": "GBP"},
        {"properties": '{"country":null}'},
        {"raw": "{}"},
        {"occurred_at": NOW + timedelta(microseconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_makes_a_new_version(part: Part, change: dict[str, Any]):
    part.read(events(a={}))
    assert part.read(events(a=change))[0] == [(0, 1, 0)]


def test_a_value_that_moves_to_another_field_is_a_change(part: Part):
    part.read(events(a={"customer_id": "x"}))
    assert part.read(events(a={"user_id": "x"}))[0] == [(0, 1, 0)]


def test_what_vanished_is_retracted_once_the_part_was_read_to_its_end(
    part: Part, warehouse: Warehouse
):
    part.read(events(a=NOW, b=NOW), events(c=NOW))
    assert part.read(events(a=NOW), to_the_end=False) == ([(0, 0, 1)], 0)
    assert live(warehouse) == ["a", "b", "c"]
    assert part.read(events(a=NOW)) == ([(0, 0, 1)], 2)
    assert live(warehouse) == ["a"]
    assert part.read(events(a=NOW, b=NOW)) == ([(1, 0, 1)], 0), "and may come back"


def test_a_part_without_events_retracts_all(part: Part, warehouse: Warehouse):
    part.read(events(a=NOW))
    assert part.read() == ([], 1)
    assert live(warehouse) == []


def test_other_parts_and_other_sources_are_not_touched(part: Part, warehouse: Warehouse):
    part.read(events(a=NOW))
    Part(warehouse, part="b.csv").read(events(b=NOW))
    Part(warehouse, source="other").read(events(a=NOW), aside=rejects(_1="bad"))
    assert part.read() == ([], 1)
    assert live(warehouse, "source, part, event_id") == [
        ("other", "a.csv", "a"), ("shop", "b.csv", "b"),
    ]  # fmt: skip


def test_an_event_belongs_to_the_part_that_held_it_last(part: Part, warehouse: Warehouse):
    part.read(events(a=NOW))
    assert Part(warehouse, part="b.csv").read(events(a=NOW)) == ([(0, 0, 1)], 0)
    assert part.read() == ([], 0), "the other part holds it still"
    assert live(warehouse, "event_id, part") == [("a", "b.csv")]


# Lateness


@pytest.mark.parametrize(
    ("occurred_at", "watermark", "is_late"),
    [
        pytest.param(NOW - DAY, None, False, id="no watermark yet"),
        pytest.param(NOW - DAY, NOW, True, id="older than the watermark"),
        pytest.param(NOW, NOW, False, id="at the watermark"),
        pytest.param(NOW - DAY, NOW + 9 * DAY, True, id="old, whatever the watermark"),
        pytest.param(NOW, NOW + 9 * DAY, False, id="no watermark lies in the future"),
    ],
)
def test_an_event_is_late_when_older_than_the_watermark(
    part: Part,
    warehouse: Warehouse,
    occurred_at: datetime,
    watermark: datetime | None,
    is_late: bool,
):
    part.read(events(a=occurred_at), watermark=watermark)
    assert live(warehouse, "is_late") == [is_late]


def test_a_new_version_of_an_event_that_was_in_time_is_not_late(part: Part, warehouse: Warehouse):
    part.read(events(a=NOW - DAY))
    part.read(events(a={"occurred_at": NOW - DAY, "raw": "x"}, b=NOW - DAY), watermark=NOW)
    assert live(warehouse, "event_id, is_late") == [("a", False), ("b", True)]
    part.read(events(a=NOW, b=NOW), watermark=NOW)
    assert live(warehouse, "event_id, is_late") == [("a", False), ("b", True)]


def test_the_watermark_of_a_source_is_its_newest_event_in_a_whole_part(
    part: Part, warehouse: Warehouse
):
    def known() -> list[tuple[Any, ...]]:
        with warehouse.writer() as writer:
            writer.note_source("shop", declaration="{}", synced_at=NOW, outcome="{}")
        with warehouse.reader(OWNER) as reader:
            columns = ("parts", "records", "rounded", "watermark", "rejected")
            return reader.sources().select(columns).rows()

    part.read(events(a=NOW), to_the_end=False, aside=rejects(_3="bad"))
    assert known() == [(0, 0, 0, None, 1)]
    part.read(events(a=NOW), aside=rejects(_3="bad"))
    Part(warehouse, part="b.csv").read(events(b=NOW - DAY))
    assert known() == [(2, 6, 2, NOW, 1)]


# Rejects


def test_a_reject_stays_while_its_line_is_bad_and_is_never_doubled(
    part: Part, warehouse: Warehouse
):
    for _ in range(2):
        part.read(events(), aside=rejects(_3="bad", _5="worse"))
        assert open_rejects(warehouse) == [(3, "bad"), (5, "worse")]
    part.read(events(), aside=rejects(_3="bad"))
    assert open_rejects(warehouse) == [(3, "bad")]
    part.read(events(), aside=rejects(_3="bad"), to_the_end=False)
    assert open_rejects(warehouse) == [(3, "bad")]
    part.read()
    assert open_rejects(warehouse) == []


@pytest.mark.parametrize("column", ["field", "value", "reason", "raw"])
def test_a_line_that_is_bad_in_another_way_has_one_reject_the_newer(
    part: Part, warehouse: Warehouse, column: str
):
    part.read(events(), aside=rejects(_3="bad"))
    part.read(events(), aside=rejects(_3="bad").with_columns(pl.lit("new").alias(column)))
    with warehouse.reader(OWNER) as reader:
        [row] = reader.frame("FROM rejects WHERE resolved IS NULL").to_dicts()
        assert row[column] == "new"
        assert reader.frame("SELECT count(*) AS n FROM rejects")["n"][0] == 2, "the older is kept"


def test_a_reject_may_lack_field_value_and_raw(part: Part, warehouse: Warehouse):
    nothing = rejects(_3="bad").with_columns(pl.lit(None, pl.String).alias("field"),
                                             pl.lit(None, pl.String).alias("raw"))  # fmt: skip
    for _ in range(2):
        part.read(events(), aside=nothing)
    assert open_rejects(warehouse) == [(3, "bad")]


# Cursors and values


def test_a_cursor_is_kept_touched_and_forgotten(part: Part, warehouse: Warehouse):
    part.read(events(a=NOW))
    with warehouse.writer() as writer:
        assert writer.cursors("shop") == {"a.csv": CURSOR}
        assert writer.cursors("other") == {}
        writer.touch("shop", "a.csv", size=11, changed_ns=2)
        touched = writer.cursors("shop")["a.csv"]
        assert (touched.fingerprint, touched.size, touched.changed_ns) == (
            CURSOR.fingerprint,
            11,
            2,
        )
        writer.forget("shop")
        assert writer.cursors("shop")["a.csv"].fingerprint == ""


HOSTILE = "x'; DROP TABLE events; --"


def test_whatever_is_stored_is_a_value_never_sql(warehouse: Warehouse):
    row = {"customer_id": HOSTILE, "properties": '{"country":"' + HOSTILE + '"}', "raw": HOSTILE}
    part = Part(warehouse, source=HOSTILE, part=HOSTILE)
    part.read(events(**{HOSTILE: row}), aside=rejects(_1=HOSTILE))
    with warehouse.writer() as writer:
        writer.note_source(HOSTILE, declaration=HOSTILE, synced_at=NOW, outcome=HOSTILE)
        assert list(writer.cursors(HOSTILE)) == [HOSTILE]
    with warehouse.reader(OWNER) as reader:
        assert reader.sources()["name"].to_list() == [HOSTILE]
        assert reader.rejects(HOSTILE, limit=1)["reason"].to_list() == [HOSTILE]
        assert reader.extents()["source"].to_list() == [HOSTILE]
    assert live(warehouse, "source, part, event_id, customer_id, country") == [(HOSTILE,) * 5]
    assert part.read() == ([], 1)


def test_promoted_properties_become_columns(part: Part, warehouse: Warehouse):
    part.read(
        events(
            a={"properties": '{"country":"France","quantity":-6,"order_id":"C1"}'},
            b={"properties": '{"country":null,"colour":"red"}'},
            c={"properties": '{"country":"Ελλάδα \\"GR\\"","quantity":9223372036854775807}'},
        )
    )
    assert live(warehouse, "event_id, country, quantity, order_id") == [
        ("a", "France", -6, "C1"),
        ("b", None, None, None),
        ("c", 'Ελλάδα "GR"', 2**63 - 1, None),
    ]
