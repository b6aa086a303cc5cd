"""A person's own SQL over HTTP: answered, limited, and ended when nobody waits for it."""

from __future__ import annotations

import http.client
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from analyticspro.client import Remote
from analyticspro.errors import DefinitionError, Forbidden, RetriableError, Stopped
from analyticspro.policy import OWNER
from analyticspro.sql import Limits
from tests.api.server import Reply, Server
from tests.local import until
from tests.metrics.shop import EVENTS, Shop

ARROW = "application/vnd.apache.arrow.stream"
ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b"


def ask(server: Server, statement: str, **values: object) -> Reply:
    return server.call("POST", "/v1/sql", {"statement": statement, "values": values})


@contextmanager
def asking(server: Server, statement: str) -> Iterator[http.client.HTTPConnection]:
    """Have sent a statement; nobody has read the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({"statement": statement})
    headers = {
        "Authorization": f"Bearer {server.home.token()}",
        "Content-Type": "application/json",
    }
    try:
        connection.request("POST", "/v1/sql", body, headers)
        yield connection
    finally:
        connection.close()


def running(server: Server) -> int:
    """Return how many statements the server says it runs."""
    told = server.call("GET", "/metrics").body.decode()
    [found] = re.findall(r"^\w*sql_statements (\d+)", told, re.MULTILINE)
    return int(found)


def test_json_and_arrow_agree(server: Server):
    statement = (
        "SELECT name, count(*) AS n, sum(amount_minor) AS s FROM events GROUP BY name ORDER BY name"
    )
    as_json = ask(server, statement).json
    as_arrow = server.call("POST", "/v1/sql", {"statement": statement}, headers={"Accept": ARROW})
    frame = pl.read_ipc_stream(io.BytesIO(as_arrow.body))
    assert frame.select("name", "n").to_dicts() == [
        {"name": row["name"], "n": row["n"]} for row in as_json["rows"]
    ]
    provenance = json.loads(as_arrow.headers["analyticspro-provenance"])
    assert provenance == as_json["provenance"]
    assert provenance["policy"] == "owner"
    assert provenance["cut"] is False


def test_values_are_bound_with_their_types(server: Server):
    since = {"type": "datetime", "text": "2024-01-01T00:00:00"}
    [row] = ask(
        server,
        "SELECT count(*) AS n FROM events WHERE occurred_at >= $since AND country IN $of",
        since=since, of=["France", "' OR true --"],
    ).json["rows"]  # fmt: skip
    [wanted] = ask(
        server, "SELECT count(*) AS n FROM events WHERE occurred_at >= '2024-01-01' "
                "AND country = 'France'",
    ).json["rows"]  # fmt: skip
    assert row == wanted
    assert row["n"] > 0
    assert ask(server, "SELECT $x", x={"type": "date", "text": "soon"}).status == 422
    assert ask(server, "SELECT $x", x=10**400).status == 422


def test_it_is_refused_without_the_token(server: Server):
    reply = server.call("POST", "/v1/sql", {"statement": "SELECT 1"}, token=None)
    assert reply.status == 401


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DROP TABLE hot", Forbidden),
        ("SELECT getenv('HOME')", Forbidden),
        ("SELECT * FROM hot", DefinitionError),
        ("SELECT nothing FROM events", DefinitionError),
    ],
)
def test_a_client_raises_what_the_service_raised(
    statement: str, kind: type[Exception], server: Server
):
    with pytest.raises(kind):
        Remote(server.url, server.home.token()).sql(statement, {})


def test_a_client_gets_a_frame(server: Server):
    answer = Remote(server.url, server.home.token()).sql("FROM range($n)", {"n": 200_000})
    assert answer.frame.height == 100_000
    assert "first 100,000 rows" in answer.provenance["notes"][0]


def test_who_hangs_up_ends_the_statement(server: Server):
    with asking(server, ENDLESS):
        until(lambda: running(server) == 1)
    until(lambda: running(server) == 0, seconds=5)  # its own limit would be 20
    assert ask(server, "SELECT 1 AS x").json["rows"] == [{"x": 1}]


def test_a_person_runs_two_at_once_and_hurts_nobody(server: Server):
    with asking(server, ENDLESS), asking(server, ENDLESS):
        until(lambda: running(server) == 2)
        third = ask(server, "SELECT 1")
        assert third.status == 503
        assert "run already" in third.json["error"]["message"]
        with pytest.raises(RetriableError):
            Remote(server.url, server.home.token()).sql("SELECT 1", {})
        assert server.query("revenue").status == 200
        [before] = server.call("GET", "/v1/ledger").json["ledger"][:1]
        assert before["seen"] > 0
    until(lambda: running(server) == 0, seconds=5)
    assert ask(server, "SELECT 1 AS x").status == 200


def test_who_writes_goes_on_beside_a_long_statement(tmp_path: Path):
    """In one process, as in the api: what is stored meanwhile is there at once."""
    began, gone, ended = threading.Event(), threading.Event(), []

    def is_gone() -> bool:
        began.set()
        return gone.is_set()

    def read(shop: Shop) -> None:
        try:
            with shop.warehouse.reader(OWNER) as reader:
                reader.ask(ENDLESS, {}, Limits(), is_gone)
        except RetriableError as error:
            ended.append(type(error))

    with Shop.at(tmp_path) as shop:
        reading = threading.Thread(target=read, args=(shop,))
        reading.start()
        try:
            assert began.wait(30)
            shop.holds(EVENTS)
            with shop.warehouse.reader(OWNER) as reader:
                told = reader.ask("SELECT count(*) FROM events", {}, Limits(), lambda: False)
            assert told.frame.rows() == [(len(EVENTS),)]
            assert ended == []
        finally:
            gone.set()
            reading.join()
    assert ended == [Stopped]
