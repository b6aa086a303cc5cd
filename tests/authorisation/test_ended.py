"""What the real api is at work on ends within ten seconds of the loss of the right to it."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from analyticspro import clock
from analyticspro.api.denials import ACTION
from analyticspro.audit import Actor, AuditLog
from analyticspro.config import Home
from analyticspro.errors import Stopped
from analyticspro.metrics.catalog import METRICS
from analyticspro.policies import Policies
from analyticspro.policy import OWNER, Role
from analyticspro.state import State
from analyticspro.warehouse import Ending
from tests.api.server import Server
from tests.api.server import serving as serving_api
from tests.authorisation.hub_double import HubDouble, doubling, model
from tests.connectors.web import Get, Got
from tests.connectors.web import serving as serving_pages
from tests.local import until
from tests.metrics.shop import EVENTS, Shop

WITHIN_S = 10
ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b"
# Each of them asks for something else, so that none is remembered; all together take minutes.
MANY = [
    {"metrics": [*METRICS][:40], "grain": grain, "by": ["country"],
     "period": f"2024-{month:02d}-01..2024-{month:02d}-{day:02d}", "compare": True}
    for grain in ("hour", "day") for month in range(1, 5) for day in range(3, 28)
]  # fmt: skip


@dataclass(frozen=True)
class Site:
    hub: HubDouble
    server: Server

    def post(self, path: str, body: object, token: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def at_work(self) -> int:
        """How many statements and questions are worked on, be they answered or not."""
        told = self.server.call("GET", "/metrics").body.decode()
        [found] = re.findall(r"^analyticspro_answers_at_work (\d+)", told, re.MULTILINE)
        return int(found)

    def refused(self) -> set[tuple[str, str]]:
        with State.open(self.hub.home.state_address) as state:
            rows = AuditLog.of(self.hub.home, state).newest(action=ACTION)
        return {(row.who, row.subject) for row in rows if "Ended while" in row.reason}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    home = Home(tmp_path / "home").prepare()
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
    home.write_settings(currency="GBP")
    with doubling(home) as hub, serving_api(home) as server:
        yield Site(hub, server)


class Pages:
    """An API that always has another page, and counts how many were asked for."""

    def __init__(self) -> None:
        self.served = 0
        self._slowly = threading.Event()

    def answer(self, _: Get) -> Got:
        self.served += 1
        self._slowly.wait(0.02)
        rows = [{"id": self.served, "at": "2026-03-01T12:00:00Z"}]
        return Got({"rows": rows, "next": str(self.served)})


def declared(url: str) -> str:
    return f"""
[sources.crm]
connector = "rest"
url = "{url}"
[sources.crm.streams.deals]
path = "deals"
records = "rows"
key = ["id"]
event = "deal_won"
occurred_at = "at"
paging = {{ by = "cursor", parameter = "after", body = "next" }}
"""


def suspended(site: Site) -> None:
    del site.hub.people["suspended"]  # the hub knows none of their tokens any more


def demoted(site: Site) -> None:
    site.hub.people["demoted"] = model("demoted", Role.VIEWER)


def withdrawn(site: Site) -> None:
    with State.open(site.hub.home.state_address) as state:
        policies = Policies.of(site.hub.home, state)
        of_analysts = [s.number for s in policies.all() if str(s.holder) == "role:analyst"]
        policies.withdraw(of_analysts[0], by=Actor("p1", "::1"), now=clock.now())


LOSSES: dict[str, tuple[Role, Callable[[Site], None], str]] = {
    "suspended": (Role.ADMIN, suspended, "expired or was revoked"),
    "demoted": (Role.ADMIN, demoted, "Refused: "),
    "withdrawn": (Role.ANALYST, withdrawn, "what you are granted was changed"),
}


def test_statements_and_a_sync_end_when_the_right_to_them_is_lost(site: Site):
    site.hub.people |= {who: model(who, role) for who, (role, _, _) in LOSSES.items()}
    site.hub.people["syncing"] = model("syncing", Role.ADMIN)
    pages = Pages()
    with serving_pages(pages.answer) as url, ThreadPoolExecutor(4) as pool:
        site.server.home.sources_file.write_text(declared(url))
        asked = {
            who: pool.submit(site.post, "/v1/sql", {"statement": ENDLESS}, who) for who in LOSSES
        }
        synced = pool.submit(site.post, "/v1/sync", {}, "syncing")
        until(lambda: site.at_work() == 3 and pages.served > 3)
        for _, lose, _ in LOSSES.values():
            lose(site)
        del site.hub.people["syncing"]
        until(lambda: site.at_work() == 0, WITHIN_S)
        status, body = synced.result(WITHIN_S)
        for who, (_, _, reason) in LOSSES.items():
            refused, told = asked[who].result(1)
            assert (refused, reason in told.decode()) == (403, True), told
        assert status == 200
        assert "revoked" in json.loads(body.splitlines()[-1])["error"]["message"]
        _stands_still(pages)
    route = ("POST /v1/sql",)
    until(lambda: site.refused() == {*((w, *route) for w in LOSSES), ("syncing", "POST /v1/sync")})


def _stands_still(pages: Pages) -> None:
    """Wait until no page has been asked for between two looks."""
    seen = [-1]

    def stands() -> bool:
        before, seen[0] = seen[0], pages.served
        return before == seen[0]

    until(stands, WITHIN_S)


@pytest.mark.parametrize("how", ["revoked", "hung up"])
def test_queries_of_figures_end_too(how: str, site: Site):
    site.hub.people["vera"] = model("vera", Role.VIEWER)
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=60)
    headers = {"Authorization": "Bearer vera", "Content-Type": "application/json"}
    connection.request("POST", "/v1/queries", json.dumps({"queries": MANY}), headers)
    until(lambda: site.at_work() == 1)
    if how == "revoked":
        del site.hub.people["vera"]
        answer = connection.getresponse()
        assert (answer.status, b"revoked" in answer.read()) == (403, True)
    connection.close()
    until(lambda: site.at_work() == 0, WITHIN_S)


def test_what_reads_is_interrupted_from_another_thread(tmp_path: Path):
    ending, ended = Ending(), []

    def read(shop: Shop) -> None:
        try:
            with shop.warehouse.reader(OWNER) as reader, ending.of(reader):
                reader.frame(ENDLESS)
        except Stopped as error:
            ended.append(str(error))

    with Shop.at(tmp_path) as shop:
        reading = threading.Thread(target=read, args=(shop,))
        reading.start()
        until(lambda: ending.end() or not reading.is_alive())
        reading.join()
        assert len(ended) == 1
        with pytest.raises(Stopped), shop.warehouse.reader(OWNER) as reader, ending.of(reader):
            raise AssertionError("it began")
        with shop.warehouse.reader(OWNER) as reader:  # and hurts nobody who comes after it
            assert reader.frame("SELECT 1 AS x").item() == 1
