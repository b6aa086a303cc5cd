"""What a statement becomes, and that it means what was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyticspro.errors import DefinitionError, Forbidden, UnknownName
from analyticspro.sql import FUNCTIONS, VIEWS, check, regenerated

EXAMPLES = 150
STATEMENTS = (Path(__file__).parent / "statements.sql").read_text().splitlines()


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory whose tables have both names: those written and those governed."""
    connection = duckdb.connect()
    connection.execute(
        """CREATE TABLE events AS SELECT i AS event_id, 'n' || i % 3 AS name, i % 7 AS amount_minor,
            CASE WHEN i % 4 > 0 THEN 'c' || i % 4 END AS customer_id,
            TIMESTAMP '2024-01-30 22:00:00' + INTERVAL (i * 7) HOUR AS occurred_at,
            '{"a": {"b": ' || i || '}, "a.b": "dotted", "l": [1, ' || i || ']}' AS properties
        FROM range(40) t(i)"""
    )
    connection.execute("CREATE TABLE sessions AS SELECT 'c' || i AS user_id FROM range(3) t(i)")
    connection.execute(
        "CREATE TABLE customers AS SELECT 'c' || i AS customer_id FROM range(5) t(i)"
    )
    for view, governed in VIEWS.items():
        connection.execute(f"CREATE TEMP VIEW {governed} AS FROM {view}")
    yield connection
    connection.close()


def read(connection: duckdb.DuckDBPyConnection, statement: str) -> dict[str, Any]:
    [(tree,)] = connection.execute("SELECT json_serialize_sql($s)", {"s": statement}).fetchall()
    found: dict[str, Any] = json.loads(tree)
    return found


def same(
    connection: duckdb.DuckDBPyConnection, statement: str, values: dict[str, object] | None = None
) -> None:
    """Fail unless the statement and what becomes of it give the same rows, or both an error."""
    made = regenerated(statement, values or {})
    check(read(connection, made))
    try:
        wanted = connection.execute(statement, values).fetchall()
    except duckdb.Error as error:
        with pytest.raises(type(error)):
            connection.execute(made, values)
    else:
        assert repr(connection.execute(made, values).fetchall()) == repr(wanted), made  # nan too


@pytest.mark.parametrize("statement", STATEMENTS)
def test_it_means_what_was_written(statement: str, plain: duckdb.DuckDBPyConnection):
    same(plain, statement)


def test_comments_are_left_out(plain: duckdb.DuckDBPyConnection):
    statement = "SELECT /* events -- */ count(*) -- FROM hot\nFROM events"
    same(plain, statement)
    assert "hot" not in regenerated(statement, {})


COLUMNS = st.sampled_from(["event_id", "amount_minor", "name", "customer_id", "e.event_id"])
NUMBERS = st.one_of(st.integers(-9, 99).map(str), st.sampled_from(["event_id", "amount_minor"]))
TEXTS = st.one_of(
    st.text("ab'\"%_\\-/*;$ .é\n", max_size=5).map(lambda t: "'" + t.replace("'", "''") + "'"),
    st.sampled_from(["name", "customer_id", "properties->>'a.b'", "name || 'x'"]),
)


def joined(operators: list[str], operand: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(operand, st.sampled_from(operators), operand).map(" ".join)


ARITHMETIC = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        joined(["+", "-", "*", "//", "%", "/", "**", "^", "&", "|", "<<"], inner),
        inner.map(lambda e: f"({e})"),
        inner.map(lambda e: f"- {e}"),
        inner.map(lambda e: f"abs({e})"),
        inner.map(lambda e: f"{e}::DOUBLE"),
        st.tuples(inner, inner).map(lambda two: f"coalesce({two[0]}, nullif({two[1]}, 3))"),
    ),
    max_leaves=6,
)
TRUTHS = st.recursive(
    st.one_of(
        joined(["=", "<>", "<", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"], ARITHMETIC),
        joined(["=", "!=", "LIKE", "NOT ILIKE", "<", "~"], TEXTS),
        TEXTS.map(lambda e: f"{e} IS NOT NULL"),
        st.lists(NUMBERS, min_size=1, max_size=3).map(lambda e: f"event_id IN ({', '.join(e)})"),
        st.tuples(NUMBERS, NUMBERS).map(lambda e: f"event_id NOT BETWEEN {e[0]} AND {e[1]}"),
    ),
    lambda inner: st.one_of(
        joined(["AND", "OR"], inner),
        inner.map(lambda e: f"NOT {e}"),
        inner.map(lambda e: f"({e})"),
        st.tuples(inner, inner).map(lambda e: f"CASE WHEN {e[0]} THEN {e[1]} ELSE false END"),
    ),
    max_leaves=5,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(what=st.one_of(ARITHMETIC, TRUTHS, TEXTS), where=TRUTHS, by=COLUMNS)
def test_made_up_statements_mean_what_was_written(
    plain: duckdb.DuckDBPyConnection, what: str, where: str, by: str
):
    same(plain, f"SELECT {what} AS x FROM events e WHERE {where} ORDER BY {by}, event_id")


@pytest.mark.parametrize("operator", ["^@", "@>", "<@", "&&", "~~", "!~~", "~~*"])
def test_an_operator_whose_binding_differs_is_refused(operator: str):
    with pytest.raises(DefinitionError, match="Call its function"):
        regenerated(f"SELECT 'a' {operator} 'b' || 'c'", {})


@settings(max_examples=150, deadline=None)
@given(st.text("select from events(),;'\"$*-/\\.x0 \n[]{}:=<>|&\x00é\ud800", max_size=60))
def test_no_text_does_anything_but_pass_or_be_refused(plain: duckdb.DuckDBPyConnection, text: str):
    try:
        made = regenerated(text, {})
        if made.isprintable():
            check(read(plain, made))
    except (DefinitionError, Forbidden):
        pass


def test_values_are_bound_by_name(plain: duckdb.DuckDBPyConnection):
    same(plain, "SELECT * FROM events WHERE name = $n AND event_id < $m ORDER BY ALL",
         {"n": "n1' OR true --", "m": 9})  # fmt: skip
    for statement, values, cure in [
        ("SELECT $n", {}, r"No value is given for \$n"),
        ("SELECT 1", {"n": 1}, "is given, but"),
        ("SELECT ?", {}, r"write \$country"),
        ("SELECT $1", {}, r"write \$country"),
    ]:
        with pytest.raises(DefinitionError, match=cure):
            regenerated(statement, values)


def test_a_table_that_is_none_suggests_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'events'"):
        regenerated("SELECT * FROM event", {})


def test_every_function_that_may_be_called_is_one_of_duckdbs(plain: duckdb.DuckDBPyConnection):
    found = plain.execute("SELECT function_name FROM duckdb_functions()").fetchall()
    assert FUNCTIONS - {name for (name,) in found} == set()
