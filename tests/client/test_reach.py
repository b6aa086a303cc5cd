"""Through a running api or by opening the workspace: the answers are the same."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

import analyticspro as ap
from analyticspro.client import Local, Remote, announced, presence, reach
from analyticspro.config import Home
from analyticspro.errors import (
    AnalyticsProError,
    DefinitionError,
    Forbidden,
    ServiceUnavailable,
    SourceError,
    UnknownName,
)
from analyticspro.metrics import Answer, Filter, Query
from tests.api.server import serving
from tests.api.test_syncing import source, written
from tests.local import free_port

QUESTIONS = [
    Query.of("revenue"),
    Query.of("revenue", "orders", grain="month", by="country", compare=True, period="2024-Q1"),
    Query.of("average_order_value", "refund_rate", grain="week", by=["plan", "country"]),
    Query.of("revenue_to_date", "customers_to_date", grain="day", period="2024-01"),
    Query.of("orders", grain="hour"),
    Query(("events",), where=(Filter("country", ("France",), exclude=True),)),
    Query.of("revenue", period="1999"),
    Query.of("orders", by="channel", period="1999"),
    Query.of("revenu"),
    Query.of("revenue", by="contry"),
    Query.of("revenue", where={"country": "Frnace"}),
    Query.of("revenue", period="soon"),
]


def test_remote_and_local_give_identical_answers(shop_home: Home):
    local = Local(shop_home)
    from_local = local.answers(QUESTIONS)
    told_local = [local.info(), local.values("country"), local.catalogue(), local.sources()]
    with serving(shop_home) as server:
        remote = Remote(server.url, shop_home.token())
        from_remote = remote.answers(QUESTIONS)
        told_remote = [
            remote.info(),
            remote.values("country"),
            remote.catalogue(),
            remote.sources(),
        ]
    for info in (told_local[0], told_remote[0]):
        assert info.pop("now")  # type: ignore[union-attr]
    assert told_remote == told_local
    for near, far in zip(from_local, from_remote, strict=True):
        if isinstance(near, Answer):
            assert isinstance(far, Answer)
            assert_frame_equal(far.frame, near.frame)
            assert far.frame.schema == near.frame.schema
            assert far.provenance == near.provenance
        else:
            assert type(far) is type(near)
            assert str(far) == str(near)
    assert sum(isinstance(answer, AnalyticsProError) for answer in from_local) == 4


@pytest.mark.parametrize("way", ["remote", "local"])
def test_either_way_syncs_and_tells_of_it(way: str, home: Home, tmp_path: Path):
    file = written(tmp_path / "orders.csv", 30)
    file.write_text(file.read_text() + "31,never,1,France\n")
    steps: list[dict[str, Any]] = []

    def load(transport: Any) -> list[dict[str, Any]]:
        reports: list[dict[str, Any]] = transport.sync([source(file)], steps.append)
        [reject] = transport.rejects("till", 5)
        assert (reject["line"], reject["field"], reject["value"]) == (32, "at", "never")
        with pytest.raises(UnknownName, match="Did you mean 'till'"):
            transport.rejects("tlil", 5)
        [state] = transport.sources()
        assert (state["name"], state["records"], state["rejected"]) == ("till", 31, 1)
        return reports

    if way == "local":
        [report] = load(Local(home))
    else:
        with serving(home) as server:
            [report] = load(Remote(server.url, home.token()))
    assert (report["new"], report["rejected"]) == (30, 1)
    assert steps[-1]["done"] == steps[-1]["total"] == file.stat().st_size
    assert ap.connect(home.path).query("orders")["orders"].to_list() == [30]


@pytest.mark.parametrize("way", ["remote", "local"])
def test_either_way_raises_what_went_wrong(way: str, home: Home, tmp_path: Path):
    def try_all(transport: Any) -> None:
        with pytest.raises(DefinitionError, match="event"):
            transport.sync([{"name": "till", "path": "x"}], _nobody)
        [report] = transport.sync([source(tmp_path / "missing.csv")], _nobody)
        assert report["error"]["code"] == SourceError.code
        transport.demo(1000, 7, _nobody)
        with pytest.raises(DefinitionError, match="demo"):
            transport.sync([source(written(tmp_path / "a.csv", 1))], _nobody)

    if way == "local":
        try_all(Local(home))
    else:
        with serving(home) as server:
            try_all(Remote(server.url, home.token()))


def _nobody(_: dict[str, Any]) -> None:
    """Hear of a step and do nothing."""


def test_it_asks_the_api_while_one_runs_and_opens_the_workspace_when_none_does(shop_home: Home):
    client = ap.connect(shop_home.path)
    assert isinstance(client.transport, Local)
    before = client.query("revenue", by="country")
    with serving(shop_home):
        assert isinstance(client.transport, Remote)
        assert_frame_equal(client.query("revenue", by="country"), before)
    assert isinstance(client.transport, Local)
    assert_frame_equal(client.query("revenue", by="country"), before)


def test_after_a_kill_it_opens_the_workspace_itself(shop_home: Home):
    with serving(shop_home) as server:
        server.kill()
    assert shop_home.api_file.exists()
    client = ap.connect(shop_home.path)
    assert isinstance(client.transport, Local)
    assert client.query("orders").rows() == [(9,)]


def test_what_is_left_behind_never_leads_to_another_s_api(shop_home: Home, home: Home):
    """The port of a killed api may be another workspace's by now; it gets no token of ours."""
    with serving(home) as other:
        shop_home.api_file.write_text(json.dumps({"url": other.url, "pid": 2**22 + 1}))
        assert isinstance(reach(shop_home), Local)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"url": "http://127.0.0.1:9"}', '{"url": 1, "pid": "x"}',
     '{"pid": 1}', '{"url": "http://127.0.0.1:9", "pid": 99999999999999999999}'],
)  # fmt: skip
def test_a_broken_note_of_an_api_is_none(content: str, home: Home):
    home.api_file.write_text(content)
    assert presence(home) is None
    assert isinstance(reach(home), Local)


def test_an_api_that_does_not_answer_yet_is_none(home: Home):
    with announced(home, f"http://127.0.0.1:{free_port()}"):
        assert presence(home) is not None
        assert isinstance(reach(home), Local)
    assert presence(home) is None


def test_a_wrong_token_is_forbidden(shop_home: Home):
    with serving(shop_home) as server, pytest.raises(Forbidden, match="token"):
        Remote(server.url, "another token").answers([Query.of("orders")])


def test_a_health_check_does_not_send_the_token(shop_home: Home):
    heard: list[bytes] = []
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", heard) as url:
        assert Remote(url, "the secret token").is_alive()
    assert b"secret" not in heard[0]


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"", id="hangs up at once"),
        pytest.param(b"HTTP/1.1 200", id="in the middle of the status"),
        pytest.param(OK, id="in the middle of the headers"),
        pytest.param(OK + b"Content-Length: 500\r\n\r\n" + b'{"answers": [', id="in the body"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{", id="in a chunk"),
        pytest.param(OK + b"Content-Length: 12\r\n\r\n" + b'{"answers": ', id="in the JSON"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="speaks no HTTP"),
    ],
)
class TestAnAnswerThatBreaksOff:
    def test_is_a_service_unavailable(self, reply: bytes):
        with answering(reply) as url, pytest.raises(ServiceUnavailable, match=r"api"):
            Remote(url, "t").answers([Query.of("orders")])

    def test_also_in_the_middle_of_a_sync(self, reply: bytes):
        with answering(reply) as url, pytest.raises(ServiceUnavailable, match=r"api"):
            Remote(url, "t").sync([], _nobody)


def test_a_sync_that_breaks_off_after_its_first_steps_says_that_they_stay():
    body = b'{"progress": {"done": 1, "total": 9}}\n\n{"progress": {"done": 2, "total": 9}}\n'
    steps: list[dict[str, Any]] = []
    with (
        answering(OK + b"Connection: close\r\n\r\n" + body) as url,
        pytest.raises(ServiceUnavailable, match="What it committed stays"),
    ):
        Remote(url, "t").sync([], steps.append)
    assert [step["done"] for step in steps] == [1, 2]


def test_what_goes_wrong_in_the_caller_s_own_progress_is_the_caller_s():
    body = b'{"progress": {"done": 1, "total": 9}}\n'

    def full_disk(_: dict[str, Any]) -> None:
        raise OSError("no space left on device")

    with (
        answering(OK + b"Connection: close\r\n\r\n" + body) as url,
        pytest.raises(OSError, match="no space"),
    ):
        Remote(url, "t").sync([], full_disk)


@pytest.mark.parametrize("body", [b"<html>502 Bad Gateway</html>", b"[]", b"{}", b'{"error": 1}'])
def test_an_error_in_another_form_is_told_by_its_status(body: bytes):
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    with (
        answering(b"HTTP/1.1 502 Bad Gateway\r\n" + length + body) as url,
        pytest.raises(AnalyticsProError, match="502 Bad Gateway"),
    ):
        Remote(url, "t").info()


@contextmanager
def answering(reply: bytes, heard: list[bytes] | None = None) -> Iterator[str]:
    """Serve one request on a socket with these very bytes, then hang up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept = [] if heard is None else heard
        worker = threading.Thread(target=_answer_once, args=(listener, reply, kept))
        worker.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        worker.join()


def _answer_once(listener: socket.socket, reply: bytes, heard: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        heard.append(request)
        length = [h for h in request.lower().split(b"\r\n") if h.startswith(b"content-length:")]
        body = request.partition(b"\r\n\r\n")[2]
        while length and len(body) < int(length[0].split(b":")[1]):
            body += connection.recv(65536)
        connection.sendall(reply)
