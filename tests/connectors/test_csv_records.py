"""A broken record costs itself alone, and no line is ever lost in silence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.connectors.csv_records import Broken, Record, read

Items = list[Record | Broken]


def lines_of(text: str) -> Iterator[str]:
    """Give the lines as a file opened for text gives them."""
    return iter(io.StringIO(text, newline=""))


def items(text: str, delimiter: str = ",") -> Items:
    return list(read(lines_of(text), delimiter=delimiter))


def brief(text: str) -> list[str]:
    """Return each item as `line:fields` or `line!`."""
    return [
        f"{item.line}:{'|'.join(item.fields)}" if isinstance(item, Record) else f"{item.line}!"
        for item in items(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a,b\n1,2\n", ["1:a|b", "2:1|2"], id="plain"),
        pytest.param("a,b\n1,2", ["1:a|b", "2:1|2"], id="no line end at the end"),
        pytest.param("a,b\r\n1,2\r\n", ["1:a|b", "2:1|2"], id="CRLF"),
        pytest.param("a,b\r1,2\r", ["1:a|b", "2:1|2"], id="CR"),
        pytest.param("a,b\r\n1,2\n3,4\r5,6", ["1:a|b", "2:1|2", "3:3|4", "4:5|6"], id="mixed ends"),
        pytest.param("\n\na,b\n\n1,2\n\r\n", ["3:a|b", "5:1|2"], id="blank lines are passed over"),
        pytest.param("a,b\n,\n", ["1:a|b", "2:|"], id="empty fields"),
        pytest.param('a,b\n"",""\n', ["1:a|b", "2:|"], id="empty quoted fields"),
        pytest.param('a,b\n"1,5",2\n', ["1:a|b", "2:1,5|2"], id="a quoted delimiter"),
        pytest.param('a,b\n"say ""hi""",2\n', ["1:a|b", '2:say "hi"|2'], id="doubled quotes"),
        pytest.param('a,b\n5" pipe,2\n', ["1:a|b", '2:5" pipe|2'], id="a quote inside a field"),
        pytest.param(
            'a,b\n"1\n\n1",2\n3,4\n', ["1:a|b", "2:1\n\n1|2", "5:3|4"], id="a quoted line break"
        ),
        pytest.param('"a\nb",c\n1,2\n', ["1:a\nb|c", "3:1|2"], id="a line break in the header"),
        pytest.param("a,b\n1,\0\n", ["1:a|b", "2:1|\0"], id="a NUL"),
        pytest.param("", [], id="nothing"),
        pytest.param("\n\r\n", [], id="nothing but blank lines"),
    ],
)
def test_well_formed_csv_is_read_as_it_is_meant(text: str, expected: list[str]):
    assert brief(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a,b\n1\n3,4\n", ["1:a|b", "2!", "3:3|4"], id="too few fields"),
        pytest.param("a,b\n1,2,3\n3,4\n", ["1:a|b", "2!", "3:3|4"], id="too many fields"),
        pytest.param(
            'a,b\n1,"2\n3,4\n5,6\n', ["1:a|b", "2!", "3:3|4", "4:5|6"], id="a quote never closed"
        ),
        pytest.param(
            'a,b\n1,"2\n3,4\n5,"6"\n',
            ["1:a|b", "2!", "3:3|4", "4:5|6"],
            id="a stray quote that a later quote would end",
        ),
        pytest.param(
            'a,b\n1,"2\n"3",4\n5,"6\n7,8\n',
            ["1:a|b", "2!", "3:3|4", "4!", "5:7|8"],
            id="two stray quotes",
        ),
        pytest.param(
            'a,b\n1,"2" x\n3,4\n', ["1:a|b", "2!", "3:3|4"], id="text after a closing quote"
        ),
        pytest.param('a,b\n3,4\n1,"2', ["1:a|b", "2:3|4", "3!"], id="a quote open at the end"),
        pytest.param('a,b\n3,4\n"', ["1:a|b", "2:3|4", "3!"], id="a lone quote at the end"),
        pytest.param(
            'a,b\n\n"1\n2",3,4\n\n5,6\n',
            ["1:a|b", "3!", "4!", "6:5|6"],
            id="each line of a broken record is reported",
        ),
    ],
)
def test_a_broken_record_costs_itself_alone(text: str, expected: list[str]):
    assert brief(text) == expected


def test_a_stray_quote_is_given_up_after_a_long_field():
    rest = [f"{number},good" for number in range(20_000)]
    found = items("\n".join(['a,b\n0,"bad', *rest]))
    assert found[1] == Broken(2, "broken CSV: field larger than field limit (131072)", '0,"bad')
    assert [item.fields[0] for item in found[2:] if isinstance(item, Record)] == [
        str(number) for number in range(20_000)
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1\n", "has 1 fields where the header has 2"),
        ("a,b\n1,2,3\n", "has 3 fields where the header has 2"),
        ('a,b\n1,"2\n', "broken CSV: unexpected end of data"),
        ('a,b\n1,"2"3\n', "broken CSV: ',' expected after '\"'"),
    ],
)
def test_a_broken_line_says_why_and_is_kept(text: str, reason: str):
    assert items(text)[1] == Broken(2, reason, text.splitlines()[1])


def test_another_delimiter_parts_the_fields():
    assert items("a;b\n1,5;2\n", delimiter=";")[1] == Record(2, ["1,5", "2"])
    assert items("a\tb\n1\t2\n", delimiter="\t")[1] == Record(2, ["1", "2"])


CELLS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('",\n\r x'), max_size=8)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6)
)


def write(table: list[list[str]], *, quote_all: bool) -> str:
    out = io.StringIO(newline="")
    # Unquoted, a lone CR is safe only beside a line end of CRLF.
    form = (csv.QUOTE_ALL, "\n") if quote_all else (csv.QUOTE_MINIMAL, "\r\n")
    csv.writer(out, quoting=form[0], lineterminator=form[1]).writerows(table)
    return out.getvalue()


@given(TABLES, st.booleans())
def test_whatever_a_csv_writer_writes_comes_back(table: list[list[str]], quote_all: bool):
    found = items(write(table, quote_all=quote_all))
    assert [item.fields for item in found if isinstance(item, Record)] == table
    assert len(found) == len(table)


EDITS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 3), st.text('",\r\n ab\0', max_size=3)),
    min_size=1,
    max_size=5,
)


@given(TABLES, EDITS, st.booleans())
def test_whatever_is_done_to_a_file_each_line_is_accounted_for(
    table: list[list[str]], edits: list[tuple[int, int, str]], quote_all: bool
):
    text = write(table, quote_all=quote_all)
    for position, removed, added in edits:
        at = position % (len(text) + 1)
        text = text[:at] + added + text[at + removed :]
    lines = list(lines_of(text))
    at = 0
    for item in items(text):
        at = after_blank(lines, at)
        assert item.line == at + 1
        if isinstance(item, Broken):
            assert item.text == lines[at].rstrip("\r\n")
            at += 1
        else:
            at += length(lines[at:], item)
    assert after_blank(lines, at) == len(lines)


def after_blank(lines: list[str], at: int) -> int:
    while at < len(lines) and not lines[at].strip("\r\n"):
        at += 1
    return at


def length(lines: list[str], record: Record) -> int:
    """Return of how many of `lines`, read on their own, `record` is made."""
    for count in range(1, len(lines) + 1):
        try:
            if list(csv.reader(lines[:count], strict=True)) == [record.fields]:
                return count
        except csv.Error:
            pass  # a quote is still open
    raise AssertionError(f"{record} is not what the lines say")
