"""Parquet files: their rows as the text that the same value has in other formats."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import IO, Any

import polars as pl

from analyticspro.connectors.files_source import FilesSource
from analyticspro.connectors.json_text import plain_text
from analyticspro.connectors.records import LINE, RECORDS_PER_BATCH, ROW, Records, check_columns
from analyticspro.errors import SourceError

__all__ = ["first_rows", "read_parquet"]


def read_parquet(source: FilesSource, location: str, file: IO[bytes]) -> Iterator[Records]:
    """Yield the rows of a Parquet file, a row group or less at a time; a line is a row number.

    Fields of a struct are columns named with dots; lists and maps are JSON text.

    Raises:
        SourceError: It is no whole Parquet file, or lacks a column.
    """
    # Half a second that a source of CSV need not pay.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        size = file.seek(0, 2)
        opened = pq.ParquetFile(file, page_checksum_verification=True)
        total = opened.metadata.num_rows
        check_columns(source, location, _flat(opened.schema_arrow.empty_table()).column_names)
        done = 0
        for batch in opened.iter_batches(batch_size=RECORDS_PER_BATCH):
            rows = _rows(pa.Table.from_batches([batch]), done)
            done += rows.height
            yield Records(rows, [], rows.height, position=size * done // max(total, 1))
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error).partition("\n")[0].rstrip(".")
        raise SourceError(
            f"{location} is not a whole Parquet file ({said}). Is it still being written?"
        ) from None


def first_rows(location: str, file: IO[bytes], most: int) -> list[dict[str, str | None]]:
    """Return the first rows of a Parquet file, whatever its columns are.

    Raises:
        SourceError: It is no whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        batches = pq.ParquetFile(file).iter_batches(batch_size=most)
        tables = [pa.Table.from_batches([batch]) for batch in itertools.islice(batches, 1)]
        return [row for table in tables for row in _rows(table, 0).drop(LINE, ROW).to_dicts()]
    except (pa.ArrowException, OverflowError, ValueError) as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise SourceError(
            f"{location} is not a whole Parquet file ({said}). Is it still being written?"
        ) from None


def _flat(table: Any) -> Any:
    import pyarrow as pa

    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    return table


def _rows(table: Any, before: int) -> pl.DataFrame:
    table.validate(full=True)  # text that is not UTF-8 would crash whoever reads it next
    flat = _flat(table)
    texts = {
        name: pl.Series(name, _texts(column), dtype=pl.String)
        for name, column in zip(flat.column_names, flat.columns, strict=True)
    }
    numbers = pl.Series(range(before + 1, before + 1 + table.num_rows), dtype=pl.Int64)
    return (
        pl.DataFrame(texts)
        .select(pl.all().replace("", None))
        .with_columns(numbers.alias(LINE), numbers.alias(ROW))
    )


def _texts(column: Any) -> Any:
    """Return a column as text: exact decimals, true and false, ISO 8601 times.

    An instant is written in UTC with its Z, a local time without an offset.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            column = column.cast(pa.timestamp(kind.unit, "UTC"))
        return pc.replace_substring(column.cast(pa.large_string()), " ", "T", max_replacements=1)
    if not _is_binary(kind):
        try:
            return column.cast(pa.large_string())
        except pa.ArrowNotImplementedError:
            pass  # nested, or of a kind that only Python can write
    return [plain_text(value) for value in column.to_pylist()]


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    of = pa.types
    return bool(of.is_binary(kind) or of.is_large_binary(kind) or of.is_fixed_size_binary(kind))
