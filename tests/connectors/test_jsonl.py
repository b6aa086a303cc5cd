"""A line of JSON is a record: its values exact, its faults its own."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.conftest import Reading

GOOD = '{"at":"2011-11-05","who":"C1","paid":1}'


@pytest.fixture
def jsonl(tmp_path: Path, read: Reading) -> Callable[..., Any]:
    """Read lines: `jsonl(line, line, key=["id"])`."""

    def reading(*lines: str | bytes, **changes: Any) -> Any:
        content = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
        settings = {"format": "jsonl", "path": str(tmp_path / "*.jsonl")} | changes
        return read(content, name="orders.jsonl", **settings)

    return reading


def text_of(found: Any, name: str = "x") -> Any:
    return json.loads(found.events[0]["properties"])[name]


def test_an_object_becomes_an_event_and_keeps_its_line(jsonl: Callable[..., Any]):
    line = '{"at": "2011-11-05T14:30:00+01:00", "who": "Zoë", "paid": 12.50, "more": [1.0]}'
    [event] = jsonl(f"{line}\r").events
    assert event["event_id"] == "shop:orders.jsonl:1"
    assert event["occurred_at"].isoformat() == "2011-11-05T13:30:00+00:00"
    assert (event["customer_id"], event["amount_minor"], event["raw"]) == ("Zoë", 1250, line)


@pytest.mark.parametrize(
    ("number", "minor"),
    [
        ("0.1", 10),
        ("90071992547409.93", 9007199254740993),  # a float would say …992
        ("1e2", 10000),
        ("-2.5E-1", -25),
        ('"12.34"', 1234),
    ],
)
def test_an_amount_is_exactly_what_is_written(jsonl: Callable[..., Any], number: str, minor: int):
    found = jsonl(f'{{"at":"2011-11-05","who":"a","paid":{number}}}')
    assert [event["amount_minor"] for event in found.events] == [minor]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"a"', "a"),
        ('""', None),
        ("null", None),
        ("true", "true"),
        ("1.50", "1.50"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ('[1.50, "é\\n", null, false, {"b": 1E5}]', '[1.50,"é\\n",null,false,{"b":1E5}]'),
        ("{}", "{}"),
    ],
)
def test_a_value_is_the_text_that_it_is_written_as(
    jsonl: Callable[..., Any], value: str, text: str | None
):
    found = jsonl(f'{{"at":"2011-11-05","who":"a","paid":1,"x":{value}}}', properties={"x": "x"})
    assert text_of(found) == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ('"a":{"b":{"c":"deep"}}', "deep"),
        ('"a.b.c":"as a whole","a":{"b":{"c":"deep"}}', "as a whole"),
        ('"a":{"b":5}', None),
        ('"a":[{"b":5}]', None),
        ('"b":5', None),
    ],
)
def test_dots_lead_to_a_nested_field(jsonl: Callable[..., Any], fields: str, text: str | None):
    line = f'{{"at":"2011-11-05","who":"a","paid":1,{fields}}}'
    assert text_of(jsonl(line, properties={"x": "a.b.c"})) == text


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("nothing", None, "is not JSON: Expecting value at character 1"),
        ('{"at":1', None, "is not JSON: Expecting ',' delimiter at character 8"),
        (GOOD + GOOD, None, f"is not JSON: Extra data at character {len(GOOD) + 1}"),
        ("[1]", None, "is not a JSON object"),
        ("5", None, "is not a JSON object"),
        ('{"at":1,"at":2}', None, "names 'at' more than once"),
        ('{"x":{"a":1,"a":1}}', None, "names 'a' more than once"),
        ('{"paid":NaN}', None, "is not JSON: NaN is no number"),
        ('{"a":' * 101 + "1" + "}" * 101, None, "is nested deeper than 100"),
        ("[" * 100_000, None, "is nested deeper than 100"),
        ('{"x":"' + "y" * 4_000_000 + '"}', None, "is longer than 4,000,000 characters"),
        (b'{"at":"2011-11-05","who":"\xff"}', None, "holds bytes that are not of the declared"),
        ('{"who":"\\ud800"}', "who", "holds half of a surrogate pair"),
        ('{"at":"2011-11-05","who":"a\\u0000","paid":1}', "who", "holds a NUL character"),
        ('{"who":"a","paid":1}', "at", "is missing"),
        ('{"at":"2011-11-05","paid":"1,5"}', "paid", "'1,5' is not a number"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str | bytes) else "",
)
def test_a_line_that_is_no_record_is_set_aside_alone(
    jsonl: Callable[..., Any], line: str | bytes, field: str | None, reason: str
):
    found = jsonl(GOOD, "", line, GOOD)
    assert [event["event_id"][-2:] for event in found.events] == [":1", ":3"]
    [reject] = found.rejects
    assert (reject["line"], reject["field"]) == (3, field)
    assert reject["reason"].startswith(reason)


def test_brackets_in_a_text_are_not_depth(jsonl: Callable[..., Any]):
    line = json.dumps({"at": "2011-11-05", "paid": 1, "x": '"[\\' * 500})
    assert len(jsonl(line).events) == 1


@pytest.mark.parametrize(
    "content",
    [codecs.BOM_UTF8 + GOOD.encode(), gzip.compress(GOOD.encode()), GOOD.encode("utf-16")],
    ids=["byte-order mark", "gzip", "UTF-16"],
)
def test_it_is_unpacked_and_decoded_like_csv(jsonl: Callable[..., Any], content: bytes):
    encoding = "utf-16" if content.startswith(b"\xff\xfe") else "utf-8"
    assert len(jsonl(content, encoding=encoding).events) == 1


def test_a_file_of_several_batches_numbers_its_rows_through(jsonl: Callable[..., Any]):
    found = jsonl(*[GOOD] * 50_003)
    assert [event["event_id"] for event in found.events] == [
        f"shop:orders.jsonl:{number}" for number in range(1, 50_004)
    ]


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_file_without_lines_has_no_events(jsonl: Callable[..., Any], content: str):
    found = jsonl(content)
    assert (found.events, found.rejects, found.records) == ([], [], 0)
