"""What is blocked or personal: left out, counted, and shown to nobody."""

from __future__ import annotations

import pytest

from analyticspro.ingest.admission import Admission
from analyticspro.warehouse import BLOCKED, EVERY
from tests.ingest.contracted import AT, PLANS, declare, frame, push, pushed
from tests.ingest.shop import Shop

BLOCKS = [
    pytest.param("email", {"email": "a", "b": 1}, '{"b":1}', id="a property"),
    pytest.param(
        "who.email", {"who": {"email": "a", "b": 1}}, '{"who":{"b":1}}', id="a nested one"
    ),
    pytest.param("who", {"who": {"email": "a"}, "b": 1.50}, '{"b":1.5}', id="a whole object"),
    pytest.param('"a.b"', {"a.b": 1, "a": {"b": 2}}, '{"a":{"b":2}}', id="a key with a dot"),
    pytest.param("a.b", {"a.b": 1, "a": {"b": 2}}, '{"a.b":1,"a":{}}', id="and one without"),
    pytest.param(
        "email",
        '{"\\u0065mail":"a","n":1.0000000000000000001}',
        '{"n":1.0000000000000000001}',
        id="however the key is written",
    ),
    pytest.param("email", '{"email":"a","email":"b"}', "{}", id="however often"),
    pytest.param(
        "email",
        {"text": "email", "list": [{"email": 1}]},
        '{"text": "email", "list": [{"email": 1}]}',
        id="but not what is called otherwise",
    ),
]


@pytest.mark.parametrize(("path", "properties", "left"), BLOCKS)
def test_a_blocked_property_is_left_out(shop: Shop, path: str, properties: object, left: str):
    shop.warehouse.properties.mark("order_placed", path, BLOCKED, at=AT)
    admitted = Admission(shop.warehouse).admit(frame(properties))
    assert admitted.events["properties"].to_list() == [left]
    others = frame(properties, name="page_viewed")
    assert Admission(shop.warehouse).admit(others).events.equals(others)
    shop.warehouse.properties.mark(EVERY, path, BLOCKED, at=AT)
    assert Admission(shop.warehouse).admit(others).events["properties"].to_list() == [left]


RAWS = [
    pytest.param(
        {}, '{"properties": {"email": "x"}, "b": 1}', '{"properties":{},"b":1}', id="deep"
    ),
    pytest.param({}, '{"who.email": "x", "email": "x"}', '{"who.email":"x"}', id="flat"),
    pytest.param({"email": "Mail"}, '{"Mail": "x", "email": 1}', '{"email":1}', id="its column"),
    pytest.param(
        {"email": "who.mail"}, '{"who": {"mail": "x"}}', '{"who":{}}', id="a nested column"
    ),
    pytest.param({}, "GET /?email=x", None, id="no JSON at all"),
]


@pytest.mark.parametrize(("columns", "raw", "left"), RAWS)
def test_a_raw_record_does_not_hold_it_either(
    shop: Shop, columns: dict[str, str], raw: str, left: str | None
):
    shop.warehouse.properties.mark("order_placed", "email", BLOCKED, at=AT)
    events = frame({"email": "x"}, raw=[raw])
    assert Admission(shop.warehouse, columns).admit(events).events["raw"].to_list() == [left]


def test_what_is_left_out_is_counted(shop: Shop):
    shop.warehouse.properties.mark("order_placed", "email", BLOCKED, at=AT)
    push(shop.warehouse, pushed(0, {"email": "a"}), pushed(1, {}), pushed(2, {"email": "b"}))
    push(shop.warehouse, pushed(0, {"email": "a"}), pushed(3, {"email": "c"}))
    found = shop.warehouse.properties.registered()
    assert found.dropped == {("order_placed", "email"): 3}
    assert ("email",) not in found.names["order_placed"].properties
    assert "a" not in str(shop.frame("SELECT properties, raw FROM events").rows())


@pytest.mark.parametrize("mark", ["personal", BLOCKED])
def test_nobody_is_told_the_value_of_a_personal_property(shop: Shop, mark: str):
    shop.warehouse.properties.mark("order_placed", "plan", mark, at=AT)
    declare(shop.warehouse, shop.folder, PLANS)
    push(shop.warehouse, pushed(0, {"plan": "gold"}))
    assert shop.warehouse.properties.breaches()["examples"].to_list() == [[]]
    declare(
        shop.warehouse, shop.folder, f'[contracts.order_placed]\non_violation="reject"\n{PLANS}'
    )
    taken = push(shop.warehouse, pushed(1, {"plan": "gold"}))
    assert taken.problems == {0: ("plan", None, 'is not one of "free", "pro"')}
