"""`analyticspro schema`: what properties there are, and what is decided on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.config import Home
from tests.api.server import serving
from tests.cli.terminal import Done, run

ORDERS = """\
{"id": 1, "at": "2026-01-05T10:00:00Z", "price": "5", "email": "ann@x.example"}
{"id": 2, "at": "2026-01-06T11:00:00Z", "price": "12", "email": "bob@x.example"}
{"id": 3, "at": "2026-02-07T12:00:00Z", "price": "700"}
"""
SOURCES = """\
[sources.shop]
path = "*.jsonl"
format = "jsonl"
settled_for = 0
event = "order_placed"
occurred_at = "at"
[sources.shop.properties]
price = {column = "price", type = "integer"}
email = "email"
"""
CONTRACTS = """\
[contracts.order_placed.properties]
price = {maximum = 500}
"""


@pytest.fixture(params=["alone", "through the api"])
def workspace(request: pytest.FixtureRequest, home: Home) -> Iterator[Path]:
    """A workspace, whether the services run or not."""
    home.prepare()
    (home.path / "orders.jsonl").write_text(ORDERS)
    (home.path / "sources.toml").write_text(SOURCES)
    if request.param == "alone":
        yield home.path
    else:
        with serving(home):
            yield home.path


def schema(home: Path, *words: str) -> Done:
    done = run("schema", *words, home=home)
    assert done.code == 0, done.err
    return done


def test_the_properties_are_shown_tagged_blocked_and_checked(workspace: Path):
    assert "No event was stored yet" in schema(workspace).err
    schema(workspace, "block", "order_placed.email")
    (workspace / "contracts.toml").write_text(CONTRACTS)
    synced = run("sources", "sync", home=workspace)
    assert synced.code == 0, synced.err

    shown = schema(workspace)
    assert shown.out.startswith("order_placed: 3 events, 2026-01-05 to 2026-02-07\n")
    [price] = [line.split() for line in shown.out.splitlines() if line.startswith("price")]
    assert price[1:7] == ["integer", "100.0%", "3", "2026-01-05", "2026-02-07", "—"]
    assert sorted(" ".join(price[7:]).split(", ")) == ["12", "5", "700"]
    assert "x.example" not in shown.out
    assert "order_placed.email is blocked, left out of 2 events." in shown.err

    checked = schema(workspace, "check")
    assert "order_placed.price  is more than 500       1" in checked.out
    assert "Contracts in force: order_placed." in checked.err

    schema(workspace, "tag", "order_placed.price", "personal", "revenue")
    schema(workspace, "unblock", "order_placed.email")
    found = json.loads(schema(workspace, "order_placed", "--format", "json").out)
    [event] = found["events"]
    [price] = [each for each in event["properties"] if each["path"] == "price"]
    assert (price["tags"], price["examples"]) == (["personal", "revenue"], [])
    assert (price["types"], price["fill_rate"], price["distinct"]) == ({"integer": 3}, 1.0, 3)
    schema(workspace, "untag", "order_placed.price", "personal")
    found = json.loads(schema(workspace, "--format", "json").out)
    assert [mark["tag"] for mark in found["marks"]] == ["revenue"]


def test_a_property_is_promoted_asked_by_and_demoted(workspace: Path):
    assert run("sources", "sync", home=workspace).code == 0
    told = schema(workspace, "promote", "order_placed.price", "--as", "asked").err
    assert "order_placed.price is the dimension asked." in told
    shown = schema(workspace)
    [price] = [line.split() for line in shown.out.splitlines() if line.startswith("price")]
    assert "by:asked" in price
    assert "order_placed.price is the dimension asked.\n" in shown.err

    asked = run("query", "events", "--by", "asked", "--format", "csv", home=workspace)
    assert asked.code == 0, asked.err
    assert asked.out.splitlines() == ["asked,events", "12,1", "5,1", "700,1"]
    listed = run("metrics", home=workspace).out
    assert "The property price of order_placed." in listed

    assert "asked is no dimension any more" in schema(workspace, "demote", "asked").err
    asked = run("query", "events", "--by", "asked", home=workspace)
    assert asked.code == 2
    assert "No dimension 'asked'." in asked.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope"], "No event 'nope'. There is none yet."),
        (["tag", "price", "personal"], "'price' names no property of an event."),
        (["tag", "order_placed.price", "Big"], "'Big' is no tag."),
        (["tag", "order_placed.a..b", "personal"], "'a..b' names no property."),
        (["tag", "Order.price", "personal"], "'Order' cannot name an event."),
        (["untag", "order_placed.price", "personal"], "No tag 'personal' in order_placed.price."),
        (["promote", "price"], "'price' names no property of an event."),
        (["promote", "order_placed.price"], "No event 'order_placed'. There is none yet."),
        (["demote", "price"], "No promoted dimension 'price'. There is none yet."),
        (["unblock", "*.ip"], "No blocked property '*.ip'. There is none yet."),
        (["check"], "contracts.toml, [contracts.order_placed]: properties is missing."),
    ],
)
def test_what_cannot_be_is_told_with_its_cure(home: Home, words: list[str], message: str):
    (home.path / "contracts.toml").write_text("[contracts.order_placed]")
    done = run("schema", *words, home=home.path)
    assert done.code == 2
    assert message in done.err


def test_a_wrong_contract_stops_a_sync_before_it_begins(home: Home):
    (home.path / "sources.toml").write_text(SOURCES)
    (home.path / "orders.jsonl").write_text(ORDERS)
    (home.path / "contracts.toml").write_text("[contracts.order_placed]")
    done = run("sources", "sync", home=home.path)
    assert done.code == 2
    assert "properties is missing" in done.err
