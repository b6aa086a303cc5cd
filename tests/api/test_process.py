"""The process: one to a workspace, says where it is, and leaves in order."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from analyticspro.client import presence
from analyticspro.config import Home
from analyticspro.errors import Stopped
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.api.server import is_listening, launch, serving
from tests.api.test_syncing import ROWS, Stream, source, written
from tests.local import free_port
from tests.metrics.shop import Shop


def opened(home: Home) -> Warehouse:
    return Warehouse.open(home.warehouse_file, backups=home.path / "backups")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals, home: Home):
    with serving(home) as server:
        told = json.loads(home.api_file.read_text())
        assert told == {"url": server.url, "pid": server.process.pid}
        assert server.call("GET", "/readyz", token=None).json == {"status": "ready"}
        server.process.send_signal(number)
        assert server.process.wait(60) == 0
    assert not home.api_file.exists()
    opened(home).close()  # it has let go of the warehouse
    assert not home.warehouse_file.with_suffix(".duckdb.wal").exists()


def test_a_signal_in_the_midst_of_a_sync_keeps_what_was_committed(home: Home, tmp_path: Path):
    file = written(tmp_path / "large.csv", 2 * ROWS)
    with serving(home) as server:
        stream = Stream(server, source(file))
        next(said := iter(stream))
        server.process.send_signal(signal.SIGTERM)
        *_, last = said
        stream.go_away()
        assert server.process.wait(60) == 0
    assert last["reports"][0]["error"]["code"] == Stopped.code
    with Shop.at(home.path) as shop:
        [(kept,)] = shop.rows("events")
        with shop.warehouse.reader(OWNER) as reader:
            assert reader.sources()["watermark"].to_list() == [None]  # not read to its end
    assert 0 < int(str(kept)) < 2 * ROWS
    assert int(str(kept)) % 50_000 == 0


def test_a_kill_leaves_a_trace_that_fools_nobody(home: Home):
    with serving(home) as server:
        server.kill()
    assert home.api_file.exists()
    assert presence(home) is None
    with serving(home) as again:
        assert json.loads(home.api_file.read_text())["pid"] == again.process.pid


def test_a_second_api_of_the_same_home_is_refused(home: Home):
    with serving(home) as server:
        second = launch(home, api_port=server.port)
        _, said = second.communicate(timeout=60)
        assert second.returncode == 4
        assert f"runs already, as process {server.process.pid}" in said.decode()
        assert server.call("GET", "/healthz").status == 200
        assert presence(home) is not None


def test_a_second_api_on_another_port_finds_the_warehouse_held(home: Home):
    with serving(home) as server:
        port = free_port()
        second = launch(home, "--wait", "0", api_port=port)
        _, said = second.communicate(timeout=60)
        assert second.returncode == 4
        assert f"held by process {server.process.pid}" in said.decode()
        assert not is_listening(port)
        assert json.loads(home.api_file.read_text())["pid"] == server.process.pid


def test_it_waits_for_a_command_that_is_at_work(home: Home):
    port = free_port()
    warehouse = opened(home)
    process = launch(home, api_port=port)
    try:
        assert not is_listening(port)
        assert presence(home) is None
    finally:
        warehouse.close()
    while not is_listening(port):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_taken_port_is_named_with_its_setting(home: Home):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = launch(home, api_port=port)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"127.0.0.1:{port}" in said.decode()
    assert "api_port" in said.decode()
    assert "ANALYTICSPRO_API_PORT" in said.decode()
    assert not home.api_file.exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("timezone", "Mars/Olympus"), ("api_port", "none"), ("host", "nowhere.invalid")],
)
def test_a_wrong_setting_is_named(setting: str, value: str, home: Home):
    process = launch(home, **{"api_port": free_port(), setting: value})
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert value in said.decode()
    assert "Traceback" not in said.decode()


def test_a_warehouse_that_is_none_is_said_so(home: Home):
    home.warehouse_file.write_bytes(b"this is no database" * 1000)
    process = launch(home, api_port=free_port())
    _, said = process.communicate(timeout=60)
    assert process.returncode == 5
    assert str(home.warehouse_file) in said.decode()
    assert "Traceback" not in said.decode()


def test_it_listens_on_ipv6_too(home: Home):
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    port = free_port()
    process = launch(home, api_port=port, host="::1")
    try:
        while True:
            assert process.poll() is None, process.communicate()[1].decode()
            try:
                socket.create_connection(("::1", port), timeout=1).close()
                break
            except OSError:
                continue
        assert json.loads(home.api_file.read_text())["url"] == f"http://[::1]:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_the_token_is_for_its_owner_s_eyes_only(home: Home):
    with serving(home) as server:
        assert home.token_file.stat().st_mode & 0o077 == 0
        assert home.warehouse_file.stat().st_mode & 0o077 == 0
        assert server.call("GET", "/v1/metrics").status == 200
    home.token_file.chmod(0o644)
    process = launch(home, api_port=free_port())
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "chmod 600" in said.decode()
