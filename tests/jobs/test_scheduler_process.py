"""The scheduler of a workspace syncs what is declared, by itself, through the running api."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.errors import SettingError
from analyticspro.jobs import declared, follow, jobs
from analyticspro.scheduling import Scheduler, Schedules
from analyticspro.state import Outcome, State
from tests.local import free_port, until

SOURCE = """
[sources.till]
path = "orders.csv"
every = "1s"
event = "order_placed"
occurred_at = "at"
"""
NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


@contextmanager
def process(module: str, home: Home, signs: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", module, "--home", str(home.path)]
    started = subprocess.Popen(command)
    try:
        until(signs.exists)
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(30)


@pytest.fixture
def working(home: Home) -> Iterator[Home]:
    """A home whose api and scheduler run."""
    home.write_settings(port=free_port(), api_port=free_port())
    (home.path / "orders.csv").write_text("at\n2024-05-01T10:00:00Z\n")
    home.sources_file.write_text(SOURCE)
    with (
        process("analyticspro.api", home, home.api_file),
        process("analyticspro.jobs", home, home.path / "run" / "scheduler.json"),
    ):
        yield home


def outcomes(home: Home) -> list[Outcome | None]:
    with State.open(home.state_address) as state:
        schedules = Schedules(state)
        names = [schedule.name for schedule in schedules.all()]
        return [run.outcome for name in names for run in schedules.runs(name)]


def test_a_source_is_synced_by_itself_and_its_run_says_what_came(working: Home):
    until(lambda: Outcome.SUCCEEDED in outcomes(working))
    with State.open(working.state_address) as state:
        [first, *_] = [r for r in Schedules(state).runs("sync till") if r.outcome]
    assert first.result["new"] == 1
    # What is no longer declared is no longer run.
    working.sources_file.write_text(SOURCE.replace('every = "1s"\n', ""))

    def names() -> list[str]:
        with State.open(working.state_address) as state:
            return [schedule.name for schedule in Schedules(state).all()]

    until(lambda: sorted(names()) == ["old runs", "registry"])


def test_the_registry_is_kept_current_though_nobody_looks(working: Home):
    until(lambda: Outcome.SUCCEEDED in outcomes(working))
    with State.open(working.state_address) as state:
        Schedules(state).run_now("registry", who="ann", now=clock.now())

    def done() -> bool:
        with State.open(working.state_address) as state:
            return any(run.outcome for run in Schedules(state).runs("registry"))

    until(done)
    with State.open(working.state_address) as state:
        assert [run.error for run in Schedules(state).runs("registry")] == [None]


def test_what_ran_long_ago_is_forgotten(home: Home):
    now = clock.now()
    with State.open(home.state_address) as state:
        schedules = Schedules(state)
        schedules.put(declared(home)[-1], who="ann", now=now - timedelta(days=100))

        def slots_after_a_run(at: datetime) -> list[datetime]:
            schedules.run_now("old runs", who="ann", now=at)
            scheduler = Scheduler(state, jobs(home), "worker", clock=lambda: at)
            scheduler.tick(at)
            scheduler.settle()
            return [run.slot for run in schedules.runs("old runs") if run.outcome]

        [first] = slots_after_a_run(now - timedelta(days=100))
        later = slots_after_a_run(now)
    assert first not in later
    assert later


def test_a_sync_that_fails_says_why(working: Home):
    (working.path / "orders.csv").write_text("when\nx\n")

    def reasons() -> list[str]:
        with State.open(working.state_address) as state:
            found = Schedules(state).all()
            return [r.error or "" for s in found for r in Schedules(state).runs(s.name)]

    until(lambda: any("No column 'at'" in reason for reason in reasons()))


def schedules_of(home: Home) -> list[str]:
    return [f"{d.name}: {json.dumps(d.parameters)}" for d in declared(home)]


def test_what_is_declared_becomes_schedules(home: Home):
    home.write_settings(backup_at="30 3 * * *", backups_kept=3, timezone="Europe/London")
    home.sources_file.write_text(SOURCE)
    assert schedules_of(home) == [
        'sync till: {"source": "till"}',
        'backup: {"keep": 3}',
        "registry: {}",
        "old runs: {}",
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('every = "15x"', "every is '15x'"),
        ('every = "0s"', "every is '0s'"),
        ('every = "400d"', "from 1s to 366d"),
        ('every = "5m"\ncron = "* * * * *"', "both every and cron"),
    ],
)
def test_a_time_that_is_none_is_named(line: str, says: str, home: Home):
    home.sources_file.write_text(SOURCE.replace('every = "1s"', line))
    with pytest.raises(SettingError, match=says):
        declared(home)


def test_what_cannot_be_read_changes_nothing(home: Home):
    home.sources_file.write_text(SOURCE)
    with State.open(home.state_address) as state:
        schedules = Schedules(state)
        assert follow(home, schedules, now=NOW) == []
        schedules.pause("sync till", who="ann", now=NOW)
        home.sources_file.write_text("[sources.till\n")
        [problem] = follow(home, schedules, now=NOW + timedelta(seconds=5))
        assert "not valid TOML" in problem
        assert schedules.get("sync till").paused
        home.sources_file.write_text(SOURCE.replace("1s", "2s"))
        assert follow(home, schedules, now=NOW + timedelta(seconds=10)) == []
        kept = schedules.get("sync till")
        assert (kept.every_s, kept.paused) == (2, True), "a pause stays"
