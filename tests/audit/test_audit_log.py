"""What is in the audit log stays there as it is, or verification says so."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import exc, text

from analyticspro.audit import Actor, AuditLog, Head
from analyticspro.config import Home
from analyticspro.errors import SettingError
from analyticspro.state import State

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
ADA = Actor("p1", "192.0.2.7")


@pytest.fixture
def log(home: Home, state: State) -> AuditLog:
    return AuditLog.of(home, state)


def fill(log: AuditLog, count: int = 5) -> None:
    for number in range(1, count + 1):
        log.record(ADA, "people.role", f"p{number}", "viewer → analyst", now=NOW)


def tamper(state: State, *statements: str) -> None:
    """Do what only somebody can who has the database to himself."""
    with state.writing() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER IF EXISTS audit_entries_no_update"))
            connection.execute(text("DROP TRIGGER IF EXISTS audit_entries_no_delete"))
        else:
            connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(text(statement))


def test_an_entry_tells_who_did_what_to_what_from_where_and_when(log: AuditLog):
    later = NOW + timedelta(minutes=1)
    log.record(ADA, "people.role", "p7", "viewer → analyst", now=NOW)
    log.record(Actor.anonymous("192.0.2.9"), "sign_in", "p7", "locked", allowed=False, now=later)
    refused, done = log.newest()
    assert (done.seq, done.at, done.who, done.origin) == (1, NOW, "p1", "192.0.2.7")
    assert (done.action, done.subject, done.allowed) == ("people.role", "p7", True)
    assert (refused.seq, refused.at, refused.who) == (2, later, "anonymous")
    assert (refused.allowed, refused.reason) == (False, "locked")


def test_it_is_read_page_by_page_and_by_what_is_asked(log: AuditLog):
    fill(log, 4)
    log.record(Actor("p9", "::1"), "people", "p1", allowed=False, now=NOW)
    log.record(Actor("p9", "::1"), "peoples", "p1", now=NOW)
    assert [row.seq for row in log.newest(2)] == [6, 5]
    assert [row.seq for row in log.newest(2, before=5)] == [4, 3]
    assert [row.seq for row in log.newest(who="p9")] == [6, 5]
    assert [row.seq for row in log.newest(action="people")] == [5, 4, 3, 2, 1]
    assert [row.seq for row in log.newest(allowed=False)] == [5]


def test_an_empty_log_and_a_whole_one_hold(log: AuditLog):
    assert log.verify().is_whole
    fill(log, 3)
    verdict = log.verify()
    assert verdict.is_whole
    assert verdict.head == Head(3, log.newest(1)[0].digest)
    assert log.verify(noted=Head.parse(str(verdict.head))).is_whole


def test_a_log_of_more_than_one_portion_holds(log: AuditLog):
    with log.writing(NOW) as writing:
        for number in range(2_100):
            writing.note(ADA, "export", f"report {number}")
    assert log.verify().head.seq == 2_100
    assert log.verify().is_whole


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "'2026-05-04 12:31:00.000000'"),
        ("who", "'p2'"),
        ("action", "'people.name'"),
        ("subject", "'p9'"),
        ("origin", "'192.0.2.8'"),
        ("allowed", "NOT allowed"),
        ("reason", "''"),
        ("digest", "(SELECT digest FROM audit_entries WHERE seq = 4)"),
    ],
)
def test_a_changed_entry_is_told(log: AuditLog, state: State, column: str, value: str):
    fill(log)
    tamper(state, f"UPDATE audit_entries SET {column} = {value} WHERE seq = 3")
    verdict = log.verify()
    assert verdict.problems == ("Entry 3 was changed, or put there from elsewhere.",)
    assert verdict.head.seq == 2


def test_the_last_entry_is_as_safe_as_the_others(log: AuditLog, state: State):
    fill(log)
    tamper(state, "UPDATE audit_entries SET subject = 'p9' WHERE seq = 5")
    assert log.verify().problems[0] == "Entry 5 was changed, or put there from elsewhere."


def test_a_deleted_entry_is_told(log: AuditLog, state: State):
    fill(log)
    tamper(state, "DELETE FROM audit_entries WHERE seq = 3")
    assert log.verify().problems == ("Entry 3 is missing: 4 follows 2.",)


def test_a_deleted_entry_whose_gap_was_closed_is_told(log: AuditLog, state: State):
    fill(log)
    tamper(
        state,
        "DELETE FROM audit_entries WHERE seq = 3",
        "UPDATE audit_entries SET seq = 3 WHERE seq = 4",
        "UPDATE audit_entries SET seq = 4 WHERE seq = 5",
        "UPDATE audit_head SET seq = 4",
    )
    assert "Entry 3 was changed" in log.verify().problems[0]


def test_entries_that_changed_places_are_told(log: AuditLog, state: State):
    fill(log)
    tamper(
        state,
        "UPDATE audit_entries SET seq = 99 WHERE seq = 2",
        "UPDATE audit_entries SET seq = 2 WHERE seq = 3",
        "UPDATE audit_entries SET seq = 3 WHERE seq = 99",
    )
    assert "Entry 2 was changed" in log.verify().problems[0]


def cut(state: State, last: int) -> None:
    """Remove the tail, and make the database's own head fit."""
    tamper(
        state,
        f"DELETE FROM audit_entries WHERE seq > {last}",
        f"UPDATE audit_head SET seq = {last}, "
        f"digest = (SELECT digest FROM audit_entries WHERE seq = {last})",
    )


def test_a_tail_that_was_cut_is_told_though_the_rest_fits(log: AuditLog, state: State):
    fill(log)
    cut(state, 3)
    assert log.verify().problems == (
        "Entries are missing at the end: the log ends at 3, the head kept in the home tells of 5.",
    )


def test_a_tail_that_was_cut_and_grew_again_is_told(log: AuditLog, state: State):
    fill(log)
    cut(state, 3)
    log.record(ADA, "people.role", "p8", now=NOW)
    log.record(ADA, "people.role", "p9", now=NOW)
    assert log.verify().problems == (
        "Entry 5 is not the one that the head kept in the home tells of.",
    )


def test_a_head_noted_down_tells_what_the_home_cannot(log: AuditLog, state: State, home: Home):
    fill(log)
    noted = log.verify().head
    cut(state, 3)
    (home.path / "audit" / "head.json").unlink()
    assert log.verify().is_whole
    assert "noted down tells of 5" in log.verify(noted=noted).problems[0]


def test_a_head_that_was_moved_back_is_told(log: AuditLog, state: State):
    fill(log)
    tamper(
        state,
        "UPDATE audit_head SET seq = 3, digest = (SELECT digest FROM audit_entries WHERE seq = 3)",
    )
    assert log.verify().problems == ("Its own head was moved back.",)


def test_a_chain_made_without_the_key_does_not_hold(log: AuditLog, state: State, tmp_path):
    fill(log, 2)
    forger = AuditLog.of(Home(tmp_path / "forged").prepare(), state)
    forger.record(ADA, "people.role", "p1", "viewer → admin", now=NOW)
    assert "Entry 3 was changed" in log.verify().problems[0]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entries SET who = 'p2'", "DELETE FROM audit_entries WHERE seq = 2"],
)
def test_the_database_itself_refuses_to_change_or_delete(
    log: AuditLog, state: State, statement: str
):
    fill(log)
    with pytest.raises(exc.DBAPIError, match="append-only"), state.writing() as connection:
        connection.execute(text(statement))
    assert log.verify().is_whole


def test_what_is_not_committed_is_not_in_the_log(log: AuditLog, state: State):
    fill(log, 1)
    with suppress(ZeroDivisionError), log.writing(NOW) as writing:
        writing.note(ADA, "export", "report 1")
        raise ZeroDivisionError
    assert [row.seq for row in log.newest()] == [1]
    assert log.verify().is_whole


def test_writers_at_once_keep_one_chain(log: AuditLog, home: Home, fresh_address: str):
    def write(name: str) -> None:
        with State.open(fresh_address) as state:
            mine = AuditLog.of(home, state)
            for number in range(10):
                mine.record(Actor(name, "::1"), "export", f"report {number}", now=NOW)

    threads = [threading.Thread(target=write, args=(f"p{number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.verify().is_whole
    assert log.verify().head.seq == 50
    assert {row.who for row in log.newest()} == {f"p{number}" for number in range(5)}


def test_an_anchor_left_behind_by_a_kill_is_no_problem(log: AuditLog, home: Home):
    fill(log, 2)
    behind = (home.path / "audit" / "head.json").read_bytes()
    fill(log, 2)
    (home.path / "audit" / "head.json").write_bytes(behind)
    assert log.verify().is_whole


def test_an_entry_is_short_and_obeyed_by_no_terminal(log: AuditLog):
    log.record(ADA, "export", "a\x1b[2J\nb", "x" * 10_000, now=NOW)
    [row] = log.newest()
    assert row.subject == "a�[2J�b"
    assert len(row.reason) == 500
    assert log.verify().is_whole


def test_key_and_anchor_are_the_owners_alone(log: AuditLog, home: Home, state: State):
    fill(log, 1)
    files = sorted((home.path / "audit").iterdir())
    assert [file.name for file in files] == ["head.json", "key"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    files[1].chmod(0o644)
    with pytest.raises(SettingError, match="can be read by others"):
        AuditLog.of(home, state)


@pytest.mark.parametrize("text", ["", "7", "seven:abc", "7:"])
def test_what_is_no_head_is_told(text: str):
    with pytest.raises(SettingError, match="NUMBER:DIGEST"):
        Head.parse(text)
