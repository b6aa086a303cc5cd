"""Errors are classed by how one recovers: asked again, or named with the cure."""

from __future__ import annotations

import pytest

from analyticspro.errors import RetriableError, SourceError
from analyticspro.extract import RateLimit, Refused, Request, Retry
from tests.extract.answering import Answer, Server, Time, read, session
from tests.local import free_port

FINE = Answer(body=b'{"fine": true}')


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_asked_for_again(server: Server, time: Time, status: int):
    server.answer(Answer(status), Answer(status), FINE)
    with (asking := session(time)).transport:
        assert asking.fetch(Request(server.url), read)[1] == {"fine": True}
    assert time.waits == [0.5, 1.0]


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (400, "Check path, parameters"),
        (401, "Declare auth"),
        (403, "the right to read it"),
        (404, "Check url, and path"),
        (422, "Check parameters"),
        (418, "Check url"),
        (304, "Check url"),
    ],
)
def test_what_will_not_pass_is_not_asked_again_and_says_what_to_do(
    server: Server, time: Time, status: int, cure: str
):
    server.answer(Answer(status, b"Dear customer 4711, no." if status != 304 else b""))
    with (asking := session(time)).transport, pytest.raises(Refused, match=cure) as error:
        asking.fetch(Request(f"{server.url}/deals"), read)
    assert str(error.value).startswith(f"Source crm: GET {server.url}/deals ")
    assert str(status) in str(error.value)
    assert "4711" not in str(error.value)
    assert (len(server.asked), time.waits) == (1, [])


def test_patience_has_an_end(server: Server, time: Time):
    server.answer(Answer(503))
    retry = Retry(attempts=4, first=2, longest=5)
    with (
        (asking := session(time, retry=retry)).transport,
        pytest.raises(RetriableError, match=r"answers 503 \(4 times\)"),
    ):
        asking.fetch(Request(server.url), read)
    assert time.waits == [1, 2, 2.5]


def test_a_source_says_how_long_to_wait(server: Server, time: Time):
    """In seconds, or until when by its own clock, which stands at noon."""
    until = "Sat, 21 Nov 2026 12:01:30 GMT"
    server.answer(
        Answer(429, headers=[("Retry-After", "20")]),
        Answer(503, headers=[("Retry-After", until)]),
        FINE,
    )
    with (asking := session(time)).transport:
        asking.fetch(Request(server.url), read)
    assert time.waits == [20.5, 90.5]


def test_a_source_that_wants_to_be_left_alone_is(server: Server, time: Time):
    server.answer(Answer(429, headers=[("Retry-After", "3600")]))
    with (
        (asking := session(time)).transport,
        pytest.raises(RetriableError, match="left alone for 3600 s"),
    ):
        asking.fetch(Request(server.url), read)
    assert time.waits == []


def test_too_many_holds_back_all_streams_of_the_source(server: Server, time: Time):
    limit = RateLimit(1000, 1, time.timing())
    server.answer(Answer(429, headers=[("Retry-After", "20")]), FINE)
    with (asking := session(time, limit=limit, retry=Retry(attempts=1))).transport:
        with pytest.raises(RetriableError):
            asking.fetch(Request(server.url), read)
        asking.fetch(Request(server.url), read)
    assert time.waits == [pytest.approx(20, abs=0.01)]


def test_malformed_is_asked_for_a_few_times_only(server: Server, time: Time):
    server.answer(Answer(body=b"<html>customer 4711"))
    with (
        (asking := session(time)).transport,
        pytest.raises(SourceError, match=r"answers is no JSON \(3 times\)") as error,
    ):
        asking.fetch(Request(server.url), read)
    assert "4711" not in str(error.value)
    assert len(server.asked) == 3


def test_a_cut_answer_is_asked_for_again(server: Server, time: Time):
    server.answer(Answer(body=b'{"fine"', length=14), FINE)
    with (asking := session(time)).transport:
        assert asking.fetch(Request(server.url), read)[1] == {"fine": True}


def test_nobody_there_is_retriable(time: Time):
    with (
        (asking := session(time)).transport,
        pytest.raises(RetriableError, match="cannot be reached"),
    ):
        asking.fetch(Request(f"http://127.0.0.1:{free_port()}/"), read)
    assert len(time.waits) == 5


def test_a_redirect_on_the_same_host_is_followed(server: Server, time: Time):
    server.answer(Answer(301, headers=[("Location", "/v2/deals?x=1")]), FINE)
    with (asking := session(time)).transport:
        asking.fetch(Request(f"{server.url}/deals", {"limit": "5"}), read)
    assert [asked.path for asked in server.asked] == ["/deals?limit=5", "/v2/deals?x=1"]


@pytest.mark.parametrize("target", ["http://localhost:1/deals", "//example.com/deals", "http://[x"])
def test_a_redirect_elsewhere_is_not(server: Server, time: Time, target: str):
    server.answer(Answer(302, headers=[("Location", target)]))
    with (asking := session(time)).transport, pytest.raises(SourceError, match="is redirected"):
        asking.fetch(Request(server.url), read)
    assert len(server.asked) == 1


def test_redirects_in_a_circle_end(server: Server, time: Time):
    server.answer(Answer(302, headers=[("Location", "/")]))
    with (asking := session(time)).transport, pytest.raises(SourceError, match="again and again"):
        asking.fetch(Request(server.url), read)
