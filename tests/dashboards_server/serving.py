"""A page server as a test sees it: a real process, spoken to over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil

from analyticspro.config import Home
from tests.local import free_ports, until

COUNTER = '''
import anywidget, traitlets, os

class Counter(anywidget.AnyWidget):
    _esm = """
    function render({ model, el }) {
      const button = document.createElement("button");
      const show = () => { button.textContent = model.get("query") + " " + model.get("value"); };
      button.className = "count";
      button.onclick = () => model.send({});
      model.on("change:value", show);
      show();
      el.append(button);
    }
    export default { render };
    """
    value = traitlets.Int(0).tag(sync=True)
    query = traitlets.Unicode(os.environ["QUERY_STRING"]).tag(sync=True)

    def __init__(self):
        super().__init__()
        self.on_msg(self.add)

    def add(self, widget, content, buffers):
        self.value += 1

Counter()
'''
NOTEBOOKS = {
    "overview": ["# Counting\n\nFor those who test.", COUNTER],
    "environment": [
        "# Environment",
        "import os\nfrom IPython.display import JSON\nJSON(dict(os.environ))",
    ],
    "unknown_metric": [
        "# Unknown metric",
        "from analyticspro.errors import UnknownName\n"
        "raise UnknownName.of('metric', 'revenu<b>', ['revenue'])",
    ],
    "mistake": ["# Mistake", "password = 'hunter2'\nraise ValueError('hunter2')"],
    "dying": ["# Dying", "import os\nos.kill(os.getpid(), 9)"],
    "slow": ["# Slow", "import time\ntime.sleep(600)"],
    "nothing": ["# Nothing", "1 + 1;"],
}


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def cookies(self) -> dict[str, str]:
        pairs = (line.split(";")[0] for line in self.headers.get_all("Set-Cookie") or [])
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def cookie_header(self) -> str:
        """What a browser sends after this answer."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


@dataclass
class Site:
    """A page server under test."""

    home: Home
    notebooks: Path
    server: subprocess.Popen[bytes]
    cookie: str = ""

    @property
    def port(self) -> int:
        return self.home.settings.port

    @contextmanager
    def open(
        self, method: str, path: str, *, cookie: str | None = None, **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request; leaving the block closes the connection, read or not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        chosen = self.cookie if cookie is None else cookie
        try:
            connection.request(method, path, headers={"Cookie": chosen, **sent})
            with connection.getresponse() as response:
                yield response
        finally:
            connection.close()

    def ask(self, method: str, path: str, *, cookie: str | None = None, **headers: str) -> Answer:
        with self.open(method, path, cookie=cookie, **headers) as response:
            return Answer(
                response.status, response.headers, response.read().decode(errors="replace")
            )

    def link(self) -> str:
        """Return the path of a one-time link."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.home.settings.api_port}/v1/links",
            method="POST",
            headers={"Authorization": f"Bearer {self.home.token()}"},
        )
        with urllib.request.urlopen(request) as response:
            return f"/signin?code={json.load(response)['code']}"

    def sign_in(self, link: str = "") -> None:
        self.cookie = self.ask("GET", link or self.link(), cookie="").cookie_header

    def kernels(self) -> list[psutil.Process]:
        found = []
        for child in psutil.Process(self.server.pid).children():
            with suppress(psutil.Error):  # it ended while it was looked at
                if "ipykernel_launcher" in child.cmdline():
                    found.append(child)
        return found

    @property
    def log(self) -> str:
        return (self.home.path / "logs" / "dashboards.log").read_text()


def write_notebooks(folder: Path) -> Path:
    for name, (words, *cells) in NOTEBOOKS.items():
        notebook = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_markdown_cell(words),
                *(nbformat.v4.new_code_cell(cell) for cell in cells),
            ]
        )
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


def new_home(folder: Path) -> Home:
    home = Home(folder).prepare()
    home.write_settings(**free_ports())
    return home


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
            return True
    except OSError:
        return False


def start(module: str, home: Home, port: int, *more: str) -> subprocess.Popen[bytes]:
    with (home.path / "logs" / f"{module.split('.')[-1]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--home", str(home.path), *more],
            stdout=log,
            stderr=log,
            env={**os.environ, "SOURCE_API_KEY": "a-key-of-a-source"},
        )
    until(lambda: answers(port) or process.poll() is not None)
    assert process.poll() is None, (home.path / "logs").glob("*.log")
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(30)
