"""A Parquet file says the same as the CSV of the same rows; a damaged one is named."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analyticspro.connectors import Source, parts, read_part
from analyticspro.errors import SourceError
from tests.connectors.conftest import Read

AT = datetime(2011, 11, 5, 14, 30, tzinfo=UTC)
Parquet = Callable[..., Read]


@pytest.fixture
def source(tmp_path: Path, declare: Callable[..., Source]) -> Callable[..., Source]:
    return lambda **changes: declare(format="parquet", path=str(tmp_path / "*.parquet"), **changes)


@pytest.fixture
def parquet(tmp_path: Path, source: Callable[..., Source]) -> Parquet:
    """Write columns as a file and read it."""

    def reading(columns: dict[str, Any], row_group_size: int | None = None, **changes: Any) -> Read:
        file = tmp_path / "orders.parquet"
        pq.write_table(pa.table(columns), file, row_group_size=row_group_size)
        declared = source(**changes)
        [part] = parts(declared)
        found = Read()
        for batch in read_part(declared, part):
            found.events += batch.events.to_dicts()
            found.rejects += batch.rejects.to_dicts()
            found.records += batch.records
            assert 0 < batch.position <= part.size
        return found

    return reading


def test_a_row_becomes_an_event(parquet: Parquet):
    [event] = parquet({"at": [AT], "who": ["C1"], "paid": [Decimal("12.50")]}).events
    assert (event["event_id"], event["occurred_at"]) == ("shop:orders.parquet:1", AT)
    assert (event["customer_id"], event["amount_minor"]) == ("C1", 1250)
    assert json.loads(event["raw"]) == {
        "at": "2011-11-05T14:30:00.000000Z", "who": "C1", "paid": "12.50",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pa.array([True]), "true"),
        (pa.array([""]), None),
        (pa.array([None]), None),
        (pa.array([2**63 - 1]), "9223372036854775807"),
        (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
        (pa.array([0.1]), "0.1"),
        (pa.array([6.0]), "6"),
        (pa.array([2.55], pa.float32()), "2.55"),
        (pa.array([Decimal("-0.050")]), "-0.050"),
        (pa.array([Decimal("1." + "1" * 40)], pa.decimal256(50, 40)), "1." + "1" * 40),
        (pa.array([date(2011, 11, 5)]), "2011-11-05"),
        (pa.array([time(14, 30)], pa.time32("s")), "14:30:00.000"),
        (pa.array([datetime(2011, 11, 5)], pa.timestamp("ms")), "2011-11-05T00:00:00.000"),
        (pa.array([AT], pa.timestamp("us", "Asia/Tokyo")), "2011-11-05T14:30:00.000000Z"),
        (pa.array(["a"]).dictionary_encode(), "a"),
        (pa.array([b"ab"]), "ab"),
        (pa.array([b"a\xff"], pa.binary(2)), "a\\xff"),
        (pa.array([[Decimal("1.50"), None]]), "[1.50,null]"),
        (pa.array([[{"a": 1, "b": [True]}]]), '[{"a":1,"b":[true]}]'),
        (pa.array([[AT]]), '["2011-11-05T14:30:00+00:00"]'),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), '[["k",1]]'),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)  # fmt: skip
def test_a_value_of_any_type_is_the_text_that_csv_would_hold(
    parquet: Parquet, value: Any, text: str | None
):
    found = parquet({"at": [AT], "who": ["a"], "paid": [1], "x": value}, properties={"x": "x"})
    assert json.loads(found.events[0]["properties"])["x"] == text


def test_fields_of_a_struct_are_named_with_dots(parquet: Parquet):
    rows = {"at": [AT, AT], "paid": [1, 2], "who": [{"is": {"id": "C1"}}, None]}
    found = parquet(rows, customer_id="who.is.id")
    assert [event["customer_id"] for event in found.events] == ["C1", None]


def test_a_time_without_a_zone_is_of_the_declared_one(parquet: Parquet):
    rows = {"at": pa.array([datetime(2011, 7, 1, 12)]), "who": ["a"], "paid": [1]}
    [event] = parquet(rows, timezone="Europe/London").events
    assert event["occurred_at"] == datetime(2011, 7, 1, 12, tzinfo=ZoneInfo("Europe/London"))


def test_a_bad_value_costs_its_row_and_its_line_is_the_row_number(parquet: Parquet):
    beyond = pa.array([1_320_503_400, 2**62, 1_320_503_400]).cast(pa.timestamp("us", "UTC"))
    found = parquet({"at": beyond, "who": ["a"] * 3, "paid": [1.5, 1.5, float("nan")]})
    assert [(reject["line"], reject["field"]) for reject in found.rejects] == [
        (2, "at"),
        (3, "paid"),
    ]
    assert found.records == 3


def test_row_groups_number_their_rows_through(parquet: Parquet):
    count = 120_001
    rows = {"at": [AT] * count, "who": ["a"] * count, "paid": range(count)}
    found = parquet(rows, row_group_size=70_000)
    assert [(event["event_id"], event["amount_minor"]) for event in found.events] == [
        (f"shop:orders.parquet:{number + 1}", number * 100) for number in range(count)
    ]


def test_a_file_without_rows_has_no_events(parquet: Parquet):
    assert parquet({"at": [], "who": [], "paid": []}) == Read()


def test_a_column_that_is_not_there_is_named(parquet: Parquet):
    with pytest.raises(SourceError, match=r"No column 'who' in .*Did you mean 'whom'"):
        parquet({"at": [], "whom": [], "paid": []})


@pytest.mark.parametrize("content", [b"", b"PAR1", b"at,who,paid\n", b"PAR1" + b"\xff" * 99])
def test_what_is_no_parquet_says_so(tmp_path: Path, source: Callable[..., Source], content: bytes):
    (tmp_path / "orders.parquet").write_bytes(content)
    [part] = parts(source())
    with pytest.raises(SourceError, match=r"orders\.parquet is not a whole Parquet file"):
        list(read_part(source(), part))


def test_however_it_is_damaged_it_is_read_or_refused(
    tmp_path: Path, parquet: Parquet, source: Callable[..., Source]
):
    rows = {"at": [AT] * 200, "who": [f"C{n}" for n in range(200)], "paid": range(200)}
    parquet(rows | {"x": [[{"a": n}] for n in range(200)]}, row_group_size=50)
    file = tmp_path / "orders.parquet"
    whole = file.read_bytes()
    refused = 0
    for seed in range(200):
        chance = random.Random(seed)
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        declared = source(properties={"x": "x"})
        [part] = parts(declared)
        try:
            for batch in read_part(declared, part):
                assert batch.events.height + batch.rejects.height == batch.records
        except SourceError:
            refused += 1
    assert refused > 100
