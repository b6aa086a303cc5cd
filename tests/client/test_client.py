"""A notebook asks in words, and is answered in frames."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import analyticspro as ap
from analyticspro.client import Client, Local
from analyticspro.config import Home
from analyticspro.errors import (
    DefinitionError,
    SettingError,
    UnknownName,
    WarehouseBusy,
)
from analyticspro.metrics import Answer, Query, catalog
from analyticspro.warehouse import Warehouse
from tests.api.server import environment

HOLDER = """
import duckdb, sys
held = duckdb.connect(sys.argv[1])
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def client(shop_home: Home) -> Client:
    return ap.connect(shop_home.path)


def test_one_figure(client: Client):
    assert client.query("orders", period="2024-Q1").to_dicts() == [{"orders": 6}]


def test_in_a_person_s_words(client: Client):
    found = client.query(
        "revenue", grain="month", by="country", period="2024-Q1", where={"plan": "free"}
    )
    assert found.rows() == [
        (date(2024, 1, 1), "France", Decimal("10.00")),
        (date(2024, 3, 1), "France", Decimal("-40.00")),
        (date(2024, 3, 1), "Spain", Decimal("1.01")),
    ]
    assert found.columns == ["month", "country", "revenue"]


@pytest.mark.parametrize("by", ["country", ["country"], ("country",)])
def test_one_dimension_or_a_list_of_them(by: str | list[str], client: Client):
    assert client.query("orders", by=by).columns == ["country", "orders"]


def test_one_value_or_a_list_of_them(client: Client):
    one = client.query("orders", where={"country": "France"})
    assert_frame_equal(one, client.query("orders", where={"country": ["France"]}))
    both = client.query("orders", where={"country": ["France", "Spain"]})
    assert both["orders"][0] > one["orders"][0]


def test_with_the_change(client: Client):
    found = client.query("orders", period="2024-02", compare=True)
    assert found.rows() == [(1, 4, -3, -0.75)]


def test_several_questions_at_once_each_answered_for_itself(client: Client):
    good, wrong, other = client.answers(
        [Query.of("orders"), Query.of("ordres"), Query.of("units", period="2024")]
    )
    assert isinstance(good, Answer)
    assert isinstance(wrong, UnknownName)
    assert isinstance(other, Answer)
    assert client.answers([]) == []


def test_a_wrong_question_raises_what_the_service_would(client: Client):
    with pytest.raises(UnknownName, match="Did you mean 'revenue'"):
        client.query("revenu")
    with pytest.raises(DefinitionError, match="No period 'soon'"):
        client.query("revenue", period="soon")
    with pytest.raises(DefinitionError, match="at least one metric"):
        client.query()


def test_what_can_be_asked(client: Client):
    listed = client.metrics()
    assert listed.columns == ["name", "title", "unit", "better", "meaning"]
    assert listed["name"].to_list() == list(catalog.METRICS)


def test_what_the_workspace_is(client: Client):
    told = client.workspace()
    assert told["name"] == "Corner shop"
    assert (told["first"], told["last"]) == ("2023-11-05T10:00:00", "2024-04-01T00:00:00")
    assert client.values("country")[0] == "France"


def test_a_workspace_without_data(home: Home):
    client = ap.connect(home.path)
    told = client.workspace()
    assert (told["first"], told["last"], told["revision"]) == (None, None, 0)
    assert client.query("revenue", by="country").is_empty()
    assert client.query("orders").rows() == [(0,)]
    assert client.values("country") == []


def test_without_a_workspace_it_says_where_it_looked(tmp_path: Path):
    with pytest.raises(SettingError) as refusal:
        ap.connect(tmp_path / "nowhere").query("revenue")
    assert f"There is no workspace at {tmp_path / 'nowhere'}" in str(refusal.value)
    assert "analyticspro --home" in str(refusal.value)
    assert not (tmp_path / "nowhere").exists()


def test_the_workspace_of_the_environment_is_the_default(
    shop_home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANALYTICSPRO_HOME", str(shop_home.path))
    assert ap.connect().workspace()["name"] == "Corner shop"


def test_it_lets_go_of_the_warehouse_between_two_questions(shop_home: Home, client: Client):
    client.query("orders")
    Warehouse.open(shop_home.warehouse_file, backups=shop_home.path / "backups").close()
    client.query("orders")


def test_a_column_s_type_is_that_of_its_metric(client: Client):
    schema = client.query("orders", "revenue", "refund_rate", grain="hour").schema
    assert schema["hour"] == pl.Datetime("us")
    assert schema["orders"] == pl.Int64
    assert isinstance(schema["revenue"], pl.Decimal)
    assert schema["refund_rate"] == pl.Float64


def test_a_workspace_held_by_another_process_is_waited_for_then_said_so(home: Home):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.warehouse_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(WarehouseBusy, match=f"held by process {process.pid}"):
            Local(home, wait_for_s=0.2).info()
