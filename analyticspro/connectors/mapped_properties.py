"""The properties of events: columns read by their types, and written as JSON."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from analyticspro.connectors.converting import Rejected, convert
from analyticspro.connectors.declaration import Property
from analyticspro.connectors.values import Notation, boolean, integer, number
from analyticspro.errors import DataError

__all__ = ["mapped_property", "to_json"]

# Of each type but text: what reads it, and what holds it.
_TYPES: dict[str, tuple[Callable[[str], object], type[pl.DataType]]] = {
    "integer": (integer, pl.Int64),
    "number": (number, pl.Float64),
    "boolean": (boolean, pl.Boolean),
}
_ABSENT = object()


def mapped_property(
    rows: pl.DataFrame,
    name: str,
    declared: Property,
    notation: Notation | None,
    rejected: Rejected,
) -> pl.Series:
    """Return a column as its property; null, and a reason, where a value is not of its type."""
    text = rows[declared.column]
    if declared.type == "text":
        return text.alias(name)
    reader, kind = _TYPES[declared.type]
    is_numeric = declared.type in ("integer", "number")

    def read(texts: tuple[str | None, ...]) -> object:
        if texts[0] is None:
            return _ABSENT
        try:
            plain = notation.plain(texts[0]) if notation and is_numeric else texts[0]
            return reader(plain)
        except ValueError:
            raise DataError(f"{texts[0]!r} is not of type {declared.type}") from None

    values = convert(rows, (declared.column,), read, rejected)
    return pl.Series(name, [None if v is _ABSENT else v for v in values], kind)


def to_json(properties: list[pl.Series], unrounded: pl.Series) -> pl.Series:
    """Return the properties of each row as JSON, with `amount_unrounded` where there is one.

    What a row's JSON is depends on nothing but that row: else the same row, read again
    among others, would look changed.
    """
    declared = [column.name for column in properties]
    frame = pl.DataFrame([*properties, unrounded])
    plain = pl.struct(declared).struct.json_encode() if declared else pl.lit("{}")
    if unrounded.null_count() < frame.height:
        rounded = pl.struct([*declared, unrounded.name]).struct.json_encode()
        plain = pl.when(pl.col(unrounded.name).is_null()).then(plain).otherwise(rounded)
    return frame.with_columns(plain.alias("properties"))["properties"]
