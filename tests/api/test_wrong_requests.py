"""Whatever is sent, the answer is a refusal that says why, and never a failure."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from tests.api.server import Server

GOOD = {"metrics": ["orders"]}
FILTER = {"dimension": "country", "values": ["France"]}
WRONG_QUERIES: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "a text": "revenue",
    "a number": 7,
    "no metric": {"metrics": []},
    "metrics missing": {"grain": "month"},
    "metric is null": {"metrics": [None]},
    "metric is a number": {"metrics": [1]},
    "metrics is a text": {"metrics": "orders"},
    "metrics is an object": {"metrics": {"orders": 1}},
    "too many metrics": {"metrics": ["orders"] * 51},
    "unknown metric": {"metrics": ["x"]},
    "unknown field": {**GOOD, "limit": 5},
    "SQL as a field": {**GOOD, "sql": "DROP TABLE events"},
    "unknown grain": {**GOOD, "grain": "fortnight"},
    "grain is a number": {**GOOD, "grain": 1},
    "unknown dimension": {**GOOD, "by": ["'; DROP TABLE events; --"]},
    "dimension twice": {**GOOD, "by": ["country", "country"]},
    "too many dimensions": {**GOOD, "by": ["country"] * 9},
    "period is no period": {**GOOD, "period": "someday"},
    "period is empty": {**GOOD, "period": ""},
    "period is a number": {**GOOD, "period": 2011},
    "period is too long": {**GOOD, "period": "2011" * 100},
    "period is beyond time": {**GOOD, "period": "9999"},
    "period before time": {**GOOD, "period": "0001-01-01..0002-01-01"},
    "period backwards": {**GOOD, "period": "2012-01-01..2011-01-01"},
    "period with a null byte": {**GOOD, "period": "2011\x00"},
    "filter without values": {**GOOD, "where": [{"dimension": "country", "values": []}]},
    "filter is an object": {**GOOD, "where": {"country": "France"}},
    "filter on nothing": {**GOOD, "where": [{"values": ["x"]}]},
    "filter value unknown": {**GOOD, "where": [{"dimension": "country", "values": ["Atlantis"]}]},
    "filter value is null": {**GOOD, "where": [{"dimension": "country", "values": [None]}]},
    "filter value is a number": {**GOOD, "where": [{"dimension": "country", "values": [1e308]}]},
    "too many filters": {**GOOD, "where": [FILTER] * 51},
    "too many values": {**GOOD, "where": [{"dimension": "country", "values": ["x"] * 1001}]},
    "compare is a text": {**GOOD, "compare": "perhaps"},
    "a number of 400 digits": {**GOOD, "compare": 10**400},
    "a number of 5,000 digits": b'{"metrics": ["orders"], "compare": ' + b"9" * 5000 + b"}",
    "a number beyond floats": b'{"metrics": ["orders"], "compare": 1e999}',
    "not a number": b'{"metrics": ["orders"], "compare": NaN}',
    "half a surrogate as metric": b'{"metrics": ["\\ud800"]}',
    "half a surrogate as period": b'{"metrics": ["orders"], "period": "\\udfff"}',
    "half a surrogate as field": b'{"metrics": ["orders"], "\\ud800": 1}',
    "half a surrogate as value": b'{"metrics": ["orders"], "where": '
    b'[{"dimension": "country", "values": ["\\ud800"]}]}',
    "the same field twice": b'{"metrics": ["orders"], "metrics": ["x"]}',
    "cut off": b'{"metrics": ["ord',
    "not JSON": b"revenue please",
    "empty": b"",
    "bytes of no encoding": b"\xff\xfe\x00\x80",
    "a null byte": b"\x00",
    "nested too deep": b"[" * 100_000,
    "objects nested too deep": b'{"a":' * 20_000,
}


def assert_refused(status: int, body: bytes) -> None:
    error = json.loads(body)
    assert 400 <= status < 500, (status, body)
    assert error.keys() == {"error"}
    assert error["error"].keys() == {"code", "message"}
    assert len(error["error"]["message"]) > 10


@pytest.mark.parametrize("name", WRONG_QUERIES)
@pytest.mark.parametrize("path", ["/v1/query", "/v1/queries"])
def test_a_wrong_query_is_refused(path: str, name: str, server: Server):
    body = WRONG_QUERIES[name]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    if path == "/v1/queries":
        raw = b'{"queries": [' + raw + b"]}"
    reply = server.call("POST", path, raw=raw)
    if path == "/v1/queries" and reply.status == 200:
        # Well formed, but not to be answered: refused by itself, not with its neighbours.
        [answer] = reply.json["answers"]
        assert_refused(422, json.dumps(answer).encode())
    else:
        assert_refused(reply.status, reply.body)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/queries", {"queries": []}),
        ("POST", "/v1/queries", {"queries": [GOOD] * 201}),
        ("POST", "/v1/queries", {}),
        ("POST", "/v1/demo", {"events": 10}),
        ("POST", "/v1/demo", {"events": 10**12}),
        ("POST", "/v1/demo", {"seed": -1}),
        ("POST", "/v1/demo", {"seed": 10**400}),
        ("POST", "/v1/demo", {"seed": "seven"}),
        ("POST", "/v1/sync", {"sources": "all"}),
        ("POST", "/v1/sync", {"sources": [{}]}),
        ("POST", "/v1/sync", {"sources": [{"name": "x"}]}),
        ("POST", "/v1/sync", {"sources": [{"name": "../x", "path": "/", "event": "e"}]}),
        ("POST", "/v1/sync", {"sources": [{"name": "x"}] * 101}),
        ("POST", "/v1/sync", {"sources": None}),  # this home has no sources.toml
        ("POST", "/v1/links/redeem", {}),
        ("POST", "/v1/links/redeem", {"code": "x" * 201}),
        ("POST", "/v1/links/redeem", {"code": ""}),
        ("POST", "/v1/links/redeem", {"code": None}),
        ("GET", "/v1/sources/shop/rejects?limit=-1", None),
        ("GET", "/v1/sources/shop/rejects?limit=1e9", None),
        ("GET", "/v1/sources/shop/rejects?limit=" + "9" * 5000, None),
        ("GET", "/v1/dimensions/%00/values", None),
        ("GET", "/v1/dimensions/%ff%fe/values", None),
        ("DELETE", "/v1/sources", None),
        ("PUT", "/v1/query", GOOD),
        ("GET", "/v1/querys", None),
    ],
)
def test_a_wrong_request_is_refused(method: str, path: str, body: Any, server: Server):
    reply = server.call(method, path, body)
    assert_refused(reply.status, reply.body)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
def test_another_kind_of_body_is_refused(kind: str, server: Server):
    reply = server.call("POST", "/v1/query", raw=b"metrics=orders", headers={"Content-Type": kind})
    assert_refused(reply.status, reply.body)


def test_a_body_of_10_megabytes_is_refused(server: Server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.putrequest("POST", "/v1/query")
        connection.putheader("Authorization", f"Bearer {server.home.token()}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(10_000_000))
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == 413
        assert_refused(response.status, body := response.read())
        assert b"larger than 1,048,576 bytes" in body
    finally:
        connection.close()


def test_a_body_that_does_not_say_its_size_is_refused_once_it_is_too_large(server: Server):
    def chunks():
        for _ in range(40):
            yield b'"' + b"x" * 32_768

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {server.home.token()}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v1/query", chunks(), headers, encode_chunked=True)
        response = connection.getresponse()
        assert response.status == 413
        assert_refused(response.status, body := response.read())
        assert b"larger than 1,048,576 bytes" in body
    finally:
        connection.close()


def test_a_large_but_sane_body_is_read(server: Server):
    questions = {"queries": [{**GOOD, "period": "2024"}] * 200}
    assert len(server.call("POST", "/v1/queries", questions).json["answers"]) == 200
    # As much white space as fits is no reason to refuse.
    padded = json.dumps(GOOD).encode().ljust(1_000_000)
    assert server.call("POST", "/v1/query", raw=padded).status == 200


def test_after_all_that_it_still_answers(server: Server):
    assert server.query("orders").json["rows"] == [{"orders": 9}]
