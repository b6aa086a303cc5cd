"""Who comes through the hub's proxy: told by the hub, whose answers a small server gives here.

With the real hub it is tried in tests/standing and tests/browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from tornado.web import create_signed_value

from analyticspro.config import Addresses
from analyticspro.dashboards.identity import cookie_secret
from analyticspro.policy import Capability, permission
from tests.dashboards_server.serving import Site, new_home

READS = list(permission(Capability.DASHBOARD_READ).scopes)
PEOPLE = {
    "of-vera": {"kind": "user", "name": "vera", "scopes": READS},
    "of-otto": {"kind": "user", "name": "otto", "scopes": []},
    "of-robot": {"kind": "service", "name": "robot", "scopes": READS},
}
NO_PAGE = "/dashboards/no-such-page"


class Hub(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        told = PEOPLE.get(self.headers["Authorization"].removeprefix("token "))
        body = json.dumps(told or {"message": "no"}).encode()
        self.send_response(200 if told else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub_site(make_site: Callable[..., Site], tmp_path: Path) -> Site:
    return make_site(new_home(tmp_path / "home"))


@pytest.fixture
def hub(hub_site: Site) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", hub_site.home.settings.hub_api_port), Hub)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def cookie(site: Site, token: str, secret: bytes | None = None) -> str:
    key = secret or cookie_secret(site.home)
    return f"analyticspro-pages={create_signed_value(key, 'analyticspro-pages', token).decode()}"


def test_whom_the_hub_knows_is_let_in_by_right(hub_site: Site, hub: ThreadingHTTPServer):
    def ask(token: str, path: str = NO_PAGE) -> int:
        return hub_site.ask("GET", path, cookie=cookie(hub_site, token)).status

    assert ask("of-vera") == 404  # there is no such page: she was let in
    refused = hub_site.ask("GET", NO_PAGE, cookie=cookie(hub_site, "of-otto"))
    assert refused.status == 403
    assert "An admin of this workspace can give you another one" in refused.text
    assert ask("of-robot") == 403
    assert ask("of-nobody") == 401
    forged = cookie(hub_site, "of-vera", b"another key, long enough to be one")
    assert hub_site.ask("GET", NO_PAGE, cookie=forged).status == 401

    # A kernel of hers is not another's, be it the owner's.
    page = hub_site.ask("GET", "/dashboards/environment", cookie=cookie(hub_site, "of-vera")).text
    assert "of-vera" in page  # the kernel asks with her token
    [kernel] = {word for word in page.split('"') if word.count("-") == 4 and len(word) == 36}
    channel = f"/api/kernels/{kernel}"
    PEOPLE["of-rita"] = {"kind": "user", "name": "rita", "scopes": READS}
    assert (ask("of-vera", channel), ask("of-rita", channel)) == (200, 404)
    del PEOPLE["of-rita"]


def test_a_stranger_at_the_public_address_is_led_to_the_hub(hub_site: Site):
    addresses = Addresses.of(hub_site.home)
    host = urlsplit(addresses.pages).netloc
    led = hub_site.ask("GET", f"{NO_PAGE}?x=1", cookie="", Host=host)
    assert led.status == 302
    there = urlsplit(led.headers["Location"])
    assert f"{there.scheme}://{there.netloc}" == addresses.public
    asked = {name: value for name, [value] in parse_qs(there.query).items()}
    assert asked["redirect_uri"] == f"{addresses.pages}/oauth_callback"
    assert asked["code_challenge_method"] == "S256"
    # Whoever did not leave from here does not come back.
    back = f"/oauth_callback?code=c&state={asked['state']}"
    assert hub_site.ask("GET", back, cookie="", Host=host).status == 403
    assert hub_site.ask("GET", "/oauth_callback?code=c&state=s", Host=host).status == 403
    assert hub_site.ask("GET", NO_PAGE, cookie="", Host="evil.example").status in (401, 403)


def test_with_the_hub_away_only_whom_it_has_just_named_is_in(
    hub_site: Site, hub: ThreadingHTTPServer
):
    vera, nobody = cookie(hub_site, "of-vera"), cookie(hub_site, "of-nobody")
    assert hub_site.ask("GET", NO_PAGE, cookie=vera).status == 404
    hub.shutdown()
    hub.server_close()
    assert hub_site.ask("GET", NO_PAGE, cookie=vera).status == 404
    answer = hub_site.ask("GET", NO_PAGE, cookie=nobody)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
