"""Looks at a file that nothing is declared of: how it is written, and its first records."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyticspro.connectors.compression import unpacked
from analyticspro.connectors.csv_records import Record, read
from analyticspro.connectors.json_text import Number, plain_text
from analyticspro.errors import SourceError

__all__ = ["Row", "Sample", "fields_of", "sample"]

Row = Mapping[str, str | None]

_MOST = 1000  # records that are looked at
_START = 1 << 20  # bytes, of which the encoding is told
_DELIMITERS = (",", ";", "\t", "|")
_DEEPEST = 8


@dataclass(frozen=True)
class Sample:
    """The first records of something.

    Attributes:
        settings: How it is written: what a declaration says besides the mapping.
        rows: Field by field, as the text that a mapping takes; null where it was empty.
        broken: How many of the records could not be read.
    """

    settings: Mapping[str, str]
    rows: Sequence[Row]
    broken: int = 0

    @property
    def columns(self) -> list[str]:
        """The fields there are, in the order in which they come first."""
        return list(dict.fromkeys(itertools.chain.from_iterable(self.rows)))


def sample(file: Path) -> Sample:
    """Return the first 1,000 records of a file of CSV, JSON lines or Parquet, packed or not.

    Raises:
        SourceError: There is no such file, or it cannot be read as any of these.
    """
    try:
        with open(file, "rb") as opened:
            if opened.read(4) == b"PAR1":
                return _parquet(file)
            opened.seek(0)
            with unpacked(opened, str(file)) as content:
                start = content.read(_START)
                is_whole = not content.read(1)
                return _lines(*_text(start, is_whole=is_whole))
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}.") from None


def fields_of(value: object, before: str = "", depth: int = 0) -> dict[str, str | None]:
    """Return the fields of a JSON object, those of objects within it with dots.

    >>> fields_of({"id": 7, "who": {"name": "Ann"}, "tags": ["a"], "none": {}})
    {'id': '7', 'who.name': 'Ann', 'tags': '["a"]', 'none': '{}'}
    """
    found: dict[str, str | None] = {}
    for name, inner in value.items() if isinstance(value, dict) else ():
        path = f"{before}{name}"
        if isinstance(inner, dict) and inner and depth < _DEEPEST:
            found |= fields_of(inner, f"{path}.", depth + 1)
        else:
            found[path] = plain_text(inner) or None
    return found


def _text(start: bytes, *, is_whole: bool) -> tuple[str, str]:
    """Return whole lines of the start of a file, and the encoding that they are written in."""
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        start.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and (is_whole or error.start < len(start) - 4):
            encoding = "cp1252"  # else it is a character that was cut
    text = start.decode("utf-8-sig" if encoding == "utf-8" else encoding, "replace")
    return (text if is_whole else text[: text.rfind("\n") + 1] or text), encoding


def _lines(start: str, encoding: str) -> Sample:
    first = next((line for line in start.splitlines() if line.strip()), "")
    written = {} if encoding == "utf-8" else {"encoding": encoding}
    if first.lstrip().startswith("{"):
        return _jsonl(start.splitlines(), {"format": "jsonl", **written})
    lines = start.splitlines(keepends=True)
    delimiter = max(_DELIMITERS, key=lambda sign: _fit(lines[:50], sign))
    if delimiter != ",":
        written |= {"delimiter": delimiter}
    return _csv(lines, delimiter, written)


def _fit(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    """Return how well `delimiter` parts the records: how many alike, of how many fields."""
    found = list(read(iter(lines), delimiter=delimiter))
    widths = Counter(len(record.fields) for record in found if isinstance(record, Record))
    width, alike = max(widths.items(), key=lambda item: item[1], default=(1, 0))
    return (alike if width > 1 else 0, width)


def _csv(lines: Iterable[str], delimiter: str, settings: Mapping[str, str]) -> Sample:
    records = read(iter(lines), delimiter=delimiter)
    header = next(records, None)
    if not isinstance(header, Record):
        raise SourceError("There is no header, whose fields would name the columns.")
    taken = list(itertools.islice(records, _MOST))
    good = [record for record in taken if isinstance(record, Record)]
    rows = [
        {name: field or None for name, field in zip(header.fields, record.fields, strict=True)}
        for record in good
    ]
    return Sample(settings, rows or [dict.fromkeys(header.fields)], len(taken) - len(good))


def _jsonl(lines: Iterable[str], settings: Mapping[str, str]) -> Sample:
    rows, broken = [], 0
    for line in itertools.islice((line for line in lines if line.strip()), _MOST):
        try:
            value = json.loads(line, parse_float=Number, parse_int=Number)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            rows.append(fields_of(value))
        else:
            broken += 1
    return Sample(settings, rows, broken)


def _parquet(file: Path) -> Sample:
    from analyticspro.connectors.parquet_format import first_rows

    with open(file, "rb") as opened:
        rows = first_rows(str(file), opened, _MOST)
    return Sample({"format": "parquet"}, rows)
