"""Real services with people of different sight, and windows that have pages open."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.web import create_signed_value
from tornado.websocket import WebSocketClientConnection, websocket_connect

from analyticspro import clock
from analyticspro.audit import Actor
from analyticspro.collecting import WriteKeys
from analyticspro.dashboards.identity import cookie_secret
from analyticspro.policies import Holder, Policies
from analyticspro.policy import Grant, Role, RowFilter
from analyticspro.policy.tags import EVERYTHING
from analyticspro.state import State
from tests.authorisation.hub_double import HubDouble, doubling, model
from tests.dashboards_server.serving import Site, new_home, start, stop

MACHINE = Actor("machine", "command line")
PAGE = "/dashboards/overview?period=all"


@dataclass
class OpenSite(Site):
    """A page server, its api, and what the hub tells; each person sees one country."""

    hub: HubDouble = field(kw_only=True)
    key: str = field(kw_only=True)
    api: subprocess.Popen[bytes] = field(kw_only=True)

    def sends(self, *countries: str, name: str = "order_placed") -> None:
        """Have an event of each country stored."""
        batch = [
            {
                "type": "track",
                "messageId": f"{clock.now().timestamp()}-{number}",
                "event": name,
                "userId": f"of {country}",
                "timestamp": clock.now().isoformat(),
                "properties": {
                    "order_id": f"{clock.now().timestamp()}-{number}",
                    "revenue": 7,
                    "currency": "GBP",
                    "country": country,
                },
            }
            for number, country in enumerate(countries)
        ]
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.home.settings.api_port}/v1/batch",
            json.dumps({"batch": batch}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 202

    def cookie_of(self, token: str) -> str:
        value = create_signed_value(cookie_secret(self.home), "analyticspro-pages", token)
        return f"analyticspro-pages={value.decode()}"

    async def window(self, token: str, *, shows: str = "", path: str = PAGE) -> Window:
        """Open a page and its socket, as a browser does; one that `shows` an earlier page."""
        here = f"http://127.0.0.1:{self.port}"
        cookie = self.cookie_of(token)
        html = await asyncio.to_thread(lambda: self.ask("GET", path, cookie=cookie).text)
        headers = {"Cookie": cookie, "Origin": here}
        address = f"ws://127.0.0.1:{self.port}{path.replace('/dashboards/', '/live/')}"
        socket = await websocket_connect(HTTPRequest(address, headers=headers))
        told = re.search(r'id="told">(.*?)</script>', html, re.DOTALL)
        assert told is not None
        window = Window(html, socket, json.loads(told[1]))
        window.told["mark"] = shows or window.told["mark"]
        await window.shows()
        return window


@dataclass
class Window:
    """What a browser knows of a page."""

    html: str
    socket: WebSocketClientConnection
    told: dict[str, Any]
    is_live: bool = False
    received: list[bytes] = field(default_factory=list)  # unzipped

    async def shows(self) -> None:
        mark, width = self.told["mark"], self.told.get("width", 0)
        await self.socket.write_message(json.dumps({"shows": mark, "width": width}))

    async def step(self) -> Mapping[str, Any] | None:
        """Take the next message; return a step, None for a word. Raises EOFError at the end."""
        message = await asyncio.wait_for(self.socket.read_message(), 20)
        if message is None:
            raise EOFError(self.socket.close_code)
        if isinstance(message, str):
            self.is_live = json.loads(message)["live"]
            return None
        self.received.append(gzip.decompress(message))
        step: dict[str, Any] = json.loads(self.received[-1])
        self.told["mark"] = step["mark"]
        return step

    async def change(self) -> Mapping[str, Any]:
        """Return the next step, and say that it is shown."""
        while (step := await self.step()) is None:
            pass
        await self.shows()
        return step

    async def close(self) -> None:
        self.socket.close()
        while await asyncio.wait_for(self.socket.read_message(), 20) is not None:
            pass

    async def live(self) -> None:
        while not self.is_live:
            if await self.step() is not None:
                await self.shows()


def orders_in(html: str) -> int | None:
    found = re.search(r'data-metric="orders" data-value="(\d+)"', html)
    return int(found[1]) if found else None


@contextmanager
def open_site(folder: Path, sight: Mapping[str, str]) -> Iterator[OpenSite]:
    """Run services; each person of `sight`, whose name is their token, sees that country."""
    home = new_home(folder / "home")
    with State.open(home.state_address) as state:
        policies = Policies.of(home, state)
        for stored in policies.all():
            if str(stored.holder) == str(Holder.of_role(Role.VIEWER)):
                policies.withdraw(stored.number, by=MACHINE, now=clock.now())
        for name, country in sight.items():
            grant = Grant(frozenset({EVERYTHING}), (RowFilter("country", (country,)),))
            policies.grant(Holder.of_person(name), grant, by=MACHINE, now=clock.now())
    key = WriteKeys.of(home).create("shop", now=clock.now()).text
    with doubling(home) as hub:
        hub.people = {name: model(name, Role.VIEWER) for name in sight}
        api = start("analyticspro.api", home, home.settings.api_port)
        server = start("analyticspro.dashboards", home, home.settings.port)
        site = OpenSite(home, folder, server, hub=hub, key=key, api=api)
        try:
            site.sends(*sight.values())
            yield site
        finally:
            stop(server)
            stop(site.api)
