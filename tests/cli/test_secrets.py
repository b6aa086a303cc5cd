"""Secrets by command: never an argument, never shown, sealed with a key that can be changed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.secrets_store import Secrets
from tests.api.server import environment
from tests.cli.terminal import Done

STANDIN = Path(__file__).parents[1] / "secrets_store" / "standin_keyring.py"
VALUE = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"

Ask = Callable[..., Done]


@pytest.fixture
def ask(home: Home) -> Ask:
    """Run `analyticspro secrets WORDS` with something on standard input."""

    def run(*words: str, given: bytes = b"", **env: str) -> Done:
        command = [sys.executable, "-m", "analyticspro", "--home", str(home.path), "secrets"]
        done = subprocess.run(
            [*command, *words], input=given, env=environment() | env, capture_output=True
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def kept(home: Home) -> list[str]:
    return [one.name for one in Secrets.open(home).names()]


def keep(home: Home) -> None:
    Secrets.open(home).set("crm", "token", VALUE, now=datetime(2026, 11, 5, tzinfo=UTC))


@pytest.fixture
def desktop(tmp_path: Path) -> dict[str, str]:
    """The environment of a process on a desktop with a keyring."""
    modules, keys = tmp_path / "modules", tmp_path / "keys"
    modules.mkdir()
    keys.mkdir()
    shutil.copy(STANDIN, modules / "keyring.py")
    return {"PYTHONPATH": f"{modules}:{environment()['PYTHONPATH']}", "KEYS": str(keys)}


def test_from_setting_to_removing(ask: Ask, home: Home):
    said = [ask("set", "crm.token", given=f"{VALUE}\n".encode())]
    pem = "-----BEGIN KEY-----\nxyz\n-----END KEY-----"
    ask("set", "app.key", given=f"{pem}\n".encode())
    assert Secrets.open(home).get("crm", "token") == VALUE
    assert Secrets.open(home).get("app", "key") == pem
    said.append(ask("list"))
    assert said[-1].out.splitlines()[0].split() == ["secret", "set", "(UTC)"]
    assert [line.split()[0] for line in said[-1].out.splitlines()[1:]] == ["app.key", "crm.token"]
    said.append(ask("list", "--format", "json"))
    assert [set(one) for one in said[-1].json] == [{"name", "set_at"}] * 2
    said.append(ask("rotate-key"))
    assert said[-1].err == "2 secret(s) sealed with a new key, which is in the workspace.\n"
    said.append(ask("set", "crm.token", given=f"{VALUE}2".encode()))
    assert said[-1].err == "crm.token is replaced.\n"
    said.append(ask("remove", "crm.token", "--yes"))
    assert kept(home) == ["app.key"]
    assert [one.code for one in said] == [0] * len(said)
    assert all(VALUE not in one.out + one.err and VALUE[-4:] not in one.out for one in said)


def test_removing_asks_first(ask: Ask, home: Home):
    keep(home)
    assert ask("remove", "crm.token", given=b"n\n").code == 1
    assert ask("remove", "crm.token", given=b"").code == 1
    assert kept(home) == ["crm.token"]
    assert ask("remove", "crm.token", given=b"y\n").code == 0
    assert ask("list").err == "None yet. 'analyticspro secrets set --help' tells how.\n"


@pytest.mark.parametrize(
    ("words", "given", "reason"),
    [
        pytest.param(["set", "crm.token"], b"", "is empty", id="no value"),
        pytest.param(["set", "crm.token"], b"\xff\xfe", "is not UTF-8", id="no text"),
        pytest.param(["set", "token"], b"x", "Write SOURCE.NAME", id="no source"),
        pytest.param(["remove", "crm.token", "--yes"], b"", "There is none yet", id="not there"),
    ],
)
def test_what_cannot_be_done_is_said(ask: Ask, words: list[str], given: bytes, reason: str):
    done = ask(*words, given=given)
    assert done.code == 2
    assert reason in done.err


def test_a_value_is_never_an_argument(ask: Ask, home: Home):
    assert ask("set", "crm.token", VALUE).code == 2
    assert kept(home) == []


def test_at_a_terminal_it_is_asked_for_unseen(ask: Ask, home: Home):
    terminal, inside = pty.openpty()
    command = [sys.executable, "-m", "analyticspro", "--home", str(home.path)]
    process = subprocess.Popen(
        [*command, "secrets", "set", "crm.token"],
        env=environment(),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    shown = _until(terminal, b"(not shown)")
    os.write(terminal, f"{VALUE}\n".encode())
    shown += _until(terminal, b"is kept")
    assert process.wait(60) == 0
    os.close(terminal)
    assert VALUE.encode() not in shown
    assert Secrets.open(home).get("crm", "token") == VALUE


def _until(terminal: int, wanted: bytes) -> bytes:
    shown = b""
    while wanted not in shown:
        assert select.select([terminal], [], [], 30)[0], shown
        shown += os.read(terminal, 4096)
    return shown


class TestKeyring:
    def test_the_key_moves_there_and_back(self, ask: Ask, home: Home, desktop: dict[str, str]):
        keep(home)
        file = home.path / "secrets" / "key"
        before = file.read_text().strip()
        moved = ask("rotate-key", "--keep-in", "keyring", **desktop)
        assert moved.err == (
            "1 secret(s) sealed with a new key, which is in the system's keyring.\n"
        )
        assert not file.exists()
        [ring] = Path(desktop["KEYS"]).iterdir()
        assert len(ring.read_text().split()) == 1
        assert before not in ring.read_text()
        assert ask("set", "app.key", given=b"value", **desktop).code == 0
        assert ask("rotate-key", "--keep-in", "file", **desktop).code == 0
        assert list(Path(desktop["KEYS"]).iterdir()) == []
        assert kept(home) == ["app.key", "crm.token"]

    def test_a_locked_one_is_said_so(self, ask: Ask, home: Home, desktop: dict[str, str]):
        keep(home)
        ask("rotate-key", "--keep-in", "keyring", **desktop)
        done = ask("list", CLOSED="yes", **desktop)
        assert done.code == 2
        assert "does not open (locked). Sign in" in done.err
        assert ask("list", **desktop).code == 0

    def test_one_that_keeps_them_in_the_clear_is_refused(
        self, ask: Ask, home: Home, desktop: dict[str, str]
    ):
        keep(home)
        done = ask("rotate-key", "--keep-in", "keyring", RANK="0.5", **desktop)
        assert done.code == 2
        assert "has no keyring that keeps secrets safe" in done.err
        assert Secrets.open(home).get("crm", "token") == VALUE

    def test_without_the_library_the_cure_is_named(self, ask: Ask, home: Home, tmp_path: Path):
        """As it is installed by default; a module that cannot be found stands for that."""
        keep(home)
        modules = tmp_path / "modules"
        modules.mkdir()
        (modules / "keyring.py").write_text("raise ModuleNotFoundError('keyring')")
        path = {"PYTHONPATH": f"{modules}:{environment()['PYTHONPATH']}"}
        done = ask("rotate-key", "--keep-in", "keyring", **path)
        assert done.code == 2
        assert "pip install 'analyticspro[keyring]'" in done.err
        assert Secrets.open(home).get("crm", "token") == VALUE
