"""The known ids answer as a plain dict would, however the ids collide and come again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.warehouse.known_ids import Ids, KnownIds

Id = tuple[int, int]
Added = list[tuple[Id, int, int]]  # id, seq, content

# Few upper halves, at the ends of the numbers too: different ids stand beside each other.
HALVES = st.sampled_from([0, 1, 7, 2**63, 2**64 - 1])
IDS = st.tuples(HALVES, HALVES)
ANY = st.integers(0, 2**64 - 1)
SEQS = st.integers(-(2**62), 2**62).filter(bool)
BATCHES = st.lists(st.lists(st.tuples(IDS, SEQS, ANY), max_size=12), max_size=40)
ALL = [(high, low) for high in (0, 1, 7, 8, 2**63, 2**64 - 1) for low in (0, 1, 7, 2**64 - 1)]


def ids(rows: Added) -> Ids:
    high, low, content = (
        np.array(column, np.uint64)
        for column in (
            [row[0][0] for row in rows],
            [row[0][1] for row in rows],
            [row[2] for row in rows],
        )
    )
    return Ids(high, low, np.array([row[1] for row in rows], np.int64), content)


def found(known: KnownIds, wanted: list[Id]) -> list[tuple[int, int]]:
    asked = ids([(name, 1, 0) for name in wanted])
    seq, content = known.find(asked.high, asked.low)
    return list(zip(seq.tolist(), content.tolist(), strict=True))


@given(BATCHES, st.lists(st.sampled_from(ALL), max_size=30))
def test_the_newest_version_of_each_id_is_found(batches: list[Added], wanted: list[Id]):
    known, plain = KnownIds(), dict[Id, tuple[int, int]]()
    for batch in batches:
        known.add(ids(batch))
        plain.update({name: (seq, content) for name, seq, content in batch})
        assert found(known, wanted) == [plain.get(name, (0, 0)) for name in wanted]
    assert found(known, ALL) == [plain.get(name, (0, 0)) for name in ALL]
    assert len(known) >= len(plain)


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([1] * 700, id="one by one"),
        pytest.param([4_000, *[1] * 50, 4_000, *[90] * 60], id="a few after many"),
        pytest.param([3**n for n in range(9)], id="ever more"),
        pytest.param([3**n for n in range(8, -1, -1)], id="ever fewer"),
    ],
)
def test_versions_are_found_across_all_tiers(sizes: list[int]):
    numbers = np.random.default_rng(20111209)
    known, plain = KnownIds(), dict[Id, tuple[int, int]]()
    names = numbers.integers(0, 40, (3_000, 2)).tolist()  # ids, of which many share a half
    seq = 0
    for size in sizes:
        picked = [tuple(names[at]) for at in numbers.integers(0, len(names), size)]
        rows = [((high << 58, low), seq + at + 1, at) for at, (high, low) in enumerate(picked)]
        seq += size
        known.add(ids(rows))
        plain.update({name: (number, content) for name, number, content in rows})
    wanted = [(high << 58, low) for high in range(42) for low in range(41)]
    assert found(known, wanted) == [plain.get(name, (0, 0)) for name in wanted]


def test_many_small_batches_make_few_runs():
    known = KnownIds()
    for number in range(5_000):
        known.add(ids([((number * 2**40 % 2**64, number), number + 1, 0)]))
    assert len(known) == 5_000
    assert len(known._runs) <= 8


def test_asking_for_nothing_and_adding_nothing_is_fine():
    known = KnownIds()
    known.add(ids([]))
    assert len(known) == 0
    assert found(known, []) == []
    assert found(known, [(1, 1)]) == [(0, 0)]
