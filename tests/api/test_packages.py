"""The relay to one index: nobody is led by it to any other place."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from analyticspro.audit import AuditLog
from analyticspro.config import Home
from analyticspro.state import State
from tests.api.server import Server, is_listening, launch
from tests.local import free_port, until
from tests.servers.package_index import PackageIndex, package_index

SIMPLE, FILES = "/v1/packages/simple", "/v1/packages/files"


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    with package_index() as found:
        yield found


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[PackageIndex]:
    """Another server of this machine, which nobody is to reach."""
    with package_index() as found:
        found.answers["/secret-1.0-py3-none-any.whl"] = b"secret"
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An api that may say of requests that they are none, and nothing else amiss."""
    home = Home(tmp_path_factory.mktemp("packages") / "home").prepare()
    port = free_port()
    process = launch(home, api_port=port)
    until(lambda: is_listening(port))
    yield Server(home, port, process)
    process.terminate()
    complaints = process.communicate(timeout=60)[1].decode()
    assert set(complaints.splitlines()) <= {"WARNING:  Invalid HTTP request received."}


@pytest.fixture(autouse=True)
def allowed(server: Server, index: PackageIndex) -> None:
    server.home.write_settings(package_index=index.url, package_hosts="")


def get(server: Server, path: str) -> tuple[int, str]:
    reply = server.call("GET", path)
    return reply.status, reply.body.decode("latin-1")


def noted(home: Home, action: str) -> set[tuple[str, str]]:
    with State.open(home.state_address) as state:
        rows = AuditLog.of(home, state).newest(100, action=action)
    return {(row.who, row.subject) for row in rows}


def test_a_file_comes_from_the_index(server: Server, index: PackageIndex):
    file = index.holds("kept", "1.0", "x = 1\n")
    page = json.loads(get(server, f"{SIMPLE}/Kept/")[1])
    [listed] = page["files"]
    assert listed["url"] == f"../../files/kept/{file}"
    reply = server.call("GET", f"{FILES}/kept/{file}")
    assert (reply.status, reply.body) == (200, index.answers[f"/files/{file}"])
    until(lambda: ("owner", f"kept {file}") in noted(server.home, "package.fetch"))


def test_only_what_is_asked_for_is_passed_on(server: Server, index: PackageIndex):
    file = index.holds("plain", "1.0")
    headers = {"Cookie": "a=b", "X-Forwarded-Host": "evil", "Host": "evil.example", "Range": "x"}
    assert server.call("GET", f"{FILES}/plain/{file}", headers=headers).status == 200
    method, _, sent = index.asked[-1]
    assert (method, sent["Host"]) == ("GET", index.place)
    assert {name.lower() for name in sent} == {
        "host", "accept", "accept-encoding", "connection", "user-agent"
    }  # fmt: skip


def test_off_it_says_who_may_allow_it(server: Server, index: PackageIndex):
    server.home.write_settings(package_index="")
    before = len(index.asked)
    [listed] = json.loads(get(server, f"{SIMPLE}/polars/")[1])["files"]
    assert listed["filename"] == "polars-0+ask.an.admin.to.set.package.index-py3-none-any.whl"
    assert "until-an-admin-sets-package_index" in listed["url"]
    status, told = get(server, f"/v1/packages/{listed['url'].removeprefix('../../')}")
    assert status == 422
    assert "An admin allows it" in told
    assert get(server, f"{FILES}/kept/kept-1.0-py3-none-any.whl")[0] == 422
    assert len(index.asked) == before
    subject = "kept kept-1.0-py3-none-any.whl"
    until(lambda: ("owner", subject) in noted(server.home, "package.refused"))


def test_files_elsewhere_come_only_from_hosts_that_are_named(
    server: Server, index: PackageIndex, elsewhere: PackageIndex
):
    file = "secret-1.0-py3-none-any.whl"
    index.links("secret", f"http://{elsewhere.place}/{file}")
    [listed] = json.loads(get(server, f"{SIMPLE}/secret/")[1])["files"]
    assert "/refused/" in listed["url"]
    assert "package_hosts" in listed["url"]
    status, told = get(server, f"{FILES}/secret/{file}")
    assert (status, "which package_hosts does not name" in told) == (403, True)
    assert elsewhere.asked == []
    server.home.write_settings(package_hosts=elsewhere.place)
    assert get(server, f"{FILES}/secret/{file}") == (200, "secret")
    elsewhere.asked.clear()


@pytest.mark.parametrize("kind", ["page", "file"])
@pytest.mark.parametrize(
    "where", ["http://{0}/secret-1.0-py3-none-any.whl", "//{0}/x", "http://localhost:{1}/x",
              "http://[::1]:{1}/x", "file:///etc/passwd", "http://x@{0}/"]
)  # fmt: skip
def test_a_redirect_leads_nowhere_else(
    kind: str, where: str, server: Server, index: PackageIndex, elsewhere: PackageIndex
):
    target = where.format(elsewhere.place, elsewhere.port)
    name = f"led{abs(hash((kind, where)))}"
    file = index.holds(name, "1.0")
    index.answers[f"/simple/{name}/" if kind == "page" else f"/files/{file}"] = target
    assert get(server, f"{FILES}/{name}/{file}")[0] == 403
    assert elsewhere.asked == []


def test_a_redirect_within_the_index_is_followed_not_for_ever(server: Server, index: PackageIndex):
    file = index.holds("moved", "1.0")
    index.answers["/there"] = index.answers[f"/files/{file}"]
    index.answers[f"/files/{file}"] = "/there"
    assert get(server, f"{FILES}/moved/{file}")[0] == 200
    index.answers[f"/files/{file}"] = f"/files/{file}"
    assert get(server, f"{FILES}/moved/{file}")[0] == 422


@pytest.mark.parametrize(
    "path",
    [
        f"{SIMPLE}/../", f"{SIMPLE}/..%2f..%2fadmin/", f"{SIMPLE}/%2e%2e/", f"{SIMPLE}/a%0d%0aX:b/",
        f"{SIMPLE}/http:%2f%2f127.0.0.1/", f"{FILES}/kept/..%2f..%2fsimple", f"{FILES}/kept/x.whl",
        f"{FILES}/kept/http%3A%2F%2F127.0.0.1%2Fsecret-1.0-py3-none-any.whl", f"{SIMPLE}/a%00/",
    ],
)  # fmt: skip
def test_names_are_names(path: str, server: Server, index: PackageIndex, elsewhere: PackageIndex):
    index.holds("kept", "1.0", "x = 1\n")
    before = {path for _, path, _ in index.asked}
    assert get(server, path)[0] in (404, 422)
    assert {path for _, path, _ in index.asked} - before <= {"/simple/kept/"}
    assert elsewhere.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading(method: str, server: Server, index: PackageIndex):
    before = len(index.asked)
    assert server.call(method, f"{SIMPLE}/kept/").status == 405
    assert len(index.asked) == before


@pytest.mark.parametrize(
    "request_line",
    ["CONNECT {0} HTTP/1.1", "GET http://{0}/secret-1.0-py3-none-any.whl HTTP/1.1",
     "GET /v1/packages/simple/x/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 50"],
)  # fmt: skip
def test_it_is_no_proxy(request_line: str, server: Server, elsewhere: PackageIndex):
    smuggled = f"0\r\n\r\nGET http://{elsewhere.place}/ HTTP/1.1\r\nHost: x\r\n\r\n"
    lines = f"{request_line.format(elsewhere.place)}\r\nHost: {elsewhere.place}\r\n"
    sent = f"{lines}Authorization: Bearer {server.home.token()}\r\n\r\n{smuggled}"
    with socket.create_connection(("127.0.0.1", server.port), 10) as end:
        end.sendall(sent.encode())
        answer = http.client.HTTPResponse(end)
        answer.begin()
        assert answer.status >= 400
    assert elsewhere.asked == []


def test_what_does_not_say_its_size_is_refused(server: Server, index: PackageIndex):
    file = index.holds("endless", "1.0")
    get(server, f"{SIMPLE}/endless/")
    index.is_chunked = True
    status, told = get(server, f"{FILES}/endless/{file}")
    index.is_chunked = False
    assert (status, "does not say how large" in told) == (422, True)


def test_a_password_counts_here_and_nowhere_else(server: Server):
    password = base64.b64encode(f"lab:{server.home.token()}".encode()).decode()
    for path, status in ((f"{SIMPLE}/none-such/", 404), ("/v1/metrics", 401)):
        headers = {"Authorization": f"Basic {password}"}
        assert server.call("GET", path, headers=headers, token=None).status == status
    for wrong in ("Basic x", "Basic", f"Basic {base64.b64encode(b'lab:').decode()}"):
        headers = {"Authorization": wrong}
        assert server.call("GET", f"{SIMPLE}/x/", headers=headers, token=None).status == 401
