"""Services start, are watched over, stop, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from analyticspro import services
from analyticspro.config import Home
from analyticspro.errors import ServiceUnavailable, SettingError
from analyticspro.services import Running, ServiceStatus, State
from analyticspro.services.processes import service_processes, supervisors
from analyticspro.services.supervision import Supervision
from tests.local import free_port, until
from tests.services.conftest import HERE, SERVICES


def up(home: Home, **more: float) -> Running:
    return services.up(home, services=SERVICES, **more)  # type: ignore[arg-type]


def down(home: Home) -> list[str]:
    return services.down(home, services=SERVICES)


def status(home: Home) -> dict[str, ServiceStatus]:
    return {one.name: one for one in services.status(home, services=SERVICES)}


def alive(home: Home) -> list[psutil.Process]:
    found = service_processes(home, SERVICES)
    return [process for each in found.values() for process in each] + supervisors(home)


def is_up(home: Home) -> bool:
    return all(one.is_ready for one in status(home).values())


def test_services_start_and_stop(home: Home) -> None:
    said: list[str] = []
    running = services.up(home, services=SERVICES, progress=said.append)
    assert running.address == f"http://127.0.0.1:{home.settings.port}"
    assert [one.name for one in running.services] == ["api", "dashboards"]
    assert {one.state for one in running.services} == {State.RUNNING}
    assert all(one.is_ready and one.pid and one.uptime_s is not None for one in running.services)
    assert said == ["api is ready", "dashboards is ready"] or len(said) == 2
    assert down(home) == ["api", "dashboards"]
    assert alive(home) == []
    assert {one.state for one in status(home).values()} == {State.STOPPED}
    assert down(home) == []


def test_started_already_they_are_left_alone(home: Home) -> None:
    before = {one.name: one.pid for one in up(home).services}
    again = up(home)
    assert again.was_running
    assert {one.name: one.pid for one in again.services} == before


def test_two_at_once_start_one_set(home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from tests.services.conftest import SERVICES\n"
        "from analyticspro import services; from analyticspro.config import Home\n"
        "services.up(Home(Path(sys.argv[1])), services=SERVICES)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(home.path), str(HERE.parents[1])])
        for _ in range(2)
    ]
    assert [one.wait(60) for one in both] == [0, 0]
    assert len(supervisors(home)) == 1
    assert is_up(home)


def test_nothing_to_stop_is_no_error(tmp_path: Path) -> None:
    assert down(Home(tmp_path / "never")) == []


def test_a_killed_service_is_started_again(home: Home) -> None:
    old = {one.name: one.pid for one in up(home).services}
    assert old["api"] is not None
    os.kill(old["api"], signal.SIGKILL)
    until(lambda: status(home)["api"].is_ready and status(home)["api"].pid != old["api"])
    assert status(home)["dashboards"].pid == old["dashboards"]


def test_a_killed_supervisor_leaves_nothing_in_the_way(home: Home) -> None:
    old = {one.name: one.pid for one in up(home).services}
    supervisors(home)[0].kill()
    until(lambda: not supervisors(home))
    assert {one.state for one in status(home).values()} == {State.UNSUPERVISED}
    running = up(home)
    assert not running.was_running
    assert not {one.pid for one in running.services} & set(old.values())
    assert len(alive(home)) == 3


def test_a_stop_ends_what_a_killed_supervisor_left(home: Home) -> None:
    up(home)
    supervisors(home)[0].kill()
    until(lambda: not supervisors(home))
    assert down(home) == ["api", "dashboards"]
    assert alive(home) == []


def test_all_killed_they_start_anew(home: Home) -> None:
    up(home)
    for process in supervisors(home) + alive(home):
        process.kill()
    until(lambda: not alive(home))
    assert {one.state for one in status(home).values()} == {State.STOPPED}
    assert not up(home).was_running


def test_a_stranger_with_a_stale_number_is_left_alone(home: Home) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    run = home.path / "run"
    (run / "supervisord.pid").write_text(str(stranger.pid))
    (run / "supervisor.sock").write_text("no socket")
    (run / "services.json").write_text('{"socket": "/nosuch", "addresses": {}}')
    up(home)
    down(home)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


@pytest.mark.parametrize(("setting", "field"), [("port", "port"), ("api_port", "api_port")])
def test_a_taken_port_is_named_with_its_holder_and_the_cure(
    home: Home, setting: str, field: str
) -> None:
    port = getattr(home.settings, field)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with pytest.raises(SettingError) as error:
            up(home)
    message = str(error.value)
    assert message.startswith(f"Port {port} is taken by pid {os.getpid()}, ")
    assert f"'{setting}' in {home.settings_file}" in message
    assert f"ANALYTICSPRO_{setting.upper()}=" in message
    assert alive(home) == []


def test_a_port_taken_by_another_workspace_says_which(make_home: Callable[[str], Home]) -> None:
    first, second = make_home("first"), make_home("second")
    up(first)
    second.write_settings(port=first.settings.port)
    with pytest.raises(SettingError, match="is taken by pid"):
        up(second)
    assert is_up(first)


def test_two_workspaces_run_side_by_side(make_home: Callable[[str], Home]) -> None:
    first, second = make_home("first"), make_home("second")
    assert up(first).address != up(second).address
    down(first)
    assert is_up(second)


def test_a_service_that_does_not_start_shows_the_end_of_its_log(home: Home) -> None:
    (home.path / "standin_pages fails").touch()
    with pytest.raises(ServiceUnavailable) as error:
        up(home)
    assert "'dashboards' does not start" in str(error.value)
    assert "standin_pages: the disk is full" in str(error.value)
    assert str(home.path / "logs" / "dashboards.log") in str(error.value)
    assert alive(home) == []
    (home.path / "standin_pages fails").unlink()
    up(home)


def test_a_service_that_is_not_ready_in_time_is_named_and_left_running(home: Home) -> None:
    (home.path / "not ready").touch()
    with pytest.raises(ServiceUnavailable, match="'api' is not ready after 1 s"):
        up(home, timeout_seconds=1)
    assert len(alive(home)) == 3
    assert not status(home)["api"].is_ready
    (home.path / "not ready").unlink()
    assert up(home).was_running


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])
def test_a_host_that_others_can_reach_must_be_meant(home: Home, host: str) -> None:
    home.write_settings(host=host)
    with pytest.raises(SettingError, match="allow_remote"):
        up(home)


@pytest.mark.parametrize("name", ["a b", "100% #1; 'x' \"y\"", "größe", "long" * 40])
def test_a_home_may_have_any_name(make_home: Callable[[str], Home], name: str) -> None:
    home = make_home(name)
    up(home)
    old = supervisors(home)[0].pid
    assert up(home).was_running
    assert supervisors(home)[0].pid == old
    assert down(home) == ["api", "dashboards"]


def test_a_socket_elsewhere_is_private_and_removed(make_home: Callable[[str], Home]) -> None:
    home = make_home("long" * 40)
    up(home)
    path = Path(services.supervision.Supervision(home).record()["socket"])
    assert not path.is_relative_to(home.path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    down(home)
    assert not path.parent.exists()


def test_settings_in_force_at_the_start_stay_in_force(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("ANALYTICSPRO_PORT", str(port))
    monkeypatch.setenv("SOURCE", "a place")
    up(Home(home.path))
    monkeypatch.delenv("ANALYTICSPRO_PORT")
    later = Home(home.path)
    later.write_settings(port=free_port())
    assert services.address(later, "dashboards") == f"http://127.0.0.1:{port}"
    pid = status(later)["dashboards"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: status(later)["dashboards"].is_ready)
    assert status(later)["dashboards"].address.endswith(str(port))
    assert "SOURCE=a place" in (home.path / "logs" / "api.log").read_text()
    said: list[str] = []
    services.up(later, services=SERVICES, progress=said.append)
    assert any("started with" in words for words in said)


def test_they_outlive_the_terminal(home: Home) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from tests.services.conftest import SERVICES\n"
        "from analyticspro import services; from analyticspro.config import Home\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # nohup of the tests would keep it off
        "services.up(Home(Path(sys.argv[1])), services=SERVICES)\n"
        "os.killpg(0, signal.SIGHUP)"
    )
    words = [sys.executable, "-c", code, str(home.path), str(HERE.parents[1])]
    terminal = subprocess.run(words, start_new_session=True, timeout=60, check=False)
    assert terminal.returncode == -signal.SIGHUP
    assert is_up(home)


def test_what_is_written_is_for_the_owner_alone(home: Home) -> None:
    up(home)
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    socket = Path(Supervision(home).record()["socket"])  # elsewhere if the path is too long
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    log = home.path / "logs" / "api.log"
    assert stat.S_IMODE(log.stat().st_mode) & 0o077 == 0
