"""A real clickstream: sessions told by silence are those that its makers numbered."""

from __future__ import annotations

import gzip
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro.config import Home
from analyticspro.connectors import load
from analyticspro.metrics import Answer, Query
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "examples" / "clickstream" / "sources.toml"
FILE = "ecom.csv.gz"
SESSIONS = 3_605
# Steps that are no pages, as the example's rules have it.
ACTS = {"add_to_cart", "wishlist_add", "filter_results", "compare", "support_chat", "purchase",
        "payment_error"}  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Path:
    data = Path(os.environ.get("ANALYTICSPRO_TEST_DATA", ROOT.parent / "shared" / "data"))
    found = data / "ecom-clickstream"
    if not (found / FILE).is_file():
        pytest.skip(
            f"not tested: the sessions of a real clickstream, since {found} is not there; "
            "set ANALYTICSPRO_TEST_DATA"
        )
    return found


@pytest.fixture(scope="module")
def lines(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / FILE, infer_schema=False)


def sync(workspace: Workspace, sources: Path, folder: Path) -> int:
    [report] = workspace.sync(load(sources, {"CLICKSTREAM": str(folder)}), progress=lambda _: None)
    assert (report.error, report.rejected) == (None, 0)
    return report.new


def compact(home: Home) -> None:
    """Do what is done in the background once there are more events."""
    warehouse = Warehouse.open(home.warehouse_file, backups=home.path / "backups")
    try:
        warehouse.compact()
    finally:
        warehouse.close()


@pytest.fixture(scope="module", params=["from events", "from what is kept"])
def workspace(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    home = Home(tmp_path_factory.mktemp("clicks") / "home").prepare()
    with Workspace.open(home) as opened:
        assert sync(opened, SOURCES, folder) == 31_106
    if request.param == "from what is kept":
        compact(home)
    with Workspace.open(home) as opened:
        yield opened


def ask(workspace: Workspace, *metrics: str, **cut: Any) -> list[tuple[Any, ...]]:
    [found] = workspace.answers([Query.of(*metrics, **cut)], OWNER)
    assert isinstance(found, Answer), found
    return found.frame.rows()


def test_there_are_3605_sessions_by_30_minutes_of_silence(workspace: Workspace):
    assert ask(workspace, "sessions") == [(SESSIONS,)]


def test_they_are_those_that_the_file_numbers(workspace: Workspace, lines: pl.DataFrame):
    """By day and channel, with their bounces: none of the file's sessions is told apart wrongly."""
    own = (
        lines.sort("timestamp", maintain_order=True)
        .with_columns(pl.col("event").is_in(sorted(ACTS)).alias("is_act"))
        .group_by("session_id")
        .agg(
            pl.col("timestamp").first().str.head(7).alias("month"),
            pl.col("acquisition_channel").first(),
            (~pl.col("is_act")).sum().alias("pages"),
            pl.col("is_act").sum().alias("acts"),
        )
    )
    expected = Counter(own.select("month", "acquisition_channel").rows())
    found = ask(workspace, "sessions", grain="month", by="channel")
    assert {(f"{month:%Y-%m}", channel): count for month, channel, count in found} == expected
    bounces = own.filter((pl.col("pages") == 1) & (pl.col("acts") == 0)).height
    [(rate, pages)] = ask(workspace, "bounce_rate", "pages_per_session")
    assert rate == pytest.approx(bounces / SESSIONS)
    assert 0 < bounces < SESSIONS
    assert pages == pytest.approx(own["pages"].sum() / SESSIONS)


def test_the_file_s_own_numbers_say_the_same(folder: Path, tmp_path: Path):
    declared = SOURCES.read_text().replace(
        'user_id = "user_id"', 'user_id = "user_id"\nsession_id = "session_id"'
    )
    (tmp_path / "sources.toml").write_text(declared)
    with Workspace.open(Home(tmp_path / "home").prepare()) as opened:
        sync(opened, tmp_path / "sources.toml", folder)
        assert ask(opened, "sessions") == [(SESSIONS,)]


def test_users_are_active_on_the_days_that_the_file_has_them(
    workspace: Workspace, lines: pl.DataFrame
):
    days = lines.select("user_id", pl.col("timestamp").str.to_datetime().dt.date().alias("day"))
    found = ask(
        workspace, "active_users", "weekly_active_users", "monthly_active_users", grain="day",
        period="2024-02-20..2024-05-20",
    )  # fmt: skip
    assert len(found) == 90
    for day, *figures in found:
        since = [(pl.lit(day) - pl.col("day")).dt.total_days() < count for count in (1, 7, 30)]
        there = [days.filter(pl.col("day") <= day, near)["user_id"].n_unique() for near in since]
        assert figures == there


def test_a_file_that_comes_in_two_halves_has_the_same_sessions(folder: Path, tmp_path: Path):
    """The half that was late goes into the sessions that it belongs to."""
    header, *steps = gzip.decompress((folder / FILE).read_bytes()).splitlines(keepends=True)
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "ecom.csv"
    home = Home(tmp_path / "home").prepare()
    with Workspace.open(home) as opened:
        file.write_bytes(b"".join([header, *steps[::2]]))
        sync(opened, SOURCES, tmp_path / "data")
    compact(home)
    with Workspace.open(home) as opened:
        assert ask(opened, "sessions") != [(SESSIONS,)]
        shutil.copy(file, tmp_path / "data" / "ecom.csv.1")
        (tmp_path / "data" / "ecom.csv.2").write_bytes(b"".join([header, *steps[1::2]]))
        file.unlink()
        sync(opened, SOURCES, tmp_path / "data")
        assert ask(opened, "sessions") == [(SESSIONS,)]
