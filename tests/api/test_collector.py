"""The event collector over HTTP, on a real server."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyticspro import clock
from analyticspro.collecting import MadeKey, WriteKeys, signature
from analyticspro.config import Home
from tests.api.server import ROOT, Reply, Server, serving

BATCH = "/v1/batch"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> WriteKeys:
    return WriteKeys.of(Home(tmp_path_factory.mktemp("collector") / "home").prepare())


@pytest.fixture(scope="module")
def key(keys: WriteKeys) -> str:
    return keys.create("shop", now=clock.now()).text


@pytest.fixture(scope="module")
def server(keys: WriteKeys, key: str) -> Iterator[Server]:
    with serving(Home(keys._file.parent)) as running:
        yield running


def made(keys: WriteKeys, name: str, **how: Any) -> MadeKey:
    """Make a key, and wait until the server knows: what it knows of the file may be 0.1 s old."""
    key = keys.create(name, now=clock.now(), **how)
    time.sleep(0.15)
    return key


def message(message_id: str, **fields: Any) -> dict[str, Any]:
    given = {"type": "track", "event": "Paid", "messageId": message_id, "userId": "u1"}
    return {name: value for name, value in (given | fields).items() if value is not None}


def send(server: Server, body: object, key: str | None, path: str = BATCH, **how: Any) -> Reply:
    return server.call("POST", path, body, token=key, **how)


def statuses(reply: Reply) -> list[str]:
    return [event["status"] for event in reply.json["events"]]


def count(server: Server, source: str) -> tuple[int, int]:
    """Return how many records of a source came, and how many open rejects it has."""
    for row in server.call("GET", "/v1/sources").json["sources"]:
        if row["name"] == source:
            return row["records"], row["rejected"]
    return 0, 0


class TestAnswers:
    def test_each_message_is_told_of(self, server: Server, key: str):
        body = {
            "batch": [
                message("a"),
                message("a"),
                message("a", event="Lost"),
                message("b", type="nothing"),
                message("c"),
            ]
        }
        reply = send(server, body, key)
        assert reply.status == 202
        assert statuses(reply) == ["accepted", "duplicate", "conflict", "rejected", "accepted"]
        assert [event["messageId"] for event in reply.json["events"]] == list("aaabc")
        assert reply.json["events"][3] == {
            "messageId": "b", "status": "rejected", "field": "type", "value": "nothing",
            "reason": "is none of track, identify, page, screen, group, alias",
        }  # fmt: skip
        counted = {name: n for name, n in reply.json.items() if name != "events"}
        assert counted == {"accepted": 2, "duplicate": 1, "conflict": 1, "rejected": 1}

    def test_a_repeat_is_a_duplicate_whenever_it_is_sent(self, server: Server, key: str):
        body = {"batch": [message("again", timestamp="2026-11-20T10:00:00Z")]}
        assert statuses(send(server, body | {"sentAt": "2026-11-20T10:00:05Z"}, key)) == [
            "accepted"
        ]
        assert statuses(send(server, body | {"sentAt": "2026-11-20T10:09:00Z"}, key)) == [
            "duplicate"
        ]
        assert statuses(
            send(server, body["batch"][0] | {"sentAt": "2026-11-20T11:00:00Z"}, key, "/v1/track")
        ) == ["duplicate"]

    @pytest.mark.parametrize("kind", ["track", "identify", "page", "screen", "group", "alias"])
    def test_each_type_has_an_address(self, kind: str, server: Server, key: str):
        reply = send(server, message(f"single-{kind}", type=None), key, f"/v1/{kind}")
        assert (reply.status, statuses(reply)) == (202, ["accepted"])

    def test_where_nothing_is_good_the_request_is_not(self, server: Server, key: str):
        reply = send(server, {"batch": [message("bad", event="?"), 7]}, key)
        assert (reply.status, statuses(reply)) == (400, ["rejected", "rejected"])

    def test_an_empty_batch_is_fine(self, server: Server, key: str):
        reply = send(server, {"batch": []}, key)
        assert (reply.status, reply.json["events"]) == (202, [])

    def test_what_is_rejected_is_set_aside_with_its_record(self, server: Server, keys: WriteKeys):
        own = made(keys, "careless")
        for _ in range(2):
            send(server, {"batch": [message("x", userId=None), message("y")]}, own.text)
        [aside] = server.call("GET", "/v1/sources/careless/rejects").json["rejects"]
        assert (aside["field"], aside["line"]) == ("userId", None)


def test_every_message_of_segment_s_samples_is_accounted_for(server: Server, keys: WriteKeys):
    data = Path(os.environ.get("ANALYTICSPRO_TEST_DATA", ROOT.parent / "shared" / "data"))
    samples = data / "api-samples" / "segment" / "spec_messages.jsonl"
    if not samples.is_file():
        pytest.skip(f"not tested: Segment's samples, since {samples} is not there")
    own = made(keys, "samples")
    batch = [json.loads(line) for line in samples.read_text().splitlines()]
    assert len(batch) == 74
    reply = send(server, {"batch": batch}, own.text)
    counted = {name: n for name, n in reply.json.items() if name != "events"}
    assert counted == {"accepted": 22, "duplicate": 0, "conflict": 47, "rejected": 5}
    told = [(e["field"], e["value"]) for e in reply.json["events"] if e["status"] == "rejected"]
    assert told == [
        ("type", "test"), ("messageId", None), ("messageId", None), ("messageId", None),
        ("originalTimestamp", "invalid-time"),
    ]  # fmt: skip
    assert count(server, "samples") == (74, 5)
    alone = [
        send(server, one, own.text, f"/v1/{one['type']}") for one in batch if one["type"] != "test"
    ]
    assert {reply.status for reply in alone} == {202, 400}
    assert [statuses(reply)[0] for reply in alone].count("rejected") == 4


class TestWhoMaySend:
    @pytest.mark.parametrize(
        "scheme", ["Bearer {key}", "bearer  {key}", "Basic {basic}", "basic {basic}"]
    )
    def test_a_key_is_let_in(self, scheme: str, server: Server, key: str):
        basic = base64.b64encode(f"{key}:".encode()).decode()
        given = {"Authorization": scheme.format(key=key, basic=basic)}
        assert send(server, {"batch": []}, None, headers=given).status == 202

    def test_a_body_may_name_its_key(self, server: Server, key: str):
        assert send(server, {"writeKey": key, "batch": [message("k")]}, None).status == 202
        plain = json.dumps({"writeKey": key, **message("beacon")}).encode()
        reply = send(
            server, None, None, "/v1/track", raw=plain, headers={"Content-Type": "text/plain"}
        )
        assert statuses(reply) == ["accepted"]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"{}",
            b'{"writeKey":7}',
            b'{"writeKey":""}',
            b'{"writeKey":"wk_x","batch":[]}',
            b"\xff",
            b'{"a":1,"a":2}',
        ],
    )
    def test_nobody_unknown_learns_anything(self, body: bytes, server: Server):
        reply = send(server, None, None, raw=body)
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == "Bearer"

    def test_an_unknown_body_is_read_no_further_than_a_beacon_s(self, server: Server, key: str):
        body = {"writeKey": key, "batch": [message("large", note="x" * 70_000)]}
        assert send(server, body, None).status == 413

    def test_an_unknown_body_is_not_expanded(self, server: Server, key: str):
        body = gzip.compress(json.dumps({"writeKey": key, "batch": []}).encode())
        reply = send(server, None, None, raw=body, headers={"Content-Encoding": "gzip"})
        assert reply.status == 401

    def test_the_owner_s_token_is_no_write_key(self, server: Server):
        assert send(server, {"batch": []}, server.home.token()).status == 401

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", "/v1/sources"), ("POST", "/v1/query"), ("POST", "/v1/sync"),
                             ("GET", "/v1/openapi.json"), ("POST", "/v1/links")],
    )  # fmt: skip
    def test_a_write_key_only_writes(self, method: str, path: str, server: Server, key: str):
        assert server.call(method, path, {} if method == "POST" else None, token=key).status == 401

    def test_a_revoked_key_is_let_in_no_more(self, server: Server, keys: WriteKeys):
        own = made(keys, "former")
        assert send(server, {"batch": []}, own.text).status == 202
        keys.revoke("former")
        time.sleep(0.2)
        assert send(server, {"batch": []}, own.text).status == 401

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
    def test_another_method_is_refused(self, method: str, server: Server, key: str):
        reply = server.call(method, BATCH, token=key)
        assert (reply.status, reply.headers["allow"]) == (405, "POST, OPTIONS")

    def test_a_key_is_asked_for_before_the_body_comes(self, server: Server):
        """The answer is there though nothing of the body ever is."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as wire:
            wire.sendall(
                b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer nobody\r\n"
                b"Content-Length: 1000000\r\n\r\n"
            )
            assert wire.recv(1000).startswith(b"HTTP/1.1 401")


class TestSigned:
    BODY = b'{"batch":[]}'

    def reply(self, server: Server, key: str, secret: str, stamp: str, body: bytes) -> int:
        headers = {"X-Timestamp": stamp, "X-Signature": signature(secret, stamp, self.BODY)}
        return send(server, None, key, raw=body, headers=headers).status

    def test_only_what_is_signed_is_taken(self, server: Server, keys: WriteKeys):
        own = made(keys, "signing", is_signed=True)
        secret = own.key.secret
        assert secret is not None
        now = int(time.time())
        assert self.reply(server, own.text, secret, f"{now}", self.BODY) == 202
        assert self.reply(server, own.text, secret, f"{now - 290}", self.BODY) == 202
        assert self.reply(server, own.text, secret, f"{now}", b'{"batch": []}') == 401
        assert self.reply(server, own.text, "another", f"{now}", self.BODY) == 401
        assert self.reply(server, own.text, secret, f"{now - 310}", self.BODY) == 401
        assert self.reply(server, own.text, secret, f"{now + 310}", self.BODY) == 401
        assert self.reply(server, own.text, secret, "soon", self.BODY) == 401
        assert send(server, None, own.text, raw=self.BODY).status == 401
        named = json.dumps({"batch": [], "writeKey": own.text}).encode()
        assert send(server, None, None, raw=named).status == 401


ORIGIN = "https://shop.example"


@pytest.fixture(scope="module")
def web(keys: WriteKeys) -> str:
    return made(keys, "web", origins=[ORIGIN]).text


class TestFromBrowsers:
    def test_an_allowed_page_may_send_and_read(self, server: Server, web: str):
        asked = server.call("OPTIONS", BATCH, token=None, headers={"Origin": ORIGIN})
        assert asked.status == 204
        assert asked.headers["access-control-allow-origin"] == ORIGIN
        assert "authorization" in asked.headers["access-control-allow-headers"]
        reply = send(server, {"batch": []}, web, headers={"Origin": ORIGIN})
        assert reply.status == 202
        assert reply.headers["access-control-allow-origin"] == ORIGIN
        assert reply.headers["vary"] == "Origin"

    def test_another_page_may_not(self, server: Server, web: str, key: str):
        for origin in ("https://evil.example", "null", "http://shop.example"):
            asked = server.call("OPTIONS", BATCH, token=None, headers={"Origin": origin})
            assert asked.status == 403
            reply = send(server, {"batch": [message("evil")]}, web, headers={"Origin": origin})
            assert reply.status == 403
            assert "access-control-allow-origin" not in reply.headers
        # Allowed for one key is not allowed for another.
        assert send(server, {"batch": []}, key, headers={"Origin": ORIGIN}).status == 403

    def test_a_refusal_can_be_read_as_well(self, server: Server, web: str):
        reply = send(server, None, web, raw=b"{", headers={"Origin": ORIGIN})
        assert reply.status == 400
        assert reply.headers["access-control-allow-origin"] == ORIGIN


class TestBounds:
    def test_a_rate_is_kept(self, server: Server, keys: WriteKeys):
        own = made(keys, "slow", rate=10)
        many = {"batch": [message(f"slow{n}") for n in range(1_000)]}
        assert send(server, many, own.text).status == 202
        reply = send(server, {"batch": [message("one more")]}, own.text)
        assert reply.status == 429
        assert 90 <= int(reply.headers["retry-after"]) <= 100
        assert "10 events a second" in reply.json["error"]["message"]

    def test_gzip_is_read(self, server: Server, key: str):
        body = gzip.compress(json.dumps({"batch": [message("zipped")]}).encode())
        reply = send(server, None, key, raw=body, headers={"Content-Encoding": "gzip"})
        assert statuses(reply) == ["accepted"]

    def test_a_large_batch_is_read(self, server: Server, key: str):
        batch = [message(f"large{n}", properties={"note": "é" * 100}) for n in range(3_000)]
        reply = send(server, {"batch": batch}, key)
        assert reply.json["accepted"] == 3_000

    def test_an_event_over_a_megabyte_leaves_the_others_alone(self, server: Server, key: str):
        large = message("huge", properties={"note": "x" * (1 << 20)})
        reply = send(server, {"batch": [message("small"), large]}, key)
        assert statuses(reply) == ["accepted", "rejected"]
        assert reply.json["events"][1]["reason"] == "is larger than 1,048,576 bytes"

    @pytest.mark.parametrize("is_told", [True, False])
    def test_a_body_has_a_limit(self, is_told: bool, server: Server, key: str):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        piece = b"[" * (1 << 18)
        headers = {"Authorization": f"Bearer {key}"}
        headers |= {"Content-Length": str(40 * len(piece))} if is_told else {}
        try:
            connection.request(
                "POST", BATCH, b"" if is_told else iter([piece] * 40), headers,
                encode_chunked=not is_told,
            )  # fmt: skip
            response = connection.getresponse()
            assert response.status == 413
        except (BrokenPipeError, ConnectionResetError):
            assert not is_told  # it hung up on what went on and on
        finally:
            connection.close()


DEEP = b"[" * 200 + b"]" * 200
BOMB = gzip.compress(b"[" * (1 << 26), 9)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"null", {}, 400),
        (b"\x00", {}, 400),
        (b"[" * 4_000_000, {}, 400),
        (b"[" * 10_000_000, {}, 413),
        (b'{"batch":[' + DEEP + b"]}", {}, 400),
        (b'{"batch":[' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]}", {}, 400),
        (b'{"batch":[NaN]}', {}, 400),
        (b'{"batch":[{"properties":{"x":Infinity}}]}', {}, 400),
        (b'{"batch":[1e999999]}', {}, 400),
        (b'{"batch":[' + b"9" * 100_000 + b"]}", {}, 400),
        (b'{"batch":["\\ud800"]}', {}, 400),
        (b'{"batch":[{"\\ud800":1}]}', {}, 400),
        (b'{"batch":[{"messageId":"\\udfff","type":"\\ud800"}]}', {}, 400),
        (b'{"batch":[{"a":1,"a":2}]}', {}, 400),
        (b'{"batch":["\xed\xa0\x80"]}', {}, 400),
        ('{"batch":[]}'.encode("utf-16"), {}, 400),
        (b'{"batch":[]}', {"Content-Type": "application/json; charset=utf-16"}, 415),
        (b'{"batch":[]}', {"Content-Type": "application/json; charset=\xff"}, 415),
        (b'{"batch":[]}', {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b'{"batch":[]}', {"Content-Type": ";;;"}, 415),
        (b'{"batch":[]}', {"Content-Encoding": "br"}, 415),
        (b'{"batch":[]}', {"Content-Encoding": "gzip"}, 400),
        (BOMB, {"Content-Encoding": "gzip"}, 413),
        (gzip.compress(BOMB), {"Content-Encoding": "gzip"}, 400),
    ],
)  # fmt: skip
def test_what_is_meant_to_break_it_is_answered(
    body: bytes, headers: dict[str, str], status: int, server: Server, key: str
):
    reply = send(server, None, key, raw=body, headers=headers)
    assert reply.status == status
    assert send(server, {"batch": []}, key).status == 202


def test_what_breaks_readers_of_json_is_stored_as_it_is(server: Server, key: str):
    """Each of these is good JSON that some reader of it cannot take."""
    numbers = ["1e999", "-0", "1" * 4_000, "1.10", "0.1e-400"]
    texts = ['"\\u2028\\ufffe\\uffff"', '"\\ud83d\\ude00"', '""', '"' + "x" * 100_000 + '"']
    names = [
        '{"":1}',
        '{"quantity":"many","product":{"a":[1]},"order_id":1.50}',
        '{"__proto__":[]}',
    ]
    deep = "[" * 90 + "]" * 90
    written = [
        f'{{"type":"page","messageId":"odd{n}","userId":"u","properties":{{"x":{value}}}}}'
        for n, value in enumerate([*numbers, *texts, *names, deep])
    ]
    reply = send(server, None, key, raw=f'{{"batch":[{",".join(written)}]}}'.encode())
    assert statuses(reply) == ["accepted"] * len(written)


def test_a_demo_workspace_takes_nothing(tmp_path: Path):
    home = Home(tmp_path / "home").prepare()
    own = WriteKeys.of(home).create("shop", now=clock.now())
    home.write_settings(demo=True)
    with serving(home) as running:
        reply = send(running, {"batch": [message("a")]}, own.text)
    assert reply.status == 403
    assert "demo" in reply.json["error"]["message"]
