"""Visitors of a warehouse, step by step: what they may do, told to it in any order."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import polars as pl
from hypothesis import strategies as st

from analyticspro.connectors.batch import REJECTS
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor, Reader, Warehouse, every_session, session_days
from tests.visits import Seen, is_bounce, pages, visits

__all__ = [
    "BOUGHT",
    "DEEDS",
    "PAGE",
    "REFUNDED",
    "STARTED",
    "Step",
    "Told",
    "opened",
    "sessions_of",
    "views",
    "walk",
]

START = datetime(2024, 3, 9, 22, tzinfo=UTC)
PAGE, STARTED, BOUGHT, REFUNDED = "page_viewed", "session_started", "bought", "order_refunded"
CURSOR = Cursor("f00d:cafe", size=1, changed_ns=1)


@dataclass(frozen=True)
class Step:
    """One event: who did what, and when, in minutes since `START`."""

    id: str
    minute: float
    user: str | None = "ann"
    name: str = PAGE
    session: str | None = None
    country: str | None = None
    source: str = "web"

    @property
    def at(self) -> datetime:
        return START + timedelta(minutes=self.minute)

    def row(self) -> dict[str, Any]:
        return {
            "event_id": self.id,
            "name": self.name,
            "occurred_at": self.at,
            "user_id": self.user,
            "session_id": self.session,
            "properties": f'{{"country":"{self.country}"}}' if self.country else "{}",
        }


Session = tuple[Any, ...]


class Happened(Seen, Protocol):
    """An event of some source."""

    @property
    def source(self) -> str: ...
    @property
    def country(self) -> str | None: ...


def walk(steps: Iterable[Happened]) -> list[Session]:
    """Return what is to be told of the sessions."""
    return sorted(map(told, visits(steps, lambda step: step.source)), key=str)


def told(session: list[Happened]) -> Session:
    first = session[0]
    return (
        first.source, first.session, first.user, first.at, session[-1].at, first.country,
        len(session), pages(session), is_bounce(session),
    )  # fmt: skip


def sessions_of(reader: Reader) -> list[Session]:
    """Return what the warehouse tells of the sessions, as `walk` does."""
    found = reader.frame(
        "SELECT source, session_id, user_id, started_at, ended_at, country, events, "
        f"page_views, page_views = 1 AND interactions = 0 FROM ({every_session()})",
        {"sessions_up_to": reader.sessions_up_to.up_to},
    )
    in_utc = pl.col("started_at", "ended_at").dt.replace_time_zone("UTC")
    return sorted(found.with_columns(in_utc).rows(), key=str)


class Told:
    """A warehouse, and what must be in it."""

    def __init__(self, file: Path, zone: str = "UTC") -> None:
        self.warehouse = Warehouse.open(file, backups=file.parent, zone=zone)
        self.live: dict[tuple[str, str], Step] = {}

    def tell(self, *steps: Step) -> None:
        """Have events come, late ones too; one that was there is corrected."""
        with self.warehouse.writer() as writer, writer.commit(START):
            for source in sorted({step.source for step in steps}):
                own = [step for step in steps if step.source == source]
                rows = pl.DataFrame([step.row() for step in own], schema=SCHEMA)
                writer.store(
                    source, "a", rows, mode=WriteMode.REPLACE, received_at=START, watermark=None
                )
        self.live |= {(step.source, step.id): step for step in steps}

    def retract(self, *ids: str) -> None:
        """Have the source lack events that it had."""
        for source in sorted({source for source, _ in self.live}):
            with self.warehouse.writer() as writer, writer.commit(START):
                kept = writer._connection.execute(
                    "SELECT seq FROM events WHERE retired IS NULL AND source = $source "
                    "AND NOT event_id = ANY($ids)",
                    {"source": source, "ids": list(ids)},
                ).fetchall()
                writer.finish_part(
                    source,
                    "a",
                    seen=np.array([seq for (seq,) in kept], np.int64),
                    rejects=pl.DataFrame(schema=REJECTS),
                    cursor=CURSOR,
                )
        self.live = {place: step for place, step in self.live.items() if place[1] not in ids}

    def sessions(self) -> list[Session]:
        with self.warehouse.reader(OWNER) as reader:
            return sessions_of(reader)

    def stored(self) -> list[Session]:
        """Return what the table holds, run and all, in an order of its own."""
        with self.warehouse.reader(OWNER) as reader:
            return reader.frame("SELECT * EXCLUDE (run_at) FROM sessions ORDER BY ALL").rows()

    def do(self, kind: str, what: list[Any]) -> None:
        """Do one of `DEEDS`."""
        if kind == "tell":
            self.tell(*{(step.source, step.id): step for step in what}.values())
        elif kind == "retract":
            self.retract(*what)
        else:
            self.warehouse.compact()

    def check(self) -> None:
        assert self.sessions() == walk(self.live.values())

    def check_days(self) -> None:
        """Compare the days with the sessions that are stored, once brought up to date."""
        with self.warehouse.reader(OWNER) as reader:
            days = reader.frame(
                "SELECT bucket, source, country, sum(sessions)::BIGINT AS sessions, "
                "sum(bounces)::BIGINT, sum(page_views)::BIGINT, sum(lasted_us)::BIGINT "
                f"FROM ({session_days()}) GROUP BY ALL HAVING sum(sessions) <> 0"
            ).rows()
        summed: dict[Session, list[int]] = {}
        for source, _, _, began, ended, country, _, views, bounced in walk(self.live.values()):
            lasted = (ended - began) // timedelta(microseconds=1)
            sums = summed.setdefault((began.date(), source, country), [0, 0, 0, 0])
            for place, value in enumerate((1, int(bounced), views, lasted)):
                sums[place] += value
        assert sorted(days, key=str) == sorted([(*k, *v) for k, v in summed.items()], key=str)


@contextmanager
def opened(empty: Path, zone: str = "UTC") -> Iterator[Told]:
    with TemporaryDirectory() as folder:
        shutil.copy(empty, folder)
        held = Told(Path(folder) / empty.name, zone)
        try:
            yield held
        finally:
            held.warehouse.close()


def views(*minutes: float, **more: Any) -> list[Step]:
    return [Step(f"{more.get('user', 'ann')}{minute}", minute, **more) for minute in minutes]


# Minutes at which something may happen: about a gap, and about the end of 24 hours.
MINUTES = st.sampled_from([0, 1, 29, 30, 31, 60, 90, 91, 120, 300, 1410, 1439, 1440, 1441, 1470])
STEPS = st.builds(
    Step,
    st.sampled_from([f"e{number}" for number in range(12)]),
    MINUTES | st.integers(0, 200) | st.integers(0, 60).map(lambda step: step * 30),
    st.sampled_from(["ann", "ann", "ann", "bob", None]),
    st.sampled_from([PAGE, PAGE, STARTED, BOUGHT, REFUNDED]),
    st.sampled_from([None, None, None, None, "s"]),
    st.sampled_from([None, "France", "Italy"]),
    st.sampled_from(["web", "web", "web", "app"]),
)
# A visit that goes on for days, of which single events then go or move.
LONG = st.builds(
    lambda first, every: [
        Step(f"l{number}", first + number * every) for number in range(3000 // every)
    ],
    st.integers(-40, 40),
    st.integers(25, 31),
)
MOVED = st.builds(
    lambda number, by: Step(f"l{number}", number * 30 + by),
    st.integers(0, 110),
    st.integers(-40, 40),
)
DEEDS = st.one_of(
    st.tuples(st.just("tell"), st.lists(STEPS, min_size=1, max_size=8)),
    st.tuples(st.just("tell"), st.lists(MOVED, min_size=1, max_size=3)),
    st.tuples(st.just("tell"), LONG),
    st.tuples(
        st.just("retract"),
        st.lists(
            st.integers(0, 11).map("e{}".format) | st.integers(0, 110).map("l{}".format),
            min_size=1,
            max_size=4,
        ),
    ),
    st.tuples(st.just("compact"), st.just([])),
)
