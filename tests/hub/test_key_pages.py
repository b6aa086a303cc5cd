"""API keys: made and revoked on pages, and what they open: at a real hub and a real api."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from analyticspro.accounts import Accounts
from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from analyticspro.policy import Role
from tests.api.server import Server
from tests.api.server import serving as serving_api
from tests.hub.members import Member
from tests.hub.test_people_pages import sent_on, told
from tests.local import until

SHARES_A_HUB = True

WITHIN_S = 10


@pytest.fixture(scope="module")
def api(gate: Home) -> Iterator[Server]:
    """The api of the same workspace."""
    with serving_api(gate) as server:
        yield server


def make(member: Member, *allows: str, name: str = "nightly job", days: str = "30") -> str:
    """Make a key on the page, and return its text."""
    typed: Any = {"do": "make", "name": name, "days": days, "allows": list(allows)}
    page = member.send_form("/hub/keys", **typed)
    assert page.status_code == 200, page.text
    [text] = re.findall(r'id="text" value="([^"]+)"', page.text)
    return str(text)


def answers(api: Server, key: str, path: str) -> int:
    return httpx.get(f"{api.url}{path}", headers={"Authorization": f"Bearer {key}"}).status_code


def number_of(member: Member, name: str) -> str:
    page = member.get("/hub/keys").text
    [number] = re.findall(rf'value="(\d+)" aria-label="Revoke {name}"', page)
    return str(number)


def test_a_key_opens_what_it_was_given_and_no_more(api: Server, members: dict[Role, Member]):
    root = members[Role.ADMIN]
    reads, syncs = make(root, "dashboard:read"), make(root, "sources:read", "export")
    assert [answers(api, key, "/v1/metrics") for key in (reads, syncs)] == [200, 403]
    assert [answers(api, key, "/v1/sources") for key in (reads, syncs)] == [403, 200]
    with httpx.Client() as anybody:
        hub = f"http://127.0.0.1:{api.home.settings.hub_api_port}/hub/api"
        headers = {"Authorization": f"token {reads}"}
        me = f"{hub}/users/{root.person.username}"
        assert anybody.post(f"{me}/tokens", headers=headers, json={}).status_code in (403, 404)
        assert anybody.post(f"{me}/server", headers=headers, json={}).status_code in (403, 404)


def test_a_revoked_key_is_dead_within_10_s(api: Server, members: dict[Role, Member], gate: Home):
    ana = members[Role.ANALYST]
    key, stays = make(ana, "dashboard:read", name="to end"), make(ana, "dashboard:read")
    assert answers(api, key, "/v1/metrics") == 200
    asked = ana.send_form("/hub/keys", do="revoke", key=number_of(ana, "to end"))
    assert "Revoke the key to end?" in asked.text
    assert answers(api, key, "/v1/metrics") == 200
    assert "The key is revoked." in sent_on(ana, asked).text
    until(lambda: answers(api, key, "/v1/metrics") == 401, WITHIN_S)
    assert answers(api, stays, "/v1/metrics") == 200
    assert {"keys.make", "keys.revoke"} <= told(gate, ana.person.username).keys()


def test_a_key_is_shown_once_and_is_in_no_log(members: dict[Role, Member], gate: Home):
    vera = members[Role.VIEWER]
    key = make(vera, "dashboard:read", name="shown once")
    page = vera.get("/hub/keys").text
    assert "shown once" in page
    assert key not in page
    assert key not in (gate.path / "logs" / "hub.log").read_text()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"allows": ["export"]}, "of what you may do yourself"),
        ({"allows": ["own"]}, "of what you may do yourself"),
        ({"allows": []}, "Choose what the key may do"),
        ({"name": " "}, "A key needs a name"),
        ({"days": "36500"}, "A key works for a year at most"),
        ({"days": "-1"}, "A key works for a year at most"),
        ({"do": "eat"}, "cannot be done"),
        ({"do": "revoke", "key": "0"}, "No key"),
    ],
)
def test_a_key_that_would_be_too_much_is_not_made(
    typed: dict[str, Any], why: str, members: dict[Role, Member]
):
    vera, given = members[Role.VIEWER], {"do": "make", "name": "k", "days": "7"}
    before = vera.get("/hub/keys").text.count("Revoke …")
    answer = vera.send_form("/hub/keys", **(given | {"allows": ["dashboard:read"]} | typed))
    assert (answer.status_code, why in html.unescape(answer.text)) == (400, True)
    assert vera.get("/hub/keys").text.count("Revoke …") == before


def test_a_viewer_is_offered_what_viewers_may(members: dict[Role, Member]):
    page = members[Role.VIEWER].get("/hub/keys").text
    offered = re.findall(r'name="allows" value="([^"]+)"', page)
    assert offered == ["dashboard:read", "analytics:read", "reports:read"]
    assert "Everybody" not in page


def test_one_revokes_no_other_person_s_key_but_an_admin_does(
    api: Server, members: dict[Role, Member]
):
    mara, root = members[Role.MANAGER], members[Role.ADMIN]
    key = make(mara, "dashboard:read", name="<b>Mara</b>")
    page = root.get("/hub/keys/everybody").text
    assert "<b>Mara" not in page
    [number] = re.findall(r'value="(\d+)" aria-label="Revoke &lt;b&gt;Mara', page)
    theirs = members[Role.VIEWER].send_form("/hub/keys", do="revoke", key=number, sure="yes")
    assert (theirs.status_code, "No key" in theirs.text) == (400, True)
    asked = root.send_form("/hub/keys/everybody", do="revoke", key=number)
    assert "Revoke the key <b>Mara</b> of The manager?" in html.unescape(asked.text)
    assert "The key is revoked." in sent_on(root, asked).text
    until(lambda: answers(api, key, "/v1/metrics") == 401, WITHIN_S)


def test_the_keys_of_who_is_suspended_are_dead_within_10_s(
    api: Server, accounts: Accounts, members: dict[Role, Member]
):
    with closing(Member(api.home, accounts, Role.ANALYST, "Sue")) as sue:
        key = make(sue, "dashboard:read")
        assert answers(api, key, "/v1/metrics") == 200
        path = f"/hub/people/{sue.person.id}"
        sent_on(members[Role.ADMIN], members[Role.ADMIN].send_form(path, do="suspend"))
        until(lambda: answers(api, key, "/v1/metrics") == 401, WITHIN_S)


def test_a_write_key_is_made_used_and_revoked(api: Server, members: dict[Role, Member], gate: Home):
    root, page = members[Role.ADMIN], "/hub/keys/writing"
    typed = {"do": "make", "name": "shop", "rate": "500", "origins": "https://shop.example"}
    made = root.send_form(page, **typed)
    [text] = re.findall(r'id="text" value="(wk_[^"]+)"', made.text)

    def send() -> int:
        url = f"{api.url}/v1/track"
        event = {"event": "Signed Up", "userId": "u1", "messageId": "m1"}
        return httpx.post(url, json=event, headers={"Authorization": f"Bearer {text}"}).status_code

    assert send() < 300
    [kept] = WriteKeys.of(gate).all()
    assert (kept.source, kept.rate, kept.origins) == ("shop", 500, ("https://shop.example",))
    assert text not in root.get(page).text
    again = root.send_form(page, **typed)
    assert (again.status_code, "There is a write key" in again.text) == (400, True)
    for wrong in ({"name": "<b>"}, {"rate": "many"}, {"origins": "javascript:alert(1)"}):
        assert root.send_form(page, **({**typed, "name": "other"} | wrong)).status_code == 400
    asked = root.send_form(page, do="revoke", name="shop")
    assert "Revoke the write key shop?" in asked.text
    assert "nothing is taken with it" in sent_on(root, asked).text
    until(lambda: send() == 401, WITHIN_S)
    assert {"write_keys.make", "write_keys.revoke"} <= told(gate, "shop").keys()
