"""A real hub with its proxy, and a browser's manners for talking to it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from analyticspro.config import Home, environment
from tests.local import free_port, until

ROOT = Path(__file__).parents[2]
AUTHENTICATOR = 'c.JupyterHub.authenticator_class = "tests.hub.authenticator.Named"\n'


class _AllIsLocal(httpx.HTTPTransport):
    """Goes to this machine for every name, as browsers do for those below localhost."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        here = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,  # the name stays in Host
            stream=request.stream,
            extensions=request.extensions,
        )
        answer = super().handle_request(here)
        # A cookie for the domain `localhost` is one for that host alone to a browser; Python
        # takes none at all.
        answer.headers = httpx.Headers(
            [
                (name, value.replace(" Domain=localhost;", ""))
                for name, value in answer.headers.multi_items()
            ]
        )
        return answer


class Visitor(httpx.Client):
    """A browser, as far as Python is one."""

    def __init__(self, home: Home, **more: Any) -> None:
        base = f"http://localhost:{home.settings.hub_port}"
        super().__init__(
            transport=_AllIsLocal(), base_url=base, follow_redirects=True, timeout=60, **more
        )
        self.home = home

    def send_form(self, path: str, **typed: str) -> httpx.Response:
        """Open a page, and send its form with what is typed into it."""
        page = self.get(path)
        [xsrf] = set(re.findall(r'name="_xsrf"\s+value="([^"]+)"', page.text))
        return self.post(path, data={**typed, "_xsrf": xsrf})

    @property
    def xsrf(self) -> str:
        """What a form of the hub sends along, to show that it is one."""
        [found] = [
            one.value or ""
            for one in self.cookies.jar
            if (one.name, one.path) == ("_xsrf", "/hub/")
        ]
        return found


class Person(Visitor):
    """A browser in which one person has signed in."""

    def __init__(self, home: Home, name: str) -> None:
        super().__init__(home)
        self.name = name

    def sign_in(self) -> httpx.Response:
        return self.send_form("/hub/login", username=self.name, password=f"{self.name}'s own")

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask the hub's API as a page of the hub does."""
        return self.request(method, f"/hub/api{path}", headers={"X-XSRFToken": self.xsrf}, **more)

    def token(self) -> str:
        answer = self.ask("POST", f"/users/{self.name}/tokens", json={"note": "test"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    @property
    def lab(self) -> str:
        return f"http://{self.name}.localhost:{self.home.settings.hub_port}/user/{self.name}"


def run_in_kernel(lab: str, token: str, code: str) -> str:
    """Run code in a new kernel of a Lab; return what it prints, its errors included."""
    headers = {"Authorization": f"token {token}", "Host": httpx.URL(lab).netloc.decode()}
    local = str(httpx.URL(lab).copy_with(host="127.0.0.1"))
    kernel = httpx.post(f"{local}/api/kernels", headers=headers, json={}, timeout=60).json()["id"]
    request = HTTPRequest(
        f"{local}/api/kernels/{kernel}/channels".replace("http://", "ws://"), headers=headers
    )
    return str(IOLoop().run_sync(lambda: _execute(request, code), timeout=60))


async def _execute(request: HTTPRequest, code: str) -> str:
    connection = await websocket_connect(request)
    asked = {
        "header": {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3",
                   "username": "", "session": uuid.uuid4().hex, "date": ""},
        "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
        "content": {"code": code, "silent": False, "store_history": False,
                    "user_expressions": {}, "allow_stdin": False, "stop_on_error": True},
    }  # fmt: skip
    await connection.write_message(json.dumps(asked))
    printed = ""
    while (text := await connection.read_message()) is not None:
        message = json.loads(text)
        content = message["content"]
        if message["msg_type"] == "stream":
            printed += content["text"]
        elif message["msg_type"] == "error":
            printed += "\n".join(content["traceback"])
        elif message["msg_type"] == "status" and content["execution_state"] == "idle" and printed:
            break
    connection.close()
    return printed


@contextmanager
def serving(home: Home, authenticator: str = AUTHENTICATOR) -> Iterator[None]:
    """Run the hub and the proxy of a home while the block runs."""
    home.write_settings(
        port=free_port(), api_port=free_port(), hub_port=free_port(), hub_api_port=free_port(),
        proxy_api_port=free_port(),
    )  # fmt: skip
    (home.path / "jupyterhub_config.py").write_text(authenticator)
    started = []
    with (home.path / "logs" / "hub.log").open("w") as log:
        for module in ("analyticspro.hub.proxy", "analyticspro.hub"):
            command = [sys.executable, "-m", module, "--home", str(home.path)]
            env = {**environment(), "PYTHONPATH": str(ROOT)}
            started.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
        try:
            until(lambda: _answers(home, started), 120)  # of a busy machine
            yield
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(60)


def _answers(home: Home, started: list[subprocess.Popen[bytes]]) -> bool:
    log = home.path / "logs" / "hub.log"
    assert all(process.poll() is None for process in started), log.read_text()
    try:
        with Person(home, "nobody") as stranger:
            return stranger.get("/hub/login").status_code == 200
    except httpx.HTTPError:
        return False
