"""What sources may say to the machine, and what is made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import polars as pl
from hypothesis import strategies as st

from analyticspro.events import SCHEMA, WriteMode
from tests.warehouse.plain import Record

__all__ = [
    "AMOUNTS",
    "BEFORE",
    "LINES",
    "MAPPING",
    "MOMENTS",
    "NUMBERS",
    "PEOPLE",
    "ROWS",
    "SAID",
    "STREAMS",
    "Line",
    "Said",
    "at",
    "csv_line",
    "frame",
    "json_line",
    "record",
    "streamed",
]

START = datetime(2011, 11, 1, tzinfo=UTC)
STREAMS = {"orders": WriteMode.MERGE, "visits": WriteMode.APPEND}
Said: TypeAlias = tuple[int, str, int]  # when (minutes since START), who, how much
Line: TypeAlias = tuple[int, Said, int, bool]  # id, what it says, version, whether it is odd

# Ends of hours, days and months, and what is less than half an hour apart and a bit more.
MOMENTS = st.builds(
    lambda day, minute: day * 1440 + minute,
    st.sampled_from([0, 1, 6, 7, 29, 30, 31, 61, 75]),
    st.sampled_from([0, 1, 29, 30, 31, 60, 1410, 1439]),
)
PEOPLE = st.sampled_from(["Ann", "Bob", "Cid"])
AMOUNTS = st.sampled_from([100, 250, -50])
SAID: st.SearchStrategy[Said] = st.tuples(MOMENTS, PEOPLE, AMOUNTS)
# Of a file: a row, or whose row it is that cannot be read.
ROWS = st.lists(SAID | PEOPLE, max_size=4)
NUMBERS = st.integers(1, 4)
LINES: st.SearchStrategy[Line] = st.tuples(NUMBERS, SAID, NUMBERS, st.booleans())
BEFORE = st.sampled_from([datetime(2011, 12, 1), datetime(2012, 1, 1), datetime(2012, 2, 1)]).map(
    lambda day: day.replace(tzinfo=UTC)
)

# How the streams are mapped; with the second, odd times can be read, too.
MAPPING: dict[bool, dict[str, Any]] = {
    False: {"user_id": "who"},
    True: {
        "user_id": "who",
        "occurred_at": {"column": "at", "formats": ["%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y %H:%M"]},
    },
}


def at(moment: int) -> datetime:
    return START + timedelta(minutes=moment)


def record(event_id: str, said: Said, *, tag: str = "", version: int | None = None) -> Record:
    moment, who, amount = said
    raw = json.dumps([event_id, moment, who, amount, tag])
    return Record(event_id, (who, amount), version, raw, at(moment))


def streamed(stream: str, line: Line) -> Record:
    number, said, version, is_odd = line
    if stream == "orders":
        return record(f"till:{stream}:{number}", said, version=version)
    # The visits' raw record holds what became no field of the event, too.
    made = record(f"till:{stream}:{number}", said, tag=f"{version} {is_odd}")
    return Record(made.id, (said[1], None), None, made.raw, made.at)


def csv_line(row: Said | str) -> str:
    if isinstance(row, str):
        return f"1,soon,{row},1"
    moment, who, amount = row
    return f"1,{at(moment):%Y-%m-%dT%H:%M:%SZ},{who},{amount / 100}"


def json_line(line: Line) -> dict[str, Any]:
    number, (moment, who, amount), version, is_odd = line
    when = at(moment).strftime("%d/%m/%Y %H:%M" if is_odd else "%Y-%m-%dT%H:%M:%SZ")
    return {"id": str(number), "at": when, "who": who, "paid": str(amount / 100), "n": str(version)}


def frame(records: list[Record]) -> pl.DataFrame:
    """Return events as they are pushed."""
    return pl.DataFrame(
        [
            {
                "event_id": one.id, "name": "order_placed", "occurred_at": one.at,
                "customer_id": one.payload[0], "user_id": one.payload[0],
                "amount_minor": one.payload[1], "currency": "GBP",
                "properties": "{}", "raw": one.raw,
            }
            for one in records
        ],
        schema=SCHEMA,
    )  # fmt: skip
