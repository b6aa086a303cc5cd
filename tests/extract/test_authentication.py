"""Whoever asks proves it; no proof is shown; a newer one is got when it is refused."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from analyticspro.errors import SettingError, SourceError
from analyticspro.extract import (
    Authentication,
    Basic,
    Bearer,
    ClientCredentials,
    HeaderKey,
    QueryKey,
    Request,
    Secret,
    Session,
)
from tests.extract.answering import Answer, Kept, Server, Time, read, session

HUSH = "hush-hush"


@pytest.fixture
def kept() -> Kept:
    return Kept({"crm.key": HUSH})


def proofs(kept: Kept) -> list[Authentication]:
    secret = Secret(kept, "crm", "key")
    return [
        Bearer(secret),
        HeaderKey(secret, "X-Api-Key"),
        QueryKey(secret, "api_key"),
        Basic("me", secret),
    ]


def test_each_way_puts_the_secret_where_it_belongs(server: Server, time: Time, kept: Kept):
    for proof in proofs(kept):
        with (asking := session(time, proof)).transport:
            asking.fetch(Request(server.url, {"limit": "1"}), read)
    bearer, key, query, basic = server.asked
    assert bearer.headers["authorization"] == f"Bearer {HUSH}"
    assert key.headers["x-api-key"] == HUSH
    assert query.path == f"/?limit=1&api_key={HUSH}"
    pair = base64.b64encode(f"me:{HUSH}".encode()).decode()
    assert basic.headers["authorization"] == f"Basic {pair}"


@pytest.mark.parametrize("status", [401, 403, 404, 200])
def test_no_secret_is_shown_in_errors_logs_or_reprs(
    server: Server, time: Time, kept: Kept, caplog: pytest.LogCaptureFixture, status: int
):
    caplog.set_level(logging.DEBUG)
    server.answer(Answer(status, body=HUSH.encode(), headers=[("Set-Cookie", HUSH)]))
    for proof in proofs(kept):
        with (asking := session(time, proof)).transport, pytest.raises(SourceError) as error:
            asking.fetch(Request(f"{server.url}/deals"), read)
        shown = f"{error.value!r} {asking!r} {proof!r} {proof.sign(Request(server.url))!r}"
        assert HUSH not in shown
        assert base64.b64encode(f"me:{HUSH}".encode()).decode() not in shown
    assert HUSH not in caplog.text


def test_a_refused_secret_names_the_command_that_sets_it(server: Server, time: Time, kept: Kept):
    server.answer(Answer(401))
    with (
        (asking := session(time, Bearer(Secret(kept, "crm", "key")))).transport,
        pytest.raises(SourceError, match=r"401.*analyticspro secrets set crm\.key"),
    ):
        asking.fetch(Request(server.url), read)
    assert len(server.asked) == 1


def test_a_secret_that_was_rotated_meanwhile_is_taken(server: Server, time: Time, kept: Kept):
    server.answer(Answer(), Answer(401), Answer())
    with (asking := session(time, Bearer(Secret(kept, "crm", "key")))).transport:
        asking.fetch(Request(server.url), read)
        kept.values["crm.key"] = "rotated"
        asking.fetch(Request(server.url), read)
    sent = [asked.headers["authorization"] for asked in server.asked]
    assert sent == [f"Bearer {HUSH}", f"Bearer {HUSH}", "Bearer rotated"]


@pytest.mark.parametrize("value", ["", "two\nlines", " b7", "späte"])
def test_a_secret_that_no_header_can_hold_is_named_not_shown(value: str):
    secret = Secret(Kept({"crm.key": value}), "crm", "key")
    with pytest.raises(SettingError, match=r"'crm\.key' is empty, or holds") as error:
        assert secret.value
    assert not value or value not in str(error.value)


class TestClientCredentials:
    """OAuth2 client credentials."""

    @staticmethod
    def asking(server: Server, time: Time, kept: Kept, **more: Any) -> Session:
        bare = session(time)
        proof = ClientCredentials(
            f"{server.url}/token",
            "me",
            Secret(kept, "crm", "key"),
            session=bare,
            timing=time.timing(),
            **more,
        )
        return replace(bare, authentication=proof)

    @staticmethod
    def token(name: str, **more: object) -> Answer:
        return Answer(body=json.dumps({"access_token": name, **more}).encode())

    def test_a_token_is_bought_once_and_replaced_before_its_end(
        self, server: Server, time: Time, kept: Kept
    ):
        asking = self.asking(server, time, kept, scope="read")
        server.answer(
            self.token("t1", expires_in=600), Answer(), Answer(), self.token("t2"), Answer()
        )
        with asking.transport:
            asking.fetch(Request(f"{server.url}/deals"), read)
            time.now += 539
            asking.fetch(Request(f"{server.url}/deals"), read)
            time.now += 2  # of the last minute
            asking.fetch(Request(f"{server.url}/deals"), read)
        assert [(a.path, a.headers["authorization"][:9]) for a in server.asked] == [
            ("/token", "Basic bWU"),
            ("/deals", "Bearer t1"),
            ("/deals", "Bearer t1"),
            ("/token", "Basic bWU"),
            ("/deals", "Bearer t2"),
        ]
        assert server.asked[0].body == "grant_type=client_credentials&scope=read"

    def test_a_token_that_is_refused_is_replaced_once(self, server: Server, time: Time, kept: Kept):
        server.answer(
            self.token("t1"), Answer(401), self.token("t2"), Answer(401), self.token("t3")
        )
        asking = self.asking(server, time, kept)
        with (
            asking.transport,
            pytest.raises(SourceError, match=r"401.*secrets set crm\.key"),
        ):
            asking.fetch(Request(f"{server.url}/deals"), read)
        assert [asked.path for asked in server.asked] == ["/token", "/deals", "/token", "/deals"]

    def test_a_secret_that_buys_nothing_is_named(self, server: Server, time: Time, kept: Kept):
        server.answer(Answer(400, b'{"error": "invalid_client"}'))
        asking = self.asking(server, time, kept, proof="body")
        with (
            asking.transport,
            pytest.raises(SourceError, match=r"answers 400.*secrets set crm\.key") as error,
        ):
            asking.fetch(Request(f"{server.url}/deals"), read)
        assert HUSH not in str(error.value)
        assert f"client_secret={HUSH}" in server.asked[0].body

    @pytest.mark.parametrize(
        "body", [b"{}", b"[]", b"no", b'{"access_token": 5}', b'{"access_token": "a\\nb"}']
    )
    def test_an_answer_without_a_token_is_no_token(
        self, server: Server, time: Time, kept: Kept, body: bytes
    ):
        server.answer(Answer(body=body))
        asking = self.asking(server, time, kept)
        with asking.transport, pytest.raises(SourceError):
            asking.fetch(Request(f"{server.url}/deals"), read)
        assert len(server.asked) == 3
