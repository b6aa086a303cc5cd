"""Turns the rows of a file into canonical events, as its source declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import TypeVar
from zoneinfo import ZoneInfo

import polars as pl

from analyticspro import events as canonical
from analyticspro.connectors.batch import REJECTS
from analyticspro.connectors.declaration import Property, Source, Time
from analyticspro.errors import DataError, DefinitionError
from analyticspro.money import Minor, multiply, to_minor

__all__ = ["Mapping"]

T = TypeVar("T")

_PROPERTY_TYPES = {
    "text": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
}


@dataclass
class _Rejected:
    """Which rows are wrong; the first reason found for a row stands."""

    reasons: dict[int, tuple[str, str | None, str]] = field(default_factory=dict)

    def add(self, row: int, column: str, value: str | None, reason: str) -> None:
        self.reasons.setdefault(row, (column, value, reason))


class Mapping:
    """The mapping of one source, applied to one part of it, batch after batch.

    It remembers the natural keys of the part, since a key may occur only once in it.
    """

    def __init__(self, source: Source, part: str) -> None:
        self._source = source
        self._part = part
        self._zone = ZoneInfo(source.timezone)
        self._seen_keys: dict[tuple[str, ...], int] = {}

    def apply(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
        """Return the events of `rows`, the rejects, and how many amounts were rounded.

        Args:
            rows: `line` and `row` (Int64: position in the file, position among its
                records) and every column of the file as text, null where it was empty.
        """
        rejected = _Rejected()
        names = [name for name in rows.columns if name not in ("line", "row")]
        self._check_text(rows, names, rejected)
        fields = {
            "event_id": self._ids(rows, rejected),
            "occurred_at": self._times(rows, self._source.occurred_at, rejected),
            **self._amounts(rows, rejected),
            "properties": self._properties(rows, rejected),
        }
        unrounded = fields.pop("unrounded")
        found = rows.select(
            event_id=fields["event_id"],
            name=self._name(),
            occurred_at=fields["occurred_at"],
            customer_id=self._text(self._source.customer_id),
            user_id=self._text(self._source.user_id),
            session_id=self._text(self._source.session_id),
            amount_minor=fields["amount_minor"],
            currency=fields["currency"],
            properties=self._json(fields["properties"].hstack([unrounded])),
            raw=pl.struct(names).struct.json_encode(),
        )
        for problem in canonical.problems(found).iter_rows(named=True):
            rejected.add(problem["row"], problem["field"], problem["value"], problem["reason"])
        keep = pl.Series([index not in rejected.reasons for index in range(rows.height)])
        rejects = self._rejects(rows, found, rejected)
        if rejects.height == 0:
            return found, rejects, unrounded.count()
        return found.filter(keep), rejects, unrounded.filter(keep).count()

    def _name(self) -> pl.Expr:
        rules = self._source.event_rules
        name: pl.Expr = pl.lit(self._source.event)
        for rule in reversed(rules):
            column = pl.col(rule.column)
            fits = (
                column.str.starts_with(rule.starts_with)
                if rule.starts_with is not None
                else column == rule.equals
            )
            name = pl.when(fits).then(pl.lit(rule.name)).otherwise(name)
        return name

    @staticmethod
    def _text(column: str | None) -> pl.Expr:
        return pl.lit(None, pl.String) if column is None else pl.col(column)

    def _check_text(self, rows: pl.DataFrame, names: list[str], rejected: _Rejected) -> None:
        for name in names:
            for row in rows[name].str.contains("\0", literal=True).arg_true():
                rejected.add(row, name, rows[name][row], "holds a NUL character")

    def _ids(self, rows: pl.DataFrame, rejected: _Rejected) -> pl.Series:
        key = self._source.key
        if not key:
            start = canonical.event_id(self._source.name, self._part)
            return rows.select(pl.format(f"{_literal(start)}:{{}}", "row")).to_series()
        ids = []
        for index, (line, *values) in enumerate(rows.select("line", *key).iter_rows()):
            ids.append(canonical.event_id(self._source.name, *(value or "" for value in values)))
            missing = [name for name, value in zip(key, values, strict=True) if value is None]
            if missing:
                rejected.add(index, missing[0], None, "is missing, and it is part of the key")
                continue
            first = self._seen_keys.setdefault(tuple(values), line)
            if first != line:
                shown = ", ".join(values)
                rejected.add(index, key[0], shown, f"repeats the key of line {first}")
        return pl.Series("event_id", ids, pl.String)

    def _times(self, rows: pl.DataFrame, time: Time, rejected: _Rejected) -> pl.Series:
        def read(texts: tuple[str | None, ...]) -> datetime:
            return _instant(texts[0], time.format, self._zone)

        values = _convert(rows, (time.column,), read, rejected)
        return pl.Series("occurred_at", values, pl.Datetime("us", "UTC"), strict=False)

    def _amounts(self, rows: pl.DataFrame, rejected: _Rejected) -> dict[str, pl.Series]:
        amount = self._source.amount
        if amount is None:
            nothing = [None] * rows.height
            return {
                "amount_minor": pl.Series("amount_minor", nothing, pl.Int64),
                "currency": pl.Series("currency", nothing, pl.String),
                "unrounded": pl.Series("amount_unrounded", nothing, pl.String),
            }
        if amount.currency_column is None:
            currency = pl.Series("currency", [self._source.currency] * rows.height, pl.String)
            columns = amount.product
        else:
            currency = rows[amount.currency_column].alias("currency")
            columns = (*amount.product, amount.currency_column)
        own = self._source.currency

        def read(texts: tuple[str | None, ...]) -> Minor:
            numbers = texts[: len(amount.product)]
            code = texts[-1] if amount.currency_column else own
            return _money(numbers, code)

        values: list[Minor | None] = _convert(rows, columns, read, rejected)
        return {
            "amount_minor": pl.Series("amount_minor", [v and v.amount for v in values], pl.Int64),
            "currency": currency,
            "unrounded": pl.Series(
                "amount_unrounded", [v and v.unrounded for v in values], pl.String
            ),
        }

    def _properties(self, rows: pl.DataFrame, rejected: _Rejected) -> pl.DataFrame:
        columns = [
            _property(rows, name, declared, rejected)
            for name, declared in self._source.properties.items()
        ]
        return pl.DataFrame(columns) if columns else rows.select(pl.lit(None).alias("_"))

    @staticmethod
    def _json(properties: pl.DataFrame) -> pl.Series:
        """Return the properties as JSON; one that is null in every row is left out."""
        names = [name for name in properties.columns if properties[name].null_count() < len(properties)]
        if not names:
            return pl.Series("properties", ["{}"] * properties.height, pl.String)
        return properties.select(pl.struct(names).struct.json_encode()).to_series()

    @staticmethod
    def _rejects(rows: pl.DataFrame, found: pl.DataFrame, rejected: _Rejected) -> pl.DataFrame:
        listed = [
            {
                "line": rows["line"][row],
                "field": column,
                "value": value,
                "reason": reason,
                "raw": found["raw"][row],
            }
            for row, (column, value, reason) in sorted(rejected.reasons.items())
        ]
        return pl.DataFrame(listed, schema=REJECTS)


def _convert(
    rows: pl.DataFrame,
    columns: Sequence[str],
    read: Callable[[tuple[str | None, ...]], T],
    rejected: _Rejected,
) -> list[T | None]:
    """Return `read` of each row's `columns`, None and a reason where it raises DataError."""
    known: dict[tuple[str | None, ...], T | DataError] = {}
    values: list[T | None] = []
    for row, texts in enumerate(rows.select(columns).iter_rows()):
        result = known.get(texts)
        if result is None:
            try:
                result = read(texts)
            except DataError as error:
                result = error
            known[texts] = result
        if isinstance(result, DataError):
            shown = " × ".join(text or "" for text in texts) or None
            rejected.add(row, " × ".join(columns), shown, str(result))
            values.append(None)
        else:
            values.append(result)
    return values


def _instant(text: str | None, form: str | None, zone: ZoneInfo) -> datetime:
    if text is None:
        raise DataError("is missing")
    try:
        at = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
    except ValueError:
        wanted = f"a time written as {form}" if form else "an ISO 8601 time"
        raise DataError(f"{text!r} is not {wanted}") from None
    if at.tzinfo is None:
        local = at.replace(tzinfo=zone)
        at = local.astimezone(UTC)
        if at.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise DataError(f"{text!r} does not exist in {zone.key}: the clock was put forward")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise DataError(f"{text!r} is out of range") from None


def _money(numbers: Iterable[str | None], currency: str | None) -> Minor:
    present = tuple(number for number in numbers if number is not None)
    if len(present) < len(tuple(numbers)):
        raise DataError("is missing")
    if currency is None:
        raise DataError("the currency is missing")
    try:
        return to_minor(multiply(present), currency)
    except DefinitionError as error:
        raise DataError(str(error)) from None


def _property(
    rows: pl.DataFrame, name: str, declared: Property, rejected: _Rejected
) -> pl.Series:
    text = rows[declared.column]
    if declared.type == "text":
        return text.alias(name)
    readers: dict[str, Callable[[str], object]] = {
        "integer": int,
        "number": _number,
        "boolean": _boolean,
    }
    reader = readers[declared.type]

    def read(texts: tuple[str | None, ...]) -> object:
        if texts[0] is None:
            return _ABSENT
        try:
            return reader(texts[0])
        except (ValueError, InvalidOperation):
            raise DataError(f"{texts[0]!r} is not of type {declared.type}") from None

    values = _convert(rows, (declared.column,), read, rejected)
    return pl.Series(
        name, [None if v is _ABSENT else v for v in values], _PROPERTY_TYPES[declared.type]
    )


_ABSENT = object()


def _number(text: str) -> float:
    value = Decimal(text.strip())
    if not value.is_finite():
        raise ValueError(text)
    return float(value)


def _boolean(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        return words[text.strip().casefold()]
    except KeyError:
        raise ValueError(text) from None


def _literal(text: str) -> str:
    return reduce(lambda done, brace: done.replace(brace, brace * 2), "{}", text)
