"""The registry of properties equals a walk through all versions, however it came about."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyticspro.errors import DefinitionError
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import BLOCKED, Registered, Warehouse, keys_of, path_of
from analyticspro.warehouse.registry import catch_up, forget, read, tail
from analyticspro.warehouse.registry_state import (
    LONGEST_EXAMPLE,
    MOST_NAMES,
    MOST_PER_LEVEL,
    MOST_VALUES,
    EventName,
)
from tests.api.server import environment

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(number: int, properties: object, name: str = "order_placed", hours: int = 0) -> tuple:
    text = properties if isinstance(properties, str) else json.dumps(properties)
    at = AT + timedelta(hours=hours)
    return (f"s:{number}", name, at, None, None, None, None, None, text, None, None)


def store(
    warehouse: Warehouse, *rows: tuple, mode: WriteMode = WriteMode.REPLACE, is_whole: bool = False
) -> None:
    """Commit some events; if they are the whole part, what it lacks is retracted."""
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    with warehouse.writer() as writer, writer.commit(AT) as revision:
        stored = writer.store("shop", "a", frame, mode=mode, received_at=AT, watermark=None)
        if is_whole:
            _retract(writer, stored.seqs, revision)


def _retract(writer: Any, seqs: Any, revision: int) -> None:
    from analyticspro.warehouse import Cursor

    rejects = pl.DataFrame(schema={"line": pl.Int64})
    writer.finish_part("shop", "a", seen=seqs, rejects=rejects, cursor=Cursor("", 0, revision))


def registered(warehouse: Warehouse) -> Registered:
    return warehouse.properties.registered()


@contextmanager
def opened(folder: Path) -> Iterator[Warehouse]:
    warehouse = Warehouse.open(folder / "w.duckdb", backups=folder)
    try:
        yield warehouse
    finally:
        warehouse.close()


def told(names: dict[str | None, EventName]) -> dict[str | None, Any]:
    """Return all that is known, but the hashes of values."""
    return {
        name: (
            vars(known.seen),
            known.other,
            {
                path_of(keys): (
                    {kind: vars(seen) for kind, seen in each.kinds.items()},
                    each.distinct() if each.is_exact else None,
                    {value for value in each.values.values() if value is not None},
                )
                for keys, each in known.properties.items()
            },
        )
        for name, known in names.items()
    }


KINDS = {str: "text", int: "integer", float: "number", bool: "boolean", dict: "object"}


def naive(warehouse: Warehouse) -> dict[str | None, Any]:
    """Return the same, from a walk through all versions in plain Python."""
    with warehouse.reader(OWNER) as reader:
        rows = reader.frame(
            "SELECT name, revision, retired IS NULL AS is_live, occurred_at, properties "
            "FROM events ORDER BY seq"
        ).rows()
    found: dict[str, Any] = {}
    for name, revision, is_live, at, text in rows:
        own, properties = found.setdefault(name, ([], {}))
        own.append((is_live, at, revision))
        for path, value in _walk(json.loads(text), ()):
            kinds, values = properties.setdefault(path, ({}, set()))
            kind = "null" if value is None else KINDS.get(type(value), "array")
            kinds.setdefault(kind, []).append((is_live, at, revision))
            if kind not in ("null", "object"):
                values.add(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
    return {
        name: (
            _seen(own),
            0,
            {
                path: (
                    {kind: _seen(seen) for kind, seen in kinds.items()},
                    len(values),
                    {value for value in values if len(value) <= LONGEST_EXAMPLE},
                )
                for path, (kinds, values) in properties.items()
            },
        )
        for name, (own, properties) in found.items()
    }


def _walk(value: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        keys = (*above, key)
        yield path_of(keys), item
        if isinstance(item, dict) and len(keys) < 4:
            yield from _walk(item, keys)


def _seen(rows: Sequence[tuple[bool, datetime, int]]) -> dict[str, Any]:
    return {
        "events": sum(is_live for is_live, _, _ in rows),
        "first_at": min(at for _, at, _ in rows),
        "last_at": max(at for _, at, _ in rows),
        "first_revision": min(revision for _, _, revision in rows),
        "last_revision": max(revision for _, _, revision in rows),
    }


KEYS = st.sampled_from(["plan", "a.b", "", 'quo"te', "sl/ash~1", "é", "price", "0", "$x", "back\\"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from(["", "GB", "true", "1", "{", "☃", "x" * 70, 'say "hi"'])
    | st.sampled_from([0.5, -2.25, 1.0, 12345.678])
)
PROPERTIES = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=5,
)
EVENTS = st.lists(
    st.builds(
        event,
        st.integers(0, 9),
        PROPERTIES,
        st.sampled_from(["order_placed", "page_viewed"]),
        st.integers(-50, 50),
    ),
    min_size=1,
    max_size=6,
)
STEPS = st.lists(
    st.tuples(EVENTS, st.booleans(), st.sampled_from(["", "catch_up", "step", "forget", "reopen"])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=20, deadline=None)
@given(STEPS)
def test_it_equals_a_walk_through_all_versions(steps: list[tuple[Any, bool, str]]):
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        warehouse = Warehouse.open(place / "w.duckdb", backups=place)
        for rows, is_whole, then in steps:
            store(warehouse, *rows, is_whole=is_whole)
            with warehouse._database.cursor() as cursor:
                if then == "catch_up":
                    catch_up(cursor)
                elif then == "step":
                    catch_up(cursor, events_per_step=2)
                elif then == "forget":
                    forget(cursor)
                elif then == "reopen":
                    cursor.close()
            if then == "reopen":
                warehouse.close()
                warehouse = Warehouse.open(place / "w.duckdb", backups=place)
            with warehouse._database.cursor("BEGIN TRANSACTION READ ONLY") as cursor:
                names, waiting = read(cursor)
            assert waiting == 0
            assert told(names) == naive(warehouse)
        warehouse.close()


def test_a_property_whose_type_changes_keeps_both_readings(warehouse: Warehouse):
    store(warehouse, event(1, {"price": 5}), event(2, {"price": "5 GBP"}, hours=3))
    store(warehouse, event(3, {"price": 5.5}, hours=1), event(4, {}), event(5, {"price": None}))
    [price] = registered(warehouse).names["order_placed"].properties.values()
    assert {kind: seen.events for kind, seen in price.kinds.items()} == {
        "integer": 1,
        "text": 1,
        "number": 1,
        "null": 1,
    }
    assert price.kinds["text"].first_at == (AT + timedelta(hours=3)).replace(tzinfo=None)
    with warehouse.reader(OWNER) as reader:
        both = reader.frame(
            "SELECT json_extract_string(properties, '/price') AS text, "
            "try_cast(json_extract_string(properties, '/price') AS DOUBLE) AS number "
            "FROM events ORDER BY seq"
        )
    assert both["text"].to_list() == ["5", "5 GBP", "5.5", None, None]
    assert both["number"].to_list() == [5.0, None, 5.5, None, None]


def test_a_sender_of_a_million_names_is_counted_and_no_more(warehouse: Warehouse):
    wide = 3_000
    store(warehouse, event(1, {f"p{i}": i for i in range(wide)}))
    store(warehouse, event(2, {"late": 1, "p0": 2, "in": {f"q{i}": 1 for i in range(wide)}}))
    store(warehouse, *(event(10 + i, {}, name=f"event_{i}") for i in range(MOST_NAMES + 20)))
    names = registered(warehouse).names
    known = names["order_placed"]
    assert len(known.properties) == MOST_PER_LEVEL
    # `in` came too late for a place, and with it all that is within it.
    assert known.other == wide - MOST_PER_LEVEL + 2
    assert known.properties["p0",].kinds["integer"].events == 2
    assert len(names) == MOST_NAMES + 1
    beyond = names[None]
    assert beyond.seen is not None
    assert beyond.seen.events == 20 + 1
    assert beyond.properties == {}


def test_a_step_is_the_same_as_all_at_once_even_beyond_the_limits(tmp_path: Path):
    rows = [
        event(i, {f"p{i * 41 + j}": {f"q{j}": i} if j % 5 == 0 else j for j in range(40)})
        for i in range(11)
    ]
    results = []
    for size in (1, 4, 1000):
        folder = tmp_path / str(size)
        folder.mkdir()
        with opened(folder) as warehouse:
            for row in rows:
                store(warehouse, row)
            with warehouse._database.cursor() as cursor:
                catch_up(cursor, events_per_step=size)
                names, _ = read(cursor)
            known = names["order_placed"]
            results.append((told(names), known.other))
    assert results[0] == results[1] == results[2]
    assert results[0][1] > 0


def test_it_is_right_while_events_come_in(warehouse: Warehouse):
    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(
            lambda: [store(warehouse, event(i % 7, {"n": i, f"p{i % 5}": 1})) for i in range(40)]
        )
        while not writing.done():
            found = registered(warehouse).names.get("order_placed")
            assert found is None or found.properties["n",].kinds["integer"].events <= 7
        writing.result()
    assert told(registered(warehouse).names) == naive(warehouse)


COUNTING = """
import sys
from pathlib import Path
from analyticspro.warehouse import Warehouse
from analyticspro.warehouse.registry import catch_up
warehouse = Warehouse.open(Path(sys.argv[1]), backups=Path(sys.argv[1]).parent)
with warehouse._database.cursor() as cursor:
    print("begun", flush=True)
    catch_up(cursor, events_per_step=1)
"""


def test_a_kill_while_it_counts_costs_nothing_but_time(tmp_path: Path):
    with opened(tmp_path) as warehouse:
        for i in range(60):
            store(warehouse, event(i % 9, {"n": i, "at": {f"p{i % 5}": str(i)}}))
    reached = []
    for delay in (0.05, 0.15):
        command = [sys.executable, "-c", COUNTING, str(tmp_path / "w.duckdb")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment())
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        time.sleep(delay)
        process.kill()
        process.communicate()
        with opened(tmp_path) as warehouse:
            with warehouse._database.cursor() as cursor:
                reached.append(60 - tail(cursor))
                names, _ = read(cursor)
            assert told(names) == naive(warehouse)
    assert 0 <= reached[0] <= reached[1]


def test_of_many_values_the_number_is_about_right(warehouse: Warehouse):
    store(warehouse, *(event(i, {"id": i, "few": i % 200}) for i in range(20_000)))
    properties = registered(warehouse).names["order_placed"].properties
    assert properties["few",].is_exact
    assert properties["few",].distinct() == 200
    assert not properties["id",].is_exact
    assert properties["id",].distinct() == pytest.approx(20_000, rel=0.25)
    assert len(properties["id",].values) == MOST_VALUES


def test_what_waits_is_told_when_there_is_no_time(warehouse: Warehouse):
    store(warehouse, event(1, {"a": 1}))
    with warehouse._database.cursor() as cursor:
        names, waiting = read(cursor, most=0)
    assert (names, waiting) == ({}, 1)


def test_marks_stay_until_they_are_undone(warehouse: Warehouse):
    properties = warehouse.properties
    properties.mark("order_placed", "email", "personal", at=AT)
    properties.mark("order_placed", "email", "personal", at=AT + timedelta(days=1))
    properties.mark("*", "ip", BLOCKED, at=AT)
    assert [(each.name, each.path, each.mark) for each in properties.marks()] == [
        ("*", "ip", BLOCKED),
        ("order_placed", "email", "personal"),
    ]
    assert properties.unmark("*", "ip", BLOCKED)
    assert not properties.unmark("*", "ip", BLOCKED)
    assert [each.path for each in properties.marks()] == ["email"]


@pytest.mark.parametrize(
    "keys", [("a",), ("a", "b"), ("a.b", 'c"d'), ("",), ("é", "", "x y"), ("[0]", "\\")]
)
def test_a_path_tells_its_keys(keys: tuple[str, ...]):
    assert keys_of(path_of(keys)) == keys


@pytest.mark.parametrize(
    "path", ["", ".", "a.", ".a", "a..b", 'a"b', '"a', '"a"b', "a\ud800", '"\\ud800"']
)
def test_what_is_no_path_is_refused(path: str):
    with pytest.raises(DefinitionError, match="names no property"):
        keys_of(path)
