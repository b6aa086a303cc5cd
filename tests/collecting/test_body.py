"""A body is read strictly, within bounds, and every number keeps its digits."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.collecting import LARGEST_BODY, Unacceptable, expanded, messages
from analyticspro.collecting.body import flaw, flawed_text, text

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def batch(*written: str) -> bytes:
    return f'{{"batch":[{",".join(written)}]}}'.encode("utf-8", "surrogatepass")


def refused(body: bytes, *, is_batch: bool = True) -> tuple[int, str]:
    with pytest.raises(Unacceptable) as caught:
        messages(body, is_batch=is_batch)
    return caught.value.status, str(caught.value)


@given(message=st.dictionaries(st.text(), JSON, max_size=4))
def test_both_ways_of_reading_give_the_same(message: dict[str, Any]):
    compact = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    for written in (compact, json.dumps(message, indent=1)):
        read = messages(batch(written), is_batch=True)
        if flaw(read.messages[0]) is None:
            assert json.loads(text(read.messages[0])) == json.loads(written)
        assert json.loads(flawed_text(read.messages[0])) == json.loads(written)


def test_what_browsers_write_goes_the_quick_way():
    plain = batch('{"a":"é😀","b":[1,12.5,1e22,1e-7,true,null,-3]}')
    assert messages(plain, is_batch=True).is_plain
    assert not messages(plain.replace(b",", b", "), is_batch=True).is_plain


@pytest.mark.parametrize(
    "number",
    [
        "1.10", "0.1", "-0", "-0.0", "1E400", "1e-400", "12345678901234567890.12345678901234567890",
        "1" * 5_000, "9007199254740993", "18446744073709551616", "1e5", "5.0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("space", ["", " "])
def test_a_number_keeps_its_digits(number: str, space: str):
    read = messages(batch(f'{{"n":{space}{number}}}'), is_batch=True)
    assert text(read.messages[0]) == f'{{"n":{number}}}'


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ('{"a":1,"a":1}', "names 'a' more than once"),
        ('{"deep":[{"a":1,"a":2}]}', "names 'a' more than once"),
        ('{"a":"\\ud800"}', "holds half of a surrogate pair"),
        ('{"\\udfff":1}', "holds half of a surrogate pair"),
        ('{"a":"\\u0000"}', "holds a NUL character"),
        ('{"\\u0000":1}', "holds a NUL character"),
        ('{"a":' + "[" * 100 + "]" * 100 + "}", "is nested deeper than 100"),
    ],
)
def test_a_flaw_is_that_of_one_message(written: str, reason: str):
    read = messages(batch('{"good":1}', written, '{"good":2}'), is_batch=True)
    assert [flaw(message) for message in read.messages] == [None, reason, None]


def test_the_text_of_a_flawed_message_holds_its_flaw():
    written = '{"a":"\\ud800","b":1.10,"b":{"c":1,"c":2}}'
    [message] = messages(batch(written), is_batch=True).messages
    assert flawed_text(message) == written


def test_two_halves_of_a_pair_are_one_character():
    [message] = messages(batch('{"a":"\\ud83d\\ude00"}'), is_batch=True).messages
    assert (flaw(message), message) == (None, {"a": "😀"})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"batch":{}}', "no list 'batch'"),
        (b"{}", "no list 'batch'"),
        (b'{"batch":[],"batch":[]}', "names 'batch' more than once"),
        (b'{"batch":[NaN]}', "NaN is no number"),
        (b'{"batch":[-Infinity]}', "-Infinity is no number"),
        (b'{"batch":[1,]}', "not JSON"),
        (b'{"batch":["\xff"]}', "not UTF-8 at byte 12"),
        (b'{"batch":["\x01"]}', "not JSON"),
        (b'{"batch":[01]}', "not JSON"),
        ('{"batch":[]}'.encode("utf-16"), "not UTF-8"),
        (b"[" * 4_000_000, "nested deeper"),
        (b'{"batch":' + b'[{"a":' * 100_000, "nested deeper"),
    ],
)
def test_what_is_not_json_of_this_shape_is_refused_whole(body: bytes, reason: str):
    status, message = refused(body)
    assert (status, reason in message) == (400, True), message


def test_a_byte_order_mark_is_passed_over():
    assert messages(b'\xef\xbb\xbf{"batch":[]}', is_batch=True).messages == []


def test_a_batch_has_a_limit():
    assert len(messages(batch(*["1"] * 5_000), is_batch=True).messages) == 5_000
    assert refused(batch(*["1"] * 5_001))[0] == 413


def test_the_write_key_is_taken_out():
    read = messages(b'{"type":"track","writeKey":"wk"}', is_batch=False)
    assert (read.write_key, read.messages) == ("wk", [{"type": "track"}])


class TestExpanding:
    def test_gzip_is_undone(self):
        assert expanded(gzip.compress(b"{}", mtime=0), "gzip") == b"{}"
        assert expanded(b"{}", "") == b"{}"

    def test_a_bomb_is_expanded_no_further_than_the_limit(self):
        bomb = _bomb(100)
        assert len(bomb) < 200_000
        tracemalloc.start()
        with pytest.raises(Unacceptable) as caught:
            expanded(bomb, "gzip")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert caught.value.status == 413
        assert most < 3 * LARGEST_BODY

    def test_the_limit_itself_is_let_in(self):
        assert len(expanded(gzip.compress(bytes(LARGEST_BODY), mtime=0), "gzip")) == LARGEST_BODY
        with pytest.raises(Unacceptable):
            expanded(gzip.compress(bytes(LARGEST_BODY + 1), mtime=0), "gzip")

    @pytest.mark.parametrize(
        "damage",
        [
            b"",
            b"{}",
            gzip.compress(b"{}", mtime=0)[:-1],
            gzip.compress(b"{}", mtime=0) + b"x",
            gzip.compress(b"{}", mtime=0) * 2,
            zlib.compress(b"{}"),
            gzip.compress(b"{}", mtime=0)[:-8] + bytes(8),
        ],
    )
    def test_what_is_damaged_is_refused(self, damage: bytes):
        with pytest.raises(Unacceptable) as caught:
            expanded(damage, "gzip")
        assert caught.value.status == 400

    @pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
    def test_another_encoding_is_refused(self, encoding: str):
        with pytest.raises(Unacceptable) as caught:
            expanded(b"", encoding)
        assert caught.value.status == 415


def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b"[" * 1_000_000) for _ in range(megabytes)) + packer.flush()
