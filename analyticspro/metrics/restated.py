"""Which figures have changed since they were shown."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from analyticspro.grain import Grain
from analyticspro.metrics.answer import Answer
from analyticspro.metrics.query import Query

__all__ = ["restated"]

_LENGTH = {
    Grain.HOUR: "1h",
    Grain.DAY: "1d",
    Grain.WEEK: "1w",
    Grain.MONTH: "1mo",
    Grain.QUARTER: "1q",
    Grain.YEAR: "1y",
}


def restated(query: Query, then: Answer, now: Answer) -> pl.DataFrame:
    """Return the figures that were complete then and are others now.

    What was still going on then is not restated when it goes on. A figure that was null, or
    was not there, and is now, has changed; so has one that is gone.

    Args:
        query: What was asked, both times.
        then: The answer as it was known then.
        now: The answer as it is known now.

    Returns:
        One row per bucket and combination of dimensions with a change, in their order: the
        keys of `query`, and for each metric `<metric>_then` and the metric.
    """
    keys = [*([query.grain.value] if query.grain else []), *query.by]
    metrics = list(dict.fromkeys(query.metrics))
    before = then.frame.select(*keys, *(pl.col(name).alias(f"{name}_then") for name in metrics))
    after = now.frame.select(*keys, *metrics)
    if keys:
        both = before.join(after, on=keys, how="full", coalesce=True, nulls_equal=True)
    else:
        both = before.hstack(after)
    until = datetime.fromisoformat(then.provenance["period"]["until"])
    if query.grain is None:
        end = datetime.fromisoformat(then.provenance["period"]["end"])
        both = both if end <= until else both.clear()
    else:
        start = pl.col(query.grain.value).cast(pl.Datetime("us"))
        both = both.filter(start.dt.offset_by(_LENGTH[query.grain]) <= until)
    changed = [pl.col(name).ne_missing(pl.col(f"{name}_then")) for name in metrics]
    pairs = [column for name in metrics for column in (f"{name}_then", name)]
    found = both.filter(pl.any_horizontal(changed)).select(*keys, *pairs)
    return found.sort(keys, nulls_last=True) if keys else found
