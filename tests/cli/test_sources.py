"""`analyticspro sources` and `demo`: data on its way in, and what became of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.config import Home
from tests.api.server import serving
from tests.cli.terminal import run

ORDERS = """\
number,date,customer,total,country
1,2024-01-05 10:00,ann,10.00,France
2,2024-01-06 11:00,bob,2.005,Italy
3,yesterday,cy,3.00,Spain
4,2024-02-07 12:00,,4.50,Spain
"""


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    """The very declaration that the help shows, and a file for it."""
    shown = run("sources", "--help").out
    example = shown[shown.index("[sources.till]") : shown.index("Options:")]
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "first.csv").write_text(ORDERS)
    file = tmp_path / "sources.toml"
    file.write_text(re.sub(r"^ +", "", example, flags=re.MULTILINE))
    return file


@pytest.fixture(params=["alone", "through the api"])
def workspace(request: pytest.FixtureRequest, home: Home) -> Iterator[Path]:
    """A workspace, whether the services run or not."""
    if request.param == "alone":
        yield home.path
    else:
        with serving(home):
            yield home.path


def test_check_sync_status_rejects(workspace: Path, declared: Path):
    """The whole way, as the help tells it."""
    checked = run("sources", "check", "--sources", declared, home=workspace)
    assert checked.code == 0
    assert "of the first 4 records 1 would be set aside, 1 amount(s) rounded" in checked.out
    assert "line 4: date 'yesterday' is not an ISO 8601 time" in checked.out
    assert "event_id" in checked.out
    nothing = run("sources", "status", home=workspace)
    assert (nothing.code, nothing.out) == (0, "")
    assert "No source is declared yet" in nothing.err

    synced = run("sources", "sync", "--sources", declared, home=workspace)
    assert synced.code == 0
    assert synced.out.startswith(
        "till: 3 new, 0 changed, 0 unchanged, 0 retracted, 1 set aside, 1 amount(s) rounded; "
        "1 of 1 part(s) read in "
    )
    assert "rounded half to even" in synced.err
    assert "analyticspro sources rejects till" in synced.err

    again = run("sources", "sync", "--sources", declared, home=workspace)
    assert again.out.startswith("till: 0 new, 0 changed, 0 unchanged")
    assert "0 of 1 part(s) read" in again.out

    status = run("sources", "status", home=workspace)
    assert status.code == 0
    row = status.out.splitlines()[1].split()
    assert (row[:2], row[-3:]) == (["till", "ok"], ["4", "1", "1"])
    assert "2024-02-07 12:00" in status.out

    rejects = run("sources", "rejects", "till", home=workspace)
    assert rejects.out == (
        "first.csv, line 4: date 'yesterday' is not an ISO 8601 time ('yesterday')\n"
    )
    found = run(
        "query", "revenue", "orders", "active_customers", "--format", "json", home=workspace
    )
    assert found.json["rows"] == [{"revenue": 16.5, "orders": 3, "active_customers": 2}]
    assert found.json["provenance"]["rejected"] == 1
    table = run("query", "orders", home=workspace)
    assert "1 records set aside" in table.err


def test_as_json_for_programs(home: Home, declared: Path):
    words = ("--sources", declared, "--format", "json")
    [checked] = run("sources", "check", *words, home=home.path).json
    assert (checked["records"], checked["rejected"], checked["rounded"]) == (4, 1, 1)
    [report] = run("sources", "sync", *words, home=home.path).json
    assert (report["source"], report["new"], report["rejected"]) == ("till", 3, 1)
    [state] = run("sources", "status", "--format", "json", home=home.path).json
    assert (state["name"], state["records"], state["last_sync"]["new"]) == ("till", 4, 3)
    [reject] = run("sources", "rejects", "till", "--format", "json", home=home.path).json
    assert (reject["line"], reject["field"]) == (4, "date")


def test_the_home_s_own_declaration_is_the_default(home: Home, declared: Path):
    there = home.path / "orders"
    there.mkdir()
    (there / "first.csv").write_text(ORDERS)
    home.sources_file.write_text(declared.read_text())
    assert run("sources", "sync", home=home.path).out.startswith("till: 3 new")


def test_only_the_sources_that_are_named(home: Home, declared: Path):
    text = declared.read_text()
    declared.write_text(text + text.replace("sources.till", "sources.shop"))
    done = run("sources", "sync", "shop", "--sources", declared, home=home.path)
    assert [line.split(":")[0] for line in done.out.splitlines()] == ["shop"]
    wrong = run("sources", "sync", "shp", "--sources", declared, home=home.path)
    assert wrong.code == 2
    assert "Did you mean 'shop'?" in wrong.err


def test_when_one_of_two_fails_the_other_is_in_and_the_code_says_so(home: Home, declared: Path):
    text = declared.read_text()
    broken = text.replace("sources.till", "sources.gone").replace("orders/*", "gone/*")
    declared.write_text(broken + text)
    done = run("sources", "sync", "--sources", declared, "--format", "json", home=home.path)
    assert done.code == 3
    gone, till = json.loads(done.out)
    assert gone["error"]["code"] == "source"
    assert (till["new"], till["error"]) == (3, None)
    assert "no file fits" in done.err
    status = run("sources", "status", home=home.path).out
    assert re.search(r"^gone +failing ", status, re.MULTILINE)
    assert re.search(r"^till +ok ", status, re.MULTILINE)


def test_a_workspace_is_made_by_the_first_sync(tmp_path: Path, declared: Path):
    new = tmp_path / "new"
    assert run("sources", "sync", "--sources", declared, home=new).code == 0
    assert (new / "token").stat().st_mode & 0o077 == 0
    assert new.stat().st_mode & 0o077 == 0
    assert run("query", "orders", "--format", "csv", home=new).out == "orders\n3\n"


def test_checking_makes_nothing(tmp_path: Path, declared: Path):
    assert run("sources", "check", "--sources", declared, home=tmp_path / "new").code == 0
    assert not (tmp_path / "new").exists()


def test_demo_data_is_marked_and_never_mixed(home: Home, declared: Path):
    workspace = home.path
    made = run("demo", "--events", "2000", home=workspace)
    assert (made.code, made.out) == (0, "")
    assert "demo events loaded" in made.err
    shown = run("query", "orders", home=workspace)
    assert "demo data" in shown.err
    refused = run("sources", "sync", "--sources", declared, home=workspace)
    assert (refused.code, refused.out) == (2, "")
    assert "demo" in refused.err
    assert "--home" in refused.err


def test_demo_data_never_covers_real_data(home: Home, declared: Path):
    workspace = home.path
    run("sources", "sync", "--sources", declared, home=workspace)
    refused = run("demo", "--events", "2000", home=workspace)
    assert (refused.code, refused.out) == (2, "")
    assert "real data" in refused.err
    assert run("query", "orders", "--format", "csv", home=workspace).out == "orders\n3\n"


def test_a_new_line_in_a_cell_does_not_break_the_list_of_rejects(home: Home, declared: Path):
    bad = ORDERS + '5,"\x1b[31mnever\nmore",dora,1.00,France\n'
    (declared.parent / "orders" / "first.csv").write_text(bad)
    run("sources", "sync", "--sources", declared, home=home.path)
    listed = run("sources", "rejects", "till", home=home.path).out
    assert len(listed.splitlines()) == 2
    assert "\x1b" not in listed
