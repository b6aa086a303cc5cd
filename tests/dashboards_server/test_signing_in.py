"""Who gets in, and how."""

from __future__ import annotations

import stat
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
import websocket

from tests.dashboards_server.serving import Site, new_home, stop
from tests.local import free_port

KERNEL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/", 401, id="start"),
        pytest.param("/dashboards/overview", 401, id="a dashboard"),
        pytest.param("/dashboards/nosuch", 401, id="an unknown dashboard"),
        pytest.param("/nosuch", 401, id="an unknown address"),
        pytest.param("/signin", 401, id="sign-in without a code"),
        pytest.param(f"/api/kernels/{KERNEL}", 401, id="a kernel"),
        pytest.param(f"/api/kernels/{KERNEL}/channels", 401, id="a kernel's channel"),
        pytest.param("/voila/static/voila.js", 401, id="scripts"),
        pytest.param("/assets/page.css", 401, id="our files"),
        pytest.param("/assets/fonts/../page.css", 404, id="our files by way of the fonts"),
        pytest.param("/healthz", 200, id="health"),
        pytest.param("/readyz", 200, id="readiness"),
        pytest.param("/assets/fonts/Inter-Regular.woff2", 200, id="the font of the sign-in page"),
    ],
)
def test_without_a_cookie_only_what_signing_in_needs_is_open(
    site: Site, path: str, status: int
) -> None:
    assert site.ask("GET", path).status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_without_a_cookie_nothing_can_be_done(site: Site, method: str) -> None:
    assert site.ask(method, f"/api/kernels/{KERNEL}").status == 401


def test_who_is_refused_is_told_how_to_get_in(site: Site) -> None:
    page = site.ask("GET", "/dashboards/overview")
    assert f"analyticspro --home {site.home.path} link" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_kernel_connection_without_a_cookie_is_refused(site: Site) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(f"ws://127.0.0.1:{site.port}/api/kernels/{KERNEL}/channels")
    assert refused.value.status_code == 403


def test_a_link_signs_in_and_leads_to_the_start(site: Site) -> None:
    answer = site.ask("GET", site.link() + "&next=https://example.com/")
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    cookie = SimpleCookie(answer.headers["Set-Cookie"])[f"analyticspro-{site.port}"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["expires"]
    site.sign_in()
    assert site.ask("GET", "/").headers["Location"] == "/dashboards/overview"


def test_a_link_works_once(site: Site) -> None:
    link = site.link()
    assert site.ask("GET", link).status == 302
    again = site.ask("GET", link)
    assert again.status == 403
    assert "no longer works" in again.text
    assert not again.cookies


def test_a_link_opened_again_in_the_same_browser_leads_on(site: Site) -> None:
    link = site.link()
    cookie = site.ask("GET", link).cookie_header
    assert site.ask("GET", link, cookie=cookie).headers["Location"] == "/"


@pytest.mark.parametrize("code", ["wrong", "a%00", "%3Cscript%3E", "x" * 2000])
def test_a_wrong_code_is_refused(site: Site, code: str) -> None:
    answer = site.ask("GET", f"/signin?code={code}")
    assert answer.status == 403
    assert "<script>" not in answer.text


def test_looking_at_a_link_does_not_use_it_up(site: Site) -> None:
    link = site.link()
    site.ask("HEAD", link)
    assert site.ask("GET", link).status == 302


def test_no_code_is_ever_logged(site: Site) -> None:
    link = site.link()
    site.ask("GET", link)
    site.ask("GET", link)
    assert link.split("=")[1] not in site.log


def test_with_the_api_away_signing_in_says_so(
    make_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = make_site(new_home(tmp_path / "home"))
    answer = site.ask("GET", "/signin?code=any")
    assert answer.status == 503
    assert "status" in answer.text


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(
            lambda value: value[:-2] + ('1"' if value[-2] == "0" else '0"'), id="another signature"
        ),
        pytest.param(lambda value: value.replace("|8:", "|9:"), id="another content"),
        pytest.param(lambda value: "owner", id="no signature"),
    ],
)
def test_a_forged_cookie_is_refused(signed_in: Site, spoil: Callable[[str], str]) -> None:
    name, value = signed_in.cookie.split("; ")[0].split("=", 1)
    assert signed_in.ask("GET", "/", cookie=f"{name}={value}").status == 302
    assert signed_in.ask("GET", "/", cookie=f"{name}={spoil(value)}").status == 401


def test_the_cookie_of_one_workspace_is_none_of_another(
    signed_in: Site, make_site: Callable[..., Site], tmp_path: Path
) -> None:
    other = make_site(new_home(tmp_path / "home"))
    value = signed_in.cookie.split("; ")[0].split("=", 1)[1]
    assert other.ask("GET", "/", cookie=signed_in.cookie).status == 401
    assert other.ask("GET", "/", cookie=f"analyticspro-{other.port}={value}").status == 401


def test_a_restart_signs_nobody_out(
    own_site: Callable[..., Site], make_site: Callable[..., Site]
) -> None:
    site = own_site()
    stop(site.server)
    assert make_site(site.home).ask("GET", "/", cookie=site.cookie).status == 302
    assert stat.S_IMODE((site.home.path / "cookie_secret").stat().st_mode) == 0o600


def test_signing_out_forgets_the_browser(signed_in: Site) -> None:
    own = f"http://127.0.0.1:{signed_in.port}"
    foreign = signed_in.ask("POST", "/signout", Origin="http://evil.example")
    assert (foreign.status, foreign.cookies) == (403, {})
    answer = signed_in.ask("POST", "/signout", Origin=own)
    assert answer.status == 200
    assert answer.cookies[f"analyticspro-{signed_in.port}"] == '""'


def test_a_foreign_name_for_this_machine_is_refused(signed_in: Site) -> None:
    assert signed_in.ask("GET", "/", Host=f"evil.example:{free_port()}").status == 403
