"""A folder of files: which they are, how they are written, what a broken one costs."""

from __future__ import annotations

import codecs
import gzip
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from analyticspro.connectors import Source, fingerprint, is_settled, parts, read_part
from analyticspro.errors import SourceError

HEAD = "at,who,paid\n"
ROWS = "2011-11-05,Zoë,1.50\n2011-11-06,C2,2\n"
Reading = Callable[..., Any]
Declaring = Callable[..., Source]


def zstd(text: str) -> bytes:
    return bytes(pyarrow.Codec("zstd").compress(text.encode(), asbytes=True))


# Which files


def test_files_are_found_by_name_relative_to_the_folder_without_wildcards(
    tmp_path: Path, declare: Declaring
):
    for name in ("b.csv", "a.csv", "2011/c.csv", "2011/12/d.csv", "e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(HEAD)
    (tmp_path / "folder.csv").mkdir()
    found = {
        pattern: [part.name for part in parts(declare(path=str(tmp_path / pattern)))]
        for pattern in ("a.csv", "*.csv", "**/*.csv", "2011*/*.csv", "?.[ct]*")
    }
    assert found == {
        "a.csv": ["a.csv"],
        "*.csv": ["a.csv", "b.csv"],
        "**/*.csv": ["2011/12/d.csv", "2011/c.csv", "a.csv", "b.csv"],
        "2011*/*.csv": ["2011/c.csv"],
        "?.[ct]*": ["a.csv", "b.csv", "e.txt"],
    }


def test_a_part_knows_its_size_and_its_time(tmp_path: Path, declare: Declaring):
    (tmp_path / "a.csv").write_text(HEAD)
    [part] = parts(declare())
    assert part.location == str(tmp_path / "a.csv")
    assert part.size == len(HEAD)
    assert part.changed_ns == (tmp_path / "a.csv").stat().st_mtime_ns


@pytest.mark.parametrize("pattern", ["*.tsv", "nowhere/*.csv", "a.csv", "a**b.csv"])
def test_a_pattern_that_fits_nothing_says_so(tmp_path: Path, declare: Declaring, pattern: str):
    with pytest.raises(SourceError) as caught:
        parts(declare(path=str(tmp_path / pattern)))
    assert "Source shop" in str(caught.value)
    assert str(tmp_path / pattern) in str(caught.value)


def test_a_fingerprint_is_of_the_content_alone(tmp_path: Path, declare: Declaring):
    for name, content in (("a.csv", HEAD), ("b.csv", HEAD), ("c.csv", HEAD + "\n")):
        (tmp_path / name).write_text(content)
    first, same, other = map(fingerprint, parts(declare()))
    assert first == same != other


@pytest.mark.parametrize(
    ("after", "settled"),
    [
        pytest.param(0, False, id="at once"),
        pytest.param(9.9, False, id="just before"),
        pytest.param(10.1, True, id="after it was still long enough"),
        pytest.param(-5, False, id="a clock a little behind"),
        pytest.param(-3600, True, id="a clock that was put back does not block for an hour"),
    ],
)
def test_a_file_is_settled_once_it_was_still(
    tmp_path: Path, declare: Declaring, after: float, settled: bool
):
    (tmp_path / "a.csv").write_text(HEAD)
    os.utime(tmp_path / "a.csv", (1, 1))  # a time that is set says nothing
    [part] = parts(declare())
    now = datetime.fromtimestamp(part.touched_ns / 1e9, UTC) + timedelta(seconds=after)
    assert is_settled(declare(settled_for=10), part, now) is settled
    assert is_settled(declare(), part, now), "nothing is waited for unless it is declared"


def test_a_file_that_went_away_says_so(tmp_path: Path, declare: Declaring):
    (tmp_path / "a.csv").write_text(HEAD + ROWS)
    [part] = parts(declare())
    (tmp_path / "a.csv").unlink()
    for look in (fingerprint, lambda part: list(read_part(declare(), part))):
        with pytest.raises(SourceError, match=r"a\.csv cannot be read: No such file"):
            look(part)


# How they are written


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param((HEAD + ROWS).encode(), "utf-8", id="UTF-8"),
        pytest.param(codecs.BOM_UTF8 + (HEAD + ROWS).encode(), "utf-8", id="a byte-order mark"),
        pytest.param(codecs.BOM_UTF8 + (HEAD + ROWS).encode(), "utf-8-sig", id="and declared"),
        pytest.param(codecs.BOM_UTF8 + (HEAD + ROWS).encode(), "UTF_8", id="under another name"),
        pytest.param((HEAD + ROWS).encode("cp1252"), "cp1252", id="Windows"),
        pytest.param((HEAD + ROWS).encode("utf-16"), "utf-16", id="UTF-16"),
        pytest.param((HEAD + ROWS).replace("\n", "\r\n").encode(), "utf-8", id="CRLF"),
        pytest.param(gzip.compress((HEAD + ROWS).encode()), "utf-8", id="gzip"),
        pytest.param(
            gzip.compress((HEAD).encode()) + gzip.compress(ROWS.encode()), "utf-8", id="two gzips"
        ),
        pytest.param(zstd(HEAD + ROWS), "utf-8", id="zstd"),
        pytest.param(zstd(HEAD) + zstd(ROWS), "utf-8", id="two zstd frames"),
    ],
)
def test_a_file_is_read_as_it_is_written(read: Reading, content: bytes, encoding: str):
    found = read(content, encoding=encoding)
    assert [event["customer_id"] for event in found.events] == ["Zoë", "C2"]
    assert found.rejects == []


def test_a_gzip_is_known_by_its_content_not_by_its_name(read: Reading):
    assert len(read(gzip.compress((HEAD + ROWS).encode()), name="a.csv").events) == 2
    assert len(read(HEAD + ROWS, name="a.csv.gz").events) == 4, "and the first file is there too"


@pytest.mark.parametrize(
    "content", [b"", b"\n\r\n", HEAD.encode(), gzip.compress(b"", mtime=0), zstd("")]
)
def test_a_file_without_rows_has_no_events(read: Reading, content: bytes):
    found = read(content)
    assert (found.events, found.rejects, found.records) == ([], [], 0)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(b"Zo\xeb", "utf-8"), (b"\x81", "cp1252")],
    ids=["not UTF-8", "not of Windows"],
)
def test_bytes_foreign_to_the_encoding_cost_their_row_alone(
    read: Reading, content: bytes, encoding: str
):
    rows = b"2011-11-05,%b,1\n2011-11-06,C2,2\n" % content
    found = read(HEAD.encode() + rows, encoding=encoding)
    assert [event["event_id"] for event in found.events] == ["shop:orders.csv:2"]
    [reject] = found.rejects
    assert (reject["line"], reject["field"]) == (2, "who")
    assert reject["reason"] == "holds bytes that are not of the declared encoding"
    assert "\\udc" in reject["value"]
    assert "\\udc" in reject["raw"]


def test_foreign_bytes_in_a_broken_line_are_shown_too(read: Reading):
    [reject] = read(HEAD.encode() + b"\xff\n").rejects
    assert (reject["line"], reject["field"], reject["value"]) == (2, None, "\\udcff")
    assert reject["reason"] == "has 1 fields where the header has 3"


def test_lines_are_counted_as_a_person_would(read: Reading):
    rows = '2011-11-05,"C\n1",1\n\n,C2,2\n2011-11-05\n2011-11-05,"C4,4\n2011-11-05,C5,x\n'
    found = read("\n" + HEAD + rows)
    lines = [(reject["line"], reject["field"]) for reject in found.rejects]
    assert lines == [(6, "at"), (7, None), (8, None), (9, "paid")]
    assert [event["event_id"] for event in found.events] == ["shop:orders.csv:1"]
    assert found.records == 5


def test_a_broken_line_has_a_row_number_too_so_that_mending_it_moves_none(read: Reading):
    broken = read(HEAD + "2011-11-05,C1\n2011-11-06,C2,2\n").events
    mended = read(HEAD + "2011-11-05,C1,1\n2011-11-06,C2,2\n").events
    assert broken == mended[1:]


def test_a_long_broken_line_is_shown_in_part_and_kept_whole(read: Reading):
    [reject] = read(HEAD + "x" * 1000 + "\n").rejects
    assert (reject["value"], reject["raw"]) == ("x" * 200, "x" * 1000)


def test_a_file_of_several_batches_numbers_its_rows_through(read: Reading):
    count = 50_003
    found = read(HEAD + "".join(f"2011-11-05,C{n},1\n" for n in range(count)))
    assert found.records == count
    assert [event["event_id"] for event in found.events] == [
        f"shop:orders.csv:{number}" for number in range(1, count + 1)
    ]


# What a broken file costs


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("at,whom,paid\n", "No column 'who' in .*Did you mean 'whom'", id="no column"),
        pytest.param("at,who,paid,who\n", "names 'who' 2 times", id="a column twice"),
        pytest.param('at,who,"paid\n', "header: broken CSV", id="a broken header"),
        pytest.param("at,who,paid,a\0\n", "holds a NUL character", id="a NUL in the header"),
        pytest.param(b"at,who,paid,\xff\n", "header is not written in utf-8", id="foreign bytes"),
        pytest.param(
            gzip.compress((HEAD + ROWS).encode())[:-5], "not a whole gzip file", id="cut gzip"
        ),
        pytest.param(
            gzip.compress((HEAD + ROWS).encode()) + b"tail", "not a whole gzip", id="gzip and more"
        ),
        pytest.param(zstd(HEAD + ROWS)[:-1], "not a whole zstd file.*still being", id="cut zstd"),
        pytest.param(zstd(HEAD + ROWS)[:4], "not a whole zstd file", id="zstd at first sight"),
        pytest.param(zstd(HEAD + ROWS) + b"tail", "not a whole zstd", id="zstd and more"),
        pytest.param(b"\x1f\x8bnothing", "not a whole gzip file", id="gzip at first sight"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    read: Reading, content: str | bytes, reason: str
):
    with pytest.raises(SourceError, match=reason) as caught:
        read(content)
    assert "orders.csv" in str(caught.value)


def test_what_is_not_the_declared_encoding_at_all_says_so(read: Reading):
    with pytest.raises(SourceError, match=r"orders\.csv is not written in utf-16"):
        read((HEAD + ROWS).encode(), encoding="utf-16")


def test_what_was_read_before_a_break_stays_good(tmp_path: Path, declare: Declaring):
    rows = "".join(f"2011-11-05,{n * 7919 % 100_003},1\n" for n in range(120_000))
    packed = gzip.compress((HEAD + rows).encode())
    (tmp_path / "a.csv.gz").write_bytes(packed[: len(packed) * 3 // 4])
    [part] = parts(declare())
    batches = read_part(declare(), part)
    assert next(batches).events.height == 50_000
    with pytest.raises(SourceError, match="Is it still being written"):
        list(batches)
