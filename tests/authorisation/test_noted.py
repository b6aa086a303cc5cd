"""The audit log says who asked what in SQL and which figures were refused, and no value of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyticspro import clock
from analyticspro.audit import Actor, AuditLog, AuditRow
from analyticspro.config import Home
from analyticspro.policies import Policies
from analyticspro.policy import Role
from analyticspro.sql import traced
from analyticspro.state import State
from analyticspro.warehouse import COLUMNS
from tests.api.server import Server
from tests.api.server import serving as serving_api
from tests.authorisation.hub_double import HubDouble, doubling, model
from tests.local import until
from tests.metrics.shop import EVENTS, Shop

SECRET = "hunter2@acme.example"
KNOWN = {name for view in COLUMNS.values() for name in view}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubDouble]:
    home = Home(tmp_path_factory.mktemp("noted") / "home").prepare()
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
    home.write_settings(currency="GBP")
    with doubling(home) as double:
        double.people = {"ada": model("p1", Role.ANALYST), "vera": model("p2", Role.VIEWER)}
        with State.open(home.state_address) as state:  # viewers see no revenue any more
            policies = Policies.of(home, state)
            [revenue] = [
                s.number
                for s in policies.all()
                if str(s.holder) == "role:viewer" and "revenue" in s.grant.tags
            ]
            policies.withdraw(revenue, by=Actor("p9", "::1"), now=clock.now())
        yield double


@pytest.fixture(scope="module")
def server(hub: HubDouble) -> Iterator[Server]:
    with serving_api(hub.home) as running:
        yield running


def noted(home: Home, *, more_than: int, **only: str) -> list[AuditRow]:
    with State.open(home.state_address) as state:
        log = AuditLog.of(home, state)
        until(lambda: len(log.newest(50, **only)) > more_than)
        return log.newest(50, **only)


def ask(server: Server, statement: str, **values: object) -> int:
    body = {"statement": statement, "values": values}
    return server.call("POST", "/v1/sql", body, token="ada").status


def test_a_statement_is_noted_with_what_became_of_it_and_never_a_value(server: Server):
    of = "SELECT country, sum(amount_minor) AS s FROM events WHERE customer_id = '{}' GROUP BY 1"
    assert ask(server, of.format(SECRET)) == 200
    assert ask(server, "SELECT * FROM customers WHERE customer_id = $who", who=SECRET) == 200
    assert ask(server, f"SELECT '{SECRET}'::DATE") == 422
    assert ask(server, f"SELECT getenv('{SECRET}') FROM events") == 403
    assert ask(server, f"DROP TABLE hot; -- {SECRET}") in (403, 422)
    assert ask(server, f"SELECT * FROM '/tmp/{SECRET}'") == 422
    rows = noted(server.home, more_than=5, action="sql")
    assert SECRET not in repr(rows)
    assert {(row.who, row.origin) for row in rows} == {("p1", "127.0.0.1")}
    told = [(row.action, row.subject.partition(": ")[2], row.reason) for row in reversed(rows)]
    assert told[:3] == [
        ("sql.run", "amount_minor, country, customer_id of events", "0 rows"),
        ("sql.run", "*, customer_id of customers", "0 rows"),
        ("sql.run", "no column of nothing", "failed: definition"),
    ]
    assert told[3][0] == "sql.refused"
    assert "The function 'getenv' may not be called" in told[3][2]


def test_statements_that_differ_in_their_values_are_of_one_shape():
    one, other, another = (
        traced(f"SELECT country FROM events WHERE plan = {value} -- {value}", KNOWN)
        for value in ("'a'", "'b'", "upper('a')")
    )
    assert one == other != another
    assert one.columns == ("country", "plan")


def test_what_somebody_calls_a_column_is_not_noted():
    found = traced(f'SELECT "{SECRET}", country AS "{SECRET}2" FROM "{SECRET}", events', KNOWN)
    assert str(found) == "country of events"


@pytest.mark.parametrize("text", ["", "SELECT (", "'", "x" * 30_000, "(" * 500, "SELECT 1; SELECT"])
def test_what_cannot_be_read_is_noted_as_such(text: str):
    assert str(traced(text, KNOWN)) == "a statement that cannot be read"


def test_a_figure_that_a_policy_refuses_is_noted_once(server: Server):
    asked = {"metrics": ["revenue"], "where": [{"dimension": "country", "values": ["France"]}]}
    assert server.call("POST", "/v1/query", asked, token="vera").status == 403
    many = server.call("POST", "/v1/queries", {"queries": [asked]}, token="vera")
    assert (many.status, "error" in many.json["answers"][0]) == (200, True)
    rows = noted(server.home, more_than=1, who="p2")
    assert {(row.subject, row.allowed) for row in rows} == {
        ("POST /v1/query", False), ("POST /v1/queries", False)}  # fmt: skip
    assert len(rows) == 2
    assert all("revenue by country carries the tag revenue" in row.reason for row in rows)
    assert "France" not in repr(rows)
