"""People come in by their organisation's provider: a real hub, a real OpenID Connect server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from analyticspro import clock
from analyticspro.accounts import Accounts
from analyticspro.audit import Actor, AuditLog
from analyticspro.config import Addresses, Home, environment
from analyticspro.policy import Role
from analyticspro.secrets_store import Secrets
from analyticspro.state import State
from tests.hub.serving import Visitor, serving
from tests.local import free_port, until

GOOD = "quiet harbour lantern 88"
SECRET = "the client's secret 5f1e"
ROOT = Actor("machine", "command line")


class Provider:
    """A provider's process, and the people that it knows."""

    def __init__(self, port: int, log: Path) -> None:
        self.url, self._log = f"http://localhost:{port}", log
        self._command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]

    def start(self) -> None:
        env = {**environment(), "AUTHLIB_INSECURE_TRANSPORT": "1"}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._command, env=env, stdout=log, stderr=log)
        until(self._answers)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def knows(self, sub: str, **claims: object) -> str:
        said = {"email": f"{sub}@acme.example", "email_verified": True, "name": sub.title()}
        httpx.put(f"{self.url}/users/{sub}", json=said | claims).raise_for_status()
        return sub

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return httpx.get(self.url).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    return Provider(free_port(), tmp_path_factory.mktemp("provider") / "log")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, stopped: Provider) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("oidc") / "home").prepare()
    home.write_settings(
        oidc_issuer=stopped.url, oidc_client_id="analytics", oidc_name="Acme",
        oidc_roles="Admins=admin, Data team=analyst, Everybody=viewer",
        oidc_domains="acme.example",
    )  # fmt: skip
    Secrets.open(home).set("oidc", "client_secret", SECRET, now=clock.now())
    with serving(home, authenticator=""):
        yield home


@pytest.fixture(scope="module")
def accounts(site: Home) -> Iterator[Accounts]:
    with State.open(site.state_address) as state:
        yield Accounts.of(site, state, base_url=f"{Addresses.of(site).public}/hub")


@pytest.fixture
def visit(site: Home) -> Iterator[Callable[[], Visitor]]:
    """Another browser each time."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Visitor(site))


@pytest.fixture(scope="module")
def provider(site: Home, stopped: Provider) -> Iterator[Provider]:
    stopped.start()
    yield stopped
    stopped.stop()


def unchanged(url: str) -> str:
    return url


def come(
    visitor: Visitor,
    sub: str,
    *,
    after: str = "",
    there: Callable[[str], str] = unchanged,
    back: Callable[[str], str] = unchanged,
) -> httpx.Response:
    """Sign in by the provider; `there` and `back` change the addresses that lead so."""
    asked = visitor.get("/hub/oauth_login", params={"next": after}, follow_redirects=False)
    answer = visitor.post(
        there(asked.headers["location"]), data={"sub": sub}, follow_redirects=False
    )
    return visitor.get(back(answer.headers["location"]))


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/hub/keys", follow_redirects=False).status_code == 200


def changed(name: str, value: str) -> Callable[[str], str]:
    return lambda url: str(httpx.URL(url).copy_set_param(name, value))


def test_while_the_provider_is_down_that_is_said_and_local_accounts_come_in(visit, accounts):
    answer = visit().get("/hub/oauth_login")
    assert (answer.status_code, "Acme cannot sign you in now" in answer.text) == (503, True)
    link = accounts.joining.first_admin_link(now=clock.now())
    root = visit()
    path = link.url.partition("/hub/")[2]
    root.send_form(f"/hub/{path}", name="Root", email="root@acme.example", password=GOOD)
    assert is_in(root)
    assert "Sign in with Acme" in visit().get("/hub/login").text


def test_who_signs_in_there_is_here_with_the_role_of_the_claims(provider, visit, accounts):
    ada, visitor = provider.knows("ada", groups=["Data team", "Everybody"]), visit()
    answer = come(visitor, ada, after="/hub/account")
    assert (answer.status_code, answer.url.path) == (200, "/hub/account")
    person = accounts.directory.named("ada@acme.example")
    assert (person.name, person.role, person.password_hash) == ("Ada", Role.ANALYST, None)
    assert visitor.get("/hub/api/user").json()["groups"] == ["analyst"]


def test_a_role_that_is_taken_away_there_is_gone_at_the_next_sign_in(provider, visit, accounts):
    vic, visitor = provider.knows("vic", groups=["Admins"]), visit()
    come(visitor, vic)
    before = accounts.directory.named("vic@acme.example")
    provider.knows("vic", groups="Everybody", email="victor@acme.example")
    come(visit(), vic)
    after = accounts.directory.get(before.id)
    assert (before.role, after.role) == (Role.ADMIN, Role.VIEWER)
    until(lambda: visitor.get("/hub/api/user").json()["groups"] == ["viewer"], 10)
    provider.knows("vic", groups=[])
    refused = come(visit(), vic)
    assert (refused.status_code, "gives you no role here" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        pytest.param({"email_verified": False}, "was verified", id="not verified"),
        pytest.param({"email_verified": None}, "was verified", id="nothing said"),
        pytest.param({"email": None}, "was verified", id="no address"),
        pytest.param({"email": "x@evil.example"}, "Only addresses of acme.example", id="domain"),
        pytest.param({"email": "x@y@acme.example"}, "cannot be used", id="no real address"),
        pytest.param({"groups": ["Interns"]}, "gives you no role here", id="no role"),
        pytest.param({"groups": {"Admins": 1}}, "gives you no role here", id="no list"),
    ],
)
def test_claims_that_let_nobody_in(claims, told, provider, visit, accounts):
    before = len(accounts.directory.all())
    visitor, sub = visit(), provider.knows("mallory", **{"groups": ["Everybody"]} | claims)
    answer = come(visitor, sub)
    assert (answer.status_code, told in answer.text, is_in(visitor)) == (403, True, False)
    assert len(accounts.directory.all()) == before


@pytest.mark.parametrize(
    "ways",
    [
        pytest.param({"there": changed("nonce", "0" * 64)}, id="nonce of another sign-in"),
        pytest.param({"there": changed("nonce", "")}, id="no nonce"),
        pytest.param({"there": changed("client_id", "another")}, id="token of another client"),
        pytest.param({"there": changed("state", "e30=")}, id="state without an id"),
        pytest.param({"back": changed("state", "guessed")}, id="state of another"),
        pytest.param({"back": changed("code", "guessed")}, id="code of nobody"),
        pytest.param({"back": changed("error", "<b>Call 555</b>")}, id="an error to be shown"),
    ],
)
def test_what_comes_back_otherwise_signs_nobody_in(ways, provider, visit):
    visitor, sub = visit(), provider.knows("eve", groups=["Everybody"])
    answer = come(visitor, sub, **ways)
    assert (answer.status_code, is_in(visitor)) == (403, False)
    assert "Call 555" not in answer.text


def test_the_way_back_counts_in_the_browser_that_went(provider, visit):
    sub, victim = provider.knows("eve", groups=["Everybody"]), visit()
    caught: list[str] = []
    come(visit(), sub, back=lambda url: caught.append(url) or "/hub/login")
    assert victim.get(caught[0]).status_code == 403
    assert not is_in(victim)


def test_each_sign_in_has_a_secret_of_its_own(visit, provider):
    asked = [
        httpx.URL(visit().get("/hub/oauth_login", follow_redirects=False).headers["location"])
        for _ in range(2)
    ]
    for url in asked:
        assert url.params["code_challenge_method"] == "S256"
        assert url.params["redirect_uri"].endswith("/hub/oauth_callback")
    for name in ("state", "nonce", "code_challenge"):
        assert len({url.params[name] for url in asked}) == 2


@pytest.mark.parametrize(
    "after", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_sign_in_leads_nowhere_else(after, provider, visit):
    answer = come(visit(), provider.knows("ada", groups=["Data team"]), after=after)
    assert answer.url.host == "localhost"
    assert answer.url.path.startswith("/hub/")


def test_an_account_that_another_made_ahead_is_not_theirs(provider, visit, accounts):
    squatter = visit()
    squatter.send_form("/hub/signup", name="X", email="boss@acme.example", password=GOOD)
    squatter.send_form("/hub/login", email="boss@acme.example", password=GOOD)
    assert is_in(squatter)
    come(visit(), provider.knows("boss", groups=["Admins"]))
    assert not is_in(squatter)
    again = squatter.send_form("/hub/login", email="boss@acme.example", password=GOOD)
    assert again.status_code == 403


def test_an_address_that_became_another_s_opens_no_account(provider, visit):
    old = provider.knows("old", groups=["Everybody"], email="desk@acme.example")
    assert come(visit(), old).status_code == 200
    new, visitor = provider.knows("new", groups=["Everybody"], email="desk@acme.example"), visit()
    answer = come(visitor, new)
    assert (answer.status_code, "belongs to another account" in answer.text) == (403, True)
    assert not is_in(visitor)


def test_who_was_removed_here_comes_in_by_invitation_only(provider, visit, accounts):
    gone = provider.knows("gone", groups=["Everybody"])
    come(visit(), gone)
    person = accounts.directory.named("gone@acme.example")
    accounts.directory.remove(person.id, by=ROOT, now=clock.now())
    answer = come(visit(), gone)
    assert (answer.status_code, "was removed" in answer.text) == (403, True)


def test_the_last_admin_stays_one_with_a_password(provider, visit, accounts):
    root = accounts.directory.named("root@acme.example")
    for other in accounts.directory.all():
        if other.role == Role.ADMIN and other.id != root.id:
            accounts.directory.set_role(other.id, Role.VIEWER, by=ROOT, now=clock.now())
    come(visit(), provider.knows("root", groups=["Everybody"]))
    visitor = visit()
    visitor.send_form("/hub/login", email="root@acme.example", password=GOOD)
    assert is_in(visitor)
    assert accounts.directory.get(root.id).role == Role.ADMIN


def test_nobody_makes_a_proof_of_json(visit, accounts):
    visitor = visit()
    visitor.get("/hub/login")
    xsrf = next(o.value for o in visitor.cookies.jar if (o.name, o.path) == ("_xsrf", "/hub/"))
    claims = {"issuer": "x", "subject": "root", "email": "root@acme.example", "is_verified": True}
    answer = visitor.post(
        "/hub/api/users/p1/tokens",
        json={"auth": {"username": "p1", "proof": claims, "email": "root@acme.example",
                       "password": "guessed at all"}},
        headers={"X-XSRFToken": xsrf or ""},
    )  # fmt: skip
    assert answer.status_code in (403, 500)
    assert "token" not in answer.json()


def test_nothing_secret_is_in_the_log_and_refusals_are_in_the_audit_log(site, accounts):
    log = (site.path / "logs" / "hub.log").read_text()
    assert "oauth_callback" in log
    assert [text for text in (SECRET, "ada@acme.example", "eyJ") if text in log] == []
    with State.open(site.state_address) as state:
        rows = AuditLog.of(site, state).newest(1000)
    refused = [row for row in rows if row.action == "sign_in" and not row.allowed]
    assert any("no role here" in str(row.reason) for row in refused)


def test_a_provider_that_went_down_is_told_on_the_way_back(provider, visit):
    sub, visitor = provider.knows("ada", groups=["Data team"]), visit()

    def stopped(url: str) -> str:
        provider.stop()
        return url

    answer = come(visitor, sub, back=stopped)
    provider.start()
    assert (answer.status_code, "Acme cannot sign you in now" in answer.text) == (503, True)
