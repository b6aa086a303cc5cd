"""What the collector set aside comes in once a contract is corrected, as if it just had come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analyticspro import clock
from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from analyticspro.errors import UnknownName
from analyticspro.ingest import replay_pushed
from analyticspro.ingest.deliveries import Delivery
from analyticspro.ingest.intake import Intake
from analyticspro.policy import OWNER
from analyticspro.workspace import Workspace
from tests.api.server import Server, serving
from tests.cli.terminal import run
from tests.ingest.test_intake import taken

CONTRACT = """
[contracts.paid]
on_violation = "reject"
[contracts.paid.properties]
plan = {allowed = ["free"]}
"""


@pytest.fixture
def server(home: Home) -> Iterator[Server]:
    (home.path / "contracts.toml").write_text(CONTRACT)
    with Workspace.open(home) as workspace:
        workspace.schema.take_in_contracts()
    with serving(home) as running:
        yield running


def track(message_id: str, plan: str, **more: Any) -> dict[str, Any]:
    properties = {"plan": plan}
    return {
        "event": "Paid",
        "userId": "u",
        "messageId": message_id,
        "properties": properties,
    } | more


def events(home: Home) -> list[tuple[Any, ...]]:
    with Workspace.open(home, wait_for_s=10) as workspace, workspace._warehouse.reader(OWNER) as r:
        return r.frame(
            "SELECT event_id, occurred_at FROM events WHERE retired IS NULL ORDER BY event_id"
        ).rows()


def test_a_corrected_contract_lets_them_in(server: Server):
    home = server.home
    key = WriteKeys.of(home).create("shop", now=clock.now()).text
    # Its clock is an hour behind, and the type is said by the address alone.
    sent_at = datetime.now(UTC) - timedelta(hours=1)
    happened = sent_at - timedelta(seconds=90)
    message = track("a", "pro", timestamp=happened.isoformat(), sentAt=sent_at.isoformat())
    sent = [
        server.call("POST", "/v1/track", message, token=key),
        server.call("POST", "/v1/track", track("b", "pro"), token=key),
        server.call("POST", "/v1/track", track("c", "free", userId=""), token=key),
        server.call("POST", "/v1/track", track("d", "free"), token=key),
    ]
    assert [reply.status for reply in sent] == [400, 400, 400, 202]
    listed = run("sources", "rejects", "shop", home=home.path)
    assert listed.out.count("plan") == 2, listed.err
    still = run("sources", "replay", "shop", home=home.path)
    assert still.out.startswith("shop: 0 new"), still.err
    same = run("sources", "rejects", "shop", home=home.path)
    assert sorted(same.out.splitlines()) == sorted(listed.out.splitlines())

    (home.path / "contracts.toml").write_text(CONTRACT.replace('"free"', '"free", "pro"'))
    before = datetime.now(UTC)
    replayed = run("sources", "replay", "shop", "--format", "json", home=home.path)
    [report] = replayed.json
    assert (report["records"], report["new"], report["rejected"]) == (3, 2, 1)
    left = run("sources", "rejects", "shop", "--format", "json", home=home.path).json
    assert [reject["field"] for reject in left] == ["userId"]
    [row] = run("sources", "ledger", "--format", "json", home=home.path).json
    assert (row["seen"], row["new"], row["rejected"], row["live"]) == (4, 3, 1, 3)
    again = server.call("POST", "/v1/track", track("b", "pro"), token=key)
    assert again.json["events"][0]["status"] == "duplicate"

    server.stop()
    found = {event: at.replace(tzinfo=UTC) for event, at in events(home)}
    assert list(found) == ["shop:messages:a", "shop:messages:b", "shop:messages:d"]
    about = happened + timedelta(hours=1)
    assert abs(found["shop:messages:a"] - about) < timedelta(seconds=30), "by our clock"
    assert found["shop:messages:b"] < before, "when it came, not when it was replayed"


def test_a_message_of_unknown_time_has_to_be_sent_again(home: Home):
    """As one that was set aside before it was kept when a message came."""
    said = json.dumps(track("old", "free") | {"type": "track"})
    dated = json.dumps(track("dated", "free", timestamp="2026-01-01T00:00:00Z", type="track"))
    half = '{"type":"track","event":"Pai'
    with Workspace.open(home) as workspace:
        warehouse = workspace._warehouse
        intake = Intake(warehouse)
        wrong = [("plan", "free", "is not one of", raw) for raw in (said, dated, half)]
        taken(intake, Delivery("shop", "messages", [], wrong, 100))
        intake.close()
        report = replay_pushed("shop", warehouse, progress=lambda _: None)
        assert (report.error, report.new, report.rejected) == (None, 1, 2)
        reasons = {reject["reason"] for reject in workspace.rejects("shop", OWNER)}
        assert all("Send it again" in reason for reason in reasons), reasons
        assert len(reasons) == 2
        with pytest.raises(UnknownName, match="Did you mean 'shop'"):
            replay_pushed("shp", warehouse, progress=lambda _: None)
