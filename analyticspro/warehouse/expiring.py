"""Deletes archived months for good; what was added up of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from analyticspro.warehouse.archive import Archive
from analyticspro.warehouse.rollups import hours
from analyticspro.warehouse.writer import Writer

__all__ = ["Expired", "expire"]


@dataclass(frozen=True)
class Expired:
    """A month whose events were deleted.

    Attributes:
        month: In UTC.
        rows: Versions of events that were deleted.
    """

    month: date
    rows: int


def expire(
    archive: Archive,
    writer: Callable[[], AbstractContextManager[Writer]],
    before: date,
    *,
    at: datetime,
) -> list[Expired]:
    """Delete the archived months before `before`; return which these were.

    Their events are noted as retracted in the ledger, and their ids stay known, so that no
    sync brings them back. Rollups, members and sessions stay; they must be up to date.

    Args:
        archive: Whose months.
        writer: Gives the writer.
        before: The first day of the first month that stays.
        at: Now, UTC.
    """
    done = []
    with archive.still():
        months: dict[date, list[int]] = {}
        for partition in archive.partitions():
            if partition.month < before:
                months.setdefault(partition.month, []).append(partition.number)
        for month, numbers in months.items():
            with writer() as open_writer, open_writer.commit(at) as revision:
                rows = _expire(archive, open_writer, month, numbers, revision, at)
            if rows is not None:
                done.append(Expired(month, rows))
        archive.tidy()
    return done


def _expire(
    archive: Archive,
    writer: Writer,
    month: date,
    numbers: Sequence[int],
    revision: int,
    at: datetime,
) -> int | None:
    """Delete one month; return how many versions that were, None if it is not summed up yet."""
    cursor = writer.connection
    bound = {"numbers": list(numbers)}
    [(rows, last_seq, last_revision)] = cursor.execute(
        "SELECT sum(rows)::BIGINT, max(last_seq), max(last_revision) FROM archive "
        "WHERE partition = ANY($numbers)",
        bound,
    ).fetchall()
    [(summed,)] = cursor.execute(
        "SELECT least((SELECT coalesce(max(up_to), 0) FROM rolled), "
        "(SELECT coalesce(max(up_to), 0) FROM sessions_rolled))"
    ).fetchall()
    if summed < last_revision:
        return None
    mine = "(FROM archived WHERE partition = ANY($numbers))"
    found = cursor.execute(
        f"""
        SELECT DISTINCT id_high, id_low FROM {mine} ANTI JOIN (
            SELECT id_high, id_low FROM hot
            UNION ALL SELECT id_high, id_low FROM archived WHERE partition <> ALL($numbers))
            USING (id_high, id_low)
        """,
        bound,
    ).fetchnumpy()
    writer.bury(found["id_high"], found["id_low"])
    lost = cursor.execute(
        f"SELECT source, part, count(*) FROM {mine} WHERE retired IS NULL GROUP BY ALL", bound
    ).fetchall()
    for source, part, events in lost:
        writer.write_off(source, part, events, note="expired")
    cursor.execute(f"INSERT INTO rollup_expired {hours(f'{mine} WHERE retired IS NULL')}", bound)
    cursor.execute(
        "INSERT INTO expired VALUES ($month, $rows, $last_seq, $revision, $at)",
        {
            "month": month,
            "rows": rows,
            "last_seq": last_seq,
            "revision": revision,
            "at": at.astimezone(UTC).replace(tzinfo=None),
        },
    )
    archive.drop(cursor, numbers)
    return int(rows)
