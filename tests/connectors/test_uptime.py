"""Uptime checks, of servers that behave and of those that do not."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from analyticspro.connectors.uptime_attempt import THREAD
from tests.connectors.pulse import OK, Talk, check, drips, says, serving, stays_silent
from tests.local import free_port, until

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
