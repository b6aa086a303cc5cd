"""Which buckets may be judged: a rule waits for its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from analyticspro.grain import Grain, WeekStart, add, floor
from analyticspro.period import to_instant, to_wall

__all__ = ["Due", "due"]


@dataclass(frozen=True)
class Due:
    """What may be judged of a metric now.

    Attributes:
        until: Wall-clock end of the newest bucket that all sources are known to the end of,
            exclusive; None while nothing is known of any.
        running: Start of the bucket that now lies in.
        waiting: Source → since when a bucket that is over waits for it; UTC.
    """

    until: datetime | None
    running: datetime
    waiting: Mapping[str, datetime]

    @property
    def told(self) -> str:
        """What it waits for, in words; empty if for nothing."""
        return "; ".join(
            f"waiting for {source} since {since:%Y-%m-%d %H:%M} UTC"
            for source, since in sorted(self.waiting.items())
        )


def due(
    watermarks: Mapping[str, datetime],
    *,
    now: datetime,
    grain: Grain,
    zone: ZoneInfo,
    week_start: WeekStart,
) -> Due:
    """Return what may be judged of a metric at `now`.

    A bucket is whole once every source's watermark has reached its end. The watermark of a source
    that is ahead of the clock counts as now.

    Args:
        watermarks: Of each source of the metric, UTC.
        now: UTC.
        grain: Of the rule.
        zone: The workspace's.
        week_start: The workspace's.
    """
    running = floor(to_wall(now, zone), grain, week_start)
    if not watermarks:
        return Due(None, running, {})
    ends = {
        source: floor(to_wall(min(mark, now), zone), grain, week_start)
        for source, mark in watermarks.items()
    }
    # Since the first bucket that the source lacks was over, it is waited for.
    waiting = {
        source: to_instant(add(end, grain, 1), zone)
        for source, end in ends.items()
        if end < running
    }
    return Due(min(ends.values()), running, waiting)
