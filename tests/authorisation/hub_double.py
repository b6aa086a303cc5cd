"""A server with the one address of the hub's API that the api asks, told what to answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from analyticspro.config import Home
from analyticspro.policy import Role, load_roles
from tests.local import free_port


def model(name: str, role: Role | None) -> dict[str, Any]:
    """Return what the hub tells of somebody."""
    of_role = {one["groups"][0]: one["scopes"] for one in load_roles() if "groups" in one}
    return {
        "kind": "user", "name": name, "groups": [str(role)] if role else [],
        "scopes": of_role[str(role)] if role else [], "session_id": None,
    }  # fmt: skip


class HubDouble:
    """Who has which token, how often it was asked, and a gate that keeps answers back."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.people: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.status = 200
        self.goes_on = threading.Event()
        self.goes_on.set()


@contextmanager
def doubling(home: Home) -> Iterator[HubDouble]:
    home.write_settings(hub_api_port=free_port())
    (home.path / "hub").mkdir(mode=0o700, exist_ok=True)
    (home.path / "hub" / "api-token").touch()
    double = HubDouble(home)

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            assert self.path == "/hub/api/user"
            token = self.headers["Authorization"].removeprefix("token ")
            double.asked.append(token)
            double.goes_on.wait(20)
            found = double.people.get(token)
            body = json.dumps(found or {"status": 403}).encode()
            self.send_response(double.status if found else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", home.settings.hub_api_port), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield double
    finally:
        double.goes_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
