"""Numbers and times are read as the source declares them, and never guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.connectors.conftest import Reading

HEAD = "at;who;paid\n"


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "minor"),
    [
        ("12,50", ",", None, 1250),
        ("-0,05", ",", None, -5),
        (",5", ",", None, 50),
        ("1.234.567,8", ",", ".", 123456780),
        ("1234,5", ",", ".", 123450),
        ("1 234,5", ",", " ", 123450),
        ("1\u00a0234\u202f567,5", ",", " ", 123456750),
        ("1,234.5", ".", ",", 123450),
        ("1'234.5", ".", "'", 123450),
    ],
)
def test_an_amount_is_read_as_declared(
    read: Reading, text: str, decimal: str, thousands: str | None, minor: int
):
    found = read(f"{HEAD}2011-11-05;a;{text}\n", delimiter=";", decimal=decimal,
                 thousands=thousands)  # fmt: skip
    assert [event["amount_minor"] for event in found.events] == [minor]


@pytest.mark.parametrize(
    ("text", "thousands"),
    [("12.50", None), ("1.234,5", None), ("1.5", "."), ("12.34,5", "."), ("1.234.5", "."),
     ("1,2,3", None), ("1 234", "."), ("1,234.5", "."), ("x", None)],
)  # fmt: skip
def test_an_amount_written_otherwise_is_set_aside(read: Reading, text: str, thousands: str | None):
    found = read(f"{HEAD}2011-11-05;a;{text}\n", delimiter=";", decimal=",", thousands=thousands)
    [reject] = found.rejects
    assert (reject["field"], reject["value"]) == ("paid", text)
    assert reject["reason"].startswith(f"{text!r} is not a number with decimal ','")


def test_of_several_factors_the_wrong_one_is_named(read: Reading):
    found = read("at;n;price\n2011-11-05;2;1,25\n2011-11-05;2;1.25\n", delimiter=";", decimal=",",
                 customer_id=None, amount={"product": ["n", "price"]})  # fmt: skip
    assert found.events[0]["amount_minor"] == 250
    assert [(reject["line"], reject["field"]) for reject in found.rejects] == [(3, "price")]


def test_numbers_among_the_properties_are_read_so_too(read: Reading):
    kinds = {"n": "integer", "x": "number", "t": "text", "b": "boolean"}
    properties = {name: {"column": name, "type": kind} for name, kind in kinds.items()}
    row = "2011-11-05;a;1;1.000;1.000,5;1.000,5;true"
    found = read(f"at;who;paid;n;x;t;b\n{row}\n{row.replace('1.000;', '1.00;')}\n", delimiter=";",
                 decimal=",", thousands=".", properties=properties)  # fmt: skip
    assert json.loads(found.events[0]["properties"]) == {
        "n": 1000, "x": 1000.5, "t": "1.000,5", "b": True,
    }  # fmt: skip
    assert found.rejects[0]["reason"] == "'1.00' is not of type integer"


# Times


@pytest.mark.parametrize(
    ("text", "forms", "expected"),
    [
        ("05/11/2011 14:30", ["%d/%m/%Y %H:%M", "%Y-%m-%d"], "2011-11-05T14:30"),
        ("2011-11-05", ["%d/%m/%Y %H:%M", "%Y-%m-%d"], "2011-11-05T00:00"),
        ("05/11/2011", ["%d/%m/%Y", "%m/%d/%Y"], "2011-11-05T00:00"),
        ("05/11/2011", ["%m/%d/%Y", "%d/%m/%Y"], "2011-05-11T00:00"),
        ("25/11/2011", ["%m/%d/%Y", "%d/%m/%Y"], "2011-11-25T00:00"),
        ("1320503400", ["epoch_s"], "2011-11-05T14:30"),
        ("1320503400.25", ["epoch_s"], "2011-11-05T14:30:00.250"),
        ("1320503400001", ["epoch_ms"], "2011-11-05T14:30:00.001"),
        ("1.3205034e9", ["%Y", "epoch_s"], "2011-11-05T14:30"),
    ],
)
def test_the_first_format_that_fits_holds(
    read: Reading, text: str, forms: list[str], expected: str
):
    row = f"at,who,paid\n{text},a,1\n"
    at = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    found = read(row, occurred_at={"column": "at", "formats": forms})
    assert [event["occurred_at"] for event in found.events] == [at]
    if len(forms) == 1:
        again = read(row, occurred_at={"column": "at", "format": forms[0]}, timezone="Asia/Tokyo")
        assert [event["occurred_at"] for event in again.events] == [at], "of every zone the same"


@pytest.mark.parametrize(
    "text", ["soon", "nan", "1e99", "1e16", "1e999999999999999999999", "1e-999999999999999999999"]
)
def test_a_time_that_no_format_fits_names_them_all(read: Reading, text: str):
    forms = ["%d/%m/%Y", "epoch_s"]
    found = read(f"at,who,paid\n{text},a,1\n", occurred_at={"column": "at", "formats": forms})
    assert [reject["reason"] for reject in found.rejects] == [
        f"{text!r} is not a time written as %d/%m/%Y or epoch_s"
    ]


def test_a_skipped_hour_is_not_tried_with_the_next_format(read: Reading):
    forms = ["%Y-%m-%d %H:%M", "%Y-%d-%m %H:%M"]
    found = read("at,who,paid\n2011-03-27 01:30,a,1\n", timezone="Europe/London",
                 occurred_at={"column": "at", "formats": forms})  # fmt: skip
    assert "does not exist in Europe/London" in found.rejects[0]["reason"]
