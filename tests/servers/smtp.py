"""A real SMTP server on loopback that does as it is told.

with mail_server() as server:
    server.answers["ada@acme.example"] = ["451 come again"]  # then it takes the next
    …
    server.taken  # what it took, in order
"""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from analyticspro import clock
from tests.local import free_port

CUT = "cut"
USER, PASSWORD = "analytics", "p@ss/w:o?rd#% of mail"


@dataclass
class Taken:
    """A mail that the server has."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=default)  # type: ignore[return-value]


@dataclass
class Server:
    """What it took, and what it will answer.

    Attributes:
        answers: For each recipient, what RCPT is answered, in turn; then it is taken.
        after: For each recipient, what comes after the whole mail, in turn: an answer, or
            `CUT` to keep the mail and hang up without one.
    """

    port: int
    taken: list[Taken] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.tried.append(address)
        if self.answers.get(address):
            return self.answers[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, _session: Any, envelope: Envelope
    ) -> str:
        answers = self.after.get(envelope.rcpt_tos[0])
        answer = answers.pop(0) if answers else "250 taken"
        if answer == CUT or answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.taken.append(
                Taken(str(envelope.mail_from), list(envelope.rcpt_tos), envelope.content)
            )
        if answer == CUT:
            server.transport.abort()
        return answer


@contextlib.contextmanager
def mail_server(
    certificate: Path | None = None, *, from_the_start: bool = False, with_password: bool = False
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        certificate: With its key; without one it speaks plain only.
        from_the_start: Whether it speaks TLS from the start, rather than after STARTTLS.
        with_password: Whether it takes mail of `USER` with `PASSWORD` only, after STARTTLS.
    """
    server = Server(free_port())
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        if from_the_start:
            options["ssl_context"] = context
        else:
            options |= {"tls_context": context, "require_starttls": True}
    if with_password:
        options |= {
            "authenticator": _is_known,
            "auth_required": True,
        }
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def _is_known(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
    is_known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known, handled=False)


def certificate(folder: Path, host: str = "127.0.0.1") -> Path:
    """Make a certificate that vouches for itself; the file is what to trust, too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = clock.now()
    with contextlib.suppress(ValueError):
        host = ipaddress.ip_address(host)  # type: ignore[assignment]
    known_as = x509.DNSName(host) if isinstance(host, str) else x509.IPAddress(host)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([known_as]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file
