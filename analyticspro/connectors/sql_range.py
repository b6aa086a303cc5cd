"""What a range of time is to a database, which compares times as it keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analyticspro.connectors.sql_source import SqlStream
from analyticspro.connectors.values import EPOCHS

__all__ = ["span_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def span_of(stream: SqlStream, since: datetime, until: datetime) -> tuple[Any, Any] | None:
    """Return what `updated_at` is from and up to in a range; None where no time orders rows.

    Whole days, and one more on either side: in which zone the database takes a time without
    one, and how a text goes on behind the date, plays no part then. More than is wanted may
    be read: it is told by its ids.
    """
    if stream.updated_at is None or not stream.is_timed:
        return None
    form = stream.updated_at.format
    if form in EPOCHS:
        return tuple(  # type: ignore[return-value]
            (at - _EPOCH) // timedelta(microseconds=1) // EPOCHS[form] + end
            for at, end in ((since, 0), (until, 1))
        )
    zone = ZoneInfo(stream.timezone)
    days = [(since - _DAY).astimezone(zone), (until + 2 * _DAY).astimezone(zone)]
    low, high = (day.replace(hour=0, minute=0, second=0, microsecond=0) for day in days)
    return (low.strftime(form or "%Y-%m-%d"), high.strftime(form or "%Y-%m-%d"))
