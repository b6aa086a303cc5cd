"""Contracts and blocked properties: the same for files, streams and what is pushed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyticspro.connectors import parse
from analyticspro.errors import DefinitionError
from analyticspro.ingest import replay, sync
from analyticspro.ingest.checking import broken
from analyticspro.ingest.contracts import load, read, written
from analyticspro.warehouse import BLOCKED, Outcome
from tests.ingest.contracted import AT, PLANS, declare, frame, push, pushed
from tests.ingest.shop import Shop
from tests.local import NoSecrets

# Which of the values of `x` break the rule; `...`: there is no x.
VALUES = ["pro", "", 5, 5.0, 5.5, -3, True, None, ..., {"a": 1}, [1]]
RULES = [
    ("required = true", [None, ...]),
    ('type = "text"', [5, 5.0, 5.5, -3, True, {"a": 1}, [1]]),
    ('type = "integer"', ["pro", "", 5.5, True, {"a": 1}, [1]]),
    ('type = "number"', ["pro", "", True, {"a": 1}, [1]]),
    ('type = "boolean"', ["pro", "", 5, 5.0, 5.5, -3, {"a": 1}, [1]]),
    ('type = "object"', ["pro", "", 5, 5.0, 5.5, -3, True, [1]]),
    ('type = "array"', ["pro", "", 5, 5.0, 5.5, -3, True, {"a": 1}]),
    ('allowed = ["pro", 5, true]', ["", 5.5, -3, {"a": 1}, [1]]),
    ("allowed = [false, 5.5]", ["pro", "", 5, 5.0, -3, True, {"a": 1}, [1]]),
    ('pattern = "^p"', [""]),
    ("minimum = 5", [-3]),
    ("maximum = 5", [5.5]),
    ('required = true, type = "text", pattern = "o$"', VALUES[1:]),
]


@pytest.mark.parametrize("many", [1, 100], ids=["few", "many"])
@pytest.mark.parametrize(("rule", "wrong"), RULES)
def test_a_rule_tells_what_breaks_it(shop: Shop, rule: str, wrong: list[Any], many: int):
    declare(shop.warehouse, shop.folder, f"[contracts.order_placed.properties]\nx = {{{rule}}}")
    contracts = read(shop.warehouse.properties.contracts())
    events = frame(*([{} if each is ... else {"x": each} for each in VALUES] * many))
    found = broken(events, contracts, shop.warehouse.properties.values)
    rows = {row % len(VALUES) for row in found["row"]}
    assert [repr(VALUES[row]) for row in sorted(rows)] == [repr(each) for each in wrong]
    assert found.height == len(wrong) * many
    assert found["row"].is_sorted()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.sampled_from([0.5, -2.0, 12345.678])
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab0"), inner, max_size=2)
    ),
    max_leaves=5,
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("ab"), JSON, max_size=2), min_size=1, max_size=8))
def test_few_and_many_are_read_alike(objects: list[dict[str, Any]]):
    import duckdb

    from analyticspro.warehouse.json_values import _FEW, json_values

    texts = pl.Series([json.dumps(each) for each in objects])
    paths = [("a",), ("b",), ("a", "b"), ("a", "0"), ("b", "a", "b")]
    with duckdb.connect() as connection:
        few = json_values(connection, texts, paths)
        many = json_values(connection, pl.concat([texts] * (_FEW + 1)), paths)
    for here, there in zip(few, many, strict=True):
        assert there.head(len(texts)).rows() == here.rows()


def test_what_is_rejected_of_a_file_is_set_aside_with_its_line_and_comes_back(shop: Shop):
    shop.write("1,2026-01-01,ann,1,pro", "2,2026-01-02,bob,2,gold", head="id,at,who,paid,plan")
    source = {"properties": {"plan": "plan"}}
    declare(
        shop.warehouse, shop.folder, f'[contracts.order_placed]\non_violation="reject"\n{PLANS}'
    )
    report = shop.sync(**source)
    assert (report.new, report.rejected) == (1, 1)
    assert shop.rejects() == [("orders.csv", 3, "plan", "gold")]
    assert shop.frame("SELECT reason, raw FROM rejects").row(0) == (
        'is not one of "free", "pro"',
        '{"id":"2","at":"2026-01-02","who":"bob","paid":"2","plan":"gold"}',
    )
    assert shop.sync(**source).read == 0
    # Another contract has the file read again, by itself.
    declare(shop.warehouse, shop.folder, PLANS.replace('"pro"', '"pro", "gold"'))
    report = shop.sync(**source)
    assert (report.read, report.new, report.unchanged, report.rejected) == (1, 1, 1, 0)
    assert shop.rejects() == []
    assert shop.live() == ["ann", "bob"]


def test_a_stricter_contract_takes_out_of_a_file_what_it_forbids(shop: Shop):
    shop.write("1,2026-01-01,ann,1,pro", "2,2026-01-02,bob,2,gold", head="id,at,who,paid,plan")
    source = {"properties": {"plan": "plan"}}
    assert shop.sync(**source).new == 2
    declare(
        shop.warehouse, shop.folder, f'[contracts.order_placed]\non_violation="reject"\n{PLANS}'
    )
    report = shop.sync(**source)
    assert (report.unchanged, report.retracted, report.rejected) == (1, 1, 1)
    assert shop.live() == ["ann"]


def test_a_warning_is_stored_and_counted_once(shop: Shop):
    shop.write("1,2026-01-01,ann,1,pro", "2,2026-01-02,bob,2,gold", head="id,at,who,paid,plan")
    source = {"properties": {"plan": "plan"}}
    declare(shop.warehouse, shop.folder, PLANS)
    assert shop.sync(**source).new == 2
    shop.write("1,2026-01-01,ann,1,pro", "2,2026-01-02,bob,2,gold", head="id,at,who,paid,plan")
    shop.write("3,2026-01-03,eve,3,tin", name="z.csv", head="id,at,who,paid,plan")
    assert shop.sync(**source).new == 1
    [breach] = shop.warehouse.properties.breaches().drop("first_at", "last_at").rows(named=True)
    assert breach == {
        "source": "shop",
        "name": "order_placed",
        "path": "plan",
        "reason": 'is not one of "free", "pro"',
        "events": 2,
        "examples": ["gold", "tin"],
    }


def test_what_is_pushed_is_held_to_the_same(shop: Shop):
    declare(
        shop.warehouse,
        shop.folder,
        f'[contracts.order_placed]\non_violation = "reject"\n{PLANS}n = {{required = true}}\n',
    )
    taken = push(
        shop.warehouse,
        pushed(0, {"plan": "pro", "n": 1}),
        ("", *pushed(1, {"plan": "pro"})[1:]),
        pushed(2, {"plan": "gold"}),
        pushed(3, {"plan": "free", "n": 2}),
    )
    assert taken.outcomes == [Outcome.NEW, None, None, Outcome.NEW]
    assert taken.problems == {
        1: ("event_id", "", "is missing"),
        2: ("plan", "gold", 'is not one of "free", "pro"'),
    }
    aside = shop.frame("SELECT field, value, raw FROM rejects WHERE field = 'plan'").rows()
    assert aside == [("plan", "gold", '{"properties": {"plan": "gold"}}')]


def test_a_stream_is_held_to_the_same_and_can_be_replayed(shop: Shop, tmp_path: Path):
    database = tmp_path / "shop.db"
    _fill(database, (1, "pro", "a@x"), (2, "gold", "b@x"))
    source = parse(
        {
            "name": "shop",
            "connector": "sql",
            "url": f"sqlite:///{database}",
            "streams": {
                "orders": {
                    "table": "orders",
                    "key": ["id"],
                    "updated_at": "at",
                    "event": "order_placed",
                    "occurred_at": "at",
                    "properties": {"plan": "plan", "email": "mail"},
                }
            },
        },
        "shop",
    )
    declare(
        shop.warehouse, shop.folder, f'[contracts.order_placed]\non_violation="reject"\n{PLANS}'
    )
    shop.warehouse.properties.mark("order_placed", "email", BLOCKED, at=AT)
    warehouse, progress = shop.warehouse, shop.progress.append
    report = sync(source, warehouse, secrets=NoSecrets(), progress=progress)
    assert (report.error, report.new, report.rejected) == (None, 1, 1)
    held = shop.frame("SELECT properties, raw FROM events").rows()
    held += shop.frame("SELECT value, raw FROM rejects").rows()
    assert "@x" not in str(held)
    declare(shop.warehouse, shop.folder, "")
    report = replay(source, warehouse, secrets=NoSecrets(), progress=progress)
    assert (report.error, report.new, report.rejected) == (None, 1, 0)
    assert shop.live("properties") == ['{"plan":"pro"}', '{"plan":"gold"}']


def _fill(database: Path, *rows: tuple[object, ...]) -> None:
    import sqlite3

    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, at TEXT, plan TEXT, mail TEXT)"
        )
        connection.executemany("INSERT INTO orders VALUES (?, '2026-01-01 10:00:00', ?, ?)", rows)
    connection.close()


HEAD = "[contracts.order_placed.properties]\n"
MISTAKES = [
    ("x = 1", "No table 'x' in {file}. Known: contracts."),
    ("contracts = 5", "{file}: contracts must be tables, each headed [contracts.EVENT]."),
    ("[contracts]\na = 1", "{file}, [contracts.a]: is 1: must be a table of settings."),
    (
        "[contracts.Bad]",
        "{file}, [contracts.Bad]: 'Bad' cannot name an event. Use small letters, digits and "
        "underscores, in the past tense, such as order_placed.",
    ),
    ("[contracts.order_placed]", "{file}, [contracts.order_placed]: properties is missing."),
    (
        f'[contracts.order_placed]\non_violation = "drop"\n{HEAD}a = {{required = true}}',
        "{file}, [contracts.order_placed]: on_violation is 'drop': Input should be 'warn' or "
        "'reject'.",
    ),
    (
        HEAD + "a = {requird = true}",
        "No setting 'requird' in {file}, [contracts.order_placed], properties.a. "
        "Did you mean 'required'?",
    ),
    (
        HEAD + 'a = {pattern = "(?=x)"}',
        "{file}, [contracts.order_placed]: properties.a.pattern is '(?=x)': is no pattern of "
        "Rust's regex: look-around, including look-ahead and look-behind, is not supported.",
    ),
    (
        HEAD + "a = {minimum = 3, maximum = 2}",
        "{file}, [contracts.order_placed]: properties.a minimum 3 is more than maximum 2.",
    ),
    (
        HEAD + '"a..b" = {required = true}',
        "{file}, [contracts.order_placed]: 'a..b' names no property. Write keys with dots "
        'between, such as context.ip; a key that has a dot itself in quotes: context."a.b".',
    ),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str):
    file = tmp_path / "contracts.toml"
    file.write_text(text)
    with pytest.raises(DefinitionError) as caught:
        load(file)
    assert str(caught.value) == message.format(file=file)


def test_without_a_file_there_is_no_contract(tmp_path: Path):
    assert load(tmp_path / "contracts.toml") == {}
    assert read(written({})) == {}
