"""What the warehouse says, beside what a naive walk over the model says.

Whoever adds a figure that is kept adds a function to `INVARIANTS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from analyticspro.config import Settings
from analyticspro.grain import Grain
from analyticspro.metrics import Query
from analyticspro.metrics.evaluate import Evaluator
from analyticspro.metrics.known import Known
from analyticspro.policy import OWNER
from analyticspro.warehouse import Reader, facts, members
from tests.metrics.walk import TRAILING
from tests.warehouse.plain import Copy
from tests.warehouse.visiting import sessions_of, walk

if TYPE_CHECKING:
    from tests.ingest.reading import Reading

__all__ = ["INVARIANTS", "ask"]

LEDGER = "seen new changed duplicates conflicts late rejected retracted".split()
EVENT = "source, event_id, occurred_at, customer_id, user_id, amount_minor, is_late"
PERIOD = (date(2011, 11, 1), date(2012, 1, 20))
SETTINGS = Settings(timezone="UTC", currency="GBP")
NOW = datetime(2012, 2, 1, tzinfo=UTC)


def seen(copies: Sequence[tuple[str, Copy]]) -> list[Any]:
    """Return what an event says, as `EVENT` selects it, in an order of its own."""
    return sorted(
        ((source, one.record.id, one.record.at, one.record.payload[0], *one.record.payload,
          one.is_late)
         for source, one in copies),
        key=repr,
    )  # fmt: skip


def found(reader: Reader, condition: str, **values: Any) -> list[Any]:
    rows = reader.frame(f"SELECT {EVENT} FROM events WHERE {condition}", values)
    return sorted(
        rows.with_columns(pl.col("occurred_at").dt.replace_time_zone("UTC")).rows(), key=repr
    )


def live_events(machine: Reading, reader: Reader) -> None:
    assert found(reader, "retired IS NULL") == seen(machine.plain.live())


def every_version(machine: Reading, reader: Reader) -> None:
    assert found(reader, "true") == seen(machine.plain.history)
    [numbers] = reader.frame(
        "SELECT count(*), count(DISTINCT seq), count(*) FILTER (retired < revision) FROM events"
    ).rows()
    assert numbers == (len(machine.plain.history), len(machine.plain.history), 0)


def left_of(copies: Sequence[tuple[str, Copy]]) -> list[tuple[str, Copy]]:
    """Return what is left of an earlier moment: all but what is of who was erased since."""
    return [(source, copy) for source, copy in copies if not copy.is_erased]


def earlier_moments(machine: Reading, reader: Reader) -> None:
    for revision, live in machine.snapshots.items():
        then = "revision <= $r AND (retired IS NULL OR retired > $r)"
        assert found(reader, then, r=revision) == seen(left_of(live))


def ledger(machine: Reading, reader: Reader) -> None:
    sums = ", ".join(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in LEDGER)
    for source, counts in machine.plain.counts.items():
        [row] = reader.frame(
            f"SELECT {sums} FROM ledger WHERE source = $source", {"source": source}
        ).to_dicts()
        assert row == {name: counts[name] for name in LEDGER}
        assert row["seen"] == sum(row[n] for n in ("new", "changed", "duplicates", "rejected"))
        live = sum(of == source for of, _ in machine.plain.live())
        assert row["new"] - row["retracted"] == live
    [(revisions, newest)] = reader.frame(
        "SELECT count(DISTINCT revision), coalesce(max(revision), 0) FROM ledger"
    ).rows()
    assert revisions == newest, "a revision is missing"


def rejects_and_conflicts(machine: Reading, reader: Reader) -> None:
    rows = reader.frame(
        "SELECT source, part, coalesce(line::VARCHAR, raw) FROM rejects WHERE resolved IS NULL"
    ).rows()
    assert sorted(rows) == sorted((of, part, str(line)) for of, part, line in machine.rejects)
    kept = reader.frame("SELECT source, event_id FROM conflicts").rows()
    assert sorted(kept) == sorted((of, name) for of, name, _ in machine.plain.conflicts)


def rollups(machine: Reading, reader: Reader) -> None:
    for grain, start in GRAINS.items():
        rows = reader.frame(
            "SELECT bucket::VARCHAR, source, sum(events)::BIGINT, sum(late)::BIGINT, "
            f"sum(amount_minor)::BIGINT FROM ({facts(grain, reader.rolled)}) "
            "GROUP BY ALL HAVING sum(events) <> 0",
            bound(reader, zoned=grain != "hour"),
        ).rows()
        naive: dict[tuple[str, str], list[int]] = {}
        for source, copy in machine.plain.live():
            sums = naive.setdefault((start(when(copy)), source), [0, 0, 0])
            sums[0] += 1
            sums[1] += copy.is_late
            sums[2] += int(str(copy.record.payload[1] or 0))
        assert sorted(rows) == sorted((*place, *sums) for place, sums in naive.items())


def extents(machine: Reading, reader: Reader) -> None:
    spans: dict[tuple[str, str], list[datetime]] = {}
    for source, copy in machine.plain.live():
        spans.setdefault((source, name_of(copy)), []).append(when(copy))
    naive = [(*place, min(times), max(times), len(times)) for place, times in spans.items()]
    assert reader.extents().rows() == sorted(naive)


def bound(reader: Reader, *, zoned: bool) -> dict[str, object]:
    """Return what is bound into the SQL of rollups: nothing if all is at hand."""
    if not reader.rolled.reads_events:
        return {}
    return {"up_to": reader.rolled.up_to} | ({"zone": reader.rolled.zone} if zoned else {})


def active_members(machine: Reading, reader: Reader) -> None:
    there = {
        (when(copy).date().isoformat(), source, copy.record.payload[0])
        for source, copy in machine.plain.live()
    }
    counts = Counter((day, source) for day, source, _ in there)
    for column in ("customer_id", "user_id"):
        rows = reader.frame(
            "SELECT bucket::VARCHAR, source, count(*) FROM (SELECT bucket, source, member "
            f"FROM ({members(column, reader.rolled)}) GROUP BY ALL "
            "HAVING sum(events) <> 0) GROUP BY ALL",
            bound(reader, zoned=True),
        ).rows()
        assert sorted(rows) == sorted((*place, number) for place, number in counts.items())


@dataclass(frozen=True)
class Visit:
    """An event as a walk over sessions sees it."""

    source: str
    at: datetime
    id: str
    user: str
    name: str
    session: str | None = None
    country: str | None = None


def sessions(machine: Reading, reader: Reader) -> None:
    happened = [
        Visit(
            source,
            when(copy),
            copy.record.id,
            str(copy.record.payload[0]),
            name_of(copy),
        )
        for source, copy in machine.plain.live()
    ]
    assert sessions_of(reader) == walk(happened)


def rolling_active_users(machine: Reading, reader: Reader) -> None:
    answered(reader, machine.plain.live())


def ask(machine: Reading, back: int) -> None:
    """Ask what was known so many commits ago."""
    revision = sorted(machine.snapshots)[-1 - back % len(machine.snapshots)]
    with machine.warehouse.reader(OWNER) as reader:
        rows = reader.frame(
            "SELECT max(committed_at) FROM ledger WHERE revision <= $r", {"r": revision}
        )
        [(moment,)] = rows.rows()
    as_of = NOW.replace(year=2000) if moment is None else moment.replace(tzinfo=UTC)
    with machine.warehouse.reader(OWNER, as_of=as_of) as reader:
        # Another commit may have had the same time; the newest of them counts.
        live = left_of(machine.snapshots[reader.revision()])
        assert found(reader, "retired IS NULL") == seen(live)
        answered(reader, live)


def answered(reader: Reader, live: Sequence[tuple[str, Copy]]) -> None:
    """Ask for figures of each day, and count them naively."""
    metrics = ("events", "revenue", "active_users", "weekly_active_users", "monthly_active_users")
    first, end = PERIOD
    query = Query(metrics, Grain.DAY, (), f"{first}..{end}", compare=False)
    rows = Evaluator(reader, Known.read(reader), SETTINGS, NOW).answer(query).frame.rows()
    told = {row[0]: row[1:] for row in rows}
    by_day: dict[date, list[Copy]] = {}
    for _, copy in live:
        by_day.setdefault(when(copy).date(), []).append(copy)
    assert {day for day in by_day if first <= day < end} <= told.keys()
    for day, figures in told.items():
        own = by_day.get(day, [])
        there = [
            {str(copy.record.payload[0]) for copy in by_day.get(day - timedelta(days=back), [])}
            for back in range(30)
        ]
        paid = sum(int(str(copy.record.payload[1] or 0)) for copy in own)
        week, month = (
            value(there[:days])
            for _, days, value in (
                TRAILING[name] for name in ("weekly_active_users", "monthly_active_users")
            )
        )
        assert figures[0] == len(own)
        assert round((figures[1] or 0) * 100) == paid
        assert figures[2:] == (len(there[0]), week, month)


def name_of(copy: Copy) -> str:
    return "page_viewed" if copy.part == "visits" else "order_placed"


def when(copy: Copy) -> datetime:
    assert copy.record.at is not None
    return copy.record.at


GRAINS: dict[str, Callable[[datetime], str]] = {
    "hour": lambda time: time.strftime("%Y-%m-%d %H:00:00"),
    "day": lambda time: time.strftime("%Y-%m-%d"),
    "month": lambda time: time.strftime("%Y-%m-01"),
}
INVARIANTS: list[Callable[[Reading, Reader], None]] = [
    live_events,
    every_version,
    earlier_moments,
    ledger,
    rejects_and_conflicts,
    rollups,
    extents,
    active_members,
    sessions,
    rolling_active_users,
]
