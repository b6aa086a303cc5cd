"""Whatever is wrong with a home is found, with its cure; looking changes nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from analyticspro import clock, services
from analyticspro.config import Home
from analyticspro.connectors.rest_source import RestSource
from analyticspro.secrets_store import Secrets
from analyticspro.services.diagnosis import Finding, examine
from analyticspro.services.diagnosis.data import source
from analyticspro.services.diagnosis.machine import packages
from analyticspro.services.processes import supervisors
from analyticspro.workspace import Workspace
from tests.api.server import serving
from tests.local import free_port, free_ports, until
from tests.services.conftest import SERVICES

NOW = clock.now()
SOURCE = """
[sources.till]
path = "{path}"
event = "order_placed"
occurred_at = "date"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a little data, to be copied."""
    home = Home(tmp_path_factory.mktemp("made") / "home").prepare()
    with Workspace.open(home) as workspace:
        workspace.load_demo(1_000, 7, progress=lambda step: None)
    return home.path


@pytest.fixture
def well(made: Path, tmp_path: Path) -> Home:
    """A home with which all is well; nothing runs."""
    home = Home(tmp_path / "well")
    shutil.copytree(made, home.path)
    home.write_settings(**free_ports())
    return home


def problems(home: Home, *, now: datetime | None = None) -> dict[str, Finding]:
    return {one.check: one for one in examine(home, now=now or clock.now()) if not one.is_ok}


def everything(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, time of change and content of all there is."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in [folder, *folder.rglob("*")]
    }


def test_all_is_well(well: Home):
    settings = well.settings
    gate = (settings.hub_port, settings.proxy_api_port, settings.hub_api_port)
    findings = examine(well, now=clock.now())
    assert [one for one in findings if not one.is_ok] == []
    assert [one.check for one in findings] == [
        "packages", "time zones", "home", "settings", "token", "secrets", "disk", "isolation",
        "warehouse", "schema", "clock", "services", f"port {well.settings.api_port}",
        f"port {well.settings.port}", *(f"port {port}" for port in gate), "leftovers",
        "sources", "logs", "backups",
    ]  # fmt: skip
    assert all(one.found and not one.cure for one in findings)


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path):
    found = problems(Home(tmp_path / "none"))
    assert list(found) == ["home"]
    assert "up" in found["home"].cure
    assert not (tmp_path / "none").exists()


def test_a_home_that_was_never_used_is_well(tmp_path: Path):
    home = Home(tmp_path / "new").prepare()
    home.write_settings(**free_ports())
    assert problems(home) == {}


def _newer(home: Home) -> None:
    with duckdb.connect(str(home.warehouse_file)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")


def _old_backup(home: Home) -> None:
    copy = home.path / "backups" / "old.duckdb"
    copy.write_bytes(b"")
    long_ago = (NOW - timedelta(days=30)).timestamp()
    os.utime(copy, (long_ago, long_ago))


def _no_backup(home: Home) -> None:
    long_ago = (NOW - timedelta(days=30)).timestamp()
    os.utime(home.token_file, (long_ago, long_ago))


def _draft(home: Home) -> None:
    draft = home.path / "token.x7b2"
    draft.write_text("half")
    long_ago = (NOW - timedelta(days=2)).timestamp()
    os.utime(draft, (long_ago, long_ago))


def _secret_open(home: Home) -> None:
    Secrets.open(home).set("crm", "token", "value", now=NOW)
    (home.path / "secrets" / "key").chmod(0o644)


def _stale_api(home: Home) -> None:
    home.api_file.write_text('{"url": "http://127.0.0.1:9", "pid": 4194304}')


def _another_s_api(home: Home) -> None:
    home.api_file.write_text(f'{{"url": "http://127.0.0.1:9", "pid": {os.getpid()}}}')


def _stale_services(home: Home) -> None:
    (home.path / "run" / "supervisord.pid").write_text("4194304")


def _sources(text: str) -> Callable[[Home], None]:
    return lambda home: home.sources_file.write_text(text) and None


BROKEN: dict[str, tuple[Callable[[Home], object], str, str, str]] = {
    "open to others": (lambda h: h.path.chmod(0o755), "home", "others may look", "chmod 700"),
    "settings no TOML": (
        lambda h: h.settings_file.write_text("port = "), "settings", "is not valid TOML", ""),
    "a wrong zone": (
        lambda h: h.settings_file.write_text('timezone = "Mars/Olympus"'),
        "settings", "no IANA zone", "Write one such as"),
    "token open": (lambda h: h.token_file.chmod(0o644), "token", "read by others", "chmod 600"),
    "token short": (lambda h: h.token_file.write_text("x"), "token", "no usable", "Delete it"),
    "token gone": (lambda h: h.token_file.unlink(), "token", "no workspace", "up"),
    "secrets open": (_secret_open, "secrets", "read by others", "chmod 600"),
    "warehouse no database": (
        lambda h: h.warehouse_file.write_bytes(b"no database" * 1000),
        "warehouse", "cannot be opened", "Restore a copy"),
    "warehouse cut short": (
        lambda h: os.truncate(h.warehouse_file, 5000), "warehouse", "cannot be opened", "Restore"),
    "a newer schema": (_newer, "schema", "made by a newer", "Install the newer one"),
    "api killed": (_stale_api, "leftovers", "does not answer", "'analyticspro up'"),
    "api killed, its number another's": (
        _another_s_api, "leftovers", "does not answer", "'analyticspro up'"),
    "supervisor killed": (_stale_services, "leftovers", "nothing supervises", "down"),
    "a draft left": (_draft, "leftovers", "1 draft", "rm -r"),
    "logs gone": (lambda h: (h.path / "logs").rmdir(), "logs", "is not there", "mkdir"),
    "no backup": (_no_backup, "backups", "there is none", "backup"),
    "old backup": (_old_backup, "backups", "long ago", "backup"),
    "sources no TOML": (_sources("[sources"), "sources", "is not valid TOML", ""),
    "sources misspelt": (
        _sources("[sources.till]\npth = 'x'\nevent = 'e'\noccurred_at = 'd'\n"),
        "sources", "", ""),
    "sources ask for what is not set": (
        _sources(SOURCE.format(path="${NOT_SET}/x")), "sources", "NOT_SET", "export"),
    "a source without files": (
        _sources(SOURCE.format(path="orders-*.csv")), "source till", "no file at", "path"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_found_and_left_as_it_is(name: str, well: Home):
    break_it, check, found, cure = BROKEN[name]
    break_it(well)
    home = Home(well.path)  # without the settings that were read before
    before = everything(home.path)
    wrong = problems(home)
    assert everything(home.path) == before
    assert found in wrong[check].found
    assert cure in wrong[check].cure
    expected = {check, "ports", "disk"} if check == "settings" else {check}
    assert wrong.keys() - {"warehouse", "backups", "ports", "services"} <= expected


def test_a_clock_that_was_set_back_is_noticed(well: Home):
    found = problems(well, now=datetime(2020, 1, 1, tzinfo=UTC))["clock"]
    assert found.found.startswith("the clock says 2020-01-01 00:00 UTC")
    assert "Set the clock" in found.cure


def test_data_after_the_last_checkpoint_is_seen_and_left_there(well: Home):
    """A process killed hard leaves a log beside the file; reading must not fold it in."""
    script = (
        "import duckdb, os, sys\n"
        "c = duckdb.connect(sys.argv[1])\n"
        "c.execute('SET checkpoint_threshold = \\'1GB\\'')\n"
        "c.execute('INSERT INTO schema_version VALUES (98)')\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(well.warehouse_file)])
    assert well.warehouse_file.with_name("warehouse.duckdb.wal").exists()
    before = everything(well.path)
    assert problems(well)["schema"].found.startswith("98, made by a newer")
    assert everything(well.path) == before


def test_a_taken_port_is_named_with_who_has_it(well: Home):
    with socket.create_server(("127.0.0.1", well.settings.api_port)):
        found = problems(well)
    [wrong] = found.values()
    assert wrong.check == f"port {well.settings.api_port}"
    assert f"pid {os.getpid()}" in wrong.found
    assert "api_port" in wrong.cure


def test_a_warehouse_that_is_held_is_not_waited_for(well: Home):
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(well.warehouse_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    wrong = problems(well)
    holder.communicate(b"\n")
    assert list(wrong) == ["warehouse"]
    assert f"held by process {holder.pid}" in wrong["warehouse"].found


def test_a_running_api_is_asked(well: Home):
    with serving(well) as server:
        running = Home(well.path)
        running.write_settings(api_port=server.port)
        found = {one.check: one for one in examine(running, now=clock.now())}
        assert [one for one in found.values() if not one.is_ok] == []
        assert found["warehouse"].found == f"held by the api at {server.url}, which is ready"
        assert found[f"port {server.port}"].found == "api has it"
        assert problems(running, now=datetime(2020, 1, 1, tzinfo=UTC)).keys() == {"clock"}
        server.kill()
        assert "leftovers" in problems(running)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def crm(port: int) -> RestSource:
    return RestSource.model_validate(
        {
            "name": "crm",
            "url": f"http://127.0.0.1:{port}/v1",
            "auth": {"bearer": "token"},
            "streams": {
                "deals": {
                    "path": "deals", "event": "order_placed", "key": ["id"], "occurred_at": "at"
                }
            },
        }
    )  # fmt: skip


def test_a_source_s_secret_and_host_are_looked_for(home: Home, listening: int):
    secrets = Secrets.open(home)
    [found] = source(crm(listening), secrets)
    assert (found.check, found.found) == ("source crm", "No secret 'crm.token'")
    assert found.cure == "Set it: analyticspro secrets set crm.token"
    secrets.set("crm", "token", "value", now=NOW)
    assert [one.is_ok for one in source(crm(listening), secrets)] == [True]
    silent = free_port()
    [found] = source(crm(silent), secrets)
    assert found.found.startswith(f"127.0.0.1 does not answer on port {silent}")


def test_packages_are_compared_with_the_lock(tmp_path: Path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "click==0.1 \\\n    --hash=sha256:x\npolars==1 ; sys_platform == 'x' \\\nnone==2 \\\n"
    )
    found = packages(lock)
    assert not found.is_ok
    assert "locked is 0.1" in found.found
    assert "none is missing, locked is 2" in found.found
    lock.write_text("absent-one==1.0 ; sys_platform == 'never' \\\n")
    assert packages(lock).is_ok
    assert packages(tmp_path / "none").found.endswith("all packages new enough")


def test_services_that_run_are_well_until_who_supervises_is_killed(home: Home):
    """Stand-ins for the services, see conftest.py; the supervisor is the real one."""

    def wrong() -> dict[str, Finding]:
        found = examine(Home(home.path), now=clock.now(), services=SERVICES)
        return {one.check: one for one in found if not one.is_ok}

    services.up(home, services=SERVICES)
    assert wrong() == {}
    [supervisor] = supervisors(home)
    supervisor.kill()
    until(lambda: not supervisors(home))
    found = wrong()
    assert "what supervised it was killed" in found["service api"].found
    assert "up" in found["service api"].cure
    assert "leftovers" in found
