"""Checks events against their contracts: whole columns at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import polars as pl

from analyticspro.ingest.contracts import Contract, Kind, Rule, Violation
from analyticspro.warehouse import keys_of

__all__ = ["BROKEN", "ReadValues", "broken"]

# Takes values out of JSON; see `warehouse.json_values`.
ReadValues: TypeAlias = Callable[[pl.Series, Sequence[tuple[str, ...]]], list[pl.DataFrame]]

BROKEN = pl.Schema(
    {
        "row": pl.UInt32,  # position of the event
        "name": pl.String,
        "path": pl.String,  # of the property
        "value": pl.String,  # as text; null if it is missing
        "reason": pl.String,
        "is_rejected": pl.Boolean,
    }
)
_LONGEST_VALUE = 200
_NUMERIC = (Kind.INTEGER, Kind.NUMBER)


def broken(
    events: pl.DataFrame, contracts: Mapping[str, Contract], read: ReadValues
) -> pl.DataFrame:
    """Return what in `events` breaks the contract of its name.

    Args:
        events: Rows of `events.SCHEMA`.
        contracts: By event name.
        read: What takes values out of the properties.

    Returns:
        A frame of `BROKEN`: at most one row for each property of each event, with the first
        reason that holds; by row, then in the order of the contract.
    """
    found = [pl.DataFrame(schema=BROKEN)]
    if contracts:
        numbered = events.select("name", "properties").with_row_index("row")
        for name, contract in contracts.items():
            own = numbered.filter(pl.col("name") == name)
            if own.height:
                found.extend(_of_name(own, contract, read))
    return pl.concat(found).sort("row", maintain_order=True)


def _of_name(own: pl.DataFrame, contract: Contract, read: ReadValues) -> Iterator[pl.DataFrame]:
    paths = list(contract.properties)
    columns = read(own["properties"], [keys_of(path) for path in paths])
    is_rejected = contract.on_violation is Violation.REJECT
    for path, values in zip(paths, columns, strict=True):
        reason = pl.coalesce(list(_reasons(contract.properties[path])))
        wrong = (
            own.hstack(values).with_columns(reason=reason).filter(pl.col("reason").is_not_null())
        )
        if wrong.height:
            yield wrong.select(
                "row",
                "name",
                path=pl.lit(path),
                value=pl.col("value").str.slice(0, _LONGEST_VALUE),
                reason="reason",
                is_rejected=pl.lit(is_rejected),
            ).cast(BROKEN)


def _reasons(rule: Rule) -> Iterator[pl.Expr]:
    """Yield for each thing that `rule` asks the reason of those that lack it, else null."""
    kind, value = pl.col("kind"), pl.col("value")
    is_there = kind.is_not_null() & (kind != "null")
    is_number = kind.is_in(_NUMERIC)
    number = pl.when(is_number).then(value.cast(pl.Float64, strict=False))
    if rule.required:
        yield _reason(~is_there, "is missing, and the contract requires it")
    if rule.type is not None:
        yield _reason(is_there & ~_is_of(rule.type, number), f"is not of type {rule.type}")
    if rule.allowed is not None:
        shown = [json.dumps(each, ensure_ascii=False) for each in rule.allowed]
        named = ", ".join(shown[:8]) + (", …" if len(shown) > 8 else "")
        yield _reason(is_there & ~_is_one_of(rule.allowed, number), f"is not one of {named}")
    if rule.pattern is not None:
        fits = value.str.contains(rule.pattern)
        yield _reason((kind == Kind.TEXT) & ~fits, f"does not fit {rule.pattern}")
    if rule.minimum is not None:
        yield _reason(number < rule.minimum, f"is less than {rule.minimum}")
    if rule.maximum is not None:
        yield _reason(number > rule.maximum, f"is more than {rule.maximum}")


def _reason(is_wrong: pl.Expr, reason: str) -> pl.Expr:
    return pl.when(is_wrong).then(pl.lit(reason))


def _is_of(kind: Kind, number: pl.Expr) -> pl.Expr:
    if kind is Kind.NUMBER:
        return pl.col("kind").is_in(_NUMERIC)
    own = pl.col("kind") == kind
    if kind is Kind.INTEGER:
        return own | (number == number.floor()).fill_null(value=False)
    return own


def _is_one_of(allowed: Sequence[object], number: pl.Expr) -> pl.Expr:
    kind, value = pl.col("kind"), pl.col("value")
    texts = [each for each in allowed if isinstance(each, str)]
    booleans = [json.dumps(each) for each in allowed if isinstance(each, bool)]
    numbers = [
        float(each)
        for each in allowed
        if isinstance(each, int | float) and not isinstance(each, bool)
    ]
    return (
        ((kind == Kind.TEXT) & value.is_in(texts))
        | ((kind == Kind.BOOLEAN) & value.is_in(booleans))
        | number.is_in(numbers).fill_null(value=False)
    )
