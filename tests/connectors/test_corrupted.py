"""However a file is damaged: no crash, every line accounted for, and what can be read is right.

The extract is 2,000 lines of the real Online Retail file. What should come of it says a second
reader, written here with nothing but csv and Decimal.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException, Inexact, InvalidOperation
from pathlib import Path

import pyarrow
import pytest

from analyticspro.connectors import Source, load, parts, read_part
from analyticspro.errors import SourceError
from tests.conftest import RETAIL_SOURCES
from tests.connectors.damage import damaged

LINES = 2_000
Event = tuple[str, datetime, str | None, int]


@dataclass
class Outcome:
    """Events by row number, lines that were set aside; `refused` if the file was not read."""

    events: dict[int, Event] = field(default_factory=dict)
    rejects: list[int] = field(default_factory=list)
    records: int = 0
    refused: bool = False


# The second reader


def expected(content: bytes) -> Outcome:
    lines = list(io.StringIO(content.decode("utf-8-sig", "surrogateescape"), newline=""))
    records = walk(lines)
    outcome = Outcome()
    header = next(records, None)
    if header is None:
        return outcome
    _, columns = header
    if columns is None or not usable(columns):
        return Outcome(refused=True)
    for number, (line, fields) in enumerate(records, 1):
        outcome.records = number
        event = None
        if fields is not None and len(fields) == len(columns):
            event = meaning(dict(zip(columns, fields, strict=True)))
        if event is None:
            outcome.rejects.append(line)
        else:
            outcome.events[number] = event
    return outcome


def walk(lines: list[str]) -> Iterator[tuple[int, list[str] | None]]:
    """Yield each record with its first line; None where that line begins none of the right width.

    Reading goes on at the line after a broken one, whatever a quote in it would have swallowed.
    """
    at, width = 0, None
    while at < len(lines):
        if not lines[at].strip("\r\n"):
            at += 1
            continue
        fields, taken = first(lines[at : at + 1])
        if fields is None:
            fields, taken = first(lines[at:])
        if fields is not None and len(fields) != (width or len(fields)):
            fields, taken = None, 1
        if width is None and fields is not None:
            width = len(fields)
        yield at + 1, fields
        at += taken


def first(lines: list[str]) -> tuple[list[str] | None, int]:
    records = csv.reader(lines, strict=True)
    try:
        return next(records), records.line_num
    except csv.Error:
        return None, 1


def usable(columns: list[str]) -> bool:
    needed = "InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country"
    whole = all(readable(name) and "\0" not in name for name in columns)
    return whole and set(needed.split()) <= set(columns) and len(set(columns)) == len(columns)


def readable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def meaning(row: dict[str, str]) -> Event | None:
    if not all(readable(text) and "\0" not in text for text in row.values()):
        return None
    try:
        at = datetime.strptime(row["InvoiceDate"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        quantity, price = row["Quantity"].strip(), row["UnitPrice"].strip()
        if not (quantity + price).isascii() or "_" in quantity + price:
            return None
        if not -(2**63) <= int(quantity) < 2**63 or abs(float(price)) == float("inf"):
            return None
        exact = Context(prec=60, traps=[Inexact, InvalidOperation])
        amount = exact.multiply(Decimal(quantity), Decimal(price))
    except (ValueError, DecimalException):
        return None
    if not amount.is_finite() or (amount and amount.adjusted() > 18):
        return None
    minor = int(amount.scaleb(2, Context(prec=60)).to_integral_value(ROUND_HALF_EVEN))
    if abs(minor) >= 2**63 or not datetime(1970, 1, 1, tzinfo=UTC) <= at <= LATEST:
        return None
    name = "order_cancelled" if row["InvoiceNo"].startswith("C") else "order_placed"
    return name, at, row["CustomerID"] or None, minor


LATEST = datetime(2200, 1, 1, tzinfo=UTC)


# The proof


@pytest.fixture(scope="module")
def extract(retail_folder: Path) -> bytes:
    """The header and 1,999 lines from all over the file."""
    with gzip.open(retail_folder / "online_retail.csv.gz", "rt", newline="") as text:
        lines = text.readlines()
    chosen = [lines[0], *lines[1 :: len(lines) // LINES][: LINES - 1]]
    assert len(chosen) == LINES
    return "".join(chosen).encode()


def found(source: Source) -> Outcome:
    outcome = Outcome()
    [part] = parts(source)
    try:
        for batch in read_part(source, part):
            outcome.records += batch.records
            outcome.rejects.extend(batch.rejects["line"])
            rows = batch.events.select(
                "event_id", "name", "occurred_at", "customer_id", "amount_minor"
            )
            for name, *event in rows.iter_rows():
                outcome.events[int(name.rpartition(":")[2])] = tuple(event)
    except SourceError:
        outcome.refused = True
    return outcome


# One variant in five is packed, and read again when its end is missing.
PACKED: dict[int, Callable[[bytes], bytes]] = {
    0: gzip.compress,
    5: lambda content: bytes(pyarrow.Codec("zstd").compress(content, asbytes=True)),
}


def prove(extract: bytes, folder: Path, count: int) -> None:
    [source] = load(RETAIL_SOURCES, {"ONLINE_RETAIL": str(folder)})
    file = folder / "online_retail.csv"
    kinds = {"refused": 0, "set aside": 0}
    for seed in range(count):
        content = damaged(extract, seed)
        pack = PACKED.get(seed % 10, bytes)
        file.write_bytes(pack(content))
        right, outcome = expected(content), found(source)
        assert outcome == right, f"variant {seed}"
        assert len(outcome.events) + len(outcome.rejects) == outcome.records, f"variant {seed}"
        kinds["refused"] += outcome.refused
        kinds["set aside"] += bool(outcome.rejects)
        if pack is not bytes:
            whole = pack(content)
            file.write_bytes(whole[: random.Random(seed).randrange(4, len(whole))])
            assert found(source).refused, f"variant {seed}, cut short"
    assert kinds["refused"] > count // 50
    assert kinds["set aside"] > count // 2


def test_the_whole_extract_can_be_read(extract: bytes):
    outcome = expected(extract)
    assert (len(outcome.events), outcome.rejects) == (LINES - 1, [])
    assert {name for name, *_ in outcome.events.values()} == {"order_placed", "order_cancelled"}


def test_of_a_hundred_damaged_files_all_that_can_be_read_is(extract: bytes, tmp_path: Path):
    prove(extract, tmp_path, 100)


@pytest.mark.soak
def test_of_two_thousand_damaged_files_all_that_can_be_read_is(extract: bytes, tmp_path: Path):
    prove(extract, tmp_path, 2_000)
