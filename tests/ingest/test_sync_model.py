"""However files came to be what they are, the figures are those of a fresh sync of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyticspro.warehouse import Warehouse
from tests.ingest.shop import HEAD, Shop

Rounds = list[list[tuple[str, str, int, str]]]
FILES = ("a.csv", "b.csv", "c.csv")
GOOD = st.builds(
    "{},2011-11-{:02},{},{}".format,
    st.integers(1, 6),
    st.integers(1, 9),
    st.sampled_from(["Ann", "Bob", '"Cid, Dan"', '"two\nlines"', ""]),
    st.sampled_from(["1", "-2.50", "0.125"]),
)
BAD = st.sampled_from(
    ["7,soon,Ann,1", "8,2011-11-05,Ann", '9,2011-11-05,"Ann,1', ",2011-11-05,Ann,x", '"', ""]
)
LINES = GOOD | BAD
EDITS = st.one_of(
    st.tuples(st.just("append"), st.sampled_from(FILES), st.integers(0, 9), LINES),
    st.tuples(st.just("insert"), st.sampled_from(FILES), st.integers(0, 9), LINES),
    st.tuples(st.just("change"), st.sampled_from(FILES), st.integers(0, 9), LINES),
    st.tuples(st.just("delete"), st.sampled_from(FILES), st.integers(0, 9), st.just("")),
    # The header loses a column until the next round: the sync ends at this file.
    st.tuples(st.just("break"), st.sampled_from(FILES), st.just(0), st.just("")),
)
ROUNDS = st.lists(st.lists(EDITS, max_size=5), min_size=1, max_size=4)


def edit(files: dict[str, list[str]], change: tuple[str, str, int, str]) -> None:
    kind, name, position, line = change
    lines = files.setdefault(name, [])
    at = position % (len(lines) + 1)
    if kind == "append":
        lines.append(line)
    elif kind == "insert":
        lines.insert(at, line)
    elif kind in ("change", "delete"):
        lines[at : at + 1] = [line] if kind == "change" else []


@contextmanager
def opened(folder: Path, name: str) -> Iterator[Shop]:
    warehouse = Warehouse.open(folder / f"{name}.duckdb", backups=folder)
    try:
        yield Shop(folder, warehouse)
    finally:
        warehouse.close()


def state(shop: Shop) -> tuple[list[Any], list[Any]]:
    events = shop.frame(
        """
        SELECT event_id, part, name, occurred_at, customer_id, amount_minor, properties, raw
        FROM events WHERE retired IS NULL ORDER BY ALL
        """
    )
    rejects = shop.frame(
        """
        SELECT part, line, field, value, reason, raw
        FROM rejects WHERE resolved IS NULL ORDER BY ALL
        """
    )
    return events.rows(), rejects.rows()


def check(key: list[str], rounds: Rounds) -> None:
    files: dict[str, list[str]] = {}
    with TemporaryDirectory() as place:
        folder = Path(place)
        with opened(folder, "many") as many:
            for edits in [*rounds, []]:
                for change in edits:
                    edit(files, change)
                broken = {name for kind, name, *_ in edits if kind == "break"}
                for name, lines in files.items():
                    many.write(*lines, name=name, head="id,at" if name in broken else HEAD)
                many.sync(key=key)
            found = state(many)
            again = many.sync(key=key)
        with opened(folder, "fresh") as fresh:
            report = fresh.sync(key=key)
            assert found == state(fresh)
    assert again.read == again.new == again.changed == again.retracted == 0
    if files:
        assert report.error is None
        assert report.new + report.unchanged + report.changed + report.rejected == report.records


BY = pytest.mark.parametrize("key", [[], ["id"]], ids=["by row number", "by key"])


@BY
@settings(max_examples=12)
@given(ROUNDS)
@example(
    [
        [
            ("append", "a.csv", 0, "1,2011-11-05,Ann,1"),
            ("append", "c.csv", 0, "2,2011-11-05,Bob,1"),
        ],
        [("append", "b.csv", 0, "1,2011-11-05,Bob,2"), ("break", "c.csv", 0, "")],
        [("delete", "b.csv", 0, "")],
    ]
)
def test_many_syncs_equal_a_fresh_one(key: list[str], rounds: Rounds):
    check(key, rounds)


@BY
@pytest.mark.soak
@settings(max_examples=400)
@given(ROUNDS)
def test_many_syncs_equal_a_fresh_one_at_length(key: list[str], rounds: Rounds):
    check(key, rounds)
