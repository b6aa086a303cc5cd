"""Tables of exchange rates: what is read of them, and what is told again."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import Page, parse
from analyticspro.connectors.rates import STREAM, RatesConnector
from analyticspro.connectors.rates_source import RatesSource
from analyticspro.errors import DefinitionError, SourceError
from analyticspro.events import WriteMode, problems

NOW = datetime(2026, 2, 1, tzinfo=UTC)
# As the European Central Bank writes it: the newest first, and a comma at each end.
WIDE = (
    "Date,USD,JPY,CYP,\n"
    "2026-01-30,1.0834,161.05,N/A,\n"
    "2026-01-29,1.08,160.9,N/A,\n"
    "2025-12-31,1.1,160,0.58,\n"
)
LONG = "day;code;price\n30.01.2026;USD;0,5\n30.01.2026;GBP;1,25\n"
OF_LONG = {
    "layout": "long",
    "date": {"column": "day", "format": "%d.%m.%Y"},
    "currency": "code",
    "rate": "price",
    "delimiter": ";",
    "decimal": ",",
}


def source(**table: Any) -> RatesSource:
    found = parse({"name": "ecb", "connector": "rates", "base": "EUR", **table}, "sources.toml")
    assert isinstance(found, RatesSource)
    return found


class Table:
    """A table in a file, and what was read of it."""

    def __init__(self, file: Path, **declared: Any) -> None:
        self.file = file
        self.source = source(path=str(file), **declared)
        self.cursor: str | None = None

    def says(self, content: str | bytes) -> Table:
        self.file.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def pages(self, now: datetime = NOW) -> list[Page]:
        pages = list(RatesConnector(self.source).read(STREAM, self.cursor, now=now))
        for page in pages:
            assert problems(page.batch.events).height == 0
            self.cursor = page.cursor
        return pages

    def events(self, now: datetime = NOW) -> list[dict[str, Any]]:
        return [event for page in self.pages(now) for event in page.batch.events.to_dicts()]

    def rates(self, now: datetime = NOW) -> list[tuple[str, str, str]]:
        """Return what is told: day, currency, rate."""
        return [told(event) for event in self.events(now)]


def told(event: dict[str, Any]) -> tuple[str, str, str]:
    properties = json.loads(event["properties"])
    assert event["occurred_at"].date() == date.fromisoformat(properties["date"])
    return properties["date"], event["currency"], properties["rate"]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path / "rates.csv")


# What is read


def test_a_wide_table_gives_a_rate_for_each_day_and_currency(table: Table):
    events = table.says(WIDE).events()
    assert list(map(told, events)) == [
        ("2025-12-31", "CYP", "0.58"),
        ("2025-12-31", "JPY", "160"),
        ("2025-12-31", "USD", "1.1"),
        ("2026-01-29", "JPY", "160.9"),
        ("2026-01-29", "USD", "1.08"),
        ("2026-01-30", "JPY", "161.05"),
        ("2026-01-30", "USD", "1.0834"),
    ]
    assert events[2]["event_id"] == "ecb:rates:EUR:USD:2025-12-31"
    assert events[2]["name"] == "rate_published"
    assert json.loads(events[2]["properties"])["base"] == "EUR"
    assert json.loads(events[2]["raw"]) == {"date": "2025-12-31", "currency": "USD", "rate": "1.1"}
    assert table.source.connect(None).streams() == {"rates": WriteMode.MERGE}


def test_a_long_table_is_read_as_it_is_written(tmp_path: Path):
    table = Table(tmp_path / "rates.csv", **OF_LONG).says(LONG)
    assert table.rates() == [("2026-01-30", "GBP", "1.25"), ("2026-01-30", "USD", "0.5")]


def test_a_rate_that_is_quoted_the_other_way_is_turned_around(tmp_path: Path):
    table = Table(tmp_path / "rates.csv", **OF_LONG, quoted="in_base")
    events = table.says(LONG.replace("0,5", "3")).events()
    assert [rate for _, _, rate in map(told, events)] == ["0.8", "0.333333333333333333"]
    assert json.loads(events[1]["raw"])["rate"] == "3"


def test_columns_that_hold_no_currency_can_be_ignored(tmp_path: Path):
    table = Table(tmp_path / "rates.csv", ignore=["note"])
    assert table.says("Date,USD,note\n2026-01-30,1.08,estimated\n").rates() == [
        ("2026-01-30", "USD", "1.08")
    ]


def test_the_file_may_be_in_an_archive_and_begin_with_a_mark(table: Table):
    assert len(table.says(zipped(("rates.csv", "\ufeff" + WIDE))).rates()) == 7


def zipped(*files: tuple[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-01-32,1.08", "is not an ISO 8601 time"),
        (",1.08", "is missing"),
        ("2026-01-30,0", "must be above 0"),
        ("2026-01-30,-1.08", "is no rate"),
        ("2026-01-30,1e3", "is no rate"),
        ("2026-01-30,NaN", "is no rate"),
        ("2026-01-30,1_0", "is no rate"),
        ("2026-01-30,.", "is no rate"),
        ("2026-01-30,9999999999999", "must be above 0, and below"),
        ("2026-01-30,1.08,7", "has 3 fields where the header has 2"),
        ("2026-01-29,1.09", "is a second rate of USD on 2026-01-29"),
    ],
)
def test_what_is_no_rate_is_set_aside(table: Table, row: str, reason: str):
    [page] = table.says(f"Date,USD\n2026-01-29,1.08\n{row}\n").pages()
    assert [told(event) for event in page.batch.events.to_dicts()] == [
        ("2026-01-29", "USD", "1.08")
    ]
    [reject] = page.batch.rejects.to_dicts()
    assert reason in reject["reason"]
    assert reject["line"] is None
    assert all(cell in reject["raw"] for cell in row.split(","))
    assert page.batch.records == 2


@pytest.mark.parametrize(
    ("code", "reason"), [("usd", "is not a currency"), ("EUR", "is a rate of EUR to itself")]
)
def test_a_long_table_names_currencies(tmp_path: Path, code: str, reason: str):
    table = Table(tmp_path / "rates.csv", **OF_LONG)
    [page] = table.says(LONG.replace("USD", code)).pages()
    assert reason in page.batch.rejects["reason"][0]
    assert page.batch.events.height == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty"),
        ("Day,USD\n2026-01-30,1.08\n", "No column 'Date'"),
        ("Date,USD,Usd\n", "column 'Usd' is no currency"),
        ("Date,USD,USD\n", "names 'USD' 2 times"),
        (b"Date,\xff\n", "is not written in UTF-8"),
        (zipped(("a.csv", WIDE), ("b.csv", WIDE)), "holds 2 files"),
        (zipped(("a.csv", WIDE))[:-30], "is no ZIP archive"),
        (zipped(("a.csv", " " * 64_000_001)), "holds more than 64 MB"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_a_table_that_cannot_be_read_says_why(table: Table, content: str | bytes, problem: str):
    with pytest.raises(SourceError) as caught:
        table.says(content).pages()
    assert problem in str(caught.value)


def test_a_file_that_is_not_there_is_named(table: Table):
    with pytest.raises(SourceError, match=r"Source ecb: .*rates\.csv cannot be read: No such file"):
        table.pages()


# What is told again


def test_an_unchanged_table_tells_nothing(table: Table):
    table.says(WIDE).pages()
    assert table.pages(NOW + timedelta(days=1)) == []


def test_a_new_day_tells_that_day_alone(table: Table):
    table.says(WIDE).pages()
    table.says(WIDE.replace("N/A,\n", "N/A,\n2026-02-02,1.09,161,N/A,\n", 1))
    assert table.rates() == [("2026-02-02", "JPY", "161"), ("2026-02-02", "USD", "1.09")]
    assert table.rates() == []


def test_a_new_day_of_a_month_that_was_begun_tells_that_day_alone(table: Table):
    table.says(WIDE.replace("2026-01-30,1.0834,161.05,N/A,\n", "")).pages()
    assert table.says(WIDE).rates() == [
        ("2026-01-30", "JPY", "161.05"),
        ("2026-01-30", "USD", "1.0834"),
    ]


def test_a_correction_supersedes_even_if_the_clock_was_put_back(table: Table):
    [first, *_] = table.says(WIDE).events()
    corrected = table.says(WIDE.replace(",160,", ",160.5,")).events(NOW - timedelta(days=400))
    assert [told(event)[1:] for event in corrected] == [
        ("CYP", "0.58"),
        ("JPY", "160.5"),
        ("USD", "1.1"),
    ]
    assert all(event["version"] > first["version"] for event in corrected)


def test_a_rate_that_comes_late_is_told(table: Table):
    table.says(WIDE.replace("160.9", "")).pages()
    assert ("2026-01-29", "JPY", "160.9") in table.says(WIDE).rates()


def test_a_rate_that_vanishes_stays(table: Table):
    table.says(WIDE).pages()
    assert table.says("\n".join(WIDE.splitlines()[:3]) + "\n").rates() == []


def test_another_way_of_reading_tells_everything_again(table: Table):
    table.says(WIDE).pages()
    table.source = source(path=str(table.file), quoted="in_base")
    assert len(table.rates()) == 7


def test_a_killed_reading_goes_on_where_it_was(tmp_path: Path):
    table = Table(tmp_path / "rates.csv")
    codes = [f"{a}{b}{c}" for a in "AB" for b in "ABCDEFGHIJ" for c in "ABCDE"]
    start = date(2020, 1, 1)
    days = [f"{start + timedelta(days=n)},{','.join(['1.5'] * 100)}\n" for n in range(1_000)]
    table.says(f"Date,{','.join(codes)}\n{''.join(days)}")
    pages = RatesConnector(table.source).read(STREAM, None, now=NOW)
    first = next(pages)
    assert 50_000 <= first.batch.events.height < 54_000
    table.cursor = first.cursor
    rest = table.pages()
    assert first.batch.events.height + sum(p.batch.events.height for p in rest) == 100_000
    assert table.pages() == []


def test_rows_that_are_good_after_all_are_told_below_whatever_was_read_since(table: Table):
    [page] = table.says("Date,USD\n30.01.2026,1.08\nsoon,1\n2026-01-31,1,2\n").pages()
    assert page.batch.rejects.height == 3
    mended = source(path="x", date={"column": "Date", "format": "%d.%m.%Y"})
    batch = mended.remap(STREAM, page.batch.rejects)
    [event] = batch.events.to_dicts()
    assert (told(event), event["version"]) == (("2026-01-30", "USD", "1.08"), 0)
    assert batch.rejects.height == 2
    assert batch.records == 3


# From an address


@contextmanager
def serving(content: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/rates.zip"
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(content) if known else 0))
            self.end_headers()
            if known:
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_table_is_fetched_from_its_address():
    with serving(zipped(("eurofxref-hist.csv", WIDE))) as address:
        connector = RatesConnector(source(url=f"{address}/rates.zip"))
        [page] = connector.read(STREAM, None, now=NOW)
        assert page.batch.events.height == 7
        assert list(connector.read(STREAM, page.cursor, now=NOW)) == []
        with pytest.raises(SourceError, match="404"):
            list(RatesConnector(source(url=f"{address}/gone")).read(STREAM, None, now=NOW))


# The declaration


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, "needs exactly one of path and url"),
        ({"path": "a.csv", "url": "https://a.example/"}, "needs exactly one of path and url"),
        ({"url": "a.csv"}, "is no address"),
        ({"url": "https://ann:pw@a.example/"}, "holds a user or a password"),
        ({"path": "a.csv", "base": "euro"}, "is not a currency"),
        ({"path": "a.csv", "currency": "code"}, "currency says nothing about a table of layout"),
        ({"path": "a.csv", "layout": "long", "ignore": ["x"]}, "ignore says nothing about"),
        ({"path": "a.csv", "thousands": "."}, "which is the decimal sign too"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(table: dict[str, Any], problem: str):
    with pytest.raises(DefinitionError) as caught:
        source(**table)
    assert problem in str(caught.value)
    assert "ann:pw" not in str(caught.value)


def test_a_relative_path_is_looked_for_beside_sources_toml(tmp_path: Path):
    assert source(path="rates.csv").within(tmp_path).path == str(tmp_path / "rates.csv")
