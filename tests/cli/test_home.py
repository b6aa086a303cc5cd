"""Which workspace a command is about, and how it ends: exit codes as the help says."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

import pytest

from analyticspro.config import Home
from tests.api.server import serving
from tests.cli.terminal import run
from tests.metrics.shop import PLACED, Shop, told


def with_orders(path: Path, orders: int) -> Home:
    home = Home(path).prepare()
    with Shop.at(home.path) as shop:
        shop.holds([told("2024-01-01", PLACED, "1.00", order=str(n)) for n in range(orders)])
    return home


def orders(home: Path | None = None, **more: object) -> int:
    done = run("query", "orders", "--format", "csv", home=home, **more)  # type: ignore[arg-type]
    assert done.code == 0, done.err
    return int(done.out.split()[1])


def test_two_homes_side_by_side_never_meet(tmp_path: Path):
    one, two = with_orders(tmp_path / "one", 1), with_orders(tmp_path / "two", 2)
    with serving(one):
        assert (orders(one.path), orders(two.path)) == (1, 2)
        with serving(two):
            assert (orders(one.path), orders(two.path)) == (1, 2)


def test_home_is_an_option_else_the_environment_s_else_in_the_person_s_folder(tmp_path: Path):
    one = with_orders(tmp_path / "one", 1)
    with_orders(tmp_path / "person" / ".analyticspro", 2)
    person = {"HOME": str(tmp_path / "person")}
    assert orders(env=person) == 2
    assert orders(env=person | {"ANALYTICSPRO_HOME": str(one.path)}) == 1
    with_orders(tmp_path / "three", 3)
    assert orders(Path("three"), cwd=tmp_path, env={"ANALYTICSPRO_HOME": str(one.path)}) == 3
    assert orders(Path("~/.analyticspro"), env=person) == 2


def test_a_setting_of_the_environment_holds_for_one_command(tmp_path: Path):
    home = with_orders(tmp_path / "home", 1)
    zone = {"ANALYTICSPRO_TIMEZONE": "America/New_York"}
    done = run("query", "orders", "--grain", "day", "--format", "csv", home=home.path, env=zone)
    assert done.out.splitlines()[1] == "2023-12-31,1"
    wrong = run("query", "orders", home=home.path, env={"ANALYTICSPRO_TIMEZONE": "Mars"})
    assert (wrong.code, wrong.out) == (2, "")
    assert "Mars" in wrong.err


class TestExitCodes:
    def test_are_all_in_the_help(self):
        documented = set(map(int, re.findall(r"^    (\d)  ", run("--help").out, re.MULTILINE)))
        assert documented == {0, 1, 2, 3, 4, 5, 6, 7}

    def test_0_done(self, tmp_path: Path):
        assert run("metrics", home=tmp_path / "none").code == 0

    def test_2_where_there_is_no_workspace(self, tmp_path: Path):
        done = run("query", "orders", home=tmp_path / "none")
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            f"Error: There is no workspace at {tmp_path}/none. Start one with "
            f"'analyticspro --home {tmp_path}/none up'.\n"
        )

    def test_3_a_source_that_cannot_be_read(self, home: Home, tmp_path: Path):
        declared = tmp_path / "sources.toml"
        declared.write_text(
            '[sources.till]\npath = "none/*.csv"\nevent = "order_placed"\noccurred_at = "at"\n'
        )
        for command in ("check", "sync"):
            done = run("sources", command, "--sources", declared, home=home.path)
            assert done.code == 3
            assert "no file fits" in done.err

    def test_4_services_that_do_not_run(self, home: Home):
        done = run("link", home=home.path)
        assert (done.code, done.out) == (4, "")
        assert "analyticspro up" in done.err

    def test_5_a_warehouse_that_is_none(self, home: Home):
        home.warehouse_file.write_bytes(b"no database" * 999)
        done = run("query", "orders", home=home.path)
        assert (done.code, done.out) == (5, "")
        assert str(home.warehouse_file) in done.err

    def test_6_not_allowed(self, shop_home: Home):
        """The token was changed while the api runs with the old one."""
        with serving(shop_home):
            old = shop_home.token_file.read_text()
            shop_home.token_file.write_text("another token, long enough to be one")
            done = run("query", "orders", home=shop_home.path)
            shop_home.token_file.write_text(old)
        assert (done.code, done.out) == (6, "")
        assert "token" in done.err


@pytest.mark.parametrize("words", ["metrics", "query orders", "sources status"])
def test_results_are_all_that_stdout_holds(words: str, shop_home: Home):
    done = run(*words.split(), home=shop_home.path, env={"PYTHONWARNINGS": "default"})
    assert done.code == 0
    assert done.out
    assert "Warning" not in done.err


def test_after_a_kill_of_the_api_commands_work_on(tmp_path: Path):
    home = with_orders(tmp_path / "home", 3)
    with serving(home) as server:
        server.kill()
    assert orders(home.path) == 3


def test_the_port_s_next_owner_hears_nothing_of_us(tmp_path: Path):
    """Whoever took the port of an api that was killed is not sent the token."""
    home = with_orders(tmp_path / "home", 3)
    with serving(home) as server:
        server.kill()
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", server.port)) as stranger:
        stranger.settimeout(0.2)
        thread = threading.Thread(target=_listen, args=(stranger, heard))
        thread.start()
        assert orders(home.path) == 3
    thread.join()
    assert heard == []


def _listen(stranger: socket.socket, heard: list[bytes]) -> None:
    while True:
        try:
            connection, _ = stranger.accept()
        except TimeoutError:
            continue
        except OSError:
            return
        with connection:
            heard.append(connection.recv(65536))
