"""Takes values out of JSON texts, a column for each: what they are, and as text."""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb
import polars as pl

__all__ = ["json_values"]

# Up to so many texts the planning of a statement takes longer than reading them here.
_FEW = 500
_KINDS = {
    "VARCHAR": "text",
    "BIGINT": "integer",
    "UBIGINT": "integer",
    "HUGEINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "OBJECT": "object",
    "ARRAY": "array",
    "NULL": "null",
}


def json_values(
    connection: duckdb.DuckDBPyConnection, texts: pl.Series, paths: Sequence[tuple[str, ...]]
) -> list[pl.DataFrame]:
    """Return for each of `paths` what stands there in each of `texts`.

    Args:
        connection: What reads JSON; none of its tables are touched.
        texts: JSON objects.
        paths: Keys from the outermost in; none is empty or holds a quote, a backslash or *.

    Returns:
        A frame for each path, with a row for each text: kind (String: text, integer, number,
        boolean, object, array, null; null if nothing is there) and value (String: a text as
        it is, everything else as JSON; null if it is null or nothing is there).
    """
    if len(texts) <= _FEW:
        return _read_here(texts, paths)
    pointers = ["$." + ".".join(f'"{key}"' for key in keys) for keys in paths]
    connection.register("texts", pl.DataFrame({"x": texts}))
    try:
        table = connection.sql(
            "SELECT json_type(x, $pointers) AS kind, json_extract_string(x, $pointers) AS value "
            "FROM texts",
            params={"pointers": pointers},
        ).to_arrow_table()
    finally:
        connection.unregister("texts")
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    return [
        found.select(
            pl.col("kind").list.get(at).replace_strict(_KINDS, default=None),
            pl.col("value").list.get(at),
        )
        for at in range(len(paths))
    ]


def _read_here(texts: pl.Series, paths: Sequence[tuple[str, ...]]) -> list[pl.DataFrame]:
    objects = [json.loads(text, parse_float=_Written) for text in texts]
    return [
        pl.DataFrame(
            [_told(value, keys) for value in objects],
            schema={"kind": pl.String, "value": pl.String},
            orient="row",
        )
        for keys in paths
    ]


class _Written(float):
    """A number with its digits."""

    def __new__(cls, text: str) -> _Written:
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str


def _told(value: object, keys: tuple[str, ...]) -> tuple[str | None, str | None]:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None, None
        value = value[key]
    match value:
        case None:
            return "null", None
        case str():
            return "text", value
        case bool():
            return "boolean", "true" if value else "false"
        case int():
            is_whole = -(2**63) <= value < 2**64
            return "integer" if is_whole else "number", str(value)
        case _Written():
            return "number", value.text
        case dict():
            return "object", _json(value)
        case _:
            return "array", _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
