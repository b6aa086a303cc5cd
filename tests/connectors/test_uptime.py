"""Uptime checks, of servers that behave and of those that do not."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from analyticspro.connectors import parse
from analyticspro.connectors.uptime import STREAM, UptimeConnector
from analyticspro.connectors.uptime_attempt import THREAD
from analyticspro.connectors.uptime_source import UptimeSource
from analyticspro.errors import DefinitionError
from analyticspro.events import WriteMode, problems
from analyticspro.warehouse import Warehouse
from tests.local import free_port, until

NOW = datetime(2026, 1, 31, 12, 0, 7, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

Talk = Callable[[socket.socket, threading.Event], None]


def says(*pieces: bytes) -> Talk:
    """Send `pieces`, then hang up."""

    def talk(client: socket.socket, _: threading.Event) -> None:
        client.sendall(b"".join(pieces))

    return talk


def drips(start: bytes, drop: bytes) -> Talk:
    """Send `start`, then `drop` again and again until the test is over."""

    def talk(client: socket.socket, over: threading.Event) -> None:
        client.sendall(start)
        while not over.wait(0.02):
            client.sendall(drop)

    return talk


def stays_silent(_: socket.socket, over: threading.Event) -> None:
    over.wait(10)


@contextmanager
def serving(
    talk: Talk, encryption: ssl.SSLContext | None = None, requests: list[bytes] | None = None
) -> Iterator[int]:
    """Serve on a port of loopback: read what is asked, then `talk`."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                client = self.request
                if encryption is not None:
                    client = encryption.wrap_socket(client, server_side=True)
                with client:
                    asked = client.recv(65_536)
                    if requests is not None:
                        requests.append(asked)
                    talk(client, over)
            except OSError:
                pass  # the check hung up: so it should

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        block_on_close = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()
            thread.join()


def source(monitors: dict[str, dict[str, Any]], **more: Any) -> UptimeSource:
    table = {"name": "pulse", "connector": "uptime", "monitors": monitors, **more}
    parsed = parse(table, "sources.toml, [sources.pulse]")
    assert isinstance(parsed, UptimeSource)
    return parsed


def checked(monitors: dict[str, dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """Return the events of one round of checks."""
    [page] = UptimeConnector(source(monitors, **more)).read(STREAM, None, now=NOW)
    assert problems(page.batch.events).height == 0
    return page.batch.events.to_dicts()


def check(**monitor: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of the event that one monitor gives, and its properties."""
    [event] = checked({"web": {"timeout": 5, **monitor}})
    return event["name"], json.loads(event["properties"])


# What the other side does


def test_a_server_that_answers_passes():
    asked: list[bytes] = []
    with serving(says(OK), requests=asked) as port:
        name, properties = check(url=f"http://127.0.0.1:{port}/health?deep=1", critical=True)
    assert name == "check_passed"
    assert properties.pop("duration_us") > 0
    assert properties == {
        "monitor": "web",
        "critical": True,
        "passed": True,
        "observed_seconds": 60,
        "reason": None,
        "detail": None,
        "maintenance": None,
    }
    assert asked[0].startswith(b"GET /health?deep=1 HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{port}\r\n".encode() in asked[0]


@pytest.mark.parametrize(
    ("talk", "reason", "detail"),
    [
        pytest.param(
            says(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
            "status",
            "answered 503, where 200 was expected",
            id="another status",
        ),
        pytest.param(
            says(b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/?t=s3cret\r\n\r\n"),
            "redirect",
            "answered 302, where 200 was expected: a redirect to https://elsewhere.example/",
            id="a redirect",
        ),
        pytest.param(says(), "cut", "the connection was cut", id="hangs up"),
        pytest.param(
            says(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol", "no answer of HTTP", id="not HTTP"
        ),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello"),
            "cut",
            "94 bytes too early",
            id="a body cut short",
        ),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            "protocol",
            "no answer of HTTP",
            id="chunks without their end",
        ),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
            "protocol",
            "no answer of HTTP",
            id="headers without end",
        ),
    ],
)
def test_a_wrong_answer_fails_with_its_reason(talk: Talk, reason: str, detail: str):
    with serving(talk) as port:
        name, properties = check(url=f"http://127.0.0.1:{port}/")
    assert (name, properties["reason"]) == ("check_failed", reason)
    assert detail in properties["detail"]
    assert "s3cret" not in properties["detail"]


@pytest.mark.parametrize(
    ("talk", "doing"),
    [
        pytest.param(stays_silent, "waiting for the answer", id="silence"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "waiting for", id="slow headers"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nX: ", b"y"), "waiting for", id="a slow header"),
        pytest.param(
            drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), "waiting for the answer's end", id="slow body"
        ),
        pytest.param(
            drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            "waiting for the answer's end",
            id="slow chunks",
        ),
    ],
)
def test_a_slow_answer_ends_with_the_timeout(talk: Talk, doing: str):
    with serving(talk) as port:
        name, properties = check(url=f"http://127.0.0.1:{port}/", timeout=0.3)
        # The other side goes on, and the attempt is over all the same.
        until(lambda: THREAD not in {thread.name for thread in threading.enumerate()}, seconds=5)
    assert (name, properties["reason"]) == ("check_failed", "timeout")
    assert properties["detail"].startswith(f"not done within 0.3 s: {doing}")


def test_encryption_that_never_comes_about_ends_with_the_timeout():
    with serving(stays_silent) as port:
        _, properties = check(url=f"https://127.0.0.1:{port}/", timeout=0.3)
    assert properties["reason"] == "timeout"
    assert properties["detail"] == "not done within 0.3 s: agreeing on encryption"


def test_a_large_body_is_not_waited_for():
    with serving(drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 300_000)) as port:
        assert check(url=f"http://127.0.0.1:{port}/")[0] == "check_passed"


@pytest.mark.parametrize("expected", [401, [200, 401]])
def test_any_expected_status_passes(expected: object):
    with serving(says(b"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n")) as port:
        assert check(url=f"http://127.0.0.1:{port}/", expected=expected)[0] == "check_passed"


def test_nobody_listening_fails():
    port = free_port()
    for monitor in ({"url": f"http://127.0.0.1:{port}/"}, {"tcp": f"127.0.0.1:{port}"}):
        _, properties = check(**monitor)
        assert properties["reason"] == "refused"
        assert properties["detail"] == f"nothing listens on port {port}"


@pytest.mark.parametrize("host", ["nowhere.invalid", f"{'x' * 64}.example"])
def test_a_name_that_is_none_fails(host: str):
    _, properties = check(tcp=f"{host}:80")
    assert properties["reason"] == "dns"
    assert host in properties["detail"]


def test_a_port_that_takes_connections_passes():
    with serving(stays_silent) as port:
        assert check(tcp=f"127.0.0.1:{port}")[0] == "check_passed"
        assert check(tcp=f"localhost:{port}")[0] == "check_passed"


# Encryption


def certificate(folder: Path, *, host: str = "127.0.0.1", days: int = 1) -> tuple[Path, Path]:
    """Make a certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = datetime.now(UTC) - timedelta(days=10)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(datetime.now(UTC) + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "server.pem", folder / "server.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def encryption(files: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


def test_an_own_authority_can_be_trusted(tmp_path: Path):
    files = certificate(tmp_path)
    with serving(says(OK), encryption(files)) as port:
        url = f"https://127.0.0.1:{port}/"
        assert check(url=url, authority=str(files[0]))[0] == "check_passed"
        _, untrusted = check(url=url)
        _, absent = check(url=url, authority=str(tmp_path / "nowhere.pem"))
    assert (untrusted["reason"], absent["reason"]) == ("tls", "authority")
    assert "the certificate is not trusted: self-signed certificate" in untrusted["detail"]
    assert "nowhere.pem holds no certificates" in absent["detail"]


@pytest.mark.parametrize(
    ("host", "days", "said"),
    [("127.0.0.1", -1, "certificate has expired"), ("127.0.0.9", 1, "IP address mismatch")],
)
def test_a_certificate_must_be_valid_and_of_this_host(
    tmp_path: Path, host: str, days: int, said: str
):
    files = certificate(tmp_path, host=host, days=days)
    with serving(says(OK), encryption(files)) as port:
        _, properties = check(url=f"https://127.0.0.1:{port}/", authority=str(files[0]))
    assert properties["reason"] == "tls"
    assert said in properties["detail"]


def test_a_server_without_encryption_is_no_https():
    with serving(says(OK)) as port:
        _, properties = check(url=f"https://127.0.0.1:{port}/")
    assert properties["reason"] == "tls"
    assert properties["detail"].startswith("no encrypted connection")


# Slots


def test_a_check_is_made_once_in_each_slot():
    port = free_port()
    monitors = {
        "minute": {"tcp": f"127.0.0.1:{port}"},
        "quarter": {"tcp": f"127.0.0.1:{port}", "every": 15},
    }
    connector = UptimeConnector(source(monitors))
    cursor: str | None = None
    made: list[tuple[int, str]] = []
    for second in range(0, 75, 5):
        for page in connector.read(STREAM, cursor, now=NOW + timedelta(seconds=second)):
            cursor = page.cursor
            names = [json.loads(p)["monitor"] for p in page.batch.events["properties"]]
            made += [(second, name) for name in names]
    assert made == [
        (0, "minute"),
        (0, "quarter"),
        (10, "quarter"),
        (25, "quarter"),
        (40, "quarter"),
        (55, "minute"),
        (55, "quarter"),
        (70, "quarter"),
    ]


def test_two_schedulers_make_the_same_event_of_a_slot():
    monitors = {"web": {"tcp": f"127.0.0.1:{free_port()}"}}
    ids = []
    for second in (0, 52, 53):
        connector = UptimeConnector(source(monitors))
        [page] = connector.read(STREAM, None, now=NOW + timedelta(seconds=second))
        ids += page.batch.events["event_id"].to_list()
    assert ids == [
        "pulse:checks:web:2026-01-31T12%3A00%3A00Z",
        "pulse:checks:web:2026-01-31T12%3A00%3A00Z",
        "pulse:checks:web:2026-01-31T12%3A01%3A00Z",
    ]
    assert UptimeConnector(source(monitors)).streams() == {"checks": WriteMode.APPEND}


def test_a_slot_that_was_checked_twice_is_there_once(tmp_path: Path):
    warehouse = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    monitors = {"web": {"tcp": f"127.0.0.1:{free_port()}"}}
    new = []
    for second in (0, 1):
        connector = UptimeConnector(source(monitors))
        [page] = connector.read(STREAM, None, now=NOW + timedelta(seconds=second))
        events = warehouse.prepare("pulse", page.batch.events, WriteMode.APPEND)
        with warehouse.writer() as writer, writer.commit(NOW):
            stored = writer.store("pulse", STREAM, events, received_at=NOW, watermark=None)
        new.append((stored.new, stored.unchanged))
    warehouse.close()
    assert new == [(1, 0), (0, 1)]


def test_a_clock_that_is_put_back_does_not_end_the_checks():
    connector = UptimeConnector(source({"web": {"tcp": f"127.0.0.1:{free_port()}"}}))
    [page] = connector.read(STREAM, None, now=NOW)
    assert len(list(connector.read(STREAM, page.cursor, now=NOW - timedelta(days=1)))) == 1


def test_many_monitors_wait_beside_each_other():
    """One after the other, thirty of them would need nine seconds; the test has no clock."""
    together = threading.Barrier(30, timeout=5)

    def talk(client: socket.socket, _: threading.Event) -> None:
        together.wait()
        client.sendall(OK)

    with serving(talk) as port:
        url = f"http://127.0.0.1:{port}/"
        events = checked({f"m{n}": {"url": url, "timeout": 5} for n in range(30)})
    assert {event["name"] for event in events} == {"check_passed"}


# Maintenance


WEEKLY = {"name": "patches", "starts": "02:00", "ends": "04:00", "timezone": "Europe/London"}
NIGHTLY = {"name": "backup", "starts": "23:00", "ends": "01:00", "days": ["saturday"]}
ONCE = {"name": "move", "starts": "2026-03-01T22:00", "ends": "2026-03-02T01:00"}


@pytest.mark.parametrize(
    ("window", "at", "is_in"),
    [
        pytest.param(WEEKLY, "2026-01-31T01:59:59Z", False, id="before its start"),
        pytest.param(WEEKLY, "2026-01-31T02:00:00Z", True, id="at its start"),
        pytest.param(WEEKLY, "2026-01-31T04:00:00Z", False, id="at its end"),
        pytest.param(WEEKLY, "2026-07-31T01:00:00Z", True, id="by the summer's clock"),
        pytest.param(WEEKLY, "2026-07-31T03:00:00Z", False, id="by the summer's clock, over"),
        pytest.param(NIGHTLY, "2026-01-31T23:30:00Z", True, id="on Saturday"),
        pytest.param(NIGHTLY, "2026-02-01T00:59:59Z", True, id="Saturday's, after midnight"),
        pytest.param(NIGHTLY, "2026-02-01T23:30:00Z", False, id="on Sunday"),
        pytest.param(NIGHTLY, "2026-01-31T00:30:00Z", False, id="Friday's, after midnight"),
        pytest.param(ONCE, "2026-03-01T22:00:00Z", True, id="once"),
        pytest.param(ONCE, "2026-03-02T01:00:00Z", False, id="once, over"),
        pytest.param(ONCE, "2026-03-08T23:00:00Z", False, id="not a week later"),
        pytest.param(
            {**ONCE, "timezone": "America/New_York"}, "2026-03-02T05:30:00Z", True, id="elsewhere"
        ),
        pytest.param(
            {"name": "move", "starts": "2026-03-01T22:00+01:00", "ends": "2026-03-01T22:00Z"},
            "2026-03-01T21:00:00Z",
            True,
            id="with offsets",
        ),
    ],
)
def test_a_window_holds_what_it_says(window: dict[str, Any], at: str, is_in: bool):
    [declared] = source({"web": {"tcp": "127.0.0.1:1"}}, maintenance=[window]).maintenance
    assert declared.holds("web", datetime.fromisoformat(at)) is is_in


def test_a_check_in_maintenance_is_neither_passed_nor_failed():
    window = {"name": "move", "starts": "11:00", "ends": "13:00", "monitors": ["old"]}
    with serving(says(OK)) as port:
        events = checked(
            {
                "old": {"tcp": f"127.0.0.1:{free_port()}"},
                "new": {"url": f"http://127.0.0.1:{port}/", "timeout": 5},
            },
            maintenance=[window],
        )
    assert [event["name"] for event in events] == ["check_excused", "check_passed"]
    excused = json.loads(events[0]["properties"])
    assert (excused["maintenance"], excused["passed"], excused["reason"]) == (
        "move",
        False,
        "refused",
    )


# The declaration


@pytest.mark.parametrize(
    ("monitor", "problem"),
    [
        ({}, "needs exactly one of url and tcp"),
        ({"url": "http://a.example/", "tcp": "a.example:1"}, "needs exactly one of url and tcp"),
        ({"url": "ftp://a.example/"}, "is no address"),
        ({"url": "http://ann:pw@a.example/"}, "holds a user or a password"),
        ({"url": "http://a.example/a b"}, "holds a character that an address cannot"),
        ({"url": "http://a.example:http/"}, "has a port that is none"),
        ({"tcp": "a.example"}, "is no host and port"),
        ({"tcp": "a.example:1", "expected": 200}, "expected is for url"),
        ({"url": "http://a.example/", "authority": "ca.pem"}, "begins with https:"),
        ({"tcp": "a.example:1", "every": 5}, "checks would overlap"),
        ({"tcp": "a.example:1", "evry": 5}, "Did you mean 'every'?"),
    ],
)
def test_a_monitor_that_cannot_be_meant_is_refused(monitor: dict[str, Any], problem: str):
    with pytest.raises(DefinitionError) as caught:
        source({"web": monitor})
    assert problem in str(caught.value)
    assert "sources.toml" in str(caught.value)
    assert "ann:pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ({**ONCE, "ends": "04:00"}, "must both be times, or both be dates"),
        ({**ONCE, "ends": "2026-03-01T21:00"}, "ends is before starts"),
        ({**WEEKLY, "ends": "02:00"}, "starts and ends are the same"),
        ({**WEEKLY, "ends": "04:00+01:00"}, "a time of the day has no offset"),
        ({**WEEKLY, "starts": "soon"}, "write a time such as 02:00"),
        ({**WEEKLY, "starts": 7}, "write a time such as 02:00"),
        ({**WEEKLY, "timezone": "Mars"}, "is no IANA zone"),
        ({**ONCE, "days": ["monday"]}, "days are for a window of every week"),
        ({**WEEKLY, "monitors": ["wbe"]}, "Did you mean 'web'?"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(window: dict[str, Any], problem: str):
    with pytest.raises(DefinitionError) as caught:
        source({"web": {"tcp": "127.0.0.1:1"}}, maintenance=[window])
    assert problem in str(caught.value)


def test_an_authority_is_looked_for_beside_sources_toml(tmp_path: Path):
    declared = source({"web": {"url": "https://a.example/", "authority": "ca.pem"}})
    assert declared.within(tmp_path).monitors["web"].authority == str(tmp_path / "ca.pem")
