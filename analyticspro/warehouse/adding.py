"""Adds versions of events to the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from analyticspro.warehouse.incoming import PROMOTED_TYPES, Prepared
from analyticspro.warehouse.promotions import Promotion
from analyticspro.warehouse.schema import PROMOTED
from analyticspro.warehouse.standing import Standing
from analyticspro.warehouse.storing import Decided

__all__ = ["Coming", "add"]

_ADD = f"""
    INSERT INTO hot
    SELECT seq, revision, NULL, id_high, id_low, content_hash, version, source, part, event_id,
        name, occurred_at, received_at, is_late, customer_id, user_id, session_id, amount_minor,
        currency, properties, raw, 1, {", ".join(PROMOTED)}{{promoted}}
    FROM {{rows}}"""
_PROMOTE_AND_ADD = _ADD.format(
    rows=f"""(
        SELECT *, unnest(promoted) FROM (
            SELECT *, TRY(from_json(properties, '{PROMOTED_TYPES}')) AS promoted
            FROM {{rows}}))""",
    promoted="{promoted}",
)


@dataclass(frozen=True)
class Coming:
    """How events come.

    Attributes:
        revision: Of the commit.
        source: Where they come from.
        part: The part of it.
        received_at: UTC, naive.
        late_before: What is older than this is late; UTC, naive. None: nothing is.
    """

    revision: int
    source: str
    part: str
    received_at: datetime
    late_before: datetime | None


def add(
    standing: Standing,
    prepared: Prepared,
    decided: Decided,
    coming: Coming,
    promoted: Sequence[Promotion],
) -> int:
    """Add the rows that are to be added; return how many of them are late and new."""
    rows = prepared.rows
    if len(decided.added) < rows.height:
        rows = rows[decided.added]
    late = pl.lit(value=False)
    if coming.late_before is not None:
        late = pl.col("occurred_at") < coming.late_before
    rows = rows.with_columns(
        pl.Series("seq", decided.seqs[decided.added]),
        pl.lit(coming.revision, pl.Int64).alias("revision"),
        pl.lit(coming.source).alias("source"),
        pl.lit(coming.part).alias("part"),
        pl.lit(coming.received_at).alias("received_at"),
        pl.coalesce(decided.was_late, late).alias("is_late"),
    )
    sql = _ADD if prepared.is_promoted else _PROMOTE_AND_ADD
    more = "".join(f", {each.value}" for each in promoted)
    standing.run(sql.replace("{promoted}", more), rows)
    return int((rows["is_late"] & decided.was_late.is_null()).sum())
