"""Lays figures beside each other: of several statements, and of now and before."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from analyticspro.metrics.model import Metric, is_null_of_nothing

__all__ = ["beside", "filled", "joined"]


def joined(left: pl.DataFrame, right: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Return the columns of both, a row for each key that either has."""
    if not keys:
        return left.hstack(right)
    return left.join(right, on=keys, how="full", coalesce=True, nulls_equal=True)


def filled(frame: pl.DataFrame, metrics: Sequence[Metric], *suffixes: str) -> pl.DataFrame:
    """Return `frame` with 0 where a total has nothing; a ratio of nothing stays null."""
    totals = [metric.name for metric in metrics if not is_null_of_nothing(metric)]
    return frame.with_columns(
        pl.col(f"{name}{suffix}").fill_null(0) for name in totals for suffix in ("", *suffixes)
    )


def beside(
    current: pl.DataFrame, previous: pl.DataFrame, metrics: Sequence[Metric], keys: tuple[str, ...]
) -> pl.DataFrame:
    """Return `current` with each metric's previous value and its change, see `Answer.frame`."""
    names = [metric.name for metric in metrics]
    both = joined(current, previous.rename({name: f"{name}_previous" for name in names}), keys)
    frame = filled(both, metrics, "_previous")
    columns = list(keys)
    for name in names:
        value, before = pl.col(name), pl.col(f"{name}_previous")
        change = (value - before).alias(f"{name}_change")
        rate = change.cast(pl.Float64) / before.cast(pl.Float64).abs()
        frame = frame.with_columns(
            change, pl.when(before != 0).then(rate).alias(f"{name}_change_rate")
        )
        columns += [name, f"{name}_previous", f"{name}_change", f"{name}_change_rate"]
    return frame.select(columns)
