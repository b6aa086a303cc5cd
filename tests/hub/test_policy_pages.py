"""Policies, their reasons and the audit log on pages: at a real hub, with a real api behind it."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator

import httpx
import pytest

from analyticspro import clock
from analyticspro.accounts import Accounts
from analyticspro.audit import Actor, AuditLog, AuditRow
from analyticspro.client.viewing import HEADER
from analyticspro.config import Addresses, Home
from analyticspro.hub.audit_page import cell
from analyticspro.metrics import catalog
from analyticspro.policies import Holder, Policies
from analyticspro.policy import Grant, Role, RowFilter
from analyticspro.state import State
from tests.api.server import Server
from tests.api.server import serving as serving_api
from tests.hub.members import Member, joined
from tests.hub.serving import Visitor
from tests.local import until
from tests.metrics.shop import EVENTS, Shop

SHARES_A_HUB = True

HOSTILE = "<script>alert('x')</script>\"'"
MACHINE = Actor("machine", "command line")


@pytest.fixture(scope="module")
def api(gate: Home) -> Iterator[Server]:
    with Shop.at(gate.path) as shop:
        shop.holds(EVENTS)
    with serving_api(gate) as server:
        yield server


@pytest.fixture
def admin(members: dict[Role, Member]) -> Member:
    return members[Role.ADMIN]


@pytest.fixture
def policies(gate: Home) -> Iterator[Policies]:
    """Those of the site, put back to what they were."""
    with State.open(gate.state_address) as state:
        found = Policies.of(gate, state)
        before = {one.number for one in found.all()}
        yield found
        for one in found.all():
            if one.number not in before and one.made_by != "default":
                found.withdraw(one.number, by=MACHINE, now=clock.now())


def entries(home: Home, action: str) -> list[AuditRow]:
    with State.open(home.state_address) as state:
        return AuditLog.of(home, state).newest(1_000, action=action)


def sent(member: Member, path: str, **typed: object) -> httpx.Response:
    return member.post(path, data={"_xsrf": member.xsrf, **typed})


def plain(answer: httpx.Response) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def fields(answer: httpx.Response) -> dict[str, list[str]]:
    """Return the hidden inputs of the last form of a page."""
    form = answer.text.rpartition("<form")[2]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form):
        found.setdefault(name, []).append(html.unescape(value))
    return found


def test_a_grant_is_previewed_saved_withdrawn_and_undone(admin: Member, api, policies, gate: Home):
    typed = {"holder": "role:viewer", "tag": ["pii"], "where": "country=France", "do": "preview"}
    before = policies.all()
    preview = sent(admin, "/hub/policies", **typed)
    assert "What changes for every viewer" in plain(preview)
    assert "rows where country is France" in plain(preview)
    assert policies.all() == before

    saved = admin.post("/hub/policies", data=fields(preview))
    made = next(one for one in policies.all() if one.made_by == admin.person.username)
    assert f"Grant {made.number} is saved" in saved.text
    assert (made.grant.tags, made.grant.where) == ({"pii"}, (RowFilter("country", ("France",)),))
    assert entries(gate, "policies.grant")[0].who == admin.person.username

    asked = sent(admin, "/hub/policies", do="withdraw", number=str(made.number))
    assert f"Withdraw grant {made.number}?" in plain(asked)
    assert made.number in {one.number for one in policies.all()}
    gone = admin.post("/hub/policies", data=fields(asked))
    assert made.number not in {one.number for one in policies.all()}
    undo = re.search(r'<form class="undo".*?</form>', gone.text, re.DOTALL)
    assert undo is not None
    again = [
        (name, html.unescape(value))
        for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', undo[0])
    ]
    body: dict[str, list[str]] = {}
    for name, value in again:
        body.setdefault(name, []).append(value)
    assert admin.post("/hub/policies", data=body).status_code == 200
    [back] = [one for one in policies.all() if one.made_by == admin.person.username]
    assert (back.grant.tags, back.grant.where) == (made.grant.tags, made.grant.where)
    history = plain(admin.get("/hub/policies/history"))
    assert "granted" in history
    assert "withdrew" in history
    assert "France" not in history


def test_a_preview_shows_figures_side_by_side(admin: Member, api, policies):
    shown = plain(sent(admin, "/hub/policies", holder="role:viewer", tag="*", do="preview"))
    assert "A few figures, all time Now After" in shown
    assert "Revenue" in shown
    assert "not tagged yet" in shown


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"do": "preview"}, "Nobody is chosen"),
        ({"do": "preview", "holder": "role:boss"}, "No role 'boss'"),
        ({"do": "preview", "holder": "person:p99999"}, "No person 'p99999'"),
        ({"do": "save", "holder": "person:p99999"}, "No person 'p99999'"),
        ({"do": "save", "holder": "role:viewer", "own": "No!"}, "'No!' is no tag"),
        ({"do": "save", "holder": "role:viewer", "where": "country"}, "is no row filter"),
        ({"do": "withdraw", "number": "99999"}, "No grant '99999'"),
        ({"do": "withdraw", "number": "x"}, "No grant is named"),
        ({"do": "fly"}, "cannot be done here"),
        ({"do": "preview", "holder": HOSTILE, "own": HOSTILE, "where": HOSTILE}, "username"),
    ],
)
def test_what_cannot_be_granted_is_told_and_kept_as_typed(typed, told, admin: Member, policies):
    before = policies.all()
    answer = sent(admin, "/hub/policies", **typed)
    assert (answer.status_code, told in plain(answer)) == (400, True), plain(answer)
    assert "<script>" not in answer.text
    if typed.get("where"):
        assert html.escape(typed["where"], quote=False).split("'")[0] in answer.text
    assert policies.all() == before


@pytest.mark.parametrize("role", Role)
def test_everybody_asks_why_about_themselves(role: Role, members, api):
    me, other = members[role], members[Role.ANALYST].person
    answer = plain(me.get("/hub/why", params={"what": "amount_minor"}))
    assert f"The {role} ({me.person.username})" in answer
    assert (" No Who" in answer) is (role is Role.VIEWER)
    asked = plain(me.get("/hub/why", params={"what": "raw", "who": f"person:{other.username}"}))
    assert (f"The analyst ({other.username})" in asked) is (role in (Role.ADMIN, Role.ANALYST))
    if role is not Role.ADMIN:
        assert other.email not in asked.replace(me.person.email, "")


def test_the_page_answers_as_the_api_does(admin: Member, members, api, gate: Home):
    for role, name in [(Role.VIEWER, name) for name in list(catalog.METRICS)[:12]]:
        person = members[role].person.username
        body = {"what": name, "who": person}
        told = api.call("POST", "/v1/explain", body).json
        page = plain(admin.get("/hub/why", params={"what": name, "who": f"person:{person}"}))
        assert told["reason"] in page
        assert (" Yes Who" in page) is told["shown"]


def test_names_and_questions_show_as_text(admin: Member, accounts: Accounts, api, policies):
    person = joined(accounts, Role.VIEWER, HOSTILE)
    grant = Grant(frozenset(), (RowFilter("country", (HOSTILE,)),))
    policies.grant(Holder.of_person(person.username), grant, by=MACHINE, now=clock.now())
    pages = [
        admin.get("/hub/policies"),
        admin.get("/hub/policies/history"),
        admin.get("/hub/policies/view-as", params={"who": HOSTILE}),
        admin.get("/hub/audit", params={"who": HOSTILE, "action": HOSTILE, "subject": HOSTILE}),
        admin.get("/hub/audit", params={"since": HOSTILE}),
        admin.get("/hub/why", params={"what": HOSTILE, "who": HOSTILE}),
        admin.get("/hub/why", params={"what": "raw", "who": f"person:{person.username}"}),
        sent(admin, "/hub/policies", do="preview", holder=f"person:{person.username}", tag="pii"),
    ]
    for page in pages:
        assert page.status_code in (200, 400)
        assert "<script" not in page.text
        assert "alert(" in page.text


def test_the_audit_log_is_searched(admin: Member, members, gate: Home):
    viewer = members[Role.VIEWER]
    assert viewer.get("/hub/audit").status_code == 403
    page = plain(admin.get("/hub/audit", params={"who": viewer.person.email, "action": "sign_in"}))
    assert f"The viewer {viewer.person.username}" in page
    assert "hub.refused" not in page
    refused = {"outcome": "refused", "subject": "/hub/audit", "since": "2026-01-01"}
    assert "hub.refused" in plain(admin.get("/hub/audit", params=refused))
    for nothing in ({"until": "2001-01-01"}, {"action": "sign"}, {"who": "p999"}, {"before": "1"}):
        assert "No such entries" in admin.get("/hub/audit", params=nothing).text
    wrong = admin.get("/hub/audit", params={"since": "yesterday"})
    assert (wrong.status_code, "is no day" in wrong.text) == (400, True)


def test_older_entries_are_a_page_away(admin: Member, gate: Home):
    with State.open(gate.state_address) as state:
        log = AuditLog.of(gate, state)
        with log.writing(clock.now()) as writing:
            for number in range(120):
                writing.note(MACHINE, "test.paging", f"thing {number}")
    address: str | None = "/hub/audit?action=test.paging"
    seen: list[str] = []
    while address is not None:
        page = admin.get(address).text
        seen += re.findall(r"thing (\d+)<", page)
        found = re.search(r'href="([^"]+)">Older', page)
        address = html.unescape(found[1]) if found else None
    assert seen == [str(number) for number in range(119, -1, -1)]


def test_the_chain_is_verified_on_the_page(admin: Member, gate: Home):
    shown = plain(sent(admin, "/hub/audit"))
    assert "Chain verified" in shown
    assert entries(gate, "audit.verify")[0].who == admin.person.username
    assert "Chain verified" in plain(admin.get("/hub/audit"))


def test_the_file_is_safe_to_open_and_noted(admin: Member, members, gate: Home):
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\uff1dcmd", 'plain, "quoted"']
    with State.open(gate.state_address) as state:
        log = AuditLog.of(gate, state)
        for formula in formulas:
            log.record(MACHINE, "test.formula", formula, formula, now=clock.now())
    answer = admin.get("/hub/audit/file", params={"action": "test.formula"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["reason"] for row in reversed(rows)] == [cell(formula) for formula in formulas]
    assert not any(value.lstrip(" ").startswith(tuple("=+-@\uff1d")) for row in rows
                   for value in row.values())  # fmt: skip
    [noted] = entries(gate, "export.audit")[:1]
    assert (noted.who, noted.reason) == (admin.person.username, "CSV of action=test.formula")
    assert members[Role.MANAGER].get("/hub/audit/file").status_code == 403


def test_an_admin_looks_as_somebody(admin: Member, members, api: Server, gate: Home):
    viewer = members[Role.VIEWER].person
    answer = admin.post(
        "/hub/policies/view-as",
        data={"_xsrf": admin.xsrf, "who": viewer.username},
        follow_redirects=False,
    )
    assert answer.status_code == 302
    place, _, ticket = answer.headers["location"].partition("view-as/?ticket=")
    assert place == f"{Addresses.of(gate).pages}/"
    headers = {HEADER: ticket}
    assert api.call("GET", "/v1/viewing", headers=headers).json["person"] == viewer.username
    [begun] = entries(gate, "view_as.start")[:1]
    assert (begun.who, begun.subject) == (admin.person.username, viewer.username)
    assert begun.origin == "127.0.0.1"
    for who, told in (("", "Nobody is chosen"), ("p9999", "No person"), ("viewer", "no person")):
        assert told in plain(sent(admin, "/hub/policies/view-as", who=who))


def test_without_the_api_grants_are_changed_nevertheless(gate: Home, admin: Member, api, policies):
    announced = gate.api_file.read_text()
    gate.api_file.unlink()  # nobody answers where it is looked for then
    try:
        typed = {"holder": "role:viewer", "tag": ["pii"], "do": "preview"}
        preview = sent(admin, "/hub/policies", **typed)
        assert "does not answer now" in plain(preview)
        assert "What changes for every viewer" in plain(preview)
        assert "is saved" in admin.post("/hub/policies", data=fields(preview)).text
        why = admin.get("/hub/why", params={"what": "revenue"})
        assert (why.status_code, "The api does not answer" in why.text) == (400, True)
    finally:
        gate.api_file.write_text(announced)


def test_a_session_that_ended_opens_nothing(gate: Home, accounts: Accounts):
    one = Member(gate, accounts, Role.ADMIN, "Gone")
    xsrf = one.xsrf
    accounts.entering.sign_out_everywhere(one.person.id, by=MACHINE, now=clock.now())
    paths = ("/hub/policies", "/hub/policies/history", "/hub/why", "/hub/audit", "/hub/audit/file")
    until(lambda: one.get("/hub/policies").url.path == "/hub/login")
    for path in paths:
        assert one.get(path).url.path == "/hub/login"
        assert one.post(path, data={"_xsrf": xsrf, "do": "save"}).status_code in (403, 405)
    one.close()
    with Visitor(gate) as stranger:
        for path in paths:
            assert stranger.get(path).url.path == "/hub/login"
