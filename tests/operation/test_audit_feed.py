"""Each entry of the audit log becomes one event, whatever is killed in between."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyticspro import clock
from analyticspro.audit import Actor, AuditLog
from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from analyticspro.connectors import parse
from analyticspro.errors import DefinitionError
from analyticspro.metrics import Answer, Query
from analyticspro.operation.audit_feed import AuditStream, take_in
from analyticspro.policy import OWNER
from analyticspro.state import State
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace
from tests.local import until
from tests.metrics.shop import EVENTS, Shop

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADA = Actor("p1", "192.0.2.7")
ROOT = Path(__file__).parents[2]
ALL = "SELECT name, occurred_at, properties, raw, event_id FROM events WHERE retired IS NULL"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def state(home: Home) -> Iterator[State]:
    with State.open(home.state_address) as opened:
        yield opened


def stored(warehouse: Warehouse) -> list[dict[str, object]]:
    with warehouse.reader(OWNER) as reader:
        return reader.frame(f"{ALL} AND source = 'analyticspro' ORDER BY occurred_at").to_dicts()


@contextmanager
def opened(home: Home) -> Iterator[Warehouse]:
    place = home.warehouse_file
    with closing(Warehouse.open(place, backups=home.path / "backups", wait_for_s=30)) as warehouse:
        yield warehouse


def test_an_event_says_who_did_what_to_what_and_no_more(home: Home, state: State):
    log = AuditLog.of(home, state)
    said = [
        (ADA, "sign_in", "p1", True),
        (Actor("anonymous", "192.0.2.9"), "sign_in", "p1", False),
        (ADA, "api.refused", "GET /v1/sources", False),
        (ADA, "export.audit", "audit log", True),
        (ADA, "policies.grant", "role:viewer", True),
        (ADA, "people.role", "p2", True),
    ]
    for minute, (actor, action, subject, allowed) in enumerate(said):
        at = NOON + timedelta(minutes=minute)
        log.record(actor, action, subject, "said by 192.0.2.7", allowed=allowed, now=at)
    with opened(home) as warehouse:
        assert take_in(AuditStream(state), warehouse, now=lambda: NOON) == len(said)
        found = stored(warehouse)
    assert [row["name"] for row in found] == [
        "audit_signed_in",
        "audit_sign_in_failed",
        "audit_denied",
        "audit_exported",
        "audit_policy_changed",
        "audit_recorded",
    ]
    assert [json.loads(str(row["properties"])) for row in found] == [
        {"actor": actor.name, "action": action, "object": subject, "allowed": allowed}
        for actor, action, subject, allowed in said
    ]
    assert "192.0.2" not in json.dumps(found, default=str)
    assert [row["raw"] for row in found] == [None] * len(said)


def test_entries_are_taken_in_once_and_a_log_that_went_on_otherwise_anew(home: Home, state: State):
    log, stream = AuditLog.of(home, state), AuditStream(state)
    for number in range(3):
        log.record(ADA, "people.role", f"p{number}", now=NOON + timedelta(seconds=number))
    with opened(home) as warehouse:
        assert take_in(stream, warehouse, now=clock.now) == 3
        assert take_in(stream, warehouse, now=clock.now) == 0
        log.record(ADA, "people.role", "p9", now=NOON + timedelta(seconds=9))
        assert take_in(stream, warehouse, now=clock.now) == 1
    other = Home(home.path.parent / "other").prepare()  # the same numbers, another story
    with State.open(other.state_address) as restored, opened(home) as warehouse:
        theirs = AuditLog.of(other, restored)
        for number in range(5):
            theirs.record(ADA, "people.role", f"q{number}", now=NOON + timedelta(hours=number + 1))
        assert take_in(AuditStream(restored), warehouse, now=clock.now) == 5
        assert len(stored(warehouse)) == 9


_TAKING_IN = """
import sys
from pathlib import Path
from analyticspro import clock
from analyticspro.audit import Actor, AuditLog
from analyticspro.config import Home
from analyticspro.operation.audit_feed import AuditStream, take_in
from analyticspro.state import State
from analyticspro.warehouse import Warehouse

home = Home(Path(sys.argv[1]))
with State.open(home.state_address) as state:
    log, stream = AuditLog.of(home, state), AuditStream(state)
    warehouse = Warehouse.open(home.warehouse_file, backups=home.path / "backups", wait_for_s=30)
    while True:
        for number in range(7):
            log.record(Actor("p1", "here"), "people.role", f"p{number}", now=clock.now())
        print(take_in(stream, warehouse, now=clock.now), flush=True)
"""


def test_a_kill_at_any_moment_loses_and_doubles_none(home: Home, state: State):
    for turns in (1, 4, 2):
        command = [sys.executable, "-c", _TAKING_IN, str(home.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            for _ in range(turns):
                assert int(process.stdout.readline()) >= 7
            process.kill()
    with opened(home) as warehouse:
        take_in(AuditStream(state), warehouse, now=clock.now)
        found = [str(row["event_id"]) for row in stored(warehouse)]
    wanted = [f"analyticspro:audit:{row.digest}" for row in AuditLog.of(home, state).newest(10_000)]
    assert len(wanted) >= 49
    assert sorted(found) == sorted(wanted)


def test_an_open_workspace_follows_its_log_and_no_business_figure_changes(home: Home, state: State):
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
    queries = [
        Query.of("events", period="2020-01-01..2030-01-01"),
        Query.of("events", by="event", period="2020-01-01..2030-01-01"),
        Query.of(
            "events", "active_users", "sessions", grain="month", period="2020-01-01..2030-01-01"
        ),
    ]

    def rows() -> list[object]:
        answers = workspace.answers(queries, OWNER)
        return [each.frame.rows() for each in answers if isinstance(each, Answer)]

    with Workspace.open(home) as workspace:
        before = rows()
        assert len(before) == len(queries)
        told = workspace.info(OWNER)
        names = workspace.values("event", OWNER), workspace.values("source", OWNER)
        feed = workspace.audit_feed()
        feed.start()
        try:
            log = AuditLog.of(home, state)
            for number in range(5):
                log.record(ADA, "api.refused", f"GET /{number}", allowed=False, now=clock.now())
            asked = Query.of("denials", "events", period="2020-01-01..2030-01-01")

            def found() -> tuple[object, ...]:
                [answer] = workspace.answers([asked], OWNER)
                assert isinstance(answer, Answer), answer
                return answer.frame.row(0)

            shops = sum(each.name == "audit_denied" for each in EVENTS)
            until(lambda: found() == (shops + 5, len(EVENTS)))
        finally:
            feed.close()
        for is_rolled in (False, True):
            if is_rolled:
                workspace._warehouse.compact()
            assert rows() == before
            assert found() == (shops + 5, len(EVENTS))
        now = workspace.info(OWNER)
        assert (now["first"], now["last"]) == (told["first"], told["last"])
        assert (workspace.values("event", OWNER), workspace.values("source", OWNER)) == names
        assert set(workspace.values("action", OWNER)) >= {"api.refused"}


def test_nobody_else_can_be_the_source(home: Home):
    table = {"name": "analyticspro", "path": "x.csv", "event": "x", "occurred_at": "at"}
    with pytest.raises(DefinitionError, match="tells of itself"):
        parse(table, "till")
    with pytest.raises(DefinitionError, match="tells of itself"):
        WriteKeys.of(home).create("shop", source="analyticspro", now=NOON)
