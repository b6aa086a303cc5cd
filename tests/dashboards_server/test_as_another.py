"""An admin sees a page as somebody else: a banner, what the page asks with, and the way out."""

from __future__ import annotations

import re
from dataclasses import replace

import nbformat
import pytest

from analyticspro import clock
from analyticspro.accounts import Accounts
from analyticspro.audit import Actor
from analyticspro.client import Remote
from analyticspro.client.viewing import HEADER, headers_for
from analyticspro.errors import Forbidden
from analyticspro.policy import Role
from analyticspro.state import State
from tests.dashboards_server.serving import Site
from tests.dashboards_server.test_pages import data_of

HOSTILE = "<b>Vera</b>\"'"
BY = Actor("machine", "command line")


@pytest.fixture
def ticket(signed_in: Site) -> str:
    """A view that was begun as somebody whose name is hostile."""
    home = signed_in.home
    with State.open(home.state_address) as state:
        joining, now = Accounts.of(home, state, base_url="").joining, clock.now()
        email = f"vera{len(Accounts.of(home, state, base_url='').directory.all())}@acme.example"
        link = joining.invite(email, Role.VIEWER, by=BY, now=now)
        joining.accept(link.token, HOSTILE, "quiet harbour lantern 88", origin="here", now=now)
    begun = remote(signed_in)._call("POST", "/v1/viewings", {"who": email, "by": "p999"})
    return str(begun["ticket"])


def remote(site: Site, **more: str) -> Remote:
    url = f"http://127.0.0.1:{site.home.settings.api_port}"
    return Remote(url, site.home.token(), more)


def entered(site: Site, ticket: str) -> Site:
    answer = site.ask("GET", f"/view-as?ticket={ticket}")
    assert (answer.status, answer.headers["Location"]) == (302, "/dashboards/")
    assert "HttpOnly" in str(answer.headers["Set-Cookie"])
    assert ticket not in str(answer.headers["Location"])
    return replace(site, cookie=f"{site.cookie}; {answer.cookie_header}")


def banner_of(page: str) -> str:
    return "".join(re.findall(r'<form class="viewing-as".*?</form>', page, re.DOTALL))


def test_a_page_names_who_sees_it_and_asks_as_them(signed_in: Site, ticket: str) -> None:
    assert banner_of(signed_in.ask("GET", "/dashboards/environment").text) == ""
    page = entered(signed_in, ticket).ask("GET", "/dashboards/environment").text
    banner = banner_of(page)
    assert "&lt;b&gt;Vera&lt;/b&gt;" in banner
    assert "viewer" in banner
    assert " UTC" in banner
    environment = data_of(page)["application/json"]
    assert isinstance(environment, dict)
    assert environment["ANALYTICSPRO_VIEW_AS"] == ticket
    assert environment["ANALYTICSPRO_VIEW_AS_PAGE"] == "/dashboards/environment"
    as_them = remote(signed_in, **headers_for(ticket, "/dashboards/environment"))
    assert as_them.catalogue()["metrics"]
    with pytest.raises(Forbidden, match="changes nothing"):
        as_them.catch_up(0)


def test_a_page_that_is_drawn_says_so_to_this_viewer_alone(signed_in: Site, ticket: str) -> None:
    source = "import analyticspro as ap\nap.page('Takings', [ap.kpi('revenue')])"
    cells = [nbformat.v4.new_markdown_cell("# Takings"), nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), signed_in.notebooks / "takings.ipynb")
    seen_as_them = entered(signed_in, ticket).ask("GET", "/dashboards/takings").text
    assert "&lt;b&gt;Vera&lt;/b&gt;" in banner_of(seen_as_them)
    page = signed_in.ask("GET", "/dashboards/takings").text
    assert 'data-part="body"' in page
    assert banner_of(page) == ""
    (signed_in.notebooks / "takings.ipynb").unlink()


def test_leaving_ends_it_everywhere(signed_in: Site, ticket: str) -> None:
    inside = entered(signed_in, ticket)
    assert inside.ask("POST", "/view-as/leave").status == 403  # another site's form
    own = f"http://127.0.0.1:{inside.port}"
    left = inside.ask("POST", "/view-as/leave", Origin=own)
    assert (left.status, left.headers["Location"]) == (302, "/dashboards/")
    assert 'analyticspro-view-as=""' in str(left.headers["Set-Cookie"])
    with pytest.raises(Forbidden, match="is over"):
        remote(signed_in, **{HEADER: ticket}).catalogue()


def test_a_view_that_is_over_or_made_up_is_forgotten(signed_in: Site, ticket: str) -> None:
    inside = entered(signed_in, ticket)
    remote(signed_in)._call("POST", "/v1/viewings/end", {"ticket": ticket})
    for site in (inside, entered(signed_in, "made-up")):
        page = site.ask("GET", "/dashboards/environment")
        assert banner_of(page.text) == ""
        environment = data_of(page.text)["application/json"]
        assert isinstance(environment, dict)
        assert "ANALYTICSPRO_VIEW_AS" not in environment
        assert page.cookies["analyticspro-view-as"] == '""'


def test_nobody_enters_who_is_not_signed_in(site: Site, ticket: str) -> None:
    stranger = replace(site, cookie="")
    answer = stranger.ask("GET", f"/view-as?ticket={ticket}")
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers
    assert stranger.ask("POST", "/view-as/leave").status == 401
