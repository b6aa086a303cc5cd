"""Whatever comes in whatever order, each mode keeps what plain Python keeps (plain.py)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyticspro.connectors.batch import REJECTS
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor, Outcome, Stored, Warehouse
from analyticspro.warehouse.incoming import prepare
from analyticspro.warehouse.known_ids import Ids
from tests.warehouse.plain import Plain, Record, whole

NOW = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)
CURSOR = Cursor("f00d:cafe", size=1, changed_ns=1)
LEDGER = "seen new changed duplicates conflicts retracted".split()
P, Q = ("p",), ("q",)
SOURCES, PARTS, NAMES = ("shop", "till"), ("a", "b"), ("x", "y", "z")


def row(record: Record) -> dict[str, Any]:
    return {
        "event_id": record.id,
        "name": "order_placed",
        "occurred_at": NOW,
        "customer_id": record.payload[0],
        "properties": "{}",
        "raw": record.raw,
        "version": record.version,
    }


RECORDS = st.builds(
    Record,
    st.sampled_from(NAMES),
    st.sampled_from([P, Q]),
    st.sampled_from([None, -1, 0, 1, 2]),
    st.sampled_from([None, None, "raw", "other raw"]),
)
FRAMES = st.tuples(
    st.just("store"),
    st.sampled_from(SOURCES),
    st.sampled_from(PARTS),
    st.sampled_from(list(WriteMode)),
    st.lists(RECORDS, max_size=6),
)
ENDS = st.tuples(st.just("end"), st.sampled_from(SOURCES), st.sampled_from(PARTS))
ERASES = st.tuples(st.just("erase"), st.sampled_from(SOURCES), st.sampled_from(NAMES))
# A commit: some frames, then perhaps a part that ends there; it may fail, and leaves nothing.
COMMITS = st.tuples(
    st.sampled_from(["make", "make", "make", "fail", "reopen"]),
    st.lists(st.one_of(FRAMES, FRAMES, ENDS, ERASES), max_size=4),
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty warehouse to copy: quicker than to make one."""
    file = tmp_path_factory.mktemp("empty") / "w.duckdb"
    Warehouse.open(file, backups=file.parent).close()
    return file


@contextmanager
def opened(folder: str) -> Iterator[Warehouse]:
    warehouse = Warehouse.open(Path(folder) / "w.duckdb", backups=Path(folder))
    try:
        yield warehouse
    finally:
        warehouse.close()


def frame(records: list[Record]) -> pl.DataFrame:
    return pl.DataFrame([row(record) for record in records], schema=SCHEMA)


class Pair:
    """The warehouse and the model, which are told the same."""

    def __init__(self, file: Path) -> None:
        self.file, self.model = file, Plain()
        self.warehouse = Warehouse.open(file, backups=file.parent)

    def reopen(self) -> None:
        self.warehouse.close()
        self.warehouse = Warehouse.open(self.file, backups=self.file.parent)

    def commit(self, ending: str, steps: list[Any]) -> None:
        before = deepcopy(self.model)
        try:
            with self.warehouse.writer() as writer, writer.commit(NOW):
                for kind, *values in steps:
                    if kind == "store":
                        self.store(writer, *values)
                    elif kind == "end":
                        self.end(writer, *values)
                if ending == "fail":
                    raise ZeroDivisionError
        except ZeroDivisionError:
            self.model = before
        for kind, *values in steps:
            if kind == "erase" and ending != "fail":
                self.erase(*values)

    def store(
        self, writer: Any, source: str, part: str, mode: WriteMode, records: list[Record]
    ) -> None:
        stored: Stored = writer.store(
            source, part, frame(records), mode=mode, received_at=NOW, watermark=None
        )
        outcomes = self.model.store(source, part, mode, records)
        assert [Outcome(value) for value in stored.outcomes.tolist()] == outcomes
        for record, seq in zip(records, stored.seqs.tolist(), strict=True):
            place = source, record.id
            assert seq == (-1 if place in self.model.erased else self.model.copies[place].seq)
        counted = stored.new, stored.changed, stored.unchanged, stored.conflicts
        assert counted == (
            outcomes.count(Outcome.NEW),
            outcomes.count(Outcome.CHANGED),
            outcomes.count(Outcome.DUPLICATE) + outcomes.count(Outcome.CONFLICT),
            outcomes.count(Outcome.CONFLICT),
        )

    def end(self, writer: Any, source: str, part: str) -> None:
        """End a part of which half of what it holds was seen."""
        seen = {copy.seq for copy in self.model.copies.values() if copy.seq % 2}
        retracted = writer.finish_part(
            source,
            part,
            seen=np.array(sorted(seen), np.int64),
            rejects=pl.DataFrame(schema=REJECTS),
            cursor=CURSOR,
        )
        assert retracted == self.model.retract(source, part, seen=seen)

    def erase(self, source: str, name: str) -> None:
        """Have the known ids say that an id was erased, as erasure will."""
        with self.warehouse.writer() as writer:
            one = prepare(writer._connection, source, frame([Record(name)]), WriteMode.APPEND)
            high, low = one.numbers("id_high"), one.numbers("id_low")
            gone = Ids(high, low, np.array([-1]), np.zeros(1, np.uint64))
            writer._memory.known.add(gone)
        self.model.erased.add((source, name))

    def check(self) -> None:
        with self.warehouse.reader(OWNER) as reader:
            live = reader.frame(
                "SELECT seq, source, event_id, part, customer_id, raw, version FROM events "
                "WHERE retired IS NULL ORDER BY seq"
            ).rows()
            ledger = reader.frame(
                f"SELECT source, {', '.join(f'sum({name})::BIGINT AS {name}' for name in LEDGER)} "
                "FROM ledger WHERE source IS NOT NULL GROUP BY ALL"
            )
            conflicts = reader.frame("SELECT source, event_id, raw FROM conflicts")
        assert live == [
            (copy.seq, source, copy.record.id, copy.part, *whole(copy.record), copy.record.version)
            for source, copy in self.model.live()
        ]
        for counts in ledger.iter_rows(named=True):
            expected = self.model.counted(counts.pop("source"))
            assert counts == {name: expected[name] for name in LEDGER}
            assert counts["seen"] == counts["new"] + counts["changed"] + counts["duplicates"]
        assert len(live) == (ledger["new"].sum() or 0) - (ledger["retracted"].sum() or 0)
        told_by = [(source, name) for source, name, _ in self.model.conflicts]
        assert sorted(conflicts.select("source", "event_id").rows()) == sorted(told_by)


def check(empty: Path, commits: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        shutil.copy(empty, folder)
        pair = Pair(Path(folder) / empty.name)
        try:
            for ending, steps in commits:
                # An erased id is known to memory alone, until erasure is there.
                if ending == "reopen" and not pair.model.erased:
                    pair.reopen()
                pair.commit(ending, steps)
                pair.check()
        finally:
            pair.warehouse.close()


def store(mode: str, *records: Record, source: str = "shop", part: str = "a") -> Any:
    return "store", source, part, WriteMode(mode), list(records)


@settings(max_examples=15)
@given(st.lists(COMMITS, max_size=6))
@example([("make", [store("append", Record("x"), source=of) for of in SOURCES]),
          ("make", [store("append", Record("x", Q), source=of) for of in SOURCES])])  # fmt: skip
@example([("make", [store("merge", Record("x"), Record("x", Q))]),
          ("make", [store("merge", Record("x", Q))])])  # fmt: skip
@example([("make", [store("append", Record("x"), Record("x", Q), Record("x", Q))])])
@example([("make", [store("append", Record("x", raw="r"), Record("x", Q, raw="r"))])])
@example([("make", [store("replace", Record("x")), store("append", Record("x", Q))]),
          ("fail", [("end", "shop", "a")]), ("make", [("erase", "shop", "x")]),
          ("make", [store("merge", Record("x", version=9))])])  # fmt: skip
@example([("make", [store(mode, Record(mode, raw="r")), store(then, Record(mode, raw="r"))])
          for mode in WriteMode for then in WriteMode])  # fmt: skip
def test_each_mode_keeps_what_the_model_keeps(empty: Path, commits: list[Any]):
    check(empty, commits)


@pytest.mark.soak
@settings(max_examples=400)
@given(st.lists(COMMITS, max_size=10))
def test_each_mode_keeps_what_the_model_keeps_at_length(empty: Path, commits: list[Any]):
    check(empty, commits)


# What an event is known by


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def numbers_of(warehouse: Warehouse, source: str, rows: pl.DataFrame, mode: WriteMode) -> Any:
    prepared = warehouse.prepare(source, rows, mode)
    return prepared.rows.select("id_high", "id_low", "content_hash")


@settings(max_examples=6)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "event_id": TEXTS.filter(bool),
                "name": st.sampled_from(["order_placed", "page_viewed"]),
                "occurred_at": st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)),
                "customer_id": st.none() | TEXTS,
                "amount_minor": st.none() | st.integers(-(2**63), 2**63 - 1),
                "properties": st.just('{"country":"Ελλάδα"}'),
                "raw": st.none() | TEXTS,
            }
        ),
        min_size=1,
        max_size=20,
    )
)
@pytest.mark.parametrize("mode", list(WriteMode))
def test_few_and_many_are_known_by_the_same(
    empty: Path, mode: WriteMode, rows: list[dict[str, Any]]
):
    few = pl.DataFrame(rows, schema=SCHEMA)
    many = pl.concat([few] * (3_000 // few.height + 1))
    with opened(str(empty.parent)) as warehouse:
        alone = numbers_of(warehouse, "shop", few, mode)
        assert numbers_of(warehouse, "shop", many, mode).head(few.height).equals(alone)


def test_where_this_machine_is_changes_no_time(tmp_path: Path):
    code = """if True:
        import sys
        from tests.warehouse.test_write_modes import NOW, OWNER, Record, frame, opened
        with opened(sys.argv[1]) as warehouse:
            for source, times in [("few", 1), ("many", 3000)]:
                with warehouse.writer() as writer, writer.commit(NOW):
                    rows = frame([Record(str(n)) for n in range(times)])
                    writer.store(source, "a", rows, received_at=NOW, watermark=NOW)
            with warehouse.reader(OWNER) as reader:
                print(*reader.frame("SELECT DISTINCT occurred_at, received_at, is_late, "
                    "occurred_at::TIMESTAMPTZ::VARCHAR FROM events").row(0), sep="|", end="")
    """
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "TZ": "America/New_York"},
        capture_output=True,
        check=True,
        text=True,
    )
    noon = "2011-12-09 12:50:00"
    assert done.stdout == f"{noon}|{noon}|False|{noon}+00"
