"""Only a sound event gets in, and its id tells it from all others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.errors import DefinitionError
from analyticspro.events import PROBLEMS, SCHEMA, check_name, event_id, problems

SOUND: dict[str, Any] = {
    "event_id": "shop:orders.csv:1",
    "name": "order_placed",
    "occurred_at": datetime(2011, 11, 5, 14, 30, tzinfo=UTC),
    "customer_id": None,
    "user_id": None,
    "session_id": None,
    "amount_minor": -1530,
    "currency": "GBP",
    "properties": "{}",
    "raw": None,
}


def events(*changes: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([SOUND | change for change in changes], schema=SCHEMA)


def test_a_sound_event_has_no_problem():
    found = problems(events({}, {"amount_minor": None, "currency": None}))
    assert found.schema == PROBLEMS
    assert found.height == 0


@pytest.mark.parametrize(
    ("change", "field", "value", "reason"),
    [
        ({"event_id": ""}, "event_id", "", "is missing"),
        ({"event_id": None}, "event_id", None, "is missing"),
        ({"event_id": "ü" * 257}, "event_id", "ü" * 257, "is longer than 512 bytes"),
        ({"name": "Order Placed"}, "name", "Order Placed", "is not an event name"),
        ({"name": "order_placed\n"}, "name", "order_placed\n", "is not an event name"),
        ({"name": None}, "name", None, "is not an event name"),
        ({"occurred_at": None}, "occurred_at", None, "is missing"),
        (
            {"occurred_at": datetime(1969, 12, 31, 23, 59, tzinfo=UTC)},
            "occurred_at",
            "1969-12-31 23:59:00.000000+00:00",
            "is not between 1970 and 2200",
        ),
        (
            {"occurred_at": datetime(2200, 1, 1, 0, 1, tzinfo=UTC)},
            "occurred_at",
            "2200-01-01 00:01:00.000000+00:00",
            "is not between 1970 and 2200",
        ),
        ({"currency": None}, "currency", None, "an amount needs a currency"),
        ({"currency": "gbp"}, "currency", "gbp", "is not an ISO 4217 code"),
        ({"currency": "GBP "}, "currency", "GBP ", "is not an ISO 4217 code"),
    ],
    ids=lambda value: "" if isinstance(value, str | None) else next(iter(value)),
)
def test_a_problem_names_row_field_value_and_reason(
    change: dict[str, Any], field: str, value: str | None, reason: str
):
    [found] = problems(events({}, change, {})).to_dicts()
    assert found["row"] == 1
    assert (found["field"], found["value"]) == (field, value)
    assert found["reason"].startswith(reason)


def test_a_row_has_one_problem_the_first():
    found = problems(events({"event_id": "", "name": "No"}, {"name": "No", "currency": "x"}))
    assert found["row"].to_list() == [0, 1]
    assert found["field"].to_list() == ["event_id", "name"]


@given(st.lists(st.text(":%3A25a", max_size=4), min_size=1, max_size=3), st.data())
def test_no_two_lists_of_parts_share_an_id(parts: list[str], data: st.DataObject):
    others = data.draw(st.lists(st.text(":%3A25a", max_size=4), min_size=1, max_size=3))
    assert (event_id("shop", *parts) == event_id("shop", *others)) == (parts == others)


@pytest.mark.parametrize("name", ["Order", "1st", "order-placed", "", "a" * 101, "order\n", "é"])
def test_a_name_that_cannot_be_one_is_refused_with_an_example(name: str):
    with pytest.raises(DefinitionError, match="such as order_placed"):
        check_name(name)


def test_a_name_that_can_be_one_is_given_back():
    assert check_name("order_placed_2") == "order_placed_2"
