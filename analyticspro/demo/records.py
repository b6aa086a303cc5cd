"""What records of the company's systems have in common: numbers, times, an order.

Every frame of records has `id` (text) and `known_at` (Datetime us UTC), and is in order of
both. Money is Int64, in US cents; times are Datetime us UTC.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from analyticspro.demo.company import COUNTRIES
from analyticspro.demo.network import Network
from analyticspro.demo.rhythm import Floats, Ints, Timeline
from analyticspro.demo.trade import KINDS, PARTNER_NAMES, TIERS

__all__ = ["country", "instants", "known", "numbered", "of_partner"]


def numbered(prefix: str, number: Ints) -> pl.Series:
    """Return ids such as cus-000012; null where the number is 0 or less."""
    numbers = pl.DataFrame({"number": pl.Series(number, dtype=pl.Int64)})
    text = pl.format("{}-{}", pl.lit(prefix), pl.col("number").cast(pl.String).str.zfill(6))
    return numbers.select(pl.when(pl.col("number") > 0).then(text)).to_series()


def instants(timeline: Timeline, hours: Floats) -> pl.Series:
    """Return positions of the timeline as instants."""
    return pl.from_epoch(pl.Series(timeline.instants(hours)), "us").dt.replace_time_zone("UTC")


def known(frame: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """Return records that are known as they happen (`at`), numbered in that order."""
    ordered = frame.with_columns(known_at=pl.col("at")).sort("at", maintain_order=True)
    ids = numbered(prefix, np.arange(1, ordered.height + 1))
    return ordered.with_columns(ids.alias("id"))


def country(position: Ints) -> pl.Series:
    """Return names of countries by their position in COUNTRIES; null where that is negative."""
    names = pl.Series([country.name for country in COUNTRIES]).gather(np.maximum(position, 0))
    return names.set(pl.Series(position < 0), None)


def of_partner(network: Network, partner: Ints) -> pl.DataFrame:
    """Return partner, name, kind, tier and country for each of the positions given."""
    first, second = PARTNER_NAMES
    names = []
    for number in range(len(network.tier)):
        # So that neighbours differ in both parts of their names.
        again, place = divmod(number, len(first) * len(second))
        name = f"{first[place % len(first)]} {second[place % len(second)]}"
        names.append(f"{name} {again + 1}" if again else name)
    return pl.DataFrame(
        {
            "partner": numbered("par", partner + 1),
            "name": pl.Series(names, dtype=pl.String).gather(partner),
            "kind": pl.Series([kind.name for kind in KINDS]).gather(network.kind[partner]),
            "tier": pl.Series([tier.name for tier in TIERS]).gather(network.tier[partner]),
            "country": country(network.country[partner]),
        }
    )
