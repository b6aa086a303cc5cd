"""sources.toml means what it says; a mistake in it is named with its place and the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import Source, load, parse
from analyticspro.connectors.declaration import Amount, EventRule, Property, Time
from analyticspro.errors import AnalyticsProError, SettingError, UnknownName

LEAST = """
[sources.shop]
path = "orders/*.csv"
event = "order_placed"
occurred_at = "at"
"""


def written(folder: Path, text: str, **environment: str) -> list[Source]:
    (folder / "sources.toml").write_text(text, encoding="utf-8")
    return load(folder / "sources.toml", environment)


def test_the_least_that_can_be_said_has_defaults_for_the_rest(tmp_path: Path):
    [source] = written(tmp_path, LEAST)
    assert source.name == "shop"
    assert source.path == str(tmp_path / "orders/*.csv")
    assert source.occurred_at == Time(column="at")
    assert (source.encoding, source.delimiter, source.timezone) == ("utf-8", ",", "UTC")
    assert (source.key, source.event_rules, source.amount, source.properties) == ((), (), None, {})
    assert source.columns() == {"at"}


def test_short_forms_mean_the_long_ones(tmp_path: Path):
    short, long = written(
        tmp_path,
        """
        [sources.shop]
        path = "*.csv"
        event = "order_placed"
        currency = "GBP"
        occurred_at = "at"
        amount = "paid"
        properties = { country = "Land" }

        [sources.same]
        path = "*.csv"
        event = "order_placed"
        currency = "GBP"
        occurred_at = { column = "at" }
        amount = { product = ["paid"] }
        properties.country = { column = "Land", type = "text" }
        """,
    )
    assert short == long.model_copy(update={"name": "shop"})
    assert short.amount == Amount(product=("paid",))
    assert short.properties == {"country": Property(column="Land")}


def test_every_column_that_is_named_must_be_in_the_file():
    source = parse(
        {
            "name": "shop",
            "path": "*.csv",
            "key": ["id", "line"],
            "event": "order_placed",
            "event_rules": [{"name": "order_cancelled", "column": "state", "equals": "off"}],
            "occurred_at": "at",
            "customer_id": "who",
            "user_id": "user",
            "session_id": "visit",
            "amount": {"product": ["n", "price"], "currency_column": "code"},
            "properties": {"country": "land"},
        },
        "shop",
    )
    assert source.event_rules == (EventRule(name="order_cancelled", column="state", equals="off"),)
    assert source.columns() == set("id line state at who user visit n price code land".split())


def test_a_variable_of_the_environment_is_filled_in_wherever_text_stands(tmp_path: Path):
    text = LEAST.replace("orders", "${FOLDER}/${SUB_1}") + 'key = ["${KEY}"]\ntitle = "$5"\n'
    [source] = written(tmp_path, text, FOLDER="/data", SUB_1="x", KEY="id")
    assert (source.path, source.key, source.title) == ("/data/x/*.csv", ("id",), "$5")


def test_a_variable_that_is_not_set_is_named_with_its_place(tmp_path: Path):
    with pytest.raises(SettingError) as caught:
        written(tmp_path, LEAST.replace("orders", "${FOLDER}"))
    assert f"{tmp_path / 'sources.toml'}, [sources.shop] uses ${{FOLDER}}" in str(caught.value)
    assert "export FOLDER=" in str(caught.value)


def test_a_path_may_start_at_the_persons_own_folder(tmp_path: Path):
    [source] = written(tmp_path, LEAST.replace("orders/", "~/orders/"))
    assert source.path == str(Path.home() / "orders/*.csv")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"path": None}, "path is missing"),
        ({"event": None}, "event is missing"),
        ({"occurred_at": None}, "occurred_at is missing"),
        ({"path": 5}, "path is 5"),
        ({"connector": "ftp"}, "connector is 'ftp'; there is files"),
        ({"format": "xml"}, "format is 'xml': Input should be 'csv'"),
        ({"event": "Order Placed"}, "event is 'Order Placed': .*such as order_placed"),
        ({"timezone": "Mars"}, "timezone is 'Mars': is no IANA zone; .*Europe/London"),
        ({"currency": "pounds"}, "currency is 'pounds': .*such as GBP"),
        ({"encoding": "klingon"}, "encoding is 'klingon': is no encoding; .*cp1252"),
        ({"encoding": "hex"}, "encoding is 'hex': is no encoding"),
        ({"delimiter": ",,"}, "delimiter is ',,'"),
        ({"delimiter": '"'}, "delimiter is '\"': cannot part fields"),
        ({"delimiter": "\n"}, r"delimiter is '\\n': cannot part fields"),
        ({"key": "id"}, "key is 'id': Input should be a valid tuple"),
        ({"key": ["id", "id"]}, "key names a column twice"),
        ({"occurred_at": {"format": "%Y"}}, "occurred_at.column is missing"),
        ({"occurred_at": {"column": "at", "format": "%Q"}}, "occurred_at.format is '%Q': .*%Y-%m"),
        ({"occurred_at": {"column": "at", "format": "%-d"}}, "occurred_at.format is '%-d'"),
        (
            {"occurred_at": {"column": "at", "format": "epoch"}},
            "format is 'epoch': .*epoch_s or ep",
        ),
        ({"occurred_at": {"column": "at", "formats": ["%Y", "%Q"]}}, "formats.1 is '%Q': .*%Y-%m"),
        (
            {"occurred_at": {"column": "at", "format": "%Y", "formats": ["%Y"]}},
            "occurred_at has both format and formats; put all into formats",
        ),
        ({"decimal": ";"}, "decimal is ';': Input should be '.' or ','"),
        ({"thousands": "_"}, "thousands is '_': Input should be"),
        ({"thousands": "."}, "thousands is '.', which is the decimal sign too; set decimal"),
        (
            {"format": "jsonl", "decimal": ","},
            "decimal is ',', .*format 'jsonl' .*; remove decimal",
        ),
        ({"format": "jsonl", "delimiter": ";"}, "delimiter is ';', .*; remove delimiter"),
        ({"format": "parquet", "encoding": "cp1252"}, "encoding is 'cp1252', .*; remove encoding"),
        ({"settled_for": -1}, "settled_for is -1: Input should be greater than or equal to 0"),
        ({"settled_for": "soon"}, "settled_for is 'soon': Input should be a valid number"),
        ({"customer_id": "a\0"}, r"no column can be called 'a\\x00': it holds a NUL"),
        ({"amount": "paid"}, "amount needs currency"),
        ({"amount": {"product": []}, "currency": "GBP"}, "amount.product .*at least 1"),
        ({"amount": {"product": ["n", "n"]}, "currency": "GBP"}, "product names a column twice"),
        ({"properties": {"n": {"column": "n", "type": "int"}}}, "properties.n.type is 'int'"),
        ({"properties": {"amount_unrounded": "x"}}, "amount_unrounded .*choose another name"),
        ({"event_rules": [{"name": "order_off", "column": "x"}]}, "event_rules.0 .*exactly one"),
        (
            {"event_rules": [{"name": "No", "column": "x", "equals": "y"}]},
            "event_rules.0.name is 'No'",
        ),
    ],
    ids=str,
)
def test_a_mistake_names_place_field_value_and_cure(change: dict[str, Any], named: str):
    table = {"name": "shop", "path": "*.csv", "event": "order_placed", "occurred_at": "at"} | change
    declared = {name: value for name, value in table.items() if value is not None}
    with pytest.raises(SettingError, match=f"^sources.toml, .sources.shop.: .*{named}"):
        parse(declared, "sources.toml, [sources.shop]")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pth": "x"}, "No setting 'pth' in shop. Did you mean 'path'?"),
        (
            {"occurred_at": {"column": "at", "fromat": "%Y"}},
            "No setting 'fromat' in shop, occurred_at. Did you mean 'format'?",
        ),
        (
            {"amount": {"product": ["n"], "currency_colum": "c"}},
            "No setting 'currency_colum' in shop, amount. Did you mean 'currency_column'?",
        ),
        (
            {"properties": {"n": {"column": "n", "typ": "text"}}},
            "No setting 'typ' in shop, properties.n. Did you mean 'type'?",
        ),
        (
            {"event_rules": [{"name": "a", "column": "x", "equal": "y"}]},
            "No setting 'equal' in shop, event_rules.0. Did you mean 'equals'?",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_unknown_key_suggests_the_nearest(change: dict[str, Any], message: str):
    table = {"name": "shop", "path": "*.csv", "event": "order_placed", "occurred_at": "at"}
    with pytest.raises(UnknownName) as caught:
        parse(table | change, "shop")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[source.shop]", r"No table 'source' in .*sources\.toml\. Did you mean 'sources'\?"),
        ("sources = 5", r"sources\.toml: sources must be tables, each headed \[sources\.NAME\]"),
        ("[[sources]]\nname = 'shop'", r"sources must be tables, each headed \[sources\.NAME\]"),
        ("[sources]\nshop = 5", r"\[sources\.shop\] must be a table"),
        (
            "[sources.Shop]\npath='x'\nevent='a'\noccurred_at='at'",
            r"\[sources\.Shop\]: name is 'Shop'",
        ),
        (LEAST + "name = 'other'", r"\[sources\.shop\]: the source is named in its heading"),
        ("[sources.shop\n", r"sources\.toml is not valid TOML: .*line 1"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, named: str):
    with pytest.raises(AnalyticsProError, match=named) as caught:
        written(tmp_path, text)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_points_to_an_example(tmp_path: Path):
    with pytest.raises(SettingError, match=r"There is no .*sources\.toml.*examples/online-retail"):
        load(tmp_path / "sources.toml", {})


@pytest.mark.parametrize("content", [b"a = '\xff'", None], ids=["not UTF-8", "a folder"])
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, content: bytes | None):
    file = tmp_path / "sources.toml"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(SettingError, match=r"sources\.toml"):
        load(file, {})


def test_no_source_declared_is_no_mistake(tmp_path: Path):
    assert written(tmp_path, "") == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_what_is_declared_survives_being_sent(form: str):
    source = parse(
        {
            "name": "shop",
            "path": "*",
            "format": form,
            "event": "order_placed",
            "occurred_at": {"column": "at", "formats": ["%Y-%m-%d", "epoch_s"]},
            "settled_for": 2.5,
        },
        "shop",
    )
    assert parse(source.to_json(), "shop") == source


def test_the_example_is_right():
    example = Path(__file__).parents[2] / "examples" / "online-retail" / "sources.toml"
    [source] = load(example, {"ONLINE_RETAIL": "/data"})
    assert source.path == "/data/online_retail.csv*"
    assert source.title == "Online Retail"
