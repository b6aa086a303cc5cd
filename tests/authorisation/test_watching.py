"""A right that is taken away ends what is being answered by it; refusals are recorded, once each.

The app is one with slow routes behind everything that stands before the real one's. The hub
is looked after every quarter of a second here instead of every six.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from analyticspro.api.callers import Callers
from analyticspro.api.denials import ACTION, Denials
from analyticspro.api.edge import Edge
from analyticspro.api.gate import Gate, refusal
from analyticspro.api.granted import Granted
from analyticspro.api.guard import needs, router
from analyticspro.api.hub_answers import HubAnswers
from analyticspro.api.watching import Watched
from analyticspro.audit import Actor, AuditLog, AuditRow
from analyticspro.config import Home
from analyticspro.errors import Forbidden
from analyticspro.policies import Holder, Policies
from analyticspro.policy import Capability, Grant, Role
from analyticspro.state import State
from tests.api.test_observing import served
from tests.authorisation.hub_double import HubDouble, doubling, model
from tests.local import until

EVERY_S = 0.25
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWN = "the owner's own token, long enough"


def refused(error: Exception) -> Response:
    assert isinstance(error, Forbidden)
    return refusal(error, 403)


@dataclass
class Slow:
    """An app whose answers take until they are ended."""

    hub: HubDouble
    port: int = 0
    at_work: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)

    def app(self) -> FastAPI:
        answers = HubAnswers(lambda: self.hub.home)
        denials = Denials(lambda: self.hub.home, window_s=0.3)
        granted = Granted(lambda: self.hub.home)

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            yield
            await denials.close()
            await answers.close()
            granted.close()

        app, routes = FastAPI(lifespan=lifespan), router()
        app.state.denials = denials
        app.add_exception_handler(Forbidden, lambda _, error: refused(error))
        app.add_middleware(Watched, every_s=EVERY_S)
        callers = Callers(OWN, answers, fresh_for_s=EVERY_S)
        app.add_middleware(Gate, callers=callers, granted=granted, denials=denials)
        app.add_middleware(Edge)

        @routes.get("/stream", openapi_extra=needs(Capability.SOURCES_WRITE))
        async def stream() -> StreamingResponse:
            return StreamingResponse(self.lines(), media_type="application/x-ndjson")

        @routes.get("/page", openapi_extra=needs(Capability.SOURCES_WRITE))
        async def page() -> StreamingResponse:
            return StreamingResponse(self.lines(), media_type="text/plain")

        @routes.get("/query", openapi_extra=needs(Capability.SOURCES_WRITE))
        def query() -> dict[str, str]:
            self.at_work.set()
            self.goes_on.wait(30)
            return {"secret": "figures"}

        app.include_router(routes)
        return app

    async def lines(self) -> AsyncIterator[str]:
        try:
            while True:
                self.at_work.set()
                yield "{}\n"
                await asyncio.sleep(0.02)
        finally:
            self.ended.set()

    def get(self, path: str, token: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def refusals(self) -> list[AuditRow]:
        home = self.hub.home
        with State.open(home.state_address) as state:
            return AuditLog.of(home, state).newest(action=ACTION)


@pytest.fixture
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slow]:
    home = Home(tmp_path_factory.mktemp("slow") / "home").prepare()
    with doubling(home) as hub:
        hub.people = {"r": model("root", Role.ADMIN), "v": model("vera", Role.VIEWER)}
        one = Slow(hub)
        with served(one.app()) as one.port:
            yield one
            one.goes_on.set()


def revoked(hub: HubDouble) -> None:
    del hub.people["r"]


def made_a_viewer(hub: HubDouble) -> None:
    hub.people["r"] = model("root", Role.VIEWER)


def hub_down(hub: HubDouble) -> None:
    hub.status = 500


def policy_withdrawn(hub: HubDouble) -> None:
    with State.open(hub.home.state_address) as state:
        policies = Policies.of(hub.home, state)
        policies.withdraw(1, by=Actor("p1", "192.0.2.7"), now=NOW)


LOSSES = pytest.mark.parametrize(
    ("lose", "reason"),
    [
        (revoked, "expired or was revoked"),
        (made_a_viewer, "sources:write"),
        (policy_withdrawn, "what you are granted was changed meanwhile"),
        (hub_down, "The hub cannot say who you are"),
    ],
)
Loss = Callable[[HubDouble], None]


def meanwhile(slow: Slow, lose: Loss, path: str) -> tuple[int, bytes]:
    def wait_and_lose() -> None:
        assert slow.at_work.wait(30)
        lose(slow.hub)

    other = threading.Thread(target=wait_and_lose)
    other.start()
    try:
        return slow.get(path, "r")
    finally:
        other.join()


@LOSSES
def test_a_stream_ends_and_says_why(lose: Loss, reason: str, slow: Slow):
    status, body = meanwhile(slow, lose, "/stream")
    assert status == 200
    last = json.loads(body.splitlines()[-1])
    assert reason in last["error"]["message"]
    assert slow.ended.wait(5)


@LOSSES
def test_a_query_is_not_answered_any_more(lose: Loss, reason: str, slow: Slow):
    status, body = meanwhile(slow, lose, "/query")
    assert status == (503 if lose is hub_down else 403)
    assert reason in json.loads(body)["error"]["message"]
    assert b"figures" not in body


def test_what_cannot_say_why_is_broken_off(slow: Slow):
    with pytest.raises(http.client.IncompleteRead):
        meanwhile(slow, revoked, "/page")
    assert slow.ended.wait(5)


def test_a_right_that_stays_ends_nothing(slow: Slow):
    def let_go() -> None:
        with State.open(slow.hub.home.state_address) as state:  # one more: nothing is lost
            policies, by = Policies.of(slow.hub.home, state), Actor("p1", "192.0.2.7")
            more = Grant(frozenset({"pii"}))
            policies.grant(Holder.of_role(Role.ADMIN), more, by=by, now=NOW)
        until(lambda: len(slow.hub.asked) > 3)  # it was looked after meanwhile
        slow.goes_on.set()

    other = threading.Thread(target=let_go)
    other.start()
    assert slow.get("/query", "r") == (200, b'{"secret":"figures"}')
    other.join()


def test_the_owner_is_not_asked_after(slow: Slow):
    slow.goes_on.set()
    assert slow.get("/query", OWN)[0] == 200
    assert slow.hub.asked == []


def test_of_a_flood_of_refusals_the_log_has_the_first_and_the_number(slow: Slow):
    for _ in range(30):
        assert slow.get("/stream?secret=hunter2", "v")[0] == 403
    assert slow.get("/stream", "made up")[0] == 401

    def told() -> int:
        rows = [row for row in slow.refusals() if row.who == "vera"]
        more = [int(row.reason.split()[0]) for row in rows if " more in " in row.reason]
        return sum(more) + len(rows) - len(more)

    until(lambda: told() == 30)
    rows = slow.refusals()
    assert len(rows) < 15
    assert {(row.who, row.origin, row.subject, row.allowed) for row in rows} == {
        ("vera", "127.0.0.1", "GET /stream", False),
        ("anonymous", "127.0.0.1", "the api", False),
    }
    assert any("Refused: sources:write" in row.reason for row in rows)
    assert "hunter2" not in repr(rows)
    assert "made up" not in repr(rows)


def test_of_many_kinds_of_refusals_few_have_entries_of_their_own(
    tmp_path_factory: pytest.TempPathFactory,
):
    home = Home(tmp_path_factory.mktemp("many") / "home").prepare()

    async def flood() -> None:
        denials = Denials(lambda: home)
        for number in range(500):
            denials.note("anonymous", f"10.0.0.{number}", "the api", "Refused.")
        assert denials.counts == {"anonymous": 500}
        await denials.close()

    asyncio.run(flood())
    with State.open(home.state_address) as state:
        rows = AuditLog.of(home, state).newest(1000)
    assert len(rows) == 22  # twenty, the first of the others, and how many they were
    assert "479 more" in rows[0].reason
