"""Sessions of accounts, and what ends with them: over HTTP, at a real hub behind its proxy."""

from __future__ import annotations

import re

import httpx
import psutil
import pytest

from analyticspro import clock
from analyticspro.accounts import Person
from analyticspro.audit import AuditLog
from analyticspro.config import Home, secret
from analyticspro.policy import Role
from analyticspro.state import State
from tests.hub.serving import Visitor
from tests.hub.visiting import GOOD, OTHER, ROOT, is_in, sign_in
from tests.local import until


def test_a_session_that_is_ended_elsewhere_has_ended_here(add, accounts, visit):
    person, visitor, other = add(), visit(), visit()
    sign_in(visitor, person)
    sign_in(other, person)
    assert is_in(visitor)
    assert is_in(other)
    _, mine = sorted(accounts.entering.sessions(person.id), key=lambda one: -one.id)
    accounts.entering.revoke(person.id, mine.id, by=ROOT, now=clock.now())
    # The other device goes on asking, and does not cover for this one.
    until(lambda: is_in(other) and not is_in(visitor), 10)
    assert is_in(other)


def test_the_cookies_of_the_hub_alone_let_nobody_in(add, visit, gate):
    visitor = visit()
    sign_in(visitor, add())
    kept = [one for one in visitor.cookies.jar if one.name != "analyticspro-session"]
    assert len(kept) < len(list(visitor.cookies.jar))
    thief = visit()
    for one in kept:
        thief.cookies.jar.set_cookie(one)
    assert not is_in(thief)


def test_a_session_s_name_that_somebody_else_chose_is_not_kept(add, visit):
    visitor = visit()
    visitor.cookies.set("jupyterhub-session-id", "chosen", domain="localhost.local", path="/")
    answer = visitor.get("/hub/login")
    assert "chosen" in answer.request.headers["Cookie"]
    sign_in(visitor, add())
    names = [one.value for one in visitor.cookies.jar if one.name == "jupyterhub-session-id"]
    assert (len(names), "chosen" in names) == (1, False)
    assert is_in(visitor)


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(add, visit):
    visitor = visit()
    page = visitor.get("/hub/login")
    [xsrf] = set(re.findall(r'name="_xsrf" value="([^"]+)"', page.text))
    answer = visitor.post(
        "/hub/login",
        data={"email": add().email, "password": GOOD, "_xsrf": xsrf},
        follow_redirects=False,
    )
    [cookie] = [
        text
        for text in answer.headers.get_list("Set-Cookie")
        if text.startswith("analyticspro-session=")
    ]
    assert {"HttpOnly", "SameSite=Lax", "Path=/hub/"} <= {
        part.strip() for part in cookie.split(";")
    }


def test_a_removed_person_is_out_with_every_token(add, accounts, visit, gate):
    person, visitor = add(), visit()
    sign_in(visitor, person)
    api = f"http://127.0.0.1:{gate.settings.hub_api_port}/hub/api"
    token = _token(visitor, person)

    def answer() -> int:
        headers = {"Authorization": f"token {token}"}
        return httpx.get(f"{api}/user", headers=headers).status_code

    assert answer() == 200
    accounts.directory.remove(person.id, by=ROOT, now=clock.now())
    until(lambda: not is_in(visitor) and answer() == 403, 10)


def test_what_a_page_was_given_ends_with_the_session(add, accounts, visit, gate):
    person, visitor, other = add(), visit(), visit()
    sign_in(visitor, person)
    sign_in(other, person)
    api = f"http://127.0.0.1:{gate.settings.hub_api_port}/hub/api"
    tokens = [_page_s_token(one, gate) for one in (visitor, other)]

    def answers() -> list[int]:
        return [
            httpx.get(f"{api}/user", headers={"Authorization": f"token {token}"}).status_code
            for token in tokens
        ]

    assert answers() == [200, 200]
    _, mine = sorted(accounts.entering.sessions(person.id), key=lambda one: -one.id)
    accounts.entering.revoke(person.id, mine.id, by=ROOT, now=clock.now())
    until(lambda: answers() == [403, 200], 10)


def test_another_role_holds_within_seconds(add, accounts, visit, gate):
    person, visitor = add(Role.ANALYST), visit()
    sign_in(visitor, person)
    token = _token(visitor, person)
    api = f"http://127.0.0.1:{gate.settings.hub_api_port}/hub/api"

    def groups() -> list[str]:
        headers = {"Authorization": f"token {token}"}
        found: list[str] = httpx.get(f"{api}/user", headers=headers).json()["groups"]
        return found

    assert groups() == ["analyst"]
    assert "JupyterLab" in visitor.get("/hub/home").text
    accounts.directory.set_role(person.id, Role.VIEWER, by=ROOT, now=clock.now())
    until(lambda: groups() == ["viewer"] and "JupyterLab" not in visitor.get("/hub/home").text, 10)
    assert visitor.get("/hub/spawn").status_code == 403


@pytest.mark.parametrize("how", ["another role", "removed"])
def test_the_lab_of_who_may_have_none_any_more_ends(how, add, accounts, visit, gate):
    person, stays, visitor, other = add(Role.ANALYST), add(Role.ANALYST), visit(), visit()
    for one, browser in ((person, visitor), (stays, other)):
        sign_in(browser, one)
        url = f"/hub/api/users/{one.username}/server"
        started = browser.post(url, json={}, headers={"X-XSRFToken": _xsrf(browser)})
        assert started.status_code in (201, 202), started.text
    until(lambda: _answers(person, visitor) and _answers(stays, other), 60)
    assert _is_running(person, gate)
    if how == "removed":
        accounts.directory.remove(person.id, by=ROOT, now=clock.now())
    else:
        accounts.directory.set_role(person.id, Role.VIEWER, by=ROOT, now=clock.now())
    until(lambda: not _is_running(person, gate), 10)
    assert _is_running(stays, gate)


def test_signing_out_ends_the_session(add, accounts, visit):
    person, visitor = add(), visit()
    sign_in(visitor, person)
    kept = list(visitor.cookies.jar)
    assert visitor.send_form("/hub/logout").url.path == "/hub/login"
    assert accounts.entering.sessions(person.id) == []
    for one in kept:
        visitor.cookies.jar.set_cookie(one)
    assert not is_in(visitor)


def test_signing_out_everywhere_ends_all(add, visit):
    person, visitor, other = add(), visit(), visit()
    sign_in(visitor, person)
    sign_in(other, person)
    page = visitor.send_form("/hub/account", do="everywhere")
    assert page.url.path == "/hub/login"
    assert not is_in(visitor)
    assert not is_in(other)


def test_one_of_one_s_devices_is_signed_out_and_nobody_else_s(add, accounts, visit):
    person, visitor, other = add(), visit(), visit(headers={"User-Agent": "Other/1"})
    sign_in(visitor, person)
    sign_in(other, person)
    [theirs] = [one for one in accounts.entering.sessions(person.id) if one.agent == "Other/1"]
    page = visitor.send_form("/hub/account", do="end", session=str(theirs.id))
    assert "That device is signed out." in page.text
    assert (is_in(visitor), is_in(other)) == (True, False)
    stranger = add()
    sign_in(other, stranger)
    [another] = accounts.entering.sessions(stranger.id)
    refused = visitor.send_form("/hub/account", do="end", session=str(another.id))
    assert "No session" in refused.text
    assert is_in(other)


def test_a_password_is_changed_with_the_old_one_only(add, visit):
    person, visitor, other = add(), visit(), visit()
    sign_in(visitor, person)
    sign_in(other, person)
    wrong = visitor.send_form("/hub/account", do="password", old=OTHER, password=OTHER)
    assert (wrong.status_code, is_in(other)) == (403, True)
    page = visitor.send_form("/hub/account", do="password", old=GOOD, password=OTHER)
    assert "Your password is changed." in page.text
    assert (is_in(visitor), is_in(other)) == (True, False)
    assert sign_in(other, person).status_code == 403
    assert sign_in(other, person, OTHER).status_code == 200


def test_every_step_is_in_the_audit_log(gate):
    with State.open(gate.state_address) as state:
        told = {row.action for row in AuditLog.of(gate, state).newest(1000)}
    assert {"people.join", "sign_in", "sign_out", "people.role", "password"} <= told


def _xsrf(visitor: Visitor) -> str:
    [found] = [
        one.value or "" for one in visitor.cookies.jar if (one.name, one.path) == ("_xsrf", "/hub/")
    ]
    return found


def _answers(person: Person, visitor: Visitor) -> bool:
    """Tell whether a person's Lab has started, so that it refuses a stranger itself."""
    lab = f"http://{person.username}.localhost:{visitor.base_url.port}/user/{person.username}"
    answer = visitor.get(f"{lab}/api/kernels", follow_redirects=False)
    return answer.status_code == 403


def _is_running(person: Person, gate: Home) -> bool:
    """Tell whether this machine has a process that is this person's Lab."""
    told = f'{{"person": "{person.username}"'
    lines = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    words = (word for line in lines for word in line if str(gate.path.resolve()) in word)
    return any(word.startswith(told) for word in words)


def _token(visitor: Visitor, person: Person) -> str:
    url = f"/hub/api/users/{person.username}/tokens"
    answer = visitor.post(url, json={}, headers={"X-XSRFToken": _xsrf(visitor)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def _page_s_token(visitor: Visitor, gate: Home) -> str:
    """What the dashboards get by OAuth for who is signed in."""
    host = f"http://dashboards--service.localhost:{gate.settings.hub_port}"
    back = f"{host}/oauth_callback"
    asked = {"client_id": "service-dashboards", "redirect_uri": back, "response_type": "code"}
    answer = visitor.get("/hub/api/oauth2/authorize", params=asked, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    assert (answer.status_code, answer.headers["Location"][: len(back)]) == (302, back)
    known = {
        "client_id": "service-dashboards",
        "client_secret": secret(gate, "dashboards"),
        "grant_type": "authorization_code",
        "code": httpx.URL(answer.headers["Location"]).params["code"],
        "redirect_uri": back,
    }
    url = f"http://127.0.0.1:{gate.settings.hub_api_port}/hub/api/oauth2/token"
    return str(httpx.post(url, data=known).json()["access_token"])
