"""Every type of every database as text, without loss; and what cannot be read, set aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.sql.conftest import only
from tests.connectors.sql.shop import Shop, Sync, sqlite_shop

AT = "2026-01-01 10:00:00"
# SQL of a value, and the text that it becomes. The zone of the stream is New York's.
POSTGRESQL = {
    "12345678901234567890.123456789012345678::numeric": "12345678901234567890.123456789012345678",
    "'NaN'::numeric": "NaN",
    "9223372036854775807::bigint": "9223372036854775807",
    "0.1::float8": "0.1",
    "1e300::float8": "1e+300",
    "true": "true",
    "false": "false",
    "DATE '2026-02-28'": "2026-02-28",
    "TIMESTAMP '2026-02-28 13:14:15.123456'": "2026-02-28T13:14:15.123456",
    "TIMESTAMPTZ '2026-02-28 13:14:15+05:30'": "2026-02-28T07:44:15Z",
    "'infinity'::timestamptz": "infinity",
    "TIME '13:14:15'": "13:14:15",
    "'\\x00ff41'::bytea": "\\x00ff41",
    "'{\"a\": 1.50}'::json": '{"a": 1.50}',
    "'{\"a\": 1.50}'::jsonb": '{"a": 1.50}',
    "'{1,NULL,3}'::int[]": "[1,null,3]",
    "'{{1.50},{NaN}}'::numeric[]": '[[1.50],["NaN"]]',
    "'{t,f}'::bool[]": "[true,false]",
    "ARRAY['a,b', 'c\"d', NULL, '']": '["a,b","c\\"d",null,""]',
    "ARRAY[TIMESTAMPTZ '2026-02-28 13:14:15+00']": '["2026-02-28T13:14:15Z"]',
    "'00000000-0000-0000-0000-00000000002a'::uuid": "00000000-0000-0000-0000-00000000002a",
    "'10.0.0.1'::inet": "10.0.0.1",
    "INTERVAL '1 day 2 hours'": "P1DT2H",
    "int4range(1, 3)": "[1,3)",
    "'padded'::char(8)": "padded  ",
    "ROW(1, 'x')": "(1,x)",
    "NULL::int": None,
}
MARIADB = {
    "CAST('12345678901234567890.123456789012345678' AS decimal(38, 18))": (
        "12345678901234567890.123456789012345678"
    ),
    "CAST(0 AS decimal(12, 9))": "0.000000000",
    "CAST(18446744073709551615 AS unsigned)": "18446744073709551615",
    "0.1e0": "0.1",
    "1 = 1": "1",
    "b'101'": "\\x05",
    "DATE '2026-02-28'": "2026-02-28",
    "CAST('2026-02-28 13:14:15.123456' AS datetime(6))": "2026-02-28T13:14:15.123456",
    "from_unixtime(0)": "1970-01-01T00:00:00",
    "TIME '113:14:15'": "113:14:15",
    "X'00ff41'": "\\x00ff41",
    "json_object('a', 1.50)": '{"a": 1.50}',
    "NULL": None,
}
SQLITE = {
    "9223372036854775807": "9223372036854775807",
    "0.1": "0.1",
    "1e300": "1e+300",
    "9e999": "inf",
    "'text'": "text",
    "X'00ff41'": "\\x00ff41",
    "NULL": None,
}
VALUES = {"postgresql": POSTGRESQL, "mariadb": MARIADB, "sqlite": SQLITE}


def read(shop: Shop, query: str, *fields: str, **changes: Any) -> Sync:
    """Read a query's rows, which have the columns id and at, and the named ones as text."""
    properties = {f"p{n}": name for n, name in enumerate(fields)}
    stream = {"table": None, "query": query, "updated_at": None, "occurred_at": "at"}
    stream |= {"amount": None, "customer_id": None, "properties": properties}
    sync = shop.sync(stream | {"timezone": "America/New_York"} | changes)
    sync.run()
    return sync


def properties(sync: Sync) -> list[Any]:
    """Return the properties of the only event, in their order."""
    [event] = sync.events.values()
    return list(json.loads(event["properties"]).values())


def test_every_type_is_text(shop: Shop) -> None:
    values = VALUES[shop.kind]
    columns = ", ".join(f"{value} AS c{n}" for n, value in enumerate(values))
    sync = read(
        shop, f"SELECT 1 AS id, '{AT}' AS at, {columns}", *(f"c{n}" for n in range(len(values)))
    )
    assert dict(zip(values, properties(sync), strict=True)) == values


@only("mariadb")
def test_types_of_mariadbs_columns(shop: Shop) -> None:
    shop.run(
        "SET SESSION sql_mode = '', time_zone = '-05:00'",
        "CREATE TABLE kinds (id integer PRIMARY KEY, at timestamp(3), local datetime, flag"
        " tinyint(1), bits bit(1), kind enum('a', 'b'), several set('x', 'y'), zero datetime,"
        " latin varchar(9) CHARACTER SET latin1, fixed binary(3), day date, birth year,"
        " far time, real4 float)",
        "INSERT INTO kinds VALUES (1, '2026-01-01 10:00:00.5', '2026-01-01 10:00:00', 1, b'1',"
        " 'b', 'x,y', '0000-00-00', 'né', 'ab', '0000-00-00', 2026, '-838:59:59', 0.1)",
    )
    names = "at local flag bits kind several zero latin fixed day birth far real4".split()
    sync = read(shop, "SELECT * FROM kinds", *names)
    assert dict(zip(names, properties(sync), strict=True)) == {
        "at": "2026-01-01T15:00:00.500Z",
        "local": "2026-01-01T10:00:00",
        "flag": "1",
        "bits": "1",
        "kind": "b",
        "several": "x,y",
        "zero": "0000-00-00T00:00:00",
        "latin": "né",
        "fixed": "\\x616200",
        "day": "0000-00-00",
        "birth": "2026",
        "far": "-838:59:59",
        "real4": "0.1",
    }


WRONG = {
    "postgresql": [
        ("at", "'infinity'::timestamp", "1.0::numeric", "infinity"),
        ("at", "TIMESTAMP '0044-03-15 BC'", "1.0::numeric", "0044-03-15T00:00:00 BC"),
        ("total", f"TIMESTAMP '{AT}'", "'NaN'::numeric", "NaN"),
        ("total", f"TIMESTAMP '{AT}'", "'Infinity'::float8", "Infinity"),
    ],
    "mariadb": [
        ("at", "", "1.0", "0000-00-00T00:00:00"),
        ("total", f"'{AT}'", "'12 pounds'", "12 pounds"),
    ],
    "sqlite": [
        ("at", "'yesterday'", "1.0", "yesterday"),
        ("total", f"'{AT}'", "'twelve'", "twelve"),
        ("total", f"'{AT}'", "X'00'", "\\x00"),
        ("total", f"'{AT}'", "9e999", "inf"),
    ],
}


def test_what_is_no_time_and_no_number_is_set_aside_with_its_reason(shop: Shop) -> None:
    for field, at, total, shown in WRONG[shop.kind]:
        if shop.kind == "mariadb" and field == "at":
            zero = "INSERT INTO zeros VALUES ('0000-00-00')"
            shop.run("CREATE TABLE zeros (at datetime)", "SET sql_mode = ''", zero)
            at = "(SELECT at FROM zeros)"
        sync = read(shop, f"SELECT 1 AS id, {at} AS at, {total} AS total", amount="total")
        [reject] = sync.rejects
        assert (reject["field"], reject["value"]) == (field, shown)
        assert reject["reason"]
        assert sync.events == {}


def test_local_times_are_of_the_declared_zone(shop: Shop) -> None:
    at = f"TIMESTAMP '{AT}'" if shop.kind == "postgresql" else f"'{AT}'"
    sync = read(shop, f"SELECT 1 AS id, {at} AS at")
    assert f"{sync.events['1']['occurred_at']}" == "2026-01-01 15:00:00+00:00"


def test_dots_lead_into_json(shop: Shop) -> None:
    document = '{"who": {"id": 12345678901234567890, "tags": ["a"]}, "x.y": true}'
    query = f"SELECT 1 AS id, '{AT}' AS at, '{document}' AS doc"
    sync = read(shop, query, "doc.who.id", "doc.who.tags", "doc.x.y", "doc.who.none", "doc.x.z.q")
    assert properties(sync) == ["12345678901234567890", '["a"]', "true", None, None]


@pytest.mark.parametrize("document", ["{", "", "[" * 20_000, '{"a": "\\ud800"}'])
def test_broken_json_costs_its_row_only(shop: Shop, document: str) -> None:
    rows = [f"SELECT 1 AS id, '{AT}' AS at, '{{\"a\": 1}}' AS doc"]
    escaped = document.replace("\\", "\\\\") if shop.kind == "mariadb" else document
    rows.append(f"SELECT 2, '{AT}', '{escaped}'")
    sync = read(shop, " UNION ALL ".join(rows), "doc.a")
    assert set(sync.events) == ({"1"} if document else {"1", "2"})
    assert len(sync.rejects) == len([document] if document else [])


HOSTILE = 'it\'s "x"; DROP TABLE orders; --\n%(a)s :b \\ %s ? $1 é 中 🙂'


def test_hostile_values_come_whole(shop: Shop) -> None:
    shop.orders((1, AT, "1"), (2, AT, "2"))
    place = "?" if shop.kind == "sqlite" else "%s"
    connection = shop.connect()
    cursor = connection.cursor()
    cursor.execute(f"UPDATE orders SET customer = {place}", (HOSTILE[:40],))
    connection.commit()
    connection.close()
    sync = shop.sync({"key": ["customer", "id"]}, page_rows=1)
    sync.run()
    assert [event["customer_id"] for event in sync.events.values()] == [HOSTILE[:40]] * 2


@pytest.mark.parametrize("name", [HOSTILE[:60], 'a"b`c', "select", "CamelCase"])
def test_hostile_names_are_quoted(shop: Shop, name: str) -> None:
    def quoted(text: str) -> str:
        mark = "`" if shop.kind == "mariadb" else '"'
        return mark + text.replace(mark, 2 * mark) + mark

    if shop.kind == "mariadb":  # which allows no such character in a name
        name = name.replace("🙂", "")
    table, column = quoted(f"{name}t"), quoted(f"{name}c")
    shop.run(
        f"CREATE TABLE {table} ({column} {shop.instant} NOT NULL, id integer NOT NULL)",
        *(f"INSERT INTO {table} VALUES ('{AT}', {n})" for n in range(3)),
    )
    stream = {"table": [f"{name}t"], "updated_at": f"{name}c", "occurred_at": f"{name}c"}
    stream |= {"amount": None, "customer_id": None, "properties": {"p": f"{name}c"}}
    sync = shop.sync(stream, page_rows=2)
    assert sync.run() == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", [9007199254740993, 9007199254740994, 9223372036854775807, -1]),
        ("numeric(30, 10)", ["9007199254740993.0000000001", "9007199254740993.0000000002", "-1"]),
        ("varchar(20)", ["", "A", "a'b", "b", "\\", "é", "🙂"]),
        ("double precision", [0.1, 0.30000000000000004, -1e300, 1e300]),
    ],
)
def test_keys_of_every_type_are_read_on_exactly(shop: Shop, kind: str, values: list[Any]) -> None:
    if shop.kind == "sqlite" and kind.startswith("numeric"):
        values = [float(value) for value in values[1:]]
    place = "?" if shop.kind == "sqlite" else "%s"
    shop.run(f"CREATE TABLE keyed (k {kind} NOT NULL PRIMARY KEY, at {shop.instant} NOT NULL)")
    connection = shop.connect()
    for value in values:
        connection.cursor().execute(f"INSERT INTO keyed VALUES ({place}, '{AT}')", (value,))
    connection.commit()
    connection.close()
    stream = {"table": "keyed", "key": ["k"], "occurred_at": "at", "amount": None}
    for updated_at in ("at", None):
        more = {"customer_id": None, "properties": {}, "updated_at": updated_at}
        sync = shop.sync(stream | more, page_rows=1)
        sync.run()
        assert len(sync.read) + len(sync.rejects) == len(values)
        assert len(set(sync.read)) == len(sync.read)
        assert len(sync.rejects) == ("" in values)


def test_binary_keys_are_read_on(shop: Shop) -> None:
    kind = {"postgresql": "bytea", "mariadb": "binary(2)", "sqlite": "blob"}[shop.kind]
    binary = "'\\x{}'::bytea" if shop.kind == "postgresql" else "X'{}'"
    shop.run(
        f"CREATE TABLE keyed (k {kind} NOT NULL PRIMARY KEY, at {shop.instant} NOT NULL)",
        *(
            f"INSERT INTO keyed VALUES ({binary.format(v)}, '{AT}')"
            for v in ("00ff", "2527", "ff00")
        ),
    )
    stream = {"table": "keyed", "key": ["k"], "occurred_at": "at", "updated_at": "at"}
    sync = shop.sync(stream | {"amount": None, "customer_id": None, "properties": {}}, page_rows=1)
    assert sync.run() == ["\\x00ff", "\\x2527", "\\xff00"]


def test_sqlite_holds_any_type_anywhere(tmp_path: Path) -> None:
    shop = sqlite_shop(tmp_path / "any.sqlite")
    shop.run(
        "CREATE TABLE orders (id, created_at, updated_at, total, customer, status)",
        f"INSERT INTO orders VALUES (1, '{AT}', '{AT}', 1, 'a', NULL), "
        f"('one', '{AT}', '{AT}', 2.5, 'a', NULL), (X'01', '{AT}', '{AT}', '3', 'a', NULL), "
        f"(1.5, '{AT}', '{AT}', 1, CAST(X'ff' AS text), NULL), "
        f"(4, '{AT}', 17, 1, 'a', NULL), (5, '{AT}', X'00', 1, 'a' || char(0), NULL)",
    )
    sync = shop.sync(page_rows=1)
    sync.run()
    assert sync.totals() == {"4": 100, "1": 100, "one": 250, "\\x01": 300}
    assert [row["reason"] for row in sync.rejects] == [
        "holds bytes that are no text",
        "holds a NUL character",
    ]


def test_a_query_may_hold_what_sqlalchemy_would_take_for_its_own(shop: Shop) -> None:
    query = f"""
        -- every order: once
        SELECT 1 AS id, '{AT}' AS at, ':name 12:30 %(x)s %' AS a, 5 % 3 AS b, '{{"k":"v"}}' AS c
        -- and a comment at the end;"""
    if shop.kind == "postgresql":
        query = query.replace("5 % 3", "'5'::int % 3")
    assert properties(read(shop, query, "a", "b", "c")) == [":name 12:30 %(x)s %", "2", '{"k":"v"}']
