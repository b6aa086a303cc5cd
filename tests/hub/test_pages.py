"""Who may open which page: by the permission table, at a real hub, and nothing by oversight."""

from __future__ import annotations

import html
import re
from itertools import pairwise
from typing import Any

import pytest

from analyticspro.audit import AuditLog
from analyticspro.errors import DefinitionError
from analyticspro.hub.pages import Anybody, Page
from analyticspro.hub.provider_pages import ROUTES as OF_PROVIDER
from analyticspro.hub.routes import ROUTES
from analyticspro.policy import Capability, Role, menu_of, places_of, roles_with
from analyticspro.state import State
from tests.hub.serving import Visitor

SHARES_A_HUB = True

OPEN = {"/login", "/logout", "/signup", "/join", "/enter", "/reset", "/confirm"}
GUARDED = [(path, page.needs) for path, page in ROUTES if page.needs is not Anybody]
# Where a page is about one thing, one that is not there: who may not open it learns as little.
PATHS = [(path.replace(r"(\d+)", "999999"), needs) for path, needs in GUARDED]


def test_no_page_is_open_by_oversight():
    assert {page.needs for _, page in OF_PROVIDER} == {Anybody}
    assert {path for path, page in ROUTES if page.needs is Anybody} == OPEN
    assert all(isinstance(needs, Capability) for _, needs in GUARDED)
    with pytest.raises(DefinitionError, match="The page Forgotten names no capability"):
        type("Forgotten", (Page,), {})


@pytest.mark.parametrize(("path", "needs"), PATHS, ids=[path for path, _ in PATHS])
class TestAPage:
    def test_opens_for_the_roles_of_the_table(self, path: str, needs: Capability, members: Any):
        answers = {role: one.get(f"/hub{path}").status_code for role, one in members.items()}
        allowed = {role for role, status in answers.items() if status != 403}
        assert allowed == roles_with(needs)
        missing = {404} if "999999" in path else {200}
        assert {answers[role] for role in allowed} == missing

    def test_takes_no_form_from_others(self, path: str, needs: Capability, members: Any):
        for role in set(Role) - roles_with(needs):
            one = members[role]
            answer = one.post(f"/hub{path}", data={"_xsrf": one.xsrf, "sure": "yes"})
            assert (answer.status_code, "is not for" in answer.text) == (403, True)

    def test_asks_who_is_not_in_to_sign_in(self, path: str, needs: Capability, gate: Any):
        with Visitor(gate) as stranger:
            assert stranger.get(f"/hub{path}").url.path == "/hub/login"
            assert stranger.post(f"/hub{path}", data={"sure": "yes"}).status_code == 403


@pytest.mark.parametrize("role", Role)
def test_the_menu_is_that_of_the_role(role: Role, members: Any):
    page = members[role].get("/hub/home").text
    [menu] = re.findall(r'<nav class="menu".*?</nav>', page, re.DOTALL)
    shown = [html.unescape(title) for title in re.findall(r">([^<]+)</a>", menu)]
    own = {path for path, _ in ROUTES} | {"/dashboards", "/lab"}
    assert shown == [entry.title for entry in menu_of(role) if entry.path in own]
    port = members[role].home.settings.hub_port
    dashboards = f"http://dashboards--service.localhost:{port}/dashboards/"
    assert f'href="{dashboards}"' in menu


def test_a_page_of_the_menu_that_exists_is_in_it():
    own = {path for path, _ in ROUTES}
    for role in Role:
        placed = {place.path for place in places_of(role, hub="/hub", pages="")}
        listed = {entry.path for entry in menu_of(role)}
        assert placed - {"/dashboards", "/lab"} == listed & own


def test_a_refusal_is_in_the_audit_log_once_a_minute(members: Any, gate: Any):
    viewer = members[Role.VIEWER]
    refused = [path for path, needs in PATHS if Role.VIEWER not in roles_with(needs)]
    with State.open(gate.state_address) as state:
        for path in refused[:1]:
            for _ in range(3):
                viewer.get(f"/hub{path}")
            rows = AuditLog.of(gate, state).newest(1000, who=viewer.person.username)
            noted = [one for one in rows if one.subject == f"GET /hub{path}"]
            row = noted[0]
            # Other tests may have been refused here before, but then a minute ago.
            assert all((new.at - old.at).total_seconds() > 59 for new, old in pairwise(noted))
            assert (row.action, row.allowed, row.origin) == ("hub.refused", False, "127.0.0.1")
            assert "is for admins" in row.reason
