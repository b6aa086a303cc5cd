"""People come in by their account: over HTTP, at a real hub behind its proxy."""

from __future__ import annotations

import re

import httpx
import pytest

from analyticspro import clock
from analyticspro.accounts import Accounts, Person
from analyticspro.policy import Role
from tests.hub.members import joined
from tests.hub.visiting import GOOD, OTHER, ROOT, is_in, sign_in


@pytest.fixture(scope="module")
def wanderer(accounts: Accounts) -> Person:
    """Somebody who signs in again and again."""
    return joined(accounts, Role.VIEWER)


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


def _plain(answer: httpx.Response) -> str:
    return re.sub(r'name="_xsrf" value="[^"]+"', "", answer.text)
