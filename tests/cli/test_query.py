"""`analyticspro query` and `metrics`: figures on the terminal, and for programs."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.metrics import catalog
from tests.api.server import environment, serving
from tests.cli.terminal import Done, run
from tests.metrics.shop import PLACED, Shop, told


def test_as_json_it_is_rows_and_provenance_and_nothing_else(shop_home: Home):
    done = run("query", "revenue", "orders", "--period", "2024-Q1", "--format", "json",
               home=shop_home.path)  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert done.json.keys() == {"rows", "provenance"}
    assert done.json["rows"] == [{"revenue": 106.33, "orders": 6}]
    assert done.json["provenance"]["metrics"]["revenue"]["currency"] == "GBP"
    assert done.json["provenance"]["rows_read"] == 12


def test_as_csv_it_is_a_header_and_the_rows_unrounded(shop_home: Home):
    done = run("query", "revenue", "refund_rate", "--grain", "month", "--by", "country",
               "--period", "2024-02", "--format", "csv", home=shop_home.path)  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert list(csv.DictReader(io.StringIO(done.out))) == [
        {"month": "2024-02-01", "country": "Germany", "revenue": "-12.00", "refund_rate": ""},
        {"month": "2024-02-01", "country": "Italy", "revenue": "9.00", "refund_rate": "0.25"},
    ]


def test_as_a_table_it_can_be_read(shop_home: Home):
    done = run("query", "revenue", "cancellation_rate", "orders", "--by", "country", "--period",
               "2024-Q1", home=shop_home.path)  # fmt: skip
    assert done.code == 0
    assert done.out.splitlines() == [
        "country  Revenue  Cancellation rate  Orders",
        "France     £3.33              50.0%       2",
        "Germany  −£12.00                  —       0",
        "Italy      £9.00               0.0%       1",
        "Spain      £1.01               0.0%       1",
        "—        £104.99               0.0%       2",
    ]
    assert done.err.strip() == "2024-01-01 to 2024-04-01 (end excluded), UTC; 12 events read."


def test_a_comparison_reads_as_one(shop_home: Home):
    done = run("query", "orders", "revenue", "--by", "country", "--period", "2024-02",
               "--compare", home=shop_home.path)  # fmt: skip
    rows = {line.split()[0]: line.split() for line in done.out.splitlines()}
    assert done.out.splitlines()[0].split("  ")[0] == "country"
    assert rows["Italy"][1:] == ["1", "0", "+1", "new", "£9.00", "£0.00", "+£9.00", "new"]
    assert rows["France"][1:5] == ["0", "2", "−2", "-100.0%"]
    assert rows["Germany"][1:5] == ["0", "0", "0", "—"]  # nothing before, nothing now: not new
    assert "compared with 2024-01-01 to 2024-02-01" in done.err


def test_of_an_unfinished_period_it_says_how_far_it_is_known(shop_home: Home):
    done = run("query", "orders", "--period", "2024-Q2", "--compare", home=shop_home.path)
    assert "2024-04-01 to 2024-07-01 (end excluded), UTC, known up to 2024-04-01 00:00" in done.err
    assert "compared with 2024-01-01 to 2024-01-01 00:00" in done.err


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        pytest.param("--from 2024-01-01 --to 2024-02-01", [{"orders": 4}], id="from and to"),
        pytest.param("--to 2024-01-01", [{"orders": 2}], id="from the start"),
        pytest.param("--from 2024-01-15T12:00 --to 2024-01-16", [{"orders": 2}], id="a moment"),
        pytest.param("--where country=France --where country=Spain", [{"orders": 6}], id="either"),
        pytest.param(
            "--where country!=France --where country!=Spain --where plan=pro",
            [{"orders": 3}],
            id="neither",
        ),
        pytest.param(
            "--by plan --by country --from 2024-03-01 --to 2024-04-01",
            [{"plan": "free", "country": "Spain", "orders": 1}],
            id="by two",
        ),
        pytest.param(
            "--grain quarter --period 2024-Q1",
            [{"quarter": "2024-01-01", "orders": 6}],
            id="grain",
        ),
    ],
)  # fmt: skip
def test_a_question_is_put_in_words(words: str, rows: list[object], shop_home: Home):
    done = run("query", "orders", *words.split(), "--format", "json", home=shop_home.path)
    assert done.err == ""
    assert done.json["rows"] == rows


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("query revenu", "Did you mean 'revenue'?"),
        ("query revenue --where country=Frnace", "Did you mean 'France'?"),
        ("query revenue --where country", "Write it as country=France"),
        ("query revenue --period 2011 --from 2011-01-01", "either --period, or --from and --to"),
        ("query revenue --from yesterday", "is not a date"),
        ("query revenue --format xml", "is not one of"),
        ("query", "Missing argument"),
        ("sources rejects shap", "Did you mean 'shop'?"),
        ("sources sync --sources nowhere.toml", "There is no"),
        ("demo --events 10", "not in the range"),
    ],
)
def test_a_slip_ends_with_2_and_the_cure(words: str, said: str, shop_home: Home):
    done = run(*words.split(), home=shop_home.path)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_it_says_the_same_through_a_running_api(shop_home: Home):
    words = ("query", "revenue", "average_order_value", "--grain", "month", "--by", "country",
             "--compare", "--format")  # fmt: skip
    alone = [run(*words, form, home=shop_home.path) for form in ("json", "table")]
    wrong = run("query", "revenu", home=shop_home.path)
    with serving(shop_home):
        assert [run(*words, form, home=shop_home.path) for form in ("json", "table")] == alone
        assert run("query", "revenu", home=shop_home.path) == wrong


def test_what_data_says_is_never_obeyed_by_the_terminal(tmp_path: Path):
    home = Home(tmp_path / "home").prepare()
    with Shop.at(home.path) as shop:
        shop.holds([told("2024-01-01", PLACED, "1.00", order="1", country="\x1b[2JFr\nance\r\x07")])
    done = run("query", "orders", "--by", "country", home=home.path)
    assert len(done.out.splitlines()) == 2
    assert not set(done.out) & set("\x1b\r\x07")
    as_json = run("query", "orders", "--by", "country", "--format", "json", home=home.path)
    assert as_json.json["rows"][0]["country"] == "\x1b[2JFr\nance\r\x07"


def test_money_has_its_currency_s_own_digits(tmp_path: Path):
    home = Home(tmp_path / "home").prepare()
    with Shop.at(home.path) as shop:
        shop.holds(
            [
                told("2024-01-10", PLACED, "1234", order="1", currency="JPY"),
                told("2024-01-11", PLACED, "5.001", order="2", currency="KWD"),
            ]
        )
    done = run("query", "revenue", "--by", "currency", home=home.path)
    assert [line.split(maxsplit=1)[1] for line in done.out.splitlines()[1:]] == [
        "¥1,234",
        "KWD 5.001",
    ]
    refused = run("query", "revenue", home=home.path)
    assert refused.code == 2
    assert "currency" in refused.err


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_reader_that_has_had_enough_is_no_error(form: str, shop_home: Home):
    """`analyticspro query … | head -1`: no complaint, and what was read is whole."""
    question = ["customers_to_date", "--grain", "hour", "--by", "country", "--format", form]
    words = [sys.executable, "-m", "analyticspro", "--home", str(shop_home.path), "query"]
    with subprocess.Popen(
        [*words, *question],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
    assert first.strip()
    assert complaint == ""
    assert process.returncode == 0


class TestTheCatalogue:
    def test_lists_every_metric_with_unit_and_meaning(self, shop_home: Home):
        done = run("metrics", home=shop_home.path)
        assert (done.code, done.err) == (0, "")
        for metric in catalog.METRICS.values():
            assert any(
                line.startswith(f"{metric.name} ")
                and metric.unit in line
                and metric.meaning in line
                for line in done.out.splitlines()
            )
        for dimension in catalog.DIMENSIONS.values():
            assert dimension.meaning in done.out

    def test_also_where_there_is_no_workspace_yet(self, tmp_path: Path):
        done = run("metrics", home=tmp_path / "nowhere")
        assert done.code == 0
        assert "revenue" in done.out
        assert not (tmp_path / "nowhere").exists()

    def test_for_programs(self, shop_home: Home):
        listed = run("metrics", "--format", "json", home=shop_home.path).json
        assert [metric["name"] for metric in listed["metrics"]] == list(catalog.METRICS)
        table = run("metrics", "--format", "csv", home=shop_home.path).out
        rows = list(csv.DictReader(io.StringIO(table)))
        assert [row["name"] for row in rows] == list(catalog.METRICS)
        assert rows[0]["meaning"] == catalog.metric("revenue").meaning


def test_json_is_json_to_the_last_byte(shop_home: Home):
    done = run("query", "orders", "--by", "country", "--format", "json", home=shop_home.path)
    assert isinstance(done, Done)
    assert json.loads(done.out)["rows"][-1]["country"] is None
    assert done.out.endswith("}\n")
