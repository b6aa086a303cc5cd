"""The story's records in the forms that the company's systems write them."""

from __future__ import annotations

import polars as pl

__all__ = ["german", "moment", "money"]


def moment(name: str) -> pl.Expr:
    """Return a column of instants as ISO 8601, in UTC, to the microsecond."""
    return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").alias(name)


def money(name: str) -> pl.Expr:
    """Return a column of cents as a decimal number with two places; null stays null."""
    cents = pl.col(name).abs()
    sign = pl.when(pl.col(name) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    places = (cents % 100).cast(pl.String).str.zfill(2)
    return pl.format("{}{}.{}", sign, cents // 100, places).alias(name)


def german(cents: int) -> str:
    """Return an amount as a German bank writes it.

    >>> german(123456789), german(-5)
    ('1.234.567,89', '-0,05')
    """
    text = f"{cents // 100 if cents >= 0 else -(-cents // 100):,}".replace(",", ".")
    sign = "-" if -100 < cents < 0 else ""
    return f"{sign}{text},{abs(cents) % 100:02}"
