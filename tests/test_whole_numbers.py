"""What is added up as a whole number is one, or its event is set aside with the reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyticspro.config import Home
from analyticspro.connectors import load
from analyticspro.events import SCHEMA, WHOLE, problems
from analyticspro.policy import OWNER
from analyticspro.warehouse.schema import PROMOTED
from analyticspro.workspace import Workspace

SOURCES = """
[sources.shop]
path = "sold.csv"
key = ["id"]
event = "order_placed"
occurred_at = "at"
[sources.shop.properties]
quantity = { column = "quantity", type = "TYPE" }
country = "country"
"""
SOLD = """id,at,quantity,country
1,2024-05-01,3,France
2,2024-05-01,1.5,France
3,2024-05-01,3 pcs,France
4,2024-05-01,,Italy
5,2024-05-01,-2,Italy
"""


def event(*properties: str) -> pl.DataFrame:
    at = datetime(2024, 5, 1, tzinfo=UTC)
    return pl.DataFrame(
        [
            {"event_id": str(n), "name": "sold", "occurred_at": at, "properties": text}
            for n, text in enumerate(properties)
        ],
        schema=SCHEMA,
    )


def test_these_are_the_columns_of_whole_numbers():
    assert set(WHOLE) == {name for name, kind in PROMOTED.items() if kind == "BIGINT"}


@pytest.mark.parametrize(
    "text",
    [
        *('{"quantity": 3}', '{"quantity":-3 }', '{"quantity": "3"}', '{"quantity": 2.0}'),
        *('{"quantity": 1e3}', '{"quantity": null}', "{}", '{"a": {"quantity": 1.5}}'),
        *(r'{"a": "\"quantity\": 1.5"}', '{"quantity": 1.5, "quantity": 2}'),
    ],
)
def test_a_whole_number_is_taken_however_it_is_written(text: str):
    assert problems(event(text)).height == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"quantity": 1.5}', "1.5"),
        ('{"quantity": "1.5"}', "1.5"),
        ('{"quantity": "3 pcs"}', "3 pcs"),
        ('{"quantity": ""}', ""),
        ('{"quantity": true}', "true"),
        ('{"quantity": [1]}', "[1]"),
        ('{"quantity": {"a": 1}}', '{"a":1}'),
        ('{"a": {"quantity": 1}, "quantity": 1.5}', "1.5"),
        (r'{"q\u0075antity": 1.5}', "1.5"),
        ('{"quantity": 1234567890123456789012}', "1.2345678901234568e+21"),
    ],
)
def test_what_is_none_is_told_with_its_value(text: str, value: str):
    [found] = problems(event("{}", text)).rows()
    assert found == (1, "quantity", value, "is not a whole number, as which it is added up")


@pytest.mark.parametrize("name", WHOLE)
def test_each_of_them_is_looked_at(name: str):
    found = problems(event(json.dumps({name: 0.5, "other": 0.5})))
    assert found["field"].to_list() == [name]


def test_an_event_has_one_problem():
    bad = event('{"quantity": 0.5, "bytes_sent": "many"}').with_columns(name=pl.lit("Sold!"))
    assert problems(bad)["field"].to_list() == ["name"]


_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["3", "-3", "+3", " 3 ", "3.", "3.0", "1e2", "0x10", '"quantity": 3,']),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@given(value=_ANY, other=_ANY, is_ascii=st.booleans())
@example(value="3.5", other=None, is_ascii=True)
def test_what_is_taken_is_stored_as_what_was_written(value: object, other: object, is_ascii: bool):
    """Either it is a problem, or the column holds exactly what the JSON says."""
    written = json.dumps({"other": other, "quantity": value}, ensure_ascii=is_ascii)
    try:
        written.encode()
    except UnicodeEncodeError:
        return  # no text that could come in
    if problems(event(written)).height:
        return
    [(stored,)] = duckdb.execute(
        """SELECT TRY(from_json($text, '{"quantity": "BIGINT"}')).quantity""", {"text": written}
    ).fetchall()
    assert stored == (None if value is None else float(str(value)))


@pytest.mark.parametrize("kind", ["text", "number", "integer"])
def test_a_file_has_them_set_aside_and_the_rest_added_up(home: Home, tmp_path: Path, kind: str):
    (tmp_path / "sources.toml").write_text(SOURCES.replace("TYPE", kind))
    (tmp_path / "sold.csv").write_text(SOLD)
    with Workspace.open(home) as workspace:
        sources = load(tmp_path / "sources.toml", {})
        [report] = workspace.sync(sources, progress=lambda _: None)
        aside = workspace.rejects("shop", OWNER)
    assert (report.new, report.rejected) == (3, 2)
    assert [(row["line"], row["value"]) for row in aside] == [(3, "1.5"), (4, "3 pcs")]
    with duckdb.connect(str(home.warehouse_file), read_only=True) as connection:
        rows = connection.execute("SELECT sum(quantity), count(country) FROM events").fetchall()
    assert rows == [(1, 3)]
