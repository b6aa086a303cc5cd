"""A row becomes the event that its source declares, or a reject that says why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from analyticspro.connectors.declaration import Stream
from analyticspro.connectors.mapping import Mapping
from analyticspro.connectors.records import frame
from analyticspro.events import SCHEMA, WriteMode

HEAD = "at,who,paid\n"
Reading = Callable[..., Any]


def rejected(found: Any) -> list[tuple[int, str, str | None, str]]:
    return [(r["line"], r["field"], r["value"], r["reason"]) for r in found.rejects]


def test_a_row_becomes_an_event(read: Reading):
    found = read(HEAD + "2011-11-05 14:30:00,C1,12.50\n")
    assert found.events == [
        {
            "event_id": "shop:orders.csv:1",
            "name": "order_placed",
            "occurred_at": datetime(2011, 11, 5, 14, 30, tzinfo=UTC),
            "customer_id": "C1",
            "user_id": None,
            "session_id": None,
            "amount_minor": 1250,
            "currency": "GBP",
            "properties": "{}",
            "raw": '{"at":"2011-11-05 14:30:00","who":"C1","paid":"12.50"}',
            "version": None,
        }
    ]
    assert list(found.events[0]) == SCHEMA.names()
    assert (found.rejects, found.rounded, found.records) == ([], 0, 1)


def test_a_source_may_have_neither_money_nor_properties(read: Reading):
    found = read("at\n2011-11-05\n2011-11-06\n", customer_id=None, amount=None, currency=None)
    assert [event["properties"] for event in found.events] == ["{}", "{}"]
    assert {(event["amount_minor"], event["currency"]) for event in found.events} == {(None, None)}


@pytest.mark.parametrize(
    ("row", "field", "value", "reason"),
    [
        pytest.param(",C1,1", "at", None, "is missing", id="no time"),
        pytest.param("soon,C1,1", "at", "soon", "'soon' is not an ISO 8601 time", id="bad time"),
        pytest.param("2011-02-29,C1,1", "at", "2011-02-29", "'2011-02-29' is not", id="no day"),
        pytest.param(
            "1969-12-31,C1,1",
            "occurred_at",
            "1969-12-31 00:00:00.000000+00:00",
            "is not between 1970 and 2200",
            id="long ago",
        ),
        pytest.param(
            "9999-12-31T23:59:59-12:00,C1,1",
            "at",
            "9999-12-31T23:59:59-12:00",
            "'9999-12-31T23:59:59-12:00' is out of range",
            id="beyond the calendar",
        ),
        pytest.param("2011-11-05,C1,", "paid", None, "is missing", id="no amount"),
        pytest.param("2011-11-05,C1,x", "paid", "x", "'x' is not a number", id="no number"),
        pytest.param("2011-11-05,C1,NaN", "paid", "NaN", "'NaN' is not a finite number", id="NaN"),
        pytest.param("2011-11-05,C1,1e17", "paid", "1e17", "1E+17 is too large", id="too large"),
        pytest.param(
            "2011-11-05,C1,1e9999999", "paid", "1e9999999", "1e9999999 has too many", id="huge"
        ),
        pytest.param("2011-11-05,C\0,1", "who", "C\0", "holds a NUL character", id="a NUL"),
    ],
)  # fmt: skip
def test_a_bad_value_costs_its_row_and_is_named(
    read: Reading, row: str, field: str, value: str | None, reason: str
):
    found = read(HEAD + f"2011-11-04,C1,1\n{row}\n2011-11-06,C1,1\n")
    [(line, *said, why)] = rejected(found)
    assert (line, *said) == (3, field, value)
    assert why.startswith(reason)
    assert [event["event_id"] for event in found.events] == [
        "shop:orders.csv:1",
        "shop:orders.csv:3",
    ]
    assert json.loads(found.rejects[0]["raw"]) == dict(
        zip(("at", "who", "paid"), (text or None for text in row.split(",")), strict=True)
    )


def test_a_row_with_several_faults_is_rejected_once(read: Reading):
    assert rejected(read(HEAD + "soon,C1,free\n")) == [
        (2, "at", "soon", "'soon' is not an ISO 8601 time")
    ]


# Money


def test_an_amount_is_the_product_of_its_columns(read: Reading):
    found = read("at,n,price\n2011-11-05,-6,2.55\n", customer_id=None,
                 amount={"product": ["n", "price"]})  # fmt: skip
    assert found.events[0]["amount_minor"] == -1530


@pytest.mark.parametrize(
    ("row", "field", "value", "reason"),
    [
        ("x,2", "n", "x", "'x' is not a number"),
        ("2,x", "price", "x", "'x' is not a number"),
        ("2,", "price", None, "is missing"),
        ("1e10,1e10", "n × price", "1e10 × 1e10", "1E+20 is too large for an amount of money"),
    ],
)
def test_of_several_columns_the_wrong_one_is_named(
    read: Reading, row: str, field: str, value: str | None, reason: str
):
    found = read(f"at,n,price\n2011-11-05,{row}\n", customer_id=None,
                 amount={"product": ["n", "price"]})  # fmt: skip
    assert rejected(found) == [(2, field, value, reason)]


def test_a_rounded_amount_is_counted_and_its_given_value_kept(read: Reading):
    found = read(HEAD + "2011-11-05,C1,0.125\n2011-11-05,C1,0.12\n", properties={"customer": "who"})
    assert found.rounded == 1
    assert [event["amount_minor"] for event in found.events] == [12, 12]
    assert [json.loads(event["properties"]) for event in found.events] == [
        {"customer": "C1", "amount_unrounded": "0.125"},
        {"customer": "C1"},
    ]


def test_an_amount_of_a_rejected_row_is_not_counted_as_rounded(read: Reading):
    assert read(HEAD + "soon,C1,0.125\n").rounded == 0


def test_the_currency_may_stand_in_a_column(read: Reading):
    found = read(
        "at,paid,code\n2011-11-05,12,JPY\n2011-11-05,1.2345,KWD\n2011-11-05,1,\n2011-11-05,1,yen\n",
        customer_id=None,
        currency=None,
        amount={"product": ["paid"], "currency_column": "code"},
    )
    assert [(e["amount_minor"], e["currency"]) for e in found.events] == [
        (12, "JPY"),
        (1234, "KWD"),
    ]
    assert rejected(found) == [
        (4, "code", None, "is missing"),
        (5, "code", "yen", "'yen' is not a currency. Write its ISO 4217 code, such as GBP"),
    ]


# Time


@pytest.mark.parametrize(
    ("text", "zone", "form", "instant"),
    [
        ("2011-07-01T12:00", "Europe/London", None, "2011-07-01T11:00"),
        ("2011-07-01T12:00+05:30", "Europe/London", None, "2011-07-01T06:30"),
        ("2011-07-01T12:00Z", "Europe/London", None, "2011-07-01T12:00"),
        ("20110701", "Asia/Tokyo", None, "2011-06-30T15:00"),
        ("01/07/2011 12.00", "UTC", "%d/%m/%Y %H.%M", "2011-07-01T12:00"),
        ("01/07/2011 12.00 +0200", "UTC", "%d/%m/%Y %H.%M %z", "2011-07-01T10:00"),
        ("2011-10-30 01:30", "Europe/London", None, "2011-10-30T00:30"),
    ],
    ids=["summer time", "an offset", "Z", "a day elsewhere", "a format", "a format with an offset",
         "a time that comes twice is the earlier"],
)  # fmt: skip
def test_a_time_is_of_the_declared_zone(
    read: Reading, text: str, zone: str, form: str | None, instant: str
):
    time = {"column": "at"} if form is None else {"column": "at", "format": form}
    found = read(HEAD + f"{text},C1,1\n", timezone=zone, occurred_at=time)
    assert found.events[0]["occurred_at"] == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def test_a_local_time_that_the_clock_skipped_is_rejected(read: Reading):
    found = read(
        HEAD + "2011-03-27T00:59,C1,1\n2011-03-27T01:30,C1,1\n2011-03-27T02:00,C1,1\n",
        timezone="Europe/London",
    )
    reason = "'2011-03-27T01:30' does not exist in Europe/London: the clock was put forward"
    assert rejected(found) == [(3, "at", "2011-03-27T01:30", reason)]
    assert [event["occurred_at"].hour for event in found.events] == [0, 1]


@pytest.mark.parametrize(
    ("text", "zone"), [("0001-01-01", "Asia/Tokyo"), ("9999-12-31T23:59", "America/New_York")]
)
def test_a_local_time_at_the_end_of_the_calendar_is_rejected(read: Reading, text: str, zone: str):
    [(*_, reason)] = rejected(read(HEAD + f"{text},C1,1\n", timezone=zone))
    assert reason == f"{text!r} is out of range"


def test_a_time_not_written_as_declared_says_how_it_should_be(read: Reading):
    time = {"column": "at", "format": "%d/%m/%Y"}
    found = read(HEAD + "2011-11-05,C1,1\n", occurred_at=time)
    assert rejected(found)[0][3] == "'2011-11-05' is not a time written as %d/%m/%Y"


# Names and keys


def test_the_first_rule_that_fits_names_the_event(read: Reading):
    rules = [
        {"name": "order_cancelled", "column": "who", "starts_with": "C"},
        {"name": "order_refunded", "column": "who", "equals": "C9"},
        {"name": "order_returned", "column": "who", "equals": "D"},
    ]
    rows = "".join(f"2011-11-05,{who},1\n" for who in ("C9", "D", "D1", "", "c"))
    names = [event["name"] for event in read(HEAD + rows, event_rules=rules).events]
    assert names == [
        "order_cancelled", "order_returned", "order_placed", "order_placed", "order_placed",
    ]  # fmt: skip


def test_a_natural_key_identifies_a_row_wherever_it_stands(read: Reading):
    found = read(HEAD + "2011-11-05,A:1,1\n2011-11-06,A%3A1,1\n", key=["who"])
    assert [event["event_id"] for event in found.events] == ["shop:A%3A1", "shop:A%253A1"]


def test_a_key_may_have_several_columns(read: Reading):
    found = read(HEAD + "2011-11-05,A,1\n2011-11-05,A,2\n", key=["who", "paid"])
    assert [event["event_id"] for event in found.events] == ["shop:A:1", "shop:A:2"]


def test_a_key_that_is_missing_or_repeated_is_rejected(read: Reading):
    rows = "2011-11-05,A,1\n2011-11-05,,2\n2011-11-05,A,3\n2011-11-05,A,4\n"
    found = read(HEAD + rows, key=["who"])
    assert [event["amount_minor"] for event in found.events] == [100]
    assert rejected(found) == [
        (3, "who", None, "is missing, and it is part of the key"),
        (4, "who", "A", "repeats the key of line 2"),
        (5, "who", "A", "repeats the key of line 2"),
    ]


@pytest.mark.parametrize("name", ["a{b}.csv", "{}.csv", "ü 1%.csv"])
def test_any_file_name_can_be_part_of_an_id(read: Reading, name: str):
    found = read(HEAD + "2011-11-05,C1,1\n", name=name)
    assert found.events[0]["event_id"] == f"shop:{name.replace('%', '%25')}:1"


# Properties


def test_a_property_has_its_declared_type(read: Reading):
    found = read(
        "at,a,b,c,d\n2011-11-05,x,-7,2.50,Yes\n2011-11-05,,,,\n",
        customer_id=None,
        amount=None,
        properties={
            "text": "a",
            "integer": {"column": "b", "type": "integer"},
            "number": {"column": "c", "type": "number"},
            "boolean": {"column": "d", "type": "boolean"},
        },
    )
    first, second = [json.loads(event["properties"]) for event in found.events]
    assert first == {"text": "x", "integer": -7, "number": 2.5, "boolean": True}
    assert second == {"text": None, "integer": None, "number": None, "boolean": None}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "2.5"),
        ("integer", "1_000"),
        ("integer", "9223372036854775808"),
        ("integer", "-" + "9" * 30),
        ("integer", "٣"),
        ("number", "2,5"),
        ("number", "nan"),
        ("number", "1e999"),
        ("number", "1_0.5"),
        ("boolean", "2"),
        ("boolean", "maybe"),
    ],
)
def test_a_property_of_another_type_is_rejected(read: Reading, kind: str, text: str):
    found = read(
        f'at,who,paid,x\n2011-11-05,C1,1,"{text}"\n',
        properties={"x": {"column": "x", "type": kind}},
    )
    assert rejected(found) == [(2, "x", text, f"{text!r} is not of type {kind}")]


def test_the_same_row_is_the_same_event_whatever_stands_beside_it(read: Reading):
    row, other = "2011-11-05,C1,1\n", "2011-11-05,,0.125\n"
    alone = read(HEAD + row, properties={"customer": "who"}).events[0]
    among = read(HEAD + row + other, properties={"customer": "who"}).events[0]
    assert among == alone


@pytest.mark.parametrize("name", ["line", "row", "", "properties", "value"])
def test_a_column_may_have_any_name(read: Reading, name: str):
    found = read(f"at,who,paid,{name}\n2011-11-05,C1,1,x\n", properties={"x": name})
    assert json.loads(found.events[0]["properties"]) == {"x": "x"}
    assert json.loads(found.events[0]["raw"])[name] == "x"


def stream(**changes: Any) -> Stream:
    table = {
        "event": "ticket_updated",
        "occurred_at": "at",
        "key": ["id"],
        "version": "at",
    } | changes
    return Stream.model_validate(table)


def applied(declared: Stream, *records: tuple[str, str]) -> pl.DataFrame:
    rows = frame(["id", "at"], [(n, n, record) for n, record in enumerate(records, 1)])
    return Mapping(declared, "desk", "tickets").apply(rows)[0]


def test_a_record_of_a_stream_may_come_again_with_another_version():
    found = applied(stream(), ("7", "1970-01-01T00:00:01Z"), ("7", "1970-01-01T00:00:02Z"))
    assert found["event_id"].to_list() == ["desk:tickets:7"] * 2
    assert found["version"].to_list() == [1_000_000, 2_000_000]


@pytest.mark.parametrize(
    ("form", "text", "number"), [("number", "12", 12), ("epoch_s", "3", 3_000_000)]
)
def test_a_version_may_be_a_number_or_a_time(form: str, text: str, number: int):
    way = {"column": "at", "format": form}
    declared = stream(version=way, occurred_at={"column": "at", "format": "epoch_s"})
    assert applied(declared, ("7", text))["version"].to_list() == [number]


def test_a_stream_needs_a_key_and_merge_a_version():
    with pytest.raises(ValueError, match="key is missing"):
        stream(key=[])
    with pytest.raises(ValueError, match="needs version"):
        stream(version=None, mode="merge")
    assert stream().write_mode is WriteMode.MERGE
    assert stream(version=None).write_mode is WriteMode.APPEND
