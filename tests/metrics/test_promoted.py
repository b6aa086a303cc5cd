"""Figures by a promoted property are those of plain Python, at every moment.

Before its column is filled, half filled, and full; of events that come meanwhile, are
corrected, archived, brought back or erased; after a restart; after it was demoted.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro.config import Settings
from analyticspro.errors import UnknownName
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.evaluate import Evaluator
from analyticspro.metrics.known import Known
from analyticspro.policy import OWNER
from analyticspro.warehouse import Subject, Warehouse

START, NOW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
SOURCES = {"log": WriteMode.APPEND, "till": WriteMode.REPLACE}
PEOPLE = ["ann", "bob", "eve", "zoe", None]
# What may be promoted: of which events, and where it is.
PLACES = {
    "coupon": ("order_placed", "coupon"),
    "app_version": (None, "context.app.version"),
    "viewed": ("page_viewed", "coupon"),
    "odd": (None, "it's.a-b"),
}
# One value never stands for another, whatever their types: 5 and "5" read the same.
VALUES: list[Any] = ["X1", "X2", "5", 5, 5.0, -0.5, True, None, "", "é\n", [1, "a"], {"b": 1}]
Event = dict[str, Any]


def text_of(event: Event, dimension: str) -> str | None:
    """Return how a property reads."""
    name, path = PLACES[dimension]
    value: Any = event["properties"]
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None or name not in (None, event["name"]):
        return None
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )


class Story:
    """A warehouse to which things happen, and what it has to hold by then."""

    def __init__(self, folder: Path, drawn: random.Random) -> None:
        self._folder, self._drawn = folder, drawn
        self._opened = ExitStack()
        self.live: dict[tuple[str, str], Event] = {}
        self._dead: set[tuple[str, str]] = set()
        self._past: list[tuple[datetime, dict[tuple[str, str], Event]]] = []
        self.promoted: set[str] = set()
        self._step = 0
        self.restart()

    def restart(self) -> None:
        self._opened.close()
        place = self._folder / "w.duckdb"
        self.warehouse = Warehouse.open(place, backups=self._folder / "backups")
        self._opened.callback(self.warehouse.close)

    def close(self) -> None:
        self._opened.close()

    def _now(self) -> datetime:
        self._step += 1
        return NOW + timedelta(hours=self._step)

    def store(self) -> None:
        source, at = self._drawn.choice(list(SOURCES)), self._now()
        many = self._drawn.random() < 0.12  # which are prepared in another way
        rows = [self._event(many) for _ in range(2_001 if many else self._drawn.randrange(1, 25))]
        texts = [{**row, "properties": json.dumps(row["properties"])} for row in rows]
        events = pl.DataFrame(texts, schema=SCHEMA)
        with self.warehouse.writer() as writer, writer.commit(at):
            mode = SOURCES[source]
            writer.store(source, "p", events, mode=mode, received_at=at, watermark=None)
        for row in rows:
            place = source, row["event_id"]
            is_new = place not in self.live or source == "till"
            if is_new and place not in self._dead:
                self.live[place] = row
        self._past.append((at, dict(self.live)))

    def _event(self, many: bool) -> Event:
        pick = self._drawn
        found = {"coupon": pick.choice(VALUES), "it's": {"a-b": pick.choice(VALUES)}}
        app: Any = pick.choice([{"version": pick.choice(VALUES)}, "none", {}])
        properties = {**found, "context": {"app": app}}
        return {
            "event_id": str(pick.randrange(3_000 if many else 60)),
            "name": pick.choice(["page_viewed", "order_placed"]),
            "occurred_at": START + timedelta(minutes=pick.randrange(180) * 20 * 24),
            "customer_id": pick.choice(PEOPLE),
            "user_id": pick.choice(PEOPLE),
            "properties": {} if pick.random() < 0.2 else properties,
        }

    def promote(self) -> None:
        left = sorted(PLACES.keys() - self.promoted)
        if left:
            dimension = self._drawn.choice(left)
            self.warehouse.promoting.promote(dimension, *PLACES[dimension], at=self._now())
            self.promoted.add(dimension)

    def demote(self) -> None:
        if self.promoted:
            dimension = self._drawn.choice(sorted(self.promoted))
            assert self.warehouse.promoting.demote(dimension, at=self._now())
            self.promoted.remove(dimension)

    def fill(self) -> None:
        size, steps = self._drawn.choice([(5, 1), (40, 2), (1000, None)])
        self.warehouse.promoting.fill(versions_per_step=size, steps=steps)

    def archive(self) -> None:
        before = START + timedelta(days=self._drawn.randrange(75))
        self.warehouse.archive.run(before, at=self._now(), progress=lambda done, total: None)

    def rewrite(self) -> None:
        found = self.warehouse.archive.partitions()
        if found:
            self.warehouse.archive.rewrite([self._drawn.choice(found).number], self._now())

    def compact(self) -> None:
        self.warehouse.compact()

    def erase(self) -> None:
        who = self._drawn.choice(["ann", "bob"])
        self.warehouse.erasing.erase(
            Subject(customers=(who,)),
            by="a",
            reason=None,
            at=self._now(),
            progress=lambda done, total: None,
        )
        dead = {place for place, event in self.live.items() if event["customer_id"] == who}
        self._dead |= dead
        self.live = {place: event for place, event in self.live.items() if place not in dead}
        self._past.clear()  # of what was before, only the erased is missing: told elsewhere

    def check(self) -> None:
        for dimension in sorted(self.promoted):
            self._check(dimension, list(self.live.values()), None)
        for dimension in sorted(PLACES.keys() - self.promoted):
            with pytest.raises(UnknownName, match=f"No dimension '{dimension}'"):
                ask(self.warehouse, "events", by=dimension)
        if self._past and self.promoted:
            at, then = self._drawn.choice(self._past)
            self._check(min(self.promoted), list(then.values()), at)

    def _check(self, dimension: str, events: list[Event], as_of: datetime | None) -> None:
        counted = Counter(text_of(event, dimension) for event in events)
        answer = ask(self.warehouse, "events", by=dimension, as_of=as_of)
        assert dict(answer.frame.select(dimension, "events").iter_rows()) == counted
        users = defaultdict[tuple[Any, Any], set[Any]](set)
        for event in events:
            key = event["occurred_at"].date().replace(day=1), text_of(event, dimension)
            users[key].add(event["user_id"])
        answer = ask(self.warehouse, "active_users", by=dimension, grain="month", as_of=as_of)
        assert {(month, value): count for month, value, count in answer.frame.iter_rows()} == {
            key: len(found - {None}) for key, found in users.items()
        }
        value = next((each for each in counted if each is not None), None)
        if value is not None:
            where = {dimension: value}
            answer = ask(self.warehouse, "events", where=where, as_of=as_of)
            assert answer.frame["events"].to_list() == [counted[value]]
            assert answer.provenance["rows_read"] == counted[value]


def ask(warehouse: Warehouse, metric: str, **words: Any) -> Answer:
    query = Query.of(metric, **words)
    with warehouse.reader(OWNER, as_of=query.as_of) as reader:
        settings = Settings(currency="GBP")
        return Evaluator(reader, Known.read(reader), settings, NOW).answer(query)


def walked(seed: int, steps: int, folder: Path) -> None:
    story = Story(folder, random.Random(seed))
    kinds = {
        story.store: 8, story.promote: 4, story.demote: 1, story.fill: 5, story.archive: 2,
        story.rewrite: 1, story.compact: 1, story.restart: 1, story.erase: 1,
    }  # fmt: skip
    try:
        story.store()
        story.promote()
        for number in range(steps):
            story._drawn.choices(list(kinds), list(kinds.values()))[0]()
            if number % 3 == 2:
                story.check()
        story.warehouse.promoting.fill()
        story.check()
        assert_full(story.warehouse)
    finally:
        story.close()


def assert_full(warehouse: Warehouse) -> None:
    """See to it that readers take each column as it is, and that it holds all there is."""
    with warehouse.reader(OWNER) as reader:
        for each in reader.promoted:
            assert each.is_filled
            wrong = f"SELECT count(*) FROM hot WHERE {each.column} IS DISTINCT FROM {each.value}"
            assert reader.frame(wrong).item() == 0
        view = "SELECT sql FROM duckdb_views() WHERE view_name = 'events'"
        assert "json" not in reader.frame(view).item()


@pytest.mark.parametrize("seed", range(2))
def test_the_figures_are_those_of_plain_python(seed: int, tmp_path: Path):
    walked(seed, 30, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_the_figures_are_those_of_plain_python_for_long(seed: int, tmp_path: Path):
    walked(seed, 120, tmp_path)
