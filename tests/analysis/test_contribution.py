"""What each segment adds to a deviation: the parts are the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.analysis.anomaly import of_ratio, of_total

Pairs = dict[str, tuple[float, float]]

names = st.sampled_from(["de", "fr", "it", "us"])
counts = st.integers(0, 1000).map(float)
totals = st.dictionaries(names, counts)
pairs = st.dictionaries(names, st.tuples(counts, counts))


@given(totals, totals)
def test_the_parts_of_a_total_add_up_to_its_change(
    expected: dict[str, float], values: dict[str, float]
):
    parts = of_total(expected, values)
    change = sum(values.values()) - sum(expected.values())
    assert sum(part.change for part in parts) == pytest.approx(change)
    assert {part.segment for part in parts} == {*expected, *values}
    assert [abs(p.change) for p in parts] == sorted((abs(p.change) for p in parts), reverse=True)
    if change:
        assert sum(part.share or 0 for part in parts) == pytest.approx(1)
    else:
        assert all(part.share is None for part in parts)


@given(pairs, pairs)
def test_the_parts_of_a_ratio_add_up_to_its_change(expected: Pairs, values: Pairs):
    parts = of_ratio(expected, values)
    before = sum(n for n, _ in expected.values()), sum(d for _, d in expected.values())
    after = sum(n for n, _ in values.values()), sum(d for _, d in values.values())
    if not before[1] or not after[1]:
        assert parts == []
        return
    change = after[0] / after[1] - before[0] / before[1]
    assert sum(part.change for part in parts) == pytest.approx(change, abs=1e-9)


def test_a_ratio_that_falls_by_its_mix_alone_says_so():
    # Each segment converts as before; there is only more of the one that converts badly.
    parts = of_ratio({"ads": (10, 100), "own": (30, 100)}, {"ads": (30, 300), "own": (30, 100)})
    assert [part.change for part in parts] == pytest.approx([part.mix for part in parts])
    assert sum(part.change for part in parts) == pytest.approx(60 / 400 - 40 / 200)


def test_the_segment_that_fell_is_named_first():
    first, *_ = of_total({"de": 100, "fr": 100, "it": 5}, {"de": 98, "fr": 20, "it": 9})
    assert (first.segment, first.expected, first.value, first.change) == ("fr", 100, 20, -80)
