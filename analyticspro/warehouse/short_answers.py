"""Short answers, taken from DuckDB row by row.

Arrow is the way for many rows. For a few, what it takes to get there (DuckDB describes a
relation before it runs it) is longer than the rest of the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

__all__ = ["short_answer"]

_TYPES: Mapping[str, pl.DataType] = {
    "BIGINT": pl.Int64(),
    "BOOLEAN": pl.Boolean(),
    "DATE": pl.Date(),
    "DOUBLE": pl.Float64(),
    "HUGEINT": pl.Decimal(38, 0),
    "INTEGER": pl.Int32(),
    "TIMESTAMP": pl.Datetime("us"),
    "VARCHAR": pl.String(),
    "VARCHAR[]": pl.List(pl.String()),
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def short_answer(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]
) -> pl.DataFrame:
    """Return the rows that `sql` gives, as Arrow would: the same names, types and values."""
    result = connection.execute(sql, dict(values))
    schema = {name: _type(str(kind)) for name, kind, *_ in result.description or ()}
    return pl.DataFrame(result.fetchall(), schema=schema, orient="row")


def _type(kind: str) -> pl.DataType:
    decimal = _DECIMAL.fullmatch(kind)
    return pl.Decimal(int(decimal[1]), int(decimal[2])) if decimal else _TYPES[kind]
