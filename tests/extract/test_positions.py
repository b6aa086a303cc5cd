"""A list that moves while it is read by position loses nothing: every way it can move."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.errors import RetriableError
from analyticspro.extract import ByOffset, ByPage, Record, Reply, Request, walk

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FIRST = Request("http://127.0.0.1/list")


class Moving:
    """A list that is changed after some of the requests."""

    def __init__(self, count: int, size: int, moves: dict[int, tuple[str, int]]) -> None:
        self.rows = [f"r{n}" for n in range(count)]
        self.untouched = set(self.rows)
        self.size = size
        self.moves = moves
        self.asked = 0

    def ask(self, request: Request) -> Reply:
        at = int(request.parameters.get("offset", -1))
        start = at if at >= 0 else (int(request.parameters["page"]) - 1) * self.size
        found = [Record(row, row) for row in self.rows[start : start + self.size]]
        self.asked += 1
        if self.asked in self.moves:
            self.move(*self.moves[self.asked])
        return Reply(request, {}, None, found, NOW)

    def move(self, what: str, where: int) -> None:
        if what == "add":
            self.rows.insert(where % (len(self.rows) + 1), f"new{self.asked}")
        elif self.rows:
            row = self.rows.pop(where % len(self.rows))
            self.untouched.discard(row)
            if what == "change":  # in a list that is ordered by the last change
                self.rows.append(f"{row}, changed {self.asked}")


def read(paging: ByOffset | ByPage, moving: Moving) -> list[str]:
    return [r.text for step in walk(paging, moving.ask, FIRST, None) for r in step.records]


moves = st.tuples(st.sampled_from(["add", "delete", "change"]), st.integers(0, 60))


@given(
    st.integers(0, 60),
    st.integers(1, 12),
    st.dictionaries(st.integers(1, 25), moves, max_size=8),
)
def test_by_offset_no_record_is_lost_whatever_moves(count: int, size: int, moved):
    moving = Moving(count, max(size, 2), moved)
    paging = ByOffset("offset", 0, identity=lambda record: record.text)
    found = read(paging, moving)
    assert moving.untouched <= set(found)


@given(st.integers(0, 60), st.integers(2, 12), st.integers(1, 5), st.lists(moves, max_size=6))
def test_by_page_no_record_is_lost_when_it_moves_now_and_then(count: int, size: int, at: int, some):
    moving = Moving(count, size, {at + 5 * n: move for n, move in enumerate(some)})
    paging = ByPage("page", 1, identity=lambda record: record.text)
    found = read(paging, moving)
    assert moving.untouched <= set(found)


@pytest.mark.parametrize(
    ("paging", "asked"),
    [
        pytest.param(ByOffset("offset", 0, lambda record: record.text), 8, id="offset"),
        pytest.param(ByPage("page", 1, lambda record: record.text), 11, id="page"),
        pytest.param(
            ByPage("page", 1, lambda record: record.text, is_checked=False), 6, id="unchecked"
        ),
    ],
)
def test_a_list_that_stands_still_is_handed_on_once(paging: ByOffset | ByPage, asked: int):
    moving = Moving(50, 10, {})
    assert read(paging, moving) == moving.rows
    assert moving.asked == asked


def test_a_list_that_never_stands_still_is_given_up():
    moving = Moving(50, 2, {})

    def ask(request: Request) -> Reply:
        reply = moving.ask(request)
        moving.rows = [f"{row}'" for row in moving.rows]
        return reply

    with pytest.raises(RetriableError, match="moves faster than it can be read"):
        list(walk(ByPage("page", 40, lambda r: r.text), ask, FIRST, _place(60)))


def _place(at: int) -> dict[str, object]:
    return {"at": at, "seen": ["0" * 32], "length": 2, "back": 49}
