"""Whatever happens in whatever order, the warehouse says what a naive walk over it says.

`Machine` does to a warehouse what the world does: files change, streams grow, events are
pushed, syncs break off, commits fail, the process starts anew, rollups are brought up to date.
It tells a model in plain Python the same. After each step each of `INVARIANTS` compares the
two; whoever adds a figure that is kept adds a function there.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from analyticspro.connectors.batch import REJECTS
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.ingest import sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Reader, Warehouse, facts, members
from tests.ingest.lines import append, declared
from tests.ingest.shop import Shop
from tests.local import NoSecrets
from tests.warehouse.plain import Copy, Plain, Record

START = datetime(2011, 11, 1, tzinfo=UTC)
LEDGER = "seen new changed duplicates conflicts late rejected retracted".split()
PAGE = 2
STREAMS = {"orders": WriteMode.MERGE, "visits": WriteMode.APPEND}

DAYS = st.integers(0, 40)
PEOPLE = st.sampled_from(["Ann", "Bob", "Cid"])
AMOUNTS = st.sampled_from([100, 250, -50])
# What a source may say of one thing: when, who, how much.
SAID = st.tuples(DAYS, PEOPLE, AMOUNTS)
BAD = None  # a record that cannot be read
ROWS = st.lists(SAID | st.none(), max_size=4)
FILES = st.sampled_from(["a.csv", "b.csv"])
NUMBERS = st.integers(1, 4)


def at(day: int) -> datetime:
    return START + timedelta(days=day, hours=day % 24)


def text(day: int) -> str:
    return at(day).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(event_id: str, said: tuple[int, str, int], *, tag: str = "", version: Any = None) -> Any:
    day, who, amount = said
    raw = json.dumps([event_id, day, who, amount, tag])
    return Record(event_id, (who, amount), version, raw, at(day))


class Machine(RuleBasedStateMachine):
    """The warehouse, what is read into it, and the model."""

    empty: Path  # an empty warehouse to copy, which is quicker than to make one

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="machine-"))
        (self.folder / "files").mkdir()
        self.file = self.folder / "w.duckdb"
        shutil.copy(self.empty, self.file)
        self.plain = Plain()
        self.files: dict[str, list[Any]] = {}
        self.synced: dict[str, list[Any]] = {}
        self.newest: dict[str, datetime | None] = {}  # of each whole file
        self.lines: dict[str, list[Any]] = {stream: [] for stream in STREAMS}
        self.read: dict[str, int] = dict.fromkeys(STREAMS, 0)
        self.complete: set[str] = set()
        self.rejects: set[tuple[str, str, Any]] = set()
        self.snapshots: dict[int, list[Any]] = {}
        self.open()

    def open(self) -> None:
        self.warehouse = Warehouse.open(self.file, backups=self.folder)
        self.shop = Shop(self.folder / "files", self.warehouse)

    def teardown(self) -> None:
        self.warehouse.close()
        shutil.rmtree(self.folder)

    # Files, replaced as a whole

    @rule(name=FILES, rows=ROWS)
    def write_a_file(self, name: str, rows: list[Any]) -> None:
        self.files[name] = rows
        lines = ["1,soon,x,1" if row is BAD else self._line(row) for row in rows]
        self.shop.write(*lines, name=name)

    @rule(name=FILES, row=SAID)
    def add_a_row(self, name: str, row: Any) -> None:
        self.write_a_file(name, [*self.files.get(name, []), row])

    @rule(name=FILES)
    def drop_the_last_row(self, name: str) -> None:
        if self.files.get(name):
            self.write_a_file(name, self.files[name][:-1])

    @rule()
    def sync_the_files(self) -> None:
        report = self.shop.sync()
        if not self.files:
            assert report.error is not None  # nothing matches the pattern
            return
        assert report.error is None
        whole = [newest for newest in self.newest.values() if newest]
        watermark = max(whole) if whole else None
        for name in sorted(self.files):
            if self.synced.get(name) != self.files[name]:
                self._read_file(name, watermark)

    def _read_file(self, name: str, watermark: datetime | None) -> None:
        rows = self.synced[name] = self.files[name]
        records = [
            record(f"shop:{name}:{number}", row)
            for number, row in enumerate(rows, start=1)
            if row is not BAD
        ]
        self.plain.store("shop", name, WriteMode.REPLACE, records, late_before=watermark)
        self._set_aside("shop", rows.count(BAD))
        seen = {self.plain.copies["shop", one.id].seq for one in records}
        self.plain.retract("shop", name, seen=seen)
        self.newest[name] = max((one.at for one in records), default=None)
        self.rejects = {place for place in self.rejects if place[:2] != ("shop", name)}
        bad = [number for number, row in enumerate(rows, start=2) if row is BAD]
        self.rejects |= {("shop", name, line) for line in bad}

    @staticmethod
    def _line(said: Any) -> str:
        day, who, amount = said
        return f"1,{text(day)},{who},{amount / 100}"

    # Streams, read page by page

    @rule(stream=st.sampled_from(sorted(STREAMS)), number=NUMBERS, said=SAID | st.none(),
          version=NUMBERS)  # fmt: skip
    def grow_a_stream(self, stream: str, number: int, said: Any, version: int) -> None:
        self.lines[stream].append((number, said, version))
        day, who, amount = said or (0, "x", 0)
        line = {
            "id": str(number), "at": text(day) if said else "soon", "who": who,
            "paid": str(amount / 100), "n": str(version),
        }  # fmt: skip
        append(self.folder, stream, line)

    @rule(stream=st.sampled_from(sorted(STREAMS)), error=st.sampled_from(["!later", "!broken"]))
    def break_a_stream_off(self, stream: str, error: str) -> None:
        """Sync while a stream ends in an error, which is mended after."""
        append(self.folder, stream, error)
        self._sync_streams(broken=stream)
        file = self.folder / f"{stream}.jsonl"
        file.write_text("".join(f"{line}\n" for line in file.read_text().splitlines()[:-1]))

    @rule(lookback=st.integers(0, 3))
    def sync_the_streams(self, lookback: int) -> None:
        self._sync_streams(lookback=lookback)

    def _sync_streams(self, *, lookback: int = 0, broken: str | None = None) -> None:
        source = declared(self.folder, page=PAGE, lookback=lookback)
        report = sync(source, self.warehouse, secrets=NoSecrets(), progress=lambda step: None)
        assert (report.error is None) == (broken is None)
        before = set(self.complete)
        for stream in STREAMS:
            self._read_stream(stream, lookback, stream in before)
            if stream == broken:
                break
            self.complete.add(stream)

    def _read_stream(self, stream: str, lookback: int, was_complete: bool) -> None:
        lines = self.lines[stream]
        if self.read[stream] == len(lines):
            return
        # All that is read here happened long before any sync.
        late_before = datetime.now(UTC) if was_complete else None
        for start in range(max(0, self.read[stream] - lookback), len(lines), PAGE):
            page = lines[start : start + PAGE]
            records = [self._streamed(stream, *line) for line in page if line[1] is not BAD]
            self.plain.store("till", stream, STREAMS[stream], records, late_before=late_before)
            lined = [start + n for n, (_, said, _) in enumerate(page, start=1) if said is BAD]
            self._set_aside("till", len(lined))
            self.rejects |= {("till", stream, line) for line in lined}
        self.read[stream] = len(lines)

    @staticmethod
    def _streamed(stream: str, number: int, said: Any, version: int) -> Record:
        ordered = version if stream == "orders" else None
        paid = said if stream == "orders" else (said[0], said[1], None)
        # The visits' raw record holds what became no field of the event, too.
        tag = "" if stream == "orders" else f"{said[2]} {version}"
        made: Record = record(f"till:{stream}:{number}", paid, tag=tag, version=ordered)
        return made

    # Events that are pushed

    @rule(
        pushed=st.lists(st.tuples(NUMBERS, SAID), max_size=5),
        bad=st.integers(0, 2),
        lateness=st.none() | DAYS,
        ending=st.sampled_from(["commit", "commit", "fail"]),
    )
    def push(self, pushed: list[Any], bad: int, lateness: int | None, ending: str) -> None:
        watermark = None if lateness is None else at(lateness)
        records = [record(f"{number}", said) for number, said in pushed]
        aside = pl.DataFrame(
            [{"reason": "no name", "raw": f"bad {n}"} for n in range(bad)], schema=REJECTS
        )
        now = datetime.now(UTC)
        try:
            with self.warehouse.writer() as writer, writer.commit(now):
                writer.store(
                    "site", "web", frame(records), mode=WriteMode.APPEND,
                    received_at=now, watermark=watermark,
                )  # fmt: skip
                writer.set_aside("site", "web", aside)
                if ending == "fail":
                    raise ZeroDivisionError
        except ZeroDivisionError:
            return
        self.plain.store("site", "web", WriteMode.APPEND, records, late_before=watermark)
        self._set_aside("site", bad)
        self.rejects |= {("site", "web", f"bad {n}") for n in range(bad)}

    # The process

    @rule()
    def restart(self) -> None:
        self.warehouse.close()
        self.open()

    @rule()
    def bring_the_rollups_up_to_date(self) -> None:
        self.warehouse.compact()

    @initialize()
    def begin(self) -> None:
        self.snapshots[0] = []

    @invariant()
    def holds(self) -> None:
        with self.warehouse.reader(OWNER) as reader:
            live = seen(self.plain.live())
            self.snapshots[reader.revision()] = live
            for check in INVARIANTS:
                check(self, reader)

    def _set_aside(self, source: str, number: int) -> None:
        counts = self.plain.counted(source)
        counts["seen"] += number
        counts["rejected"] += number


def frame(records: list[Record]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "event_id": one.id, "name": "order_placed", "occurred_at": one.at,
                "customer_id": one.payload[0], "amount_minor": one.payload[1],
                "currency": "GBP", "properties": "{}", "raw": one.raw,
            }
            for one in records
        ],
        schema=SCHEMA,
    )  # fmt: skip


def seen(copies: list[tuple[str, Copy]]) -> list[Any]:
    """Return what an event says, as `EVENT` selects it, in an order of its own."""
    return sorted(
        ((source, one.record.id, one.record.at, *one.record.payload, one.is_late)
         for source, one in copies),
        key=repr,
    )  # fmt: skip


EVENT = "source, event_id, occurred_at, customer_id, amount_minor, is_late"


def found(reader: Reader, condition: str, **values: Any) -> list[Any]:
    rows = reader.frame(f"SELECT {EVENT} FROM events WHERE {condition}", values)
    return sorted(
        rows.with_columns(pl.col("occurred_at").dt.replace_time_zone("UTC")).rows(), key=repr
    )


def live_events(machine: Machine, reader: Reader) -> None:
    assert found(reader, "retired IS NULL") == seen(machine.plain.live())


def every_version(machine: Machine, reader: Reader) -> None:
    assert found(reader, "true") == seen(machine.plain.history)
    [numbers] = reader.frame(
        "SELECT count(*), count(DISTINCT seq), count(*) FILTER (retired < revision) FROM events"
    ).rows()
    assert numbers == (len(machine.plain.history), len(machine.plain.history), 0)


def earlier_moments(machine: Machine, reader: Reader) -> None:
    for revision, live in machine.snapshots.items():
        then = "revision <= $r AND (retired IS NULL OR retired > $r)"
        assert found(reader, then, r=revision) == live


def ledger(machine: Machine, reader: Reader) -> None:
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


def rejects_and_conflicts(machine: Machine, reader: Reader) -> None:
    rows = reader.frame(
        "SELECT source, part, coalesce(line::VARCHAR, raw) FROM rejects WHERE resolved IS NULL"
    ).rows()
    assert sorted(rows) == sorted((of, part, str(line)) for of, part, line in machine.rejects)
    kept = reader.frame("SELECT source, event_id FROM conflicts").rows()
    assert sorted(kept) == sorted((of, name) for of, name, _ in machine.plain.conflicts)


def rollups(machine: Machine, reader: Reader) -> None:
    for grain, start in GRAINS.items():
        rows = reader.frame(
            "SELECT bucket::VARCHAR, source, sum(events)::BIGINT, sum(late)::BIGINT, "
            f"sum(amount_minor)::BIGINT FROM ({facts(grain, reader.rolled)}) "
            "GROUP BY ALL HAVING sum(events) <> 0",
            bound(reader, zoned=grain != "hour"),
        ).rows()
        naive: dict[tuple[str, str], list[int]] = {}
        for source, copy in machine.plain.live():
            assert copy.record.at is not None
            sums = naive.setdefault((start(copy.record.at), source), [0, 0, 0])
            sums[0] += 1
            sums[1] += copy.is_late
            sums[2] += int(str(copy.record.payload[1] or 0))
        assert sorted(rows) == sorted((*place, *sums) for place, sums in naive.items())


def bound(reader: Reader, *, zoned: bool) -> dict[str, object]:
    """Return what is bound into the SQL of rollups: nothing if they are up to date."""
    if reader.rolled.is_current:
        return {}
    return {"up_to": reader.rolled.up_to} | ({"zone": reader.rolled.zone} if zoned else {})


def active_customers(machine: Machine, reader: Reader) -> None:
    rows = reader.frame(
        "SELECT bucket::VARCHAR, source, count(*) FROM (SELECT bucket, source, member "
        f"FROM ({members('customer_id', reader.rolled)}) GROUP BY ALL "
        "HAVING sum(events) <> 0) GROUP BY ALL",
        bound(reader, zoned=True),
    ).rows()
    there = {
        (copy.record.at.date().isoformat(), source, copy.record.payload[0])
        for source, copy in machine.plain.live()
        if copy.record.at
    }
    counts = Counter((day, source) for day, source, _ in there)
    assert sorted(rows) == sorted((*place, number) for place, number in counts.items())


GRAINS: dict[str, Callable[[datetime], str]] = {
    "hour": lambda time: time.strftime("%Y-%m-%d %H:00:00"),
    "day": lambda time: time.strftime("%Y-%m-%d"),
    "month": lambda time: time.strftime("%Y-%m-01"),
}
INVARIANTS: list[Callable[[Machine, Reader], None]] = [
    live_events,
    every_version,
    earlier_moments,
    ledger,
    rejects_and_conflicts,
    rollups,
    active_customers,
]


@pytest.fixture(scope="module", autouse=True)
def _an_empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> None:
    Machine.empty = tmp_path_factory.mktemp("empty") / "w.duckdb"
    Warehouse.open(Machine.empty, backups=Machine.empty.parent).close()


class TestTheDataPath(Machine.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=6, stateful_step_count=15)


@pytest.mark.soak
class TestTheDataPathAtLength(Machine.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=60, stateful_step_count=40)
