"""Reads a table of exchange rates, wide or long."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from analyticspro.connectors.csv_records import Broken, Record
from analyticspro.connectors.csv_records import read as csv_records
from analyticspro.connectors.records import set_aside
from analyticspro.connectors.values import instant
from analyticspro.errors import DataError, DefinitionError, SourceError, UnknownName
from analyticspro.money import exponent

if TYPE_CHECKING:
    from analyticspro.connectors.rates_source import RatesSource

__all__ = ["LARGEST", "Rate", "read_rates", "remapped", "unzipped"]

LARGEST = 64_000_000
_UTC = ZoneInfo("UTC")
# Of the inverse of a rate, so many digits are kept: more than any rate has.
_INVERSE = Context(prec=18)
_LARGEST_RATE = Decimal(10) ** 12


@dataclass(frozen=True, order=True)
class Rate:
    """What one unit of the base buys of `currency` on a day.

    Attributes:
        written: As the source says it, which may be the inverse.
    """

    on: date
    currency: str
    rate: str
    written: str


def unzipped(content: bytes, location: str) -> bytes:
    """Return what the one file of a ZIP archive holds; `content` itself if it is none.

    Raises:
        SourceError: It is damaged, holds several files, or far too much.
    """
    if not content.startswith(b"PK\x03\x04"):
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = [item for item in archive.infolist() if not item.is_dir()]
            if len(inside) != 1:
                raise SourceError(f"{location} holds {len(inside)} files, where one is expected.")
            with archive.open(inside[0]) as file:
                text = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"{location} is no ZIP archive that can be read: {error}.") from None
    if len(text) > LARGEST:
        raise SourceError(f"{location} holds more than {LARGEST / 1e6:g} MB.")
    return text


def read_rates(
    source: RatesSource, content: bytes, location: str
) -> tuple[list[Rate], list[dict[str, object]]]:
    """Return the rates of a table, sorted, and the rejects.

    A cell without a rate is none of either: markets have holidays. Of two rates for a day
    and currency the second is set aside.

    Raises:
        SourceError: The header is broken, lacks a column, or has one that is no currency.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{location} is not written in UTF-8: {error}.") from None
    records = csv_records(iter(io.StringIO(text, newline="")), delimiter=source.delimiter)
    header = next(records, None)
    if header is None:
        raise SourceError(f"{location} is empty: a table of rates has a header.")
    if isinstance(header, Broken):
        raise SourceError(f"{location}, header: {header.reason}.")
    names = [name.strip() for name in header.fields]
    _check(source, names, location)
    found: dict[tuple[date, str], Rate] = {}
    rejects: list[dict[str, object]] = []
    for record in records:
        if isinstance(record, Broken):
            rejects.append(_aside(record.reason, record.text))
            continue
        _take(source, names, record, found, rejects)
    return sorted(found.values()), rejects


def _check(source: RatesSource, names: Sequence[str], location: str) -> None:
    needed = [source.date.column]
    if source.layout == "long":
        needed += [source.currency, source.rate]
    for name in needed:
        if name not in names:
            raise SourceError(str(UnknownName.of("column", name, names, where=location)))
    for name in names:
        if names.count(name) > 1 and name:
            raise SourceError(f"{location}: the header names {name!r} {names.count(name)} times.")
    if source.layout == "long":
        return
    for name in _currencies(source, names):
        try:
            exponent(name)
        except DefinitionError:
            raise SourceError(
                f"{location}: column {name!r} is no currency. If it holds something else, "
                f"name it in ignore; if each row holds one currency, set layout = 'long'."
            ) from None


def _currencies(source: RatesSource, names: Sequence[str]) -> list[str]:
    # The European Central Bank ends each line with a comma: a column without a name.
    skipped = {"", source.date.column, *source.ignore}
    return [name for name in names if name not in skipped]


def _take(
    source: RatesSource,
    names: Sequence[str],
    record: Record,
    found: dict[tuple[date, str], Rate],
    rejects: list[dict[str, object]],
) -> None:
    row = {name: value.strip() for name, value in zip(names, record.fields, strict=True)}
    _take_row(source, row, found, rejects)


def remapped(source: RatesSource, raw: str) -> tuple[list[Rate], list[dict[str, object]]]:
    """Return the rates of a row that was set aside, and the rejects; of no row, none of either."""
    try:
        row = json.loads(raw)
    except ValueError:
        return [], []
    needed = {source.date.column}
    if source.layout == "long":
        needed |= {source.currency, source.rate}
    if not isinstance(row, dict) or not needed <= row.keys():
        return [], []
    found: dict[tuple[date, str], Rate] = {}
    rejects: list[dict[str, object]] = []
    _take_row(source, row, found, rejects)
    return sorted(found.values()), rejects


def _take_row(
    source: RatesSource,
    row: dict[str, str],
    found: dict[tuple[date, str], Rate],
    rejects: list[dict[str, object]],
) -> None:
    raw = json.dumps(row, ensure_ascii=False)
    day = row[source.date.column]
    try:
        on = instant(day or None, source.date.ways(), _UTC).date()
    except DataError as error:
        rejects.append(_aside(str(error), raw, field=source.date.column, value=day))
        return
    for column, currency, written in _cells(source, row):
        try:
            if (on, currency) in found:
                raise DataError(f"is a second rate of {currency} on {on}")
            rate = _rate(source, currency, written)
        except DataError as error:
            rejects.append(_aside(str(error), raw, field=column, value=written))
        else:
            found[on, currency] = Rate(on, currency, rate, written)


def _cells(source: RatesSource, row: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the column, the currency and the text of each rate of a row."""
    if source.layout == "long":
        yield source.rate, row[source.currency], row[source.rate]
        return
    for name in _currencies(source, list(row)):
        if row[name] and row[name] not in source.absent:
            yield name, name, row[name]


def _rate(source: RatesSource, currency: str, written: str) -> str:
    try:
        exponent(currency)
    except DefinitionError as error:
        raise DataError(str(error).rstrip(".")) from None
    if currency == source.base:
        raise DataError(f"is a rate of {currency} to itself")
    notation = source.notation()
    try:
        plain = notation.plain(written) if notation else written
        if not plain.isascii() or not plain.replace(".", "", 1).isdigit():
            raise ValueError
        value = Decimal(plain)
    except ValueError:
        raise DataError(f"{written!r} is no rate") from None
    if not 1 / _LARGEST_RATE <= value <= _LARGEST_RATE:
        raise DataError(f"{written!r} is no rate: it must be above 0, and below 10^12")
    if source.quoted == "in_base":
        value = _INVERSE.divide(Decimal(1), value)
    return f"{value:f}"


def _aside(
    reason: str, raw: str, *, field: str | None = None, value: str | None = None
) -> dict[str, object]:
    # Rows move when a table grows at its top, so their number would say nothing.
    return {**set_aside(0, reason, raw, field=field, value=value), "line": None}
