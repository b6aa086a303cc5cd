"""A link signs in one browser, once, for a short while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analyticspro.api.links import LIFETIME, Links
from analyticspro.errors import Forbidden
from tests.api.server import Server

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def redeem(server: Server, code: str) -> int:
    return server.call("POST", "/v1/links/redeem", {"code": code}).status


def test_a_link_is_for_one_use(server: Server):
    made = server.call("POST", "/v1/links").json
    assert made.keys() == {"code", "expires_at"}
    assert datetime.fromisoformat(made["expires_at"]).tzinfo is not None
    reply = server.call("POST", "/v1/links/redeem", {"code": made["code"]})
    assert (reply.status, reply.json) == (200, {"name": "owner"})
    again = server.call("POST", "/v1/links/redeem", {"code": made["code"]})
    assert again.status == 403
    assert again.json["error"]["code"] == "forbidden"
    assert "analyticspro link" in again.json["error"]["message"]


def test_each_link_is_another(server: Server):
    codes = [server.call("POST", "/v1/links").json["code"] for _ in range(3)]
    assert len(set(codes)) == 3
    assert [redeem(server, code) for code in reversed(codes)] == [200, 200, 200]


@pytest.mark.parametrize("code", ["", "x", "0" * 43, "\x00", "ünïcode", "' OR 1=1"])
def test_a_code_that_was_never_made_opens_nothing(code: str, server: Server):
    assert redeem(server, code) == 403


def test_the_token_is_no_code(server: Server):
    assert redeem(server, server.home.token()) == 403


@pytest.mark.parametrize(
    ("after", "is_open"),
    [
        pytest.param(timedelta(0), True, id="at once"),
        pytest.param(LIFETIME - MOMENT, True, id="to the last moment"),
        pytest.param(LIFETIME, False, id="no longer"),
        pytest.param(timedelta(days=400), False, id="never again"),
    ],
)
def test_a_link_lasts_a_quarter_of_an_hour(after: timedelta, is_open: bool):
    links = Links()
    code, expires_at = links.make(NOON)
    assert expires_at == NOON + timedelta(minutes=15)
    if is_open:
        links.redeem(code, NOON + after)
    with pytest.raises(Forbidden):
        links.redeem(code, NOON + after)


def test_a_wrong_code_uses_up_no_other():
    links = Links()
    code, _ = links.make(NOON)
    with pytest.raises(Forbidden):
        links.redeem(code[:-1], NOON)
    links.redeem(code, NOON)


def test_of_more_than_a_hundred_the_oldest_give_way():
    links = Links()
    codes = [links.make(NOON + number * MOMENT)[0] for number in range(101)]
    with pytest.raises(Forbidden):
        links.redeem(codes[0], NOON)
    for code in codes[1:]:
        links.redeem(code, NOON)


def test_codes_are_held_only_as_hashes():
    links = Links()
    code, _ = links.make(NOON)
    assert code not in repr(vars(links))
