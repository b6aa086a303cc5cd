"""What is shown of a source before it is connected, and the declaration that is proposed."""

from __future__ import annotations

import gzip
import json
import sqlite3
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.connectors import load, parse
from analyticspro.connectors.toml_text import toml
from analyticspro.errors import SourceError
from analyticspro.ingest import Preview, check, preview, preview_file
from tests.cli.terminal import run
from tests.local import NoSecrets

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def looked(file: Path) -> Preview:
    """Preview a file; what is proposed is accepted unchanged, and reads it as foretold."""
    found = preview_file(file, currency="GBP", secrets=NoSecrets(), now=NOW)
    if found.declaration is not None:
        declared = file.parent / "sources.toml"
        declared.write_text(found.declaration)
        [source] = load(declared, {})
        checked = check(source, secrets=NoSecrets(), now=NOW)
        assert (checked.records > 0, checked.rejected) == (True, found.rejected)
    return found


def proposed(file: Path) -> dict[str, Any]:
    found = looked(file)
    assert found.declaration, found.lacking
    [table] = tomllib.loads(found.declaration)["sources"].values()
    return dict(table)


def kinds(found: Preview) -> dict[str, str]:
    return {field["field"]: field["kind"] for field in found.fields}


def test_orders_as_a_shop_exports_them(tmp_path: Path):
    file = tmp_path / "Orders 2024.csv"
    file.write_bytes(
        "Bestellnr;Order Date;Customer ID;Total;Currency;Zip;Café;Paid?\r\n"
        "A1;31.12.2023 10:00;7;1.234,50;EUR;01234;x;yes\r\n"
        "A2;01.01.2024 11:30;8;12,00;EUR;99999;ÿ;no\r\n".encode("cp1252")
    )
    table = proposed(file)
    assert {name: table[name] for name in ("delimiter", "encoding", "decimal", "thousands")} == {
        "delimiter": ";", "encoding": "cp1252", "decimal": ",", "thousands": ".",
    }  # fmt: skip
    assert table["event"] == "order_placed"
    assert table["occurred_at"] == {"column": "Order Date", "format": "%d.%m.%Y %H:%M"}
    assert (table["customer_id"], "key" in table) == ("Customer ID", False)
    assert table["amount"] == {"product": ["Total"], "currency_column": "Currency"}
    assert table["properties"]["paid"] == {"column": "Paid?", "type": "boolean"}
    assert table["properties"]["zip"] == "Zip", "01234 is no number"


def test_a_line_of_an_order_is_worth_quantity_times_price(tmp_path: Path):
    file = tmp_path / "retail.csv"
    file.write_text(
        "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\n"
        "1,A,2,2010-12-01 08:26:00,2.55,17850\n1,B,1,2010-12-01 08:26:00,3,\n"
    )
    table = proposed(file)
    assert table["amount"] == {"product": ["Quantity", "UnitPrice"]}
    assert table["currency"] == "GBP"
    assert table["properties"]["order_id"] == "InvoiceNo"
    assert "key" not in table, "an order has several lines"


@pytest.mark.parametrize("packed", [False, True])
def test_json_lines(packed: bool, tmp_path: Path):
    records = [
        {"id": n, "ts": 1_700_000_000 + n, "user": {"id": f"u{n % 3}"}, "amount": "1.50", "x": None}
        for n in range(40)
    ]
    text = "\n".join(json.dumps(record) for record in records) + '\n{"half":\n'
    file = tmp_path / "signups.jsonl"
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    found = looked(file)
    assert (found.looked_at, len(found.records), found.rejected) == (40, 20, 1)
    table = proposed(file)
    assert (table["format"], table["event"], table["key"]) == ("jsonl", "signed_up", ["id"])
    assert table["occurred_at"] == {"column": "ts", "format": "epoch_s"}
    assert table["user_id"] == "user.id"
    assert kinds(found)["x"] == "empty"


def test_parquet(tmp_path: Path):
    file = tmp_path / "visits.parquet"
    at = [datetime(2024, 5, day, tzinfo=UTC) for day in (1, 2)]
    pl.DataFrame({"session_id": ["a", "b"], "created_at": at, "n": [1.5, 2.0]}).write_parquet(file)
    table = proposed(file)
    assert (table["format"], table["event"]) == ("parquet", "page_viewed")
    assert (table["occurred_at"], table["session_id"]) == ("created_at", "session_id")
    assert table["properties"] == {"n": {"column": "n", "type": "number"}}


def test_a_date_that_could_be_either_is_asked_about(tmp_path: Path):
    file = tmp_path / "either.csv"
    file.write_text("day,n\n03/04/2024,1\n05/06/2024,2\n")
    found = looked(file)
    assert found.declaration
    assert "%m/%d/%Y would fit too: which is it?" in found.declaration
    file.write_text("day,n\n03/14/2024,1\n05/06/2024,2\n")
    assert proposed(file)["occurred_at"]["format"] == "%m/%d/%Y"


def test_without_a_time_nothing_is_proposed(tmp_path: Path):
    file = tmp_path / "countries.csv"
    file.write_text("code,name\nFR,France\nDE,\n")
    found = looked(file)
    assert found.declaration is None
    assert "occurred_at" in str(found.lacking)
    assert [field["filled"] for field in found.fields] == [2, 1]


def test_what_is_no_file_of_records_says_so(tmp_path: Path):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing more")
    for name in ("empty.csv", "broken.parquet", "nothing.csv"):
        with pytest.raises(SourceError):
            preview_file(tmp_path / name, currency="GBP", secrets=NoSecrets(), now=NOW)


def test_awkward_names_of_columns_are_quoted(tmp_path: Path):
    file = tmp_path / "1 Ωδή's.csv"
    file.write_text('at,"a ""b"" \\ c","d=1 # e","[f]"\n2024-01-01,1,2,3\n')
    columns = {item["column"] for item in proposed(file)["properties"].values()}
    assert columns == {'a "b" \\ c', "d=1 # e", "[f]"}


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_what_is_written_is_read_again(values: dict[str, str]):
    values = {name.replace("\r", ""): value for name, value in values.items() if name.strip("\r")}
    values.pop("properties", None)
    assert tomllib.loads(toml("sources.a", {"t": values}, {}))["sources"]["a"]["t"] == values


def test_a_declared_stream_shows_its_first_page(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "till.db")) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, at TEXT, paid TEXT)")
        rows = [(n, "2024-01-10" if n else "soon", "1.50") for n in range(30)]
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
        connection.commit()
    stream = {"table": "sales", "key": ["id"], "event": "order_placed", "occurred_at": "at"}
    stream |= {"amount": "paid", "currency": "GBP"}
    url = f"sqlite:///{tmp_path / 'till.db'}"
    table = {"name": "till", "connector": "sql", "url": url, "streams": {"sales": stream}}
    [found] = preview(parse(table, "till"), secrets=NoSecrets(), now=NOW)
    assert (found.name, found.looked_at, found.rejected) == ("till.sales", 30, 1)
    assert {f["field"]: f["role"] for f in found.fields} == {
        "id": "key", "at": "occurred_at", "paid": "amount",
    }  # fmt: skip
    assert len(found.records) == 20
    assert found.declaration is None


def test_as_a_command(tmp_path: Path):
    """It makes nothing, and what is in the data moves no cursor."""
    file = tmp_path / "orders.csv"
    file.write_text("at,who\n2024-01-01,a\x1b[2Jb\n")
    home = tmp_path / "home"
    shown = run("sources", "preview", file, home=home)
    assert shown.code == 0, shown.err
    assert "\x1b" not in shown.out + shown.err
    assert '[sources.orders]\nconnector = "files"\n' in shown.out
    assert not home.exists()
    [told] = run("sources", "preview", file, "--format", "json", home=home).json
    (tmp_path / "sources.toml").write_text(told["declaration"])
    declared = ("--sources", tmp_path / "sources.toml")
    assert "0 would be set aside" in run("sources", "check", *declared, home=home).out
    again = run("sources", "preview", "orders", *declared, home=home)
    assert (again.code, "[sources" in again.out) == (0, False), "it is declared already"
    wrong = run("sources", "preview", "order", *declared, home=home)
    assert (wrong.code, "Did you mean 'orders'?" in wrong.err) == (2, True)
    address = run("sources", "preview", "https://api.example.com/v1/deals?key=s3cret", home=home)
    assert (address.code, "declare it as a source" in address.err) == (2, True)
    assert "s3cret" not in address.err
