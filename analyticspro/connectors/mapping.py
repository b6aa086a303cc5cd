"""Turns rows of text into canonical events, as its source declares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

import polars as pl

from analyticspro import events as canonical
from analyticspro.connectors.converting import Rejected, convert
from analyticspro.connectors.declaration import Mapped, Stream, Time
from analyticspro.connectors.mapped_properties import mapped_property, to_json
from analyticspro.connectors.records import LINE, RAW, ROW
from analyticspro.connectors.values import instant, integer, money
from analyticspro.errors import DataError
from analyticspro.money import Minor

__all__ = ["Mapping"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Mapping:
    """The mapping of one source, applied to one part of it, batch after batch.

    It remembers the natural keys of a part that is whole, such as a file, since a key may
    occur only once in it. In a stream a key may come again: what that means is for the
    stream's write mode to say.
    """

    def __init__(self, source: Mapped, name: str, part: str) -> None:
        """Make the mapping.

        Args:
            source: What is declared.
            name: The source's.
            part: The file's, or the stream's.
        """
        self._source = source
        self._name = name
        self._part = part
        self._is_stream = isinstance(source, Stream)
        self._zone = ZoneInfo(source.timezone)
        self._seen_keys: dict[tuple[str, ...], int] = {}
        self.lines = pl.Series(LINE, [], pl.Int64)  # of the events that were made last

    def apply(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
        """Return the events of `rows`, the rejects, and how many amounts were rounded.

        Args:
            rows: Those of `Records`.
        """
        rejected = Rejected()
        names = [name for name in rows.columns if name not in (LINE, ROW, RAW)]
        self._check_text(rows, names, rejected)
        fields = {
            "event_id": self._ids(rows, rejected),
            "occurred_at": self._times(rows, self._source.occurred_at, rejected),
            "version": self._versions(rows, rejected),
            **self._amounts(rows, rejected),
        }
        unrounded = fields.pop("unrounded")
        properties = self._properties(rows, rejected)
        found = rows.select(
            event_id=fields["event_id"],
            name=self._event_name(),
            occurred_at=fields["occurred_at"],
            customer_id=self._text(self._source.customer_id),
            user_id=self._text(self._source.user_id),
            session_id=self._text(self._source.session_id),
            amount_minor=fields["amount_minor"],
            currency=fields["currency"],
            properties=to_json(properties, unrounded),
            raw=RAW if RAW in rows.columns else pl.struct(names).struct.json_encode(),
            version=fields["version"],
        )
        for problem in canonical.problems(found).iter_rows(named=True):
            rejected.add(problem["row"], problem["field"], problem["value"], problem["reason"])
        keep = pl.Series(
            [index not in rejected.reasons for index in range(rows.height)], dtype=pl.Boolean
        )
        rejects = rejected.frame(rows, found["raw"])
        self.lines = rows[LINE].filter(keep)
        if rejects.height == 0:
            return found, rejects, unrounded.count()
        return found.filter(keep), rejects, unrounded.filter(keep).count()

    def _event_name(self) -> pl.Expr:
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

    def _check_text(self, rows: pl.DataFrame, names: list[str], rejected: Rejected) -> None:
        for name in names:
            for row in rows[name].str.contains("\0", literal=True).arg_true():
                rejected.add(row, name, rows[name][row], "holds a NUL character")

    def _ids(self, rows: pl.DataFrame, rejected: Rejected) -> pl.Series:
        key = self._source.key
        if not key:
            start = canonical.event_id(self._name, self._part)
            return rows.select(pl.format(f"{_literal(start)}:{{}}", ROW)).to_series()
        space = (self._part,) if self._is_stream else ()
        ids = []
        for index, (line, *values) in enumerate(rows.select(LINE, *key).iter_rows()):
            ids.append(canonical.event_id(self._name, *space, *(value or "" for value in values)))
            missing = [name for name, value in zip(key, values, strict=True) if value is None]
            if missing:
                rejected.add(index, missing[0], None, "is missing, and it is part of the key")
                continue
            if self._is_stream:
                continue
            first = self._seen_keys.setdefault(tuple(values), line)
            if first != line:
                shown = ", ".join(values)
                rejected.add(index, key[0], shown, f"repeats the key of line {first}")
        return pl.Series("event_id", ids, pl.String)

    def _times(self, rows: pl.DataFrame, time: Time, rejected: Rejected) -> pl.Series:
        ways = time.ways()

        def read(texts: tuple[str | None, ...]) -> datetime:
            return instant(texts[0], ways, self._zone)

        values = convert(rows, (time.column,), read, rejected)
        return pl.Series("occurred_at", values, pl.Datetime("us", "UTC"), strict=False)

    def _versions(self, rows: pl.DataFrame, rejected: Rejected) -> pl.Series:
        version = self._source.version if isinstance(self._source, Stream) else None
        if version is None:
            return pl.Series("version", [None] * rows.height, pl.Int64)
        ways = () if version.format is None else (version.format,)

        def read(texts: tuple[str | None, ...]) -> int:
            if version.format != "number":
                return (instant(texts[0], ways, self._zone) - _EPOCH) // _MICROSECOND
            try:
                return integer(texts[0] or "")
            except ValueError:
                raise DataError(f"{texts[0]!r} is no whole number") from None

        values = convert(rows, (version.column,), read, rejected)
        return pl.Series("version", values, pl.Int64)

    def _amounts(self, rows: pl.DataFrame, rejected: Rejected) -> dict[str, pl.Series]:
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
        own, notation = self._source.currency, self._source.notation()

        def read(texts: tuple[str | None, ...]) -> Minor:
            factors = texts[: len(amount.product)]
            return money(factors, texts[-1] if amount.currency_column else own, notation)

        values: list[Minor | None] = convert(rows, columns, read, rejected)
        return {
            "amount_minor": pl.Series("amount_minor", [v and v.amount for v in values], pl.Int64),
            "currency": currency,
            "unrounded": pl.Series(
                "amount_unrounded", [v and v.unrounded for v in values], pl.String
            ),
        }

    def _properties(self, rows: pl.DataFrame, rejected: Rejected) -> list[pl.Series]:
        return [
            mapped_property(rows, name, declared, self._source.notation(), rejected)
            for name, declared in self._source.properties.items()
        ]


def _literal(text: str) -> str:
    return reduce(lambda done, brace: done.replace(brace, brace * 2), "{}", text)
