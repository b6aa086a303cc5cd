"""What a dashboard's address answers."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable

import psutil
import pytest
import websocket

from tests.dashboards_server.serving import Site
from tests.local import until


def data_of(page: str) -> dict[str, object]:
    found = re.search(
        r'<script type="application/vnd.voila.cell-output\+json">(.*?)</script>', page
    )
    assert found
    data: dict[str, object] = json.loads(found[1])["data"]
    return data


def kernel_of(page: str) -> str:
    found = re.search(r'analyticspro.started\("([\w-]+)"\)', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "path",
    [
        "/voila/tree",
        "/voila/render/overview.ipynb",
        "/voila/files/overview.ipynb",
        "/voila/api/contents",
        "/voila/query/00000000-0000-0000-0000-000000000000",
        "/voila/templates/lab/static/voila.js",
        "/voila/static/voila.js",
        "/api/kernels",
        "/api/contents",
        "/login",
        "/assets/../server.py",
        "/assets/fonts/%2e%2e/%2e%2e/server.py",
    ],
)
def test_what_is_no_page_has_no_address(signed_in: Site, path: str) -> None:
    assert signed_in.ask("GET", path).status in (403, 404)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("overvew", 'href="/dashboards/overview"', id="nearest"),
        pytest.param("zzzzzzzz", 'href="/dashboards/slow"', id="all, if none is near"),
        pytest.param("%3Cb%3Eoverview", "&lt;b&gt;overview", id="escaped"),
        pytest.param("..%2Foverview", "There is no dashboard", id="no way out of the folder"),
        pytest.param("overview.ipynb", "There is no dashboard", id="no file names"),
    ],
)
def test_an_unknown_dashboard_suggests_what_there_is(
    signed_in: Site, name: str, words: str
) -> None:
    answer = signed_in.ask("GET", f"/dashboards/{name}")
    assert answer.status == 404
    assert words in answer.text


def test_the_first_bytes_are_the_page_as_it_waits(signed_in: Site) -> None:
    with signed_in.open("GET", "/dashboards/slow") as response:
        first = ""
        while 'id="waiting"' not in first and 'id="finished"' not in first:
            first += response.read1(100_000).decode(errors="replace")
    assert "Loading Slow" in first
    assert 'id="finished"' not in first
    assert "prefers-reduced-motion" in first


def test_who_leaves_early_leaves_no_kernel(signed_in: Site) -> None:
    before = set(signed_in.kernels())
    with signed_in.open("GET", "/dashboards/slow") as response:
        response.read1()
        until(lambda: set(signed_in.kernels()) - before)
    until(lambda: not set(signed_in.kernels()) - before)


def test_a_kernel_gets_the_parameters_and_no_secret(signed_in: Site) -> None:
    page = signed_in.ask("GET", "/dashboards/environment?period=2011-11&country=France").text
    environment = data_of(page)["application/json"]
    assert isinstance(environment, dict)
    assert environment["QUERY_STRING"] == "period=2011-11&country=France"
    assert environment["ANALYTICSPRO_HOME"] == str(signed_in.home.path)
    everything = json.dumps(environment)
    assert "a-key-of-a-source" not in everything
    assert signed_in.home.token() not in everything
    assert "analyticspro-" + str(signed_in.port) not in everything


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param(
            "unknown_metric",
            "No metric 'revenu\\u003cb>'. Did you mean 'revenue'?",
            id="our own errors say what is wrong",
        ),
        pytest.param("mistake", "The notebook of this page has an error", id="others are logged"),
        pytest.param("dying", "This page stopped", id="the kernel dies"),
    ],
)
def test_a_page_that_cannot_be_shown_says_so(signed_in: Site, name: str, words: str) -> None:
    before = set(signed_in.kernels())
    page = signed_in.ask("GET", f"/dashboards/{name}").text
    assert words in page
    assert "hunter2" not in page
    assert "Traceback" not in page
    until(lambda: not set(signed_in.kernels()) - before)


def test_a_page_is_sent_safely(signed_in: Site) -> None:
    headers = signed_in.ask("GET", "/dashboards/nothing").headers
    policy = headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy


def test_a_channel_runs_no_code_and_opens_to_no_other_site(signed_in: Site) -> None:
    kernel = kernel_of(signed_in.ask("GET", "/dashboards/environment").text)
    address = f"ws://127.0.0.1:{signed_in.port}/api/kernels/{kernel}/channels"
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(address, cookie=signed_in.cookie, origin="http://evil.example")
    assert refused.value.status_code == 403
    marker = signed_in.home.path / "ran"
    channel = websocket.create_connection(
        address, cookie=signed_in.cookie, origin=f"http://127.0.0.1:{signed_in.port}"
    )
    for kind, content in (
        ("execute_request", {"code": f"open({str(marker)!r}, 'w')", "silent": False}),
        ("kernel_info_request", {}),
    ):
        header = {"msg_id": kind, "msg_type": kind, "session": "s", "username": "", "version": "5"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        channel.send(json.dumps({**message, "channel": "shell", "buffers": []}))
    answered = set()
    while "kernel_info_request" not in answered:
        answered.add(json.loads(channel.recv())["parent_header"].get("msg_type"))
    channel.close()
    assert "execute_request" not in answered
    assert not marker.exists()


def test_a_closed_page_ends_its_kernel(signed_in: Site) -> None:
    before = set(signed_in.kernels())
    answer = signed_in.ask("GET", "/dashboards/environment")
    kernel, token = kernel_of(answer.text), answer.cookies.get("_xsrf", "")
    opened = set(signed_in.kernels()) - before
    assert len(opened) == 1
    path = f"/voila/api/shutdown/{kernel}"
    assert signed_in.ask("POST", path).status == 403
    cookie = f"{signed_in.cookie}; _xsrf={token}"
    if not token:  # the cookie was set at sign-in
        cookie, token = signed_in.cookie, signed_in.cookie.split("_xsrf=")[1]
    assert signed_in.ask("POST", path, cookie=cookie, X_XSRFToken=token).status == 204
    assert not set(signed_in.kernels()) & opened


def test_too_many_pages_are_refused_politely(own_site: Callable[..., Site]) -> None:
    site = own_site("--most-pages", "1")
    assert site.ask("GET", "/dashboards/environment").status == 200
    refused = site.ask("GET", "/dashboards/environment")
    assert refused.status == 503
    assert "Too many pages are open" in refused.text
    assert refused.headers["Retry-After"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_kernel_outlives_the_server(
    own_site: Callable[..., Site], number: signal.Signals
) -> None:
    site = own_site()
    with site.open("GET", "/dashboards/slow") as response:
        response.read1()
        until(site.kernels)
        kernels = site.kernels()
        os.kill(site.server.pid, number)
        site.server.wait(20)
    _, alive = psutil.wait_procs(kernels, timeout=20)
    assert not alive
    if number != signal.SIGKILL:
        assert site.server.returncode == 0
        assert not (site.home.path / "run" / "dashboards.json").exists()
