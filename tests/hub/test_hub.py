"""A real hub behind its proxy: who gets in, who gets a Lab, and what that reaches."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest

from analyticspro.config import Home
from analyticspro.isolation.attacks import ATTACKS
from analyticspro.isolation.canary import bait
from analyticspro.policy import PERMISSIONS, Capability, Role, roles_with
from tests.hub.authenticator import PEOPLE
from tests.hub.serving import Person, run_in_kernel
from tests.local import until

People = dict[str, Person]
MAY_NOT = [name for name, roles in PEOPLE.items() if not {*roles} & roles_with(Capability.SERVERS)]
MAY = [name for name in PEOPLE if name not in MAY_NOT]


def test_a_wrong_password_signs_nobody_in(hub: Home):
    with Person(hub, "ada's own and so not") as stranger:
        assert stranger.sign_in().status_code == 403


@pytest.mark.parametrize("name", PEOPLE)
def test_everybody_holds_the_scopes_of_their_row_and_no_other(name: str, people: People):
    told = people[name].ask("GET", "/user").json()
    assert (told["name"], told["groups"], told["admin"]) == (name, PEOPLE[name], False)
    held = {scope for scope in told["scopes"] if scope.startswith("custom:")}
    assert held == {
        scope
        for row in PERMISSIONS
        if {*PEOPLE[name]} & {str(role) for role in row.roles}
        for scope in row.scopes
        if scope.startswith("custom:")
    }


@pytest.mark.parametrize("name", MAY_NOT)
class TestWhoMayHaveNoServer:
    def test_is_refused_by_page(self, name: str, people: People):
        assert people[name].get(f"/hub/spawn/{name}").status_code == 403
        assert people[name].get("/hub/spawn").status_code == 403

    def test_is_refused_by_form(self, name: str, people: People):
        person = people[name]
        answer = person.post(f"/hub/spawn/{name}", data={"_xsrf": person.xsrf})
        assert answer.status_code == 403
        assert "XSRF" not in answer.text

    def test_is_refused_by_api(self, name: str, people: People):
        answer = people[name].ask("POST", f"/users/{name}/server", json={})
        assert answer.status_code == 403
        assert "requires any of [start:servers]" in answer.json()["message"]

    def test_is_refused_by_token(self, name: str, hub: Home, people: People):
        headers = {"Authorization": f"token {people[name].token()}"}
        api = f"http://127.0.0.1:{hub.settings.hub_api_port}/hub/api"
        assert httpx.get(f"{api}/user", headers=headers).json()["name"] == name
        url = f"{api}/users/{name}/server"
        assert httpx.post(url, headers=headers, json={}).status_code == 403

    def test_is_not_offered_one(self, name: str, people: People):
        assert "My Server" not in people[name].get("/hub/home").text

    def test_gets_no_other_person_s(self, name: str, people: People, ada_s_token: str):
        assert people[name].get(f"{people['ada'].lab}/api/kernels").status_code == 403
        assert people[name].ask("DELETE", "/users/ada/server").status_code in (403, 404)


@pytest.fixture(scope="module")
def ada_s_token(people: People) -> str:
    """Ada's own, with her Lab running."""
    ada = people["ada"]
    assert ada.ask("POST", "/users/ada/server", json={}).status_code in (201, 202)
    token = ada.token()
    headers = {"Authorization": f"token {token}"}
    until(lambda: ada.get(f"{ada.lab}/api/status", headers=headers).status_code == 200, 60)
    return token


@pytest.mark.parametrize("name", MAY)
def test_who_may_have_a_server_is_offered_one(name: str, people: People):
    assert "My Server" in people[name].get("/hub/home").text


def test_lab_opens_on_a_host_name_of_its_own(people: People, ada_s_token: str):
    page = people["ada"].get("/user/ada/lab")
    assert page.status_code == 200
    assert page.url.host == "ada.localhost"
    assert "jupyter-config-data" in page.text
    with Person(people["ada"].home, "nobody") as stranger:
        assert stranger.get(f"{people['ada'].lab}/api/kernels").status_code == 403


CODE = """
import json, os, socket, urllib.request
def reach(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return "reached"
    except OSError as error:
        return error.strerror
api = os.environ["JUPYTERHUB_API_URL"]
print(json.dumps({
    "sum": 1 + 1,
    "hub": json.load(urllib.request.urlopen(api + "/"))["version"],
    "others": [reach(port) for port in PORTS],
    "home": os.path.lexists(HOME),
    "folder": os.getcwd(),
    "uid": os.getuid(),
    "files": os.listdir("/home"),
}))
"""


def test_code_in_a_kernel_is_shut_in(hub: Home, people: People, ada_s_token: str):
    settings = hub.settings
    closed = [settings.hub_port, settings.proxy_api_port, settings.port]
    code = f"PORTS, HOME = {closed}, {str(hub.path)!r}\n{CODE}"
    printed = run_in_kernel(people["ada"].lab, ada_s_token, code)
    told = json.loads(printed)
    version = httpx.get(f"http://127.0.0.1:{settings.hub_api_port}/hub/api/").json()["version"]
    assert told == {
        "sum": 2, "hub": version, "others": ["Connection refused"] * 3, "home": False,
        "folder": "/home/ada", "uid": 1000, "files": ["ada"],
    }  # fmt: skip


def test_no_attack_from_a_kernel_succeeds(tmp_path: Path, people: People, ada_s_token: str):
    """The suite of tests/security, which shows there that each succeeds without a sandbox."""
    with bait(tmp_path, None) as target:
        told = json.dumps(asdict(target) | {"own": "/home/ada"})
        code = f"""
import json
from analyticspro.isolation.attacks import ATTACKS, Target, attempt
print(json.dumps([len(ATTACKS), attempt(Target(**json.loads({told!r})))]))
"""
        printed = run_in_kernel(people["ada"].lab, ada_s_token, code)
    assert json.loads(printed) == [len(ATTACKS), []]


def test_the_hub_has_a_group_for_each_role(hub: Home, people: People):
    assert {str(role) for role in Role} == {role for roles in PEOPLE.values() for role in roles}
