"""People come in by their account: over HTTP, at a real hub behind its proxy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import httpx
import psutil
import pytest

from analyticspro import clock
from analyticspro.accounts import Accounts, Person
from analyticspro.audit import Actor, AuditLog
from analyticspro.config import Home, secret
from analyticspro.policy import Role
from analyticspro.state import State
from tests.hub.serving import Visitor
from tests.local import until

GOOD = "quiet harbour lantern 88"
OTHER = "velvet orbit pelican 17"
ROOT = Actor("machine", "command line")
NUMBERS = count(1)


@pytest.fixture
def visit(gate: Home) -> Iterator[Callable[..., Visitor]]:
    """Another browser each time."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(Visitor(gate, **more))


@pytest.fixture
def add(accounts: Accounts) -> Callable[..., Person]:
    """Have somebody join."""
    return lambda role=Role.VIEWER: joined(accounts, role)


@pytest.fixture(scope="module")
def wanderer(accounts: Accounts) -> Person:
    """Somebody who signs in again and again."""
    return joined(accounts, Role.VIEWER)


def joined(accounts: Accounts, role: Role) -> Person:
    now, email = clock.now(), f"person{next(NUMBERS)}@acme.example"
    link = accounts.joining.invite(email, role, by=ROOT, now=now)
    return accounts.joining.accept(link.token, "Ada", GOOD, origin="192.0.2.7", now=now)


def sign_in(visitor: Visitor, person: Person, password: str = GOOD, after: str = ""):
    path = "/hub/login" + (f"?next={after}" if after else "")
    return visitor.send_form(path, email=person.email, password=password)


def is_in(visitor: Visitor) -> bool:
    """Tell whether a page of the hub's own, which asks no account, lets somebody in."""
    return visitor.get("/hub/token", follow_redirects=False).status_code == 200


def test_the_first_admin_comes_by_the_link(accounts, visit, gate):
    link = accounts.joining.first_admin_link(now=clock.now())
    assert link.url.startswith(f"http://localhost:{gate.settings.hub_port}/hub/join?token=")
    first = visit()
    path = link.url.partition(str(gate.settings.hub_port))[2]
    refused = first.send_form(path, name="Ada", email="first@acme.example", password="short")
    assert (refused.status_code, "password is too short" in refused.text) == (400, True)
    answer = first.send_form(path, name="Ada", email="first@acme.example", password=GOOD)
    assert (answer.url.raw_path, "Hello, Ada" in answer.text) == (b"/hub/home", True)
    second = visit().get(path)
    assert (second.status_code, "used already" in second.text) == (403, True)
    assert accounts.joining.first_admin_link(now=clock.now()) is None


def test_who_signs_up_signs_in_then_as_a_viewer(visit, accounts):
    visitor = visit()
    typed = {"name": "Vera", "email": "Vera@acme.example", "password": GOOD}
    answer = visitor.send_form("/hub/signup", **typed)
    assert "Your account is ready" in answer.text
    start = visitor.send_form("/hub/login", email="vera@ACME.example", password=GOOD)
    assert "viewer" in start.text
    assert "JupyterLab" not in start.text
    assert accounts.directory.named("vera@acme.example").role == "viewer"


def test_sign_up_tells_nobody_whether_an_address_has_an_account(add, visit):
    known = add()
    typed = {"name": "Mallory", "password": OTHER}
    answers = [
        visit().send_form("/hub/signup", email=email, **typed)
        for email in (known.email, "nobody-else@acme.example")
    ]
    assert len({(answer.status_code, _plain(answer)) for answer in answers}) == 1
    assert sign_in(visit(), known, OTHER).status_code == 403


def test_a_wrong_password_and_nobody_s_address_look_alike(add, visit):
    known = add()
    answers = [
        visit().send_form("/hub/login", email=email, password=OTHER)
        for email in (known.email, "who@acme.example")
    ]
    shown = {_plain(answer).replace(known.email, "who@acme.example") for answer in answers}
    assert len(shown) == 1
    assert {answer.status_code for answer in answers} == {403}
    assert "The e-mail address or the password is wrong." in shown.pop()


def test_what_was_typed_comes_back_escaped_and_the_password_never(visit):
    evil = '"><script>alert(1)</script>'
    answer = visit().send_form("/hub/login", email=evil, password=OTHER)
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert OTHER not in answer.text


def test_too_many_attempts_are_locked_out_and_told_so(add, visit):
    person, visitor = add(), visit()
    found = [sign_in(visitor, person, OTHER).status_code for _ in range(7)]
    assert found == [403] * 6 + [429]
    answer = sign_in(visitor, person)
    assert (answer.status_code, "Too many attempts. Try again in" in answer.text) == (429, True)
    assert not is_in(visitor)


@pytest.mark.parametrize("path", ["/hub/login", "/hub/signup", "/hub/reset", "/hub/logout"])
def test_a_form_from_elsewhere_is_refused(path, visit, add):
    visitor = visit()
    person = add()
    if path == "/hub/logout":
        sign_in(visitor, person)
    typed = {"email": person.email, "password": GOOD, "name": "Ada"}
    answer = visitor.post(path, data=typed | {"_xsrf": "guessed"})
    assert (answer.status_code, "too old" in answer.text) == (403, True)
    assert is_in(visitor) == (path == "/hub/logout")


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example",
        "\\\\evil.example", "http:evil.example", "javascript:alert(1)", "%2F%2Fevil.example",
        "http://localhost.evil.example/", "/%09/evil.example",
    ],
)  # fmt: skip
def test_the_sign_in_leads_nowhere_else(after, wanderer, visit):
    visitor = visit()
    page = visitor.get("/hub/login", params={"next": after})
    [xsrf] = set(re.findall(r'name="_xsrf" value="([^"]+)"', page.text))
    answer = visitor.post(
        "/hub/login",
        params={"next": after},
        data={"email": wanderer.email, "password": GOOD, "_xsrf": xsrf},
        follow_redirects=False,
    )
    assert answer.status_code == 302
    to = httpx.URL(str(page.url)).join(answer.headers["Location"])
    assert to.host == "localhost"
    assert not answer.headers["Location"].startswith(("//", "/\\", "/\t"))


def test_the_sign_in_leads_back_to_where_one_was_going(add, visit):
    visitor = visit()
    asked = visitor.get("/hub/account")
    assert asked.url.path == "/hub/login"
    back = visitor.send_form(str(asked.url.raw_path, "ascii"), email=add().email, password=GOOD)
    assert back.url.raw_path == b"/hub/account"


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


def test_an_admin_s_link_lets_one_choose_a_new_password_once(add, accounts, visit, gate):
    person, visitor = add(), visit()
    link = accounts.recovery.link(person.id, by=ROOT, now=clock.now())
    path = link.url.partition(str(gate.settings.hub_port))[2]
    assert "easily guessed" in visitor.send_form(path, password="password1234").text
    assert "Your password is changed" in visitor.send_form(path, password=OTHER).text
    assert sign_in(visitor, person, OTHER).status_code == 200
    again = visit().send_form(path, password=GOOD)
    assert (again.status_code, "used already" in again.text) == (403, True)


def test_without_mail_a_forgotten_password_leads_to_an_admin(visit):
    assert "Ask an admin" in visit().get("/hub/reset").text


def test_pages_run_no_script_and_leave_no_trace(visit):
    for page in ("login", "signup", "join?token=x", "reset?token=x", "confirm?token=x"):
        answer = visit().get(f"/hub/{page}")
        assert "<script" not in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; ")
        assert "unsafe" not in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


def test_no_secret_is_in_the_log(add, accounts, visit, gate):
    person, visitor = add(), visit()
    sign_in(visitor, person)
    link = accounts.recovery.link(person.id, by=ROOT, now=clock.now())
    visitor.get(link.url.partition(str(gate.settings.hub_port))[2])
    log = (gate.path / "logs" / "hub.log").read_text()
    session = next(o.value for o in visitor.cookies.jar if o.name == "analyticspro-session")
    assert "/hub/reset" in log
    assert [text for text in (GOOD, link.token, session, person.email) if text in log] == []


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


def _plain(answer: httpx.Response) -> str:
    return re.sub(r'name="_xsrf" value="[^"]+"', "", answer.text)
