"""A warehouse that archives, erases and starts anew holds what one holds that never archives."""

from __future__ import annotations

import random
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import (
    MEMBERS,
    Cursor,
    Reader,
    Stored,
    Subject,
    Warehouse,
    every_session,
    facts,
    members,
)

START, NOW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
SOURCES = {"log": WriteMode.APPEND, "crm": WriteMode.MERGE, "till": WriteMode.REPLACE}
PEOPLE = ["ann", "bob", "eve", "zoe", None]


class Pair:
    """Two warehouses that are told the same; only the first one archives."""

    def __init__(self, folder: Path, drawn: random.Random) -> None:
        self._folder = folder
        self._drawn = drawn
        self._opened = ExitStack()
        self.both: list[Warehouse] = []
        self._step = 0
        self.start()

    def start(self) -> None:
        self._opened.close()
        self.both = []
        for name in ("archiving", "plain"):
            place = self._folder / name
            place.mkdir(exist_ok=True)
            warehouse = Warehouse.open(place / "w.duckdb", backups=place / "backups")
            self._opened.callback(warehouse.close)
            self.both.append(warehouse)

    def close(self) -> None:
        self._opened.close()

    def _now(self) -> datetime:
        self._step += 1
        return NOW + timedelta(hours=self._step)

    def store(self) -> None:
        source = self._drawn.choice(list(SOURCES))
        part, is_whole = self._drawn.choice("pq"), self._drawn.random() < 0.3
        rows = [self._row() for _ in range(self._drawn.randrange(1, 25))]
        at = self._now()
        first, second = (self._stored(each, source, part, rows, at, is_whole) for each in self.both)
        assert first[0].outcomes.tolist() == second[0].outcomes.tolist()
        assert first[1] == second[1]

    def _stored(
        self,
        warehouse: Warehouse,
        source: str,
        part: str,
        rows: list[dict[str, Any]],
        at: datetime,
        is_whole: bool,
    ) -> tuple[Stored, int]:
        mode, retracted = SOURCES[source], 0
        with warehouse.writer() as writer, writer.commit(at):
            events = pl.DataFrame(rows, schema=SCHEMA)
            stored = writer.store(source, part, events, mode=mode, received_at=at, watermark=None)
            if mode is WriteMode.REPLACE and is_whole:
                retracted = writer.finish_part(
                    source,
                    part,
                    seen=stored.seqs,
                    rejects=pl.DataFrame(schema={"line": pl.Int64}),
                    cursor=Cursor("f", 1, 1),
                )
        return stored, retracted

    def _row(self) -> dict[str, Any]:
        pick = self._drawn
        return {
            "event_id": str(pick.randrange(60)),
            "name": pick.choice(["page_viewed", "order_placed"]),
            "occurred_at": START + timedelta(minutes=pick.randrange(180) * 20 * 24),
            "customer_id": pick.choice(PEOPLE),
            "user_id": pick.choice(PEOPLE),
            "amount_minor": pick.randrange(3),
            "currency": "GBP",
            "properties": "{}",
            "version": pick.randrange(4),
        }

    def archive(self) -> None:
        before = START + timedelta(days=self._drawn.randrange(75))
        self.both[0].archive.run(before, at=self._now(), progress=lambda done, total: None)

    def rewrite(self) -> None:
        found = self.both[0].archive.partitions()
        if found:
            number = self._drawn.choice(found).number
            self.both[0].archive.rewrite([number], self._now())

    def compact(self) -> None:
        self._drawn.choice(self.both).compact()

    def erase(self) -> None:
        subject = Subject(customers=(self._drawn.choice(["ann", "bob"]),))
        at = self._now()
        first, second = (
            each.erasing.erase(
                subject, by="a", reason=None, at=at, progress=lambda done, total: None
            )
            for each in self.both
        )
        same = ("events", "older_versions", "ids_kept_out", "revision", "first_revision")
        assert [first[name] for name in same] == [second[name] for name in same]

    def check(self) -> None:
        first, second = (told(each, None) for each in self.both)
        assert first == second
        moment = NOW + timedelta(hours=self._drawn.randrange(self._step + 1))
        first, second = (told(each, moment) for each in self.both)
        assert first == second


def told(warehouse: Warehouse, as_of: datetime | None) -> list[Any]:
    """Return all that can be read of a warehouse."""
    with warehouse.reader(OWNER, as_of=as_of) as reader:
        sessions = reader.sessions_up_to.up_to
        found = [
            reader.frame("SELECT * FROM events ORDER BY seq").rows(),
            reader.ledger().rows(),
            reader.frame(every_session(), {"sessions_up_to": sessions}).rows(),
        ]
        if as_of is None:
            sums = "sum(events), sum(amount_minor), sum(amounts)"
            found.append(added_up(reader, sums, facts("hour", reader.rolled)))
            for column in MEMBERS:
                who = members(column, reader.rolled)
                found.append(added_up(reader, "member, sum(events)", who))
    return [sorted(map(str, rows)) for rows in found]


def added_up(reader: Reader, columns: str, sql: str) -> list[Any]:
    """Return sums, so that it does not matter how many rows stand for one."""
    bound = {"up_to": reader.rolled.up_to, "zone": "UTC"}
    return reader.frame(
        f"SELECT bucket, source, name, {columns} FROM ({sql}) GROUP BY ALL HAVING sum(events) <> 0",
        {name: value for name, value in bound.items() if f"${name}" in sql},
    ).rows()


def walked(seed: int, steps: int, folder: Path) -> None:
    drawn = random.Random(seed)
    pair = Pair(folder, drawn)
    kinds = {
        pair.store: 8, pair.archive: 3, pair.rewrite: 1, pair.compact: 2, pair.start: 1,
        pair.erase: 1,
    }  # fmt: skip
    try:
        for number in range(steps):
            drawn.choices(list(kinds), list(kinds.values()))[0]()
            if number % 4 == 3:
                pair.check()
        pair.check()
    finally:
        pair.close()


@pytest.mark.parametrize("seed", range(3))
def test_nobody_can_tell_the_two_apart(seed: int, tmp_path: Path):
    walked(seed, 40, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 140))
def test_nobody_can_tell_the_two_apart_for_long(seed: int, tmp_path: Path):
    walked(seed, 150, tmp_path)
