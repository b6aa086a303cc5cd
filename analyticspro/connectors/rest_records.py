"""The records of an API's page: objects of JSON, which become rows of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from analyticspro.connectors.json_text import Number, json_text, plain_text
from analyticspro.connectors.records import LINE, RAW, Records, foreign, frame, set_aside
from analyticspro.connectors.rest_source import RestStream
from analyticspro.errors import DataError, SourceError
from analyticspro.extract import Malformed, Record, Response, at_path

__all__ = ["decode", "field_of", "rows"]

_DEEPEST = 100


@dataclass(frozen=True)
class _Broken:
    """A record that is no JSON; a page of lines may have some among good ones."""

    reason: str


class _Twice(dict[str, object]):
    """An object that names a field twice."""

    name: str


class _NoNumber(str):
    """NaN or Infinity, which Python's reader takes and JSON does not know."""


def decode(stream: RestStream, response: Response) -> tuple[object, list[Record]]:
    """Return the JSON around the records, and the records.

    Raises:
        Malformed: It is not written so; it may have been cut.
        SourceError: There is no list where `stream.records` says.
    """
    # A byte that is no UTF-8 is kept as a surrogate, so that it costs its own record only.
    text = response.body.decode("utf-8-sig", "surrogateescape")
    if stream.format == "ndjson":
        return None, list(_lines(text, response))
    if not text.strip():
        if response.status == 204:
            return None, []
        raise Malformed("is empty")
    try:
        body = _DECODER.decode(text.strip())
    except json.JSONDecodeError as error:
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        said = f", and says it is {kind[:60]}" if kind and "json" not in kind else ""
        raise Malformed(f"is no JSON ({error.msg} at character {error.pos + 1}){said}") from None
    except RecursionError:
        raise Malformed("is nested too deep") from None
    return body, [_record(value) for value in _list(stream, body)]


def _lines(text: str, response: Response) -> Iterator[Record]:
    if not response.is_whole:
        raise SourceError(
            "The answer does not say how long it is, so one that was cut could not be told from "
            "a whole one. Let the server send Content-Length, or Transfer-Encoding: chunked."
        )
    *lines, rest = text.split("\n")
    for line in lines:
        if line and not line.isspace():
            yield _line(line.strip())
    if rest and not rest.isspace():
        last = _line(rest.strip())
        if isinstance(last.value, _Broken):
            raise Malformed("ends in the middle of a line")
        yield last


def _line(raw: str) -> Record:
    try:
        return Record(raw, _DECODER.decode(raw))
    except json.JSONDecodeError as error:
        return Record(raw, _Broken(f"is not JSON: {error.msg} at character {error.pos + 1}"))
    except RecursionError:
        return Record(raw, _Broken(f"is nested deeper than {_DEEPEST}"))


def _list(stream: RestStream, body: object) -> list[object]:
    found = body if stream.records is None else at_path(body, stream.records)
    if isinstance(found, list):
        return found
    if found is None and isinstance(body, dict) and _is_named(body, stream.records):
        return []  # null, as some write an empty list
    names = ", ".join(sorted(map(str, body))[:12]) if isinstance(body, dict) else ""
    there = f"The document has: {names}." if names else "The document is no object."
    wanted = (
        "is not the list"
        if stream.records is None
        else f"does not hold the list in {stream.records!r}"
    )
    raise SourceError(
        f"The document at {stream.path} {wanted}. {there} Check records of the stream."
    )


def _is_named(body: dict[str, object], path: str | None) -> bool:
    outer, _, last = (path or "").rpartition(".")
    holder = at_path(body, outer) if outer else body
    return path in body or (isinstance(holder, dict) and last in holder)


def _record(value: object) -> Record:
    try:
        return Record(json_text(value), value)
    except RecursionError:
        return Record("", _Broken(f"is nested deeper than {_DEEPEST}"))


def field_of(value: object, name: str) -> str | None:
    """Return a field of a record as text, dots leading into it; None where there is none."""
    if not isinstance(value, dict):
        return None
    text = plain_text(at_path(value, name))
    return None if not text or foreign(text) else text


def rows(stream: RestStream, records: Sequence[Record]) -> Records:
    """Return `records` as the mapping takes them; what is no object is broken."""
    fields = sorted(stream.columns())
    whole: list[tuple[int, int, list[str | None]]] = []
    raws: list[str] = []
    broken: list[dict[str, object]] = []
    for number, record in enumerate(records):
        try:
            value = _sound(record)
        except DataError as error:
            broken.append({**set_aside(0, str(error), record.text), "line": None})
            continue
        whole.append((0, number, [plain_text(at_path(value, name)) for name in fields]))
        raws.append(record.text)
    texts = frame(fields, whole).with_columns(
        pl.lit(None, pl.Int64).alias(LINE), pl.Series(RAW, raws, pl.String)
    )
    return Records(texts, broken, len(records))


def _sound(record: Record) -> dict[str, object]:
    """Return the object that a record is; raises DataError with the reason if it is none."""
    value = record.value
    if isinstance(value, _Broken):
        raise DataError(value.reason)
    if not isinstance(value, dict):
        raise DataError("is not a JSON object")
    if foreign(record.text):
        raise DataError("holds half of a surrogate pair, or bytes that are not UTF-8")
    level: list[object] = [value]
    for _ in range(_DEEPEST):
        for item in level:
            if isinstance(item, _Twice):
                raise DataError(f"names {item.name!r} more than once")
            if isinstance(item, _NoNumber):
                raise DataError(f"is not JSON: {item} is no number")
        level = [inner for item in level for inner in _inner(item)]
        if not level:
            return value
    raise DataError(f"is nested deeper than {_DEEPEST}")


def _inner(value: object) -> Iterator[object]:
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(inner, str | int | None):
        return
    for item in inner:  # type: ignore[attr-defined]
        if isinstance(item, dict | list | _NoNumber):
            yield item


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) == len(pairs):
        return record
    twice = _Twice(record)
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            twice.name = name
            break
        names.add(name)
    return twice


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=Number,
    parse_int=Number,
    parse_constant=_NoNumber,
)
