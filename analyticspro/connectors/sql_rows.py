"""Rows of a database as the rows of text that a mapping takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import polars as pl

from analyticspro.connectors.batch import REJECTS
from analyticspro.connectors.json_text import Number, json_text, plain_text
from analyticspro.connectors.records import LINE, RAW, ROW
from analyticspro.errors import SourceError, UnknownName
from analyticspro.extract import at_path

__all__ = ["aside", "rows_of", "sources_of"]


def sources_of(wanted: set[str], columns: Sequence[str], where: str) -> dict[str, str]:
    """Return for each wanted field the column that it comes from.

    A field is a column with that whole name; else its dots lead into the JSON of the column
    that it starts with.

    Raises:
        SourceError: There is no such column.
    """
    found = {}
    for name in sorted(wanted):
        steps = name.split(".")
        starts = (".".join(steps[:count]) for count in range(len(steps), 0, -1))
        column = next((start for start in starts if start in columns), None)
        if column is None:
            raise SourceError(f"{where}: {UnknownName.of('column', name, columns)}")
        found[name] = column
    return found


def rows_of(
    texts: Mapping[str, Sequence[str | None]], fields: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return rows as of `Records`, with what each was as `RAW`, and rejects.

    Args:
        texts: The values of each column that was read.
        fields: As of `sources_of`; what leads into JSON is read from there.
    """
    broken: dict[int, tuple[str, str]] = {}
    columns = {name: _series(name, values, broken) for name, values in texts.items()}
    for name, column in fields.items():
        if name not in columns:
            columns[name] = _inside(name, column, texts[column], broken)
    frame = pl.DataFrame(columns)
    raw = pl.struct(list(texts)).struct.json_encode()
    nothing = pl.lit(None, pl.Int64)
    rows = frame.select(
        pl.col(list(fields)).replace("", None),
        raw.alias(RAW),
        nothing.alias(LINE),
        nothing.alias(ROW),
    )
    rejects = _rejects(texts, broken)
    if broken:
        rows = rows.filter(pl.Series([row not in broken for row in range(rows.height)]))
    return rows, rejects


def aside(
    texts: Mapping[str, Sequence[str | None]], columns: Sequence[str], reason: str
) -> pl.DataFrame:
    """Return rejects for rows of which one of `columns` is empty."""
    height = len(texts[columns[0]])
    empty = {
        row: (next(name for name in columns if texts[name][row] is None), reason)
        for row in range(height)
    }
    return _rejects(texts, empty)


def _series(
    name: str, values: Sequence[str | None], broken: dict[int, tuple[str, str]]
) -> pl.Series:
    """Return the column; what no text can hold is empty and stands in `broken`."""
    try:
        return pl.Series(name, values, pl.String)
    except UnicodeEncodeError:
        kept = list(values)
        for row, value in enumerate(values):
            if value is not None and _is_foreign(value):
                kept[row] = None
                broken.setdefault(row, (name, "holds bytes that are no text"))
        return pl.Series(name, kept, pl.String)


def _is_foreign(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _inside(
    name: str, column: str, values: Sequence[str | None], broken: dict[int, tuple[str, str]]
) -> pl.Series:
    path = name.removeprefix(f"{column}.")
    found: list[str | None] = []
    known: dict[str | None, str | None] = {None: None}
    for row, text in enumerate(values):
        if text not in known:
            try:
                known[text] = plain_text(at_path(_DECODER.decode(text or "null"), path))
            except (ValueError, RecursionError):
                broken.setdefault(row, (column, f"is not JSON, but {name} leads into it"))
                found.append(None)
                continue
        found.append(known[text])
    return _series(name, found, broken)


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number)


def _rejects(
    texts: Mapping[str, Sequence[str | None]], broken: Mapping[int, tuple[str, str]]
) -> pl.DataFrame:
    listed = [
        {
            "line": None,
            "field": column,
            "value": _printable(texts[column][row]) if column in texts else None,
            "reason": reason,
            "raw": _printable(json_text({name: values[row] for name, values in texts.items()})),
        }
        for row, (column, reason) in sorted(broken.items())
    ]
    return pl.DataFrame(listed, schema=REJECTS)


def _printable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()
