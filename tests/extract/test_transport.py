"""An answer is taken in within bounds; plain http stays on this machine."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from analyticspro.errors import SettingError, SourceError
from analyticspro.extract import Again, Malformed, Request
from analyticspro.extract.transport import Transport
from tests.extract.answering import Answer, Server, Time

PACKED = [("Content-Encoding", "gzip")]


@pytest.fixture
def transport(time: Time) -> Transport:
    return Transport(time.timing(), largest=1_000_000)


def test_an_answer_is_unpacked(server: Server, transport: Transport):
    server.answer(Answer(body=gzip.compress(b"one ") + gzip.compress(b"two"), headers=PACKED))
    with transport:
        response = transport.send(Request(server.url))
    assert (response.body, response.is_whole) == (b"one two", True)


def test_a_large_answer_is_refused(server: Server, transport: Transport):
    server.answer(Answer(body=b"x" * 1_000_001))
    with transport, pytest.raises(SourceError, match=r"more than 1 MB\. Ask for smaller pages"):
        transport.send(Request(server.url))


def test_what_unpacks_without_end_does_not_fill_the_memory(server: Server, transport: Transport):
    server.answer(Answer(body=gzip.compress(b"\0" * 300_000_000), headers=PACKED))
    tracemalloc.start()
    try:
        with transport, pytest.raises(SourceError, match="more than 1 MB"):
            transport.send(Request(server.url))
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_a_packed_answer_that_was_cut_is_noticed(server: Server, transport: Transport):
    body = gzip.compress(b"some lines\n" * 1000)[:-9]
    server.answer(Answer(body=body, headers=PACKED, says_length=False))
    with transport, pytest.raises(Again, match="cut"):
        transport.send(Request(server.url))


def test_an_answer_that_is_not_packed_as_it_says_is_malformed(server: Server, transport: Transport):
    server.answer(Answer(body=b"plain", headers=PACKED))
    with transport, pytest.raises(Malformed, match="gzip"):
        transport.send(Request(server.url))
    server.answer(Answer(headers=[("Content-Encoding", "br")]))
    with transport, pytest.raises(Malformed, match="not asked for"):
        transport.send(Request(server.url))


def test_an_answer_without_an_end_of_its_own_says_so(server: Server, transport: Transport):
    server.answer(Answer(body=b"[]", says_length=False))
    with transport:
        assert not transport.send(Request(server.url)).is_whole


def test_no_cookie_is_kept(server: Server, transport: Transport):
    server.answer(Answer(headers=[("Set-Cookie", "session=1")]))
    with transport:
        transport.send(Request(server.url))
        transport.send(Request(server.url))
    assert "cookie" not in server.asked[1].headers


@pytest.mark.parametrize("url", ["http://api.example.com/v1", "http://10.0.0.7/", "ftp://x/", "x"])
def test_only_https_goes_out(transport: Transport, url: str):
    with transport, pytest.raises(SettingError, match="https://"):
        transport.send(Request(url))


def test_a_header_that_cannot_be_sent_is_not_shown(server: Server, transport: Transport):
    with transport, pytest.raises(SettingError, match="cannot be sent") as error:
        transport.send(Request(server.url, headers={"x-key": "secret\nvalue"}))
    assert "secret" not in str(error.value)
    assert server.asked == []


def test_parameters_take_the_place_of_those_of_their_name():
    request = Request("https://api.example.com/v1?page=1&q=a%20b#top", {"page": "2", "key": "k&"})
    assert request.address == "https://api.example.com/v1?q=a+b&page=2&key=k%26"
    assert str(request) == "GET https://api.example.com/v1"
    assert "k&" not in repr(request)


def test_whoever_ends_first_leaves_the_others_their_connections(
    server: Server, transport: Transport
):
    with transport:
        transport.send(Request(server.url))
        with transport:
            transport.send(Request(server.url))
        [client] = transport._clients.values()
        assert not client.is_closed
    assert client.is_closed
