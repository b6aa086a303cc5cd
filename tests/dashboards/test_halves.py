"""A page that is compressed once is whole for everybody, whatever stands above it."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from analyticspro.dashboards.halves import Halves

MARK = "<!-- above -->"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=400)


@given(TEXTS, TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_any_text_reads_as_if_it_had_been_written_at_once(
    before: str, after: str, between: list[str]
):
    halves = Halves.of(before.replace(MARK, "") + MARK + after, MARK)
    for text in between:
        whole = before.replace(MARK, "") + text + after
        assert gzip.decompress(halves.around(text)).decode() == whole


def test_only_the_first_mark_is_one():
    halves = Halves.of(f"a{MARK}b{MARK}c", MARK)
    assert gzip.decompress(halves.around("-")).decode() == f"a-b{MARK}c"
