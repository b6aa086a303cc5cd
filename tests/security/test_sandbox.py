"""A sandbox lets ordinary work be done, leads where it is told to, and ends with its starter."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from analyticspro.errors import DefinitionError
from analyticspro.isolation import Sandbox
from analyticspro.isolation.inside import NO_SANDBOX
from tests.local import free_port, until
from tests.security.conftest import PLAIN, Starter


@pytest.fixture
def own(starter: Starter) -> Path:
    folder = starter.folder / "own"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        starter.own(folder)
        if starter.uid is not None:
            os.chown(folder, starter.uid, starter.uid)
    return folder


@pytest.fixture
def sandbox(starter: Starter, own: Path) -> Sandbox:
    # Declared as root, who runs the tests; the starter's command line says whose it is.
    uid = starter.uid if os.geteuid() else starter.uid or 1
    return Sandbox("Grace Hopper", own, uid)


def command(starter: Starter, sandbox: Sandbox, *program: str) -> list[str]:
    words = sandbox.command(program)
    if starter.uid is None:
        words = [word.replace('"uid": 1,', '"uid": null,') for word in words]
    return starter.command(words)


def run(
    starter: Starter, sandbox: Sandbox, *program: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    words = command(starter, sandbox, *program)
    return subprocess.run(words, env=PLAIN | variables, capture_output=True, text=True, timeout=60)


def python(starter: Starter, sandbox: Sandbox, code: str) -> subprocess.CompletedProcess[str]:
    return run(starter, sandbox, sys.executable, "-c", code)


def test_what_is_written_in_one_s_own_folder_stays(starter: Starter, sandbox: Sandbox, own: Path):
    done = run(starter, sandbox, "sh", "-c", "echo kept > file; pwd; id -un; echo $HOME $SEEN",
               SEEN="yes")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [
        "/home/grace-hopper", "grace-hopper", "/home/grace-hopper", "yes"
    ]  # fmt: skip
    assert (own / "file").read_text() == "kept\n"
    again = run(starter, sandbox, "cat", "file")
    assert again.stdout == "kept\n"


def test_what_is_written_elsewhere_goes_with_it(starter: Starter, sandbox: Sandbox):
    write = "echo x > /tmp/file; echo x > /run/file; echo x > /dev/shm/file"
    assert run(starter, sandbox, "sh", "-c", write).returncode == 0
    found = run(starter, sandbox, "sh", "-c", "ls /tmp/file /run/file /dev/shm/file")
    assert found.stdout.count("No such file") == 3


@pytest.mark.parametrize(
    "place", ["/", "/usr", "/etc", "/home", "/dev", "/proc/sys/kernel", sys.prefix]
)
def test_nothing_else_can_be_written(place: str, starter: Starter, sandbox: Sandbox):
    done = run(starter, sandbox, "sh", "-c", f"echo x > {place}/file")
    assert done.returncode != 0
    assert "cannot create" in done.stdout


def test_it_has_processes_of_its_own(starter: Starter, sandbox: Sandbox):
    done = python(
        starter,
        sandbox,
        "import os; print(os.getpid(), [one for one in os.listdir('/proc') if one.isdigit()])",
    )
    assert done.stdout == "2 ['1', '2']\n"


def test_it_has_no_capabilities_and_gains_none(starter: Starter, sandbox: Sandbox):
    done = run(starter, sandbox, "cat", "/proc/self/status")
    facts = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
        "0" * 16
    }
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")


@pytest.mark.parametrize(
    ("code", "expected"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill $$", 143)]
)
def test_it_ends_as_its_program_does(code: str, expected: int, starter: Starter, sandbox: Sandbox):
    assert run(starter, sandbox, "sh", "-c", code).returncode == expected


def test_a_program_that_is_not_there(starter: Starter, sandbox: Sandbox):
    done = run(starter, sandbox, "no-such-program")
    assert done.returncode == 127
    assert "no-such-program cannot be run" in done.stdout


def test_a_folder_that_is_not_there_means_no_sandbox(starter: Starter, sandbox: Sandbox):
    done = run(starter, replace(sandbox, folder=starter.folder / "none"), "echo", "ran")
    assert done.returncode == NO_SANDBOX
    assert done.stdout == ""
    assert "No sandbox could be made: bind" in done.stderr
    assert "analyticspro doctor" in done.stderr


def test_what_is_hidden_is_empty_wherever_it_lies(starter: Starter, sandbox: Sandbox):
    workspace = starter.folder / "shown" / "workspace"
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "token").write_text("secret")
    (starter.folder / "shown").chmod(0o755)
    starter.own(starter.folder / "shown")
    shows = replace(sandbox, shows=[starter.folder / "shown"])
    assert run(starter, shows, "cat", str(workspace / "token")).stdout == "secret"
    hides = replace(shows, hides=[workspace])
    assert run(starter, hides, "ls", "-A", str(workspace)).stdout == ""


class _Hello(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_port_leads_out_to_one_place_only(starter: Starter, sandbox: Sandbox, service: int):
    with socket.create_server(("127.0.0.1", 0)) as other:
        code = f"""
import socket, urllib.request
asked = urllib.request.Request("http://127.0.0.1:8081", data=b"ab" * 1_000_000)
print(urllib.request.urlopen(asked).read() == b"ba" * 1_000_000)
for port in {service}, {other.getsockname()[1]}:
    try:
        socket.create_connection(("127.0.0.1", port), 5)
    except OSError as error:
        print(error.strerror)
"""
        reaches = replace(sandbox, reaches={8081: ("127.0.0.1", service)})
        done = python(starter, reaches, code)
    assert done.stdout.splitlines() == ["True", "Connection refused", "Connection refused"]


def test_a_port_leads_to_a_service_that_is_down(starter: Starter, sandbox: Sandbox):
    code = """
import socket
with socket.create_connection(("127.0.0.1", 8081), 5) as end:
    print(end.recv(1))
"""
    reaches = replace(sandbox, reaches={8081: ("127.0.0.1", free_port())})
    assert python(starter, reaches, code).stdout == "b''\n"


SERVER = """
import http.server, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from inside " * 100_000)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hello).serve_forever()
"""


@pytest.fixture
def serving(starter: Starter, sandbox: Sandbox) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server in a sandbox that answers, its port, and the process that was started for it."""
    port = free_port()
    words = command(starter, replace(sandbox, serves=port), sys.executable, "-c", SERVER, str(port))
    with subprocess.Popen(words, env=PLAIN, stdout=subprocess.PIPE) as process:
        until(lambda: _answers(port))
        yield port, process
        process.kill()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5) as answer:
            return bool(answer.read() == b"from inside " * 100_000)
    except OSError:
        return False


def test_a_port_leads_in(serving: tuple[int, subprocess.Popen[bytes]]):
    port, _ = serving
    assert all(_answers(port) for _ in range(5))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_all_of_it_ends_with_who_started_it(
    number: signal.Signals, serving: tuple[int, subprocess.Popen[bytes]]
):
    _, process = serving
    inside = psutil.Process(process.pid).children(recursive=True)
    assert len(inside) == 2
    process.send_signal(number)
    process.wait(30)
    _, alive = psutil.wait_procs(inside, timeout=30)
    assert alive == []


def test_a_uid_is_asked_for_just_where_it_can_be_had(tmp_path: Path):
    wrong = None if os.geteuid() == 0 else 4711
    with pytest.raises(DefinitionError, match="Started by root it needs one"):
        Sandbox("ada", tmp_path, wrong)
