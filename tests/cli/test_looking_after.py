"""`analyticspro sources status|history|pause|resume`, alone and through the api."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.config import Home
from tests.api.server import serving
from tests.cli.terminal import run

SOURCES = """
[sources.till]
path = "orders.csv"
every = "15m"
event = "order_placed"
occurred_at = "at"
[sources.shop]
path = "shop\\u001b[2J.csv"
event = "order_placed"
occurred_at = "at"
"""


@pytest.fixture(params=["alone", "through the api"])
def workspace(request: pytest.FixtureRequest, home: Home) -> Iterator[Path]:
    home.sources_file.write_text(SOURCES)
    (home.path / "orders.csv").write_text("at\n2024-05-01T10:00:00Z\n")
    if request.param == "alone":
        yield home.path
    else:
        with serving(home):
            yield home.path


def test_sources_are_looked_after(workspace: Path):
    assert run("sources", "sync", home=workspace).code == 3, "there is no shop.csv"
    shown = run("sources", "status", home=workspace)
    assert shown.code == 0, shown.err
    head, shop, till, why = shown.out.splitlines()
    assert head.split()[:3] == ["source", "health", "expected"]
    assert shop.split()[:2] == ["shop", "failing"]
    assert till.split()[:4] == ["till", "ok", "every", "15m"]
    assert why.startswith("shop: failed once: Source shop: no file fits")
    assert "\x1b" not in shown.out

    paused = run("sources", "pause", "till", home=workspace)
    assert (paused.code, "sources resume till" in paused.err) == (0, True)
    again = run("sources", "sync", "till", home=workspace)
    assert again.code == 0
    assert "till is paused" in again.err
    table = run("sources", "status", "--format", "csv", home=workspace).out
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(table))}
    assert (rows["till"]["health"], rows["till"]["next_at"]) == ("paused", "")
    assert run("sources", "resume", "till", home=workspace).err.startswith("Next: ")
    [_, now] = run("sources", "status", "--format", "json", home=workspace).json
    assert (now["health"], bool(now["next_at"])) == ("ok", True)

    told = run("sources", "history", "till", home=workspace).out.splitlines()
    assert [line.split()[2:4] for line in told[1:]] == [["sync", "done"]] * 2
    listed = run("sources", "history", "till", "--format", "json", home=workspace).json
    assert [row["new"] for row in listed] == [0, 1]
    assert run("sources", "history", "shop", "--format", "csv", home=workspace).out.count("\n") == 2
    wrong = run("sources", "pause", "shop", home=workspace)
    assert (wrong.code, "is not synced by itself" in wrong.err) == (2, True)


def test_a_range_is_read_once_more(workspace: Path):
    words = ("sources", "backfill", "till", "--from", "2024-05-01")
    done = run(*words, "--to", "2024-06-01", home=workspace)
    assert done.code == 0, done.err
    assert done.out.startswith("till: 1 new")
    assert "Files are always read whole" in done.err
    [report] = run(*words, "--format", "json", home=workspace).json
    assert (report["new"], report["unchanged"]) == (0, 1)
    wrong = run(*words, "--to", "2024-04-01", home=workspace)
    assert (wrong.code, "must end after it begins" in wrong.err) == (2, True)
