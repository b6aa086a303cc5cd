"""JSONL files: one JSON object a line. A nested field is named with dots: `customer.id`."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NoReturn, TextIO

import polars as pl

from analyticspro.connectors.declaration import Mapped
from analyticspro.connectors.files_source import FilesSource
from analyticspro.connectors.json_text import Number, plain_text
from analyticspro.connectors.records import (
    RAW,
    RECORDS_PER_BATCH,
    Records,
    foreign,
    frame,
    set_aside,
)
from analyticspro.errors import DataError

__all__ = ["read_jsonl", "records_of"]

_LONGEST_LINE = 4_000_000
_CHARACTERS_PER_BATCH = 100_000_000
_DEEPEST = 100
# Brackets outside of strings; a string that never closes goes to the end of its line.
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)

_Row = tuple[int, int, list[str | None]]


def read_jsonl(source: FilesSource, location: str, text: TextIO) -> Iterator[Records]:
    """Yield the records of a file of JSONL; blank lines are passed over.

    Objects differ in their fields, so one that a line does not have is empty there. Each
    event keeps its whole line as `raw`.
    """
    row = itertools.count(1)
    lines = ((n, line) for n, line in enumerate(_lines(text), 1) if not line.isspace())
    for chunk in _chunks(lines):
        yield records_of(source, chunk, row)


def _lines(text: TextIO) -> Iterator[str]:
    """Yield the lines; of one that is too long, its start, so that it never fills the memory."""
    while line := text.readline(_LONGEST_LINE + 1):
        rest = line
        while rest and not rest.endswith("\n"):
            rest = text.readline(_LONGEST_LINE)
        yield line


def _chunks(lines: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    chunk: list[tuple[int, str]] = []
    characters = 0
    for number, line in lines:
        chunk.append((number, line))
        characters += len(line)
        if len(chunk) >= RECORDS_PER_BATCH or characters >= _CHARACTERS_PER_BATCH:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def records_of(mapped: Mapped, chunk: Sequence[tuple[int, str]], row: Iterator[int]) -> Records:
    """Return the records of some lines, each with its number; `row` numbers the records."""
    fields = [(name, name.split(".")) for name in sorted(mapped.columns())]
    whole: list[_Row] = []
    raws: list[str] = []
    broken: list[dict[str, object]] = []
    for (line, text), number in zip(chunk, row, strict=False):
        raw = text.strip()
        try:
            record = _record(text)
        except DataError as error:
            broken.append(set_aside(line, str(error), raw))
            continue
        values = [plain_text(_value(record, name, path)) for name, path in fields]
        bad = next((at for at, value in enumerate(values) if value and foreign(value)), None)
        if bad is None:
            whole.append((line, number, values))
            raws.append(raw)
        else:
            reason = "holds half of a surrogate pair"
            broken.append(set_aside(line, reason, raw, field=fields[bad][0], value=values[bad]))
    rows = frame([name for name, _ in fields], whole)
    return Records(rows.with_columns(pl.Series(RAW, raws, pl.String)), broken, len(chunk))


def _value(record: dict[str, object], name: str, path: list[str]) -> object:
    """Return the field called `name` as a whole; else the one that its dots lead to."""
    if name in record or len(path) == 1:
        return record.get(name)
    value: object = record
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _record(line: str) -> dict[str, object]:
    """Return the object written in `line`; raises DataError with the reason if it is none."""
    if len(line) > _LONGEST_LINE:
        raise DataError(f"is longer than {_LONGEST_LINE:,} characters")
    if foreign(line):
        raise DataError("holds bytes that are not of the declared encoding")
    if line.count("{") + line.count("[") > _DEEPEST and _depth(line) > _DEEPEST:
        raise DataError(f"is nested deeper than {_DEEPEST}")
    try:
        record = _DECODER.decode(line.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        raise DataError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(record, dict):
        raise DataError("is not a JSON object")
    return record


def _depth(line: str) -> int:
    steps = (1 if mark[0] in "{[" else -1 for mark in _BRACKET.findall(line) if mark[0] != '"')
    return max(itertools.accumulate(steps), default=0)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise DataError(f"names {twice!r} more than once")
    return record


def _no_constant(name: str) -> NoReturn:
    raise DataError(f"is not JSON: {name} is no number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=Number,
    parse_int=Number,
    parse_constant=_no_constant,
)
