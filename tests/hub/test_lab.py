"""What code in a Lab gets from the api without typing anything: a real kernel of a real Lab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event

import httpx
import psutil
import pytest
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from analyticspro import clock
from analyticspro.accounts import Accounts, Person
from analyticspro.audit import Actor
from analyticspro.client import reach
from analyticspro.config import Addresses, Home
from analyticspro.metrics import Answer, Query
from analyticspro.policy import Role, capabilities_of, lab_scopes
from analyticspro.policy.hub import load_roles
from analyticspro.state import State
from tests.api.server import is_listening, launch
from tests.hub.serving import Visitor, run_in_kernel, serving
from tests.local import until
from tests.metrics.shop import EVENTS, Shop
from tests.servers.package_index import package_index

GOOD = "quiet harbour lantern 88"
ROOT = Actor("machine", "command line")


@dataclass(frozen=True)
class Site:
    """A hub and an api of one workspace that holds something."""

    home: Home
    accounts: Accounts

    def join(self, role: Role) -> Person:
        now = clock.now()
        link = self.accounts.joining.invite(f"{role}@acme.example", role, by=ROOT, now=now)
        return self.accounts.joining.accept(link.token, "Ada", GOOD, origin="192.0.2.7", now=now)


class Lab:
    """A person's Lab, from a browser in which the person has signed in."""

    def __init__(self, site: Site, role: Role) -> None:
        self.site, self.person = site, site.join(role)
        self.browser = Visitor(site.home)
        self.browser.send_form("/hub/login", email=self.person.email, password=GOOD)
        name, port = self.person.username, site.home.settings.hub_port
        self.url = f"http://{name}.localhost:{port}/user/{name}"
        self.ask(f"/users/{name}/server", 201, 202)
        until(lambda: self.answers(), 60)
        self.token = str(self.ask(f"/users/{name}/tokens", 201).json()["token"])
        headers = {"Authorization": f"token {self.token}"}
        until(lambda: self.browser.get(f"{self.url}/api", headers=headers).status_code == 200)

    def answers(self) -> bool:
        answer = self.browser.get(f"{self.url}/api/kernels", follow_redirects=False)
        return answer.status_code == 403

    def ask(self, path: str, *expected: int) -> httpx.Response:
        [xsrf] = [
            one.value or ""
            for one in self.browser.cookies.jar
            if (one.name, one.path) == ("_xsrf", "/hub/")
        ]
        headers = {"X-XSRFToken": xsrf}
        answer = self.browser.post(f"/hub/api{path}", json={}, headers=headers)
        assert answer.status_code in expected, answer.text
        return answer

    def run(self, code: str) -> str:
        return run_in_kernel(self.url, self.token, code)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = Home(tmp_path_factory.mktemp("lab") / "home").prepare()
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
    with serving(home, authenticator=""), State.open(home.state_address) as state:
        api = launch(home)
        try:
            until(lambda: is_listening(home.settings.api_port))
            base_url = f"{Addresses.of(home).public}/hub"
            yield Site(home, Accounts.of(home, state, base_url=base_url))
        finally:
            api.terminate()
            api.communicate(timeout=60)


@pytest.fixture(scope="module")
def analyst(site: Site) -> Iterator[Lab]:
    lab = Lab(site, Role.ANALYST)
    yield lab
    lab.browser.close()


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[Lab]:
    lab = Lab(site, Role.ADMIN)
    yield lab
    lab.browser.close()


FIGURES = """
import json, analyticspro
client = analyticspro.connect()
sql = client.sql("SELECT count(*) AS n, count(properties) AS told FROM events").rows()
get_ipython().run_line_magic("load_ext", "analyticspro")
magic = get_ipython().run_cell_magic("sql", "", "SELECT count(*) AS n FROM events").rows()
from analyticspro.metrics import Query
answer = client.answer(Query.of("revenue"))
revenue = [str(amount) for amount in answer.frame["revenue"]]
print(json.dumps([revenue, answer.provenance["asked_by"], sql, magic]))
"""


def test_an_analyst_s_code_gets_the_figures_that_the_analyst_may_see(site: Site, analyst: Lab):
    revenue, by, [[events, told]], [[magic]] = json.loads(analyst.run(FIGURES))
    [all_of_it] = reach(site.home).answers([Query.of("revenue")])
    assert isinstance(all_of_it, Answer)
    assert revenue == [str(amount) for amount in all_of_it.frame["revenue"]]
    assert by == analyst.person.username
    assert (events, magic, told) == (len(EVENTS), len(EVENTS), 0)  # all of it is for admins


TRIES = """
import json, os, urllib.error, urllib.request
token, me = os.environ["JUPYTERHUB_API_TOKEN"], os.environ["JUPYTERHUB_USER"]
hub, api = os.environ["JUPYTERHUB_API_URL"], os.environ["ANALYTICSPRO_LAB_API"]
def ask(address, method="GET", body=None):
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    asked = urllib.request.Request(address, body, headers, method=method)
    try:
        return urllib.request.urlopen(asked).status
    except urllib.error.HTTPError as error:
        return error.code
"""
EACH = """
print(json.dumps({
    "metrics": ask(api + "/v1/metrics"),
    "rejects": ask(api + "/v1/sources/shop/rejects?limit=1"),
    "ingest": ask(api + "/v1/track", "POST", b"{}"),
    "token of one's own": ask(f"{hub}/users/{me}/tokens", "POST", b"{}"),
    "another server": ask(f"{hub}/users/{me}/servers/more", "POST", b"{}"),
    "everybody": ask(hub + "/users"),
}))
"""


def test_the_token_may_nothing_that_the_person_may_not(analyst: Lab):
    assert json.loads(analyst.run(TRIES + EACH)) == {
        "metrics": 200, "rejects": 403, "ingest": 401, "token of one's own": 403,
        "another server": 403, "everybody": 403,
    }  # fmt: skip


@pytest.mark.parametrize("role", Role)
def test_scopes_of_labs_are_those_of_the_role(role: Role):
    [own] = [found for found in load_roles() if found["name"] == f"analyticspro-{role}"]
    [server] = {*lab_scopes(role)} - {*own["scopes"], "users:activity!user"}
    assert server == "access:servers!server"  # of that server alone
    assert not any(scope.endswith(("ingest", "tokens!user")) for scope in lab_scopes(role))
    assert len(lab_scopes(role)) <= len(capabilities_of(role)) + 1


def test_a_right_that_is_taken_away_is_gone_in_a_lab_that_runs(site: Site, admin: Lab):
    assert json.loads(admin.run(TRIES + EACH))["rejects"] == 200
    other = site.join(Role.MANAGER)  # an admin has to be left
    site.accounts.directory.set_role(other.id, Role.ADMIN, by=ROOT, now=clock.now())
    site.accounts.directory.set_role(admin.person.id, Role.ANALYST, by=ROOT, now=clock.now())
    until(lambda: json.loads(admin.run(TRIES + EACH))["rejects"] == 403, 10)
    assert json.loads(admin.run(TRIES + EACH))["metrics"] == 200  # the Lab goes on


INSTALL = """
import subprocess, sys
done = subprocess.run([sys.executable, "-m", "pip", "install", "--retries=0", *{words!r}],
                      capture_output=True, text=True)
print(done.returncode, done.stdout, done.stderr)
"""


def test_a_package_is_installed_for_oneself_if_an_admin_allows_it(
    site: Site, analyst: Lab, admin: Lab
):
    with package_index() as index:
        index.holds("keepsake", "1.0", "told = 'from the index'")
        off = analyst.run(INSTALL.format(words=["keepsake"]))
        assert "until-an-admin-sets-package_index" in off, off
        pinned = analyst.run(INSTALL.format(words=["keepsake==1.0"]))
        assert "0+ask.an.admin.to.set.package.index" in pinned, pinned
        site.home.write_settings(package_index=index.url)
        done = analyst.run(INSTALL.format(words=["keepsake"]))
        assert "Successfully installed keepsake-1.0" in done, done
        assert analyst.token not in done
    found = "import keepsake; print(keepsake.told, keepsake.__file__)"
    told = analyst.run(found)
    assert told.startswith("from the index /home/"), told
    assert "No module named 'keepsake'" in admin.run(found)
    folder = site.home.path / "people" / admin.person.username
    assert not (folder / "packages").exists()
    assert "from the index" in analyst.run(
        f"!{{sys.executable}} -c {found!r}".replace("!", "import sys\n!")
    )


async def closes(lab: str, kernel: str, browser: Visitor, connected: Event) -> bool:
    """Connect to a kernel as a browser does; return once the other side has hung up."""
    address = f"{lab}/api/kernels/{kernel}/channels"
    cookies = browser.build_request("GET", address).headers["cookie"]
    host, local = httpx.URL(address).netloc.decode(), httpx.URL(address).copy_with(host="127.0.0.1")
    headers = {"Cookie": cookies, "Host": host}
    socket = await websocket_connect(
        HTTPRequest(str(local).replace("http://", "ws://"), headers=headers)
    )
    connected.set()
    while await socket.read_message() is not None:
        pass
    socket.close()
    return True


def test_a_kernel_s_connection_ends_with_the_session_and_the_kernel_goes_on(
    site: Site, analyst: Lab
):
    own = {"Authorization": f"token {analyst.token}"}
    kernel = analyst.browser.post(f"{analyst.url}/api/kernels", headers=own, json={}).json()["id"]
    entering, connected = site.accounts.entering, Event()
    before = {session.id for session in entering.sessions(analyst.person.id)}
    with Visitor(site.home) as other, ThreadPoolExecutor(1) as beside:
        other.send_form("/hub/login", email=analyst.person.email, password=GOOD)
        assert "jupyter-config-data" in other.get(f"{analyst.url}/lab").text
        waiting = partial(closes, analyst.url, kernel, other, connected)
        ended = beside.submit(lambda: IOLoop().run_sync(waiting, timeout=60))
        assert connected.wait(30)
        [new] = {session.id for session in entering.sessions(analyst.person.id)} - before
        with pytest.raises(TimeoutError):
            ended.result(1)
        entering.revoke(analyst.person.id, new, by=ROOT, now=clock.now())
        assert ended.result(10)
    # Connections are broken twice more, for who may have come in again by what a Lab remembered.
    address = f"{analyst.url}/api/kernels/{kernel}"
    until(lambda: kernel in analyst.browser.get(address, headers=own).text)


def test_a_session_that_has_ended_has_ended_in_the_lab(site: Site, analyst: Lab):
    until(lambda: "jupyter-config-data" in analyst.browser.get(f"{analyst.url}/lab").text)
    contents = f"{analyst.url}/api/contents"
    until(lambda: analyst.browser.get(contents).status_code == 200)
    person = analyst.person.id
    site.accounts.entering.sign_out_everywhere(person, by=ROOT, now=clock.now())
    until(lambda: analyst.browser.get(contents).status_code == 403, 10)


def test_a_suspended_person_s_lab_has_ended_within_ten_seconds(site: Site, analyst: Lab):
    lab = processes_of(analyst.person.username)
    assert len(lab) > 2
    site.accounts.directory.suspend(analyst.person.id, by=ROOT, now=clock.now())
    until(lambda: not any(process.is_running() for process in lab), 10)


def processes_of(name: str) -> list[psutil.Process]:
    """Return what launched a person's Lab, and all that runs in its sandbox."""
    told = f'{{"person": "{name}"'
    found = [one for one in psutil.process_iter(["cmdline"])
             if any(word.startswith(told) for word in one.info["cmdline"] or ())]  # fmt: skip
    return [process for one in found for process in (one, *one.children(recursive=True))]
