"""The real thing: a year of a shop's order lines, to the penny."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro.config import Home
from analyticspro.connectors import load
from analyticspro.metrics import Answer, Query
from analyticspro.policy import OWNER
from analyticspro.workspace import Workspace

SOURCES = Path(__file__).parent.parent / "examples" / "online-retail" / "sources.toml"
FILE = "online_retail.csv.gz"


@pytest.fixture(scope="module")
def workspace(retail_home: Home) -> Iterator[Workspace]:
    """The whole of Online Retail, to be read only."""
    with Workspace.open(retail_home) as opened:
        yield opened


@pytest.fixture(scope="module")
def lines(retail_folder: Path) -> pl.DataFrame:
    """The file as it is, with pence, month and whether the line is one of a cancellation."""
    # Prices have 3 digits at most, so thousandths of a pound hold each line's value exactly.
    price = pl.col("UnitPrice").cast(pl.Float64)
    tenths = pl.col("quantity") * (price * 1000).round().cast(pl.Int64)
    left = tenths % 10
    is_up = (left > 5) | ((left == 5) & (tenths // 10 % 2 == 1))
    return (
        pl.read_csv(retail_folder / FILE, infer_schema=False)
        .with_columns(pl.col("Quantity").cast(pl.Int64).alias("quantity"))
        .with_columns(
            (tenths // 10 + is_up.cast(pl.Int64)).alias("pence"),
            (left != 0).alias("is_rounded"),
            pl.col("InvoiceDate").str.head(7).alias("month"),
            pl.col("InvoiceNo").str.starts_with("C").alias("is_cancelling"),
        )
    )


@pytest.fixture
def own(retail_home: Home, retail_folder: Path, tmp_path: Path) -> tuple[Home, Path]:
    """A copy of the workspace and of the file, to be changed."""
    shutil.copytree(retail_home.path, tmp_path / "home")
    (tmp_path / "data").mkdir()
    shutil.copyfile(retail_folder / FILE, tmp_path / "data" / FILE)
    return Home(tmp_path / "home"), tmp_path / "data"


def answer(workspace: Workspace, *metrics: str, **cut: Any) -> Answer:
    [found] = workspace.answers([Query.of(*metrics, **cut)], OWNER)
    assert isinstance(found, Answer), found
    return found


def sync(home: Home, folder: Path) -> dict[str, Any]:
    """Sync the folder; return what the report counts, without what is nothing."""
    with Workspace.open(home) as opened:
        sources = load(SOURCES, {"ONLINE_RETAIL": str(folder)})
        [report] = opened.sync(sources, progress=lambda step: None)
    names = ("new", "changed", "unchanged", "retracted", "rejected", "rounded", "error")
    return {name: value for name in names if (value := getattr(report, name))}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("events", 541_909),
        ("invoices", 25_900),
        ("cancellations", 3_836),
        ("orders", 22_064),
        ("customers", 4_372),
        ("units", 5_176_450),
        ("revenue", Decimal("9747747.93")),
        ("cancellation_rate", 3_836 / 25_900),
        ("average_order_value", 10_644_560.42 / 22_064),
    ],
)
def test_the_known_figures(workspace: Workspace, metric: str, value: object):
    found = answer(workspace, metric).frame[metric][0]
    assert found == (pytest.approx(value) if isinstance(value, float) else value)


def test_there_are_38_countries(workspace: Workspace):
    assert len(workspace.values("country", OWNER)) == 38


def test_exact_duplicate_lines_are_separate_lines_and_all_count(
    workspace: Workspace, lines: pl.DataFrame
):
    file = lines.select("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate",
                        "UnitPrice", "CustomerID", "Country")  # fmt: skip
    assert file.height - file.unique().height == 5_268
    assert answer(workspace, "events").frame["events"][0] == file.height


def test_four_amounts_were_rounded_and_it_is_said(workspace: Workspace, lines: pl.DataFrame):
    [source] = workspace.sources(OWNER)
    assert source["rounded"] == source["last_sync"]["rounded"] == lines["is_rounded"].sum() == 4
    assert source["last_sync"]["notes"][0].startswith("4 amount(s) were finer than")
    assert (source["records"], source["rejected"], source["files"]) == (541_909, 0, 1)


def test_by_month_and_country_it_equals_a_plain_computation_to_the_penny(
    workspace: Workspace, lines: pl.DataFrame
):
    kept = ~pl.col("is_cancelling")
    expected = lines.group_by("month", pl.col("Country").alias("country")).agg(
        pl.col("pence").sum().alias("revenue"),
        pl.col("pence").filter(kept).sum().alias("gross_order_value"),
        pl.col("InvoiceNo").filter(kept).n_unique().cast(pl.Int64).alias("orders"),
        pl.col("InvoiceNo").filter(~kept).n_unique().cast(pl.Int64).alias("cancellations"),
        pl.col("InvoiceNo").n_unique().cast(pl.Int64).alias("invoices"),
        pl.col("CustomerID").filter(kept).drop_nulls().n_unique().cast(pl.Int64)
        .alias("active_customers"),
        pl.col("CustomerID").drop_nulls().n_unique().cast(pl.Int64).alias("customers"),
        pl.col("quantity").sum().alias("units"),
        pl.len().cast(pl.Int64).alias("events"),
    )  # fmt: skip
    answered = answer(workspace, *expected.columns[2:], grain="month", by="country").frame
    found = answered.with_columns(
        pl.col("month").dt.strftime("%Y-%m"),
        (pl.col("revenue", "gross_order_value") * 100).cast(pl.Int64),
    )
    assert found.columns == expected.columns
    assert found.sort("month", "country").rows() == expected.sort("month", "country").rows()


def test_ratios_by_country_are_ratios_of_the_sums(workspace: Workspace, lines: pl.DataFrame):
    found = answer(workspace, "average_order_value", "cancellation_rate", by="country").frame
    for country, average, rate in found.iter_rows():
        of = lines.filter(pl.col("Country") == country)
        placed = of.filter(~pl.col("is_cancelling"))
        orders, invoices = placed["InvoiceNo"].n_unique(), of["InvoiceNo"].n_unique()
        assert average == pytest.approx(placed["pence"].sum() / 100 / orders)
        assert rate == pytest.approx((invoices - orders) / invoices)


def test_syncing_again_brings_nothing_new(own: tuple[Home, Path]):
    assert sync(*own) == {}


def test_touching_the_file_brings_nothing_new(own: tuple[Home, Path]):
    home, folder = own
    os.utime(folder / FILE, (1, 1))
    assert sync(home, folder) == {}


def appended(lines: pl.DataFrame) -> bytes:
    """Return the last 100 lines of the file, to come once more."""
    return lines.tail(100).select(lines.columns[:8]).write_csv(include_header=False).encode()


def test_a_hundred_lines_appended_to_the_gzip_are_a_hundred_new(
    own: tuple[Home, Path], lines: pl.DataFrame
):
    home, folder = own
    with open(folder / FILE, "ab") as file:
        file.write(gzip.compress(appended(lines)))
    assert sync(home, folder) == {"new": 100, "unchanged": 541_909, "rounded": 4}
    with Workspace.open(home) as workspace:
        assert answer(workspace, "events").frame["events"][0] == 542_009
        more = lines.tail(100)["pence"].sum()
        assert answer(workspace, "revenue").frame["revenue"][0] == (
            Decimal("9747747.93") + Decimal(more).scaleb(-2)
        )


@pytest.mark.soak
def test_a_hundred_lines_appended_to_the_unpacked_file_are_a_hundred_new(
    retail_folder: Path, tmp_path: Path, lines: pl.DataFrame
):
    home = Home(tmp_path / "home").prepare()
    file = tmp_path / "online_retail.csv"
    file.write_bytes(gzip.decompress((retail_folder / FILE).read_bytes()))
    assert sync(home, tmp_path) == {"new": 541_909, "rounded": 4}
    with open(file, "ab") as more:
        more.write(appended(lines))
    assert sync(home, tmp_path) == {"new": 100, "unchanged": 541_909, "rounded": 4}
    file.touch()
    assert sync(home, tmp_path) == {}
