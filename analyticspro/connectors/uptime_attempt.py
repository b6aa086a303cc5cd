"""One attempt at reaching what is monitored: it ends in time, whatever the other side does."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from analyticspro.connectors.uptime_source import Monitor

__all__ = ["THREAD", "Outcome", "Reason", "attempt"]

THREAD = "uptime check"
# So much of a body is waited for; whoever sends more has answered.
_LONGEST_BODY = 1_000_000
_PIECE = 65_536


class Reason(StrEnum):
    """Why a check failed."""

    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    CUT = "cut"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    STATUS = "status"
    AUTHORITY = "authority"


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        reason: None if it passed.
        detail: The reason in words.
    """

    seconds: float
    reason: Reason | None = None
    detail: str | None = None


class _Failed(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def attempt(monitor: Monitor) -> Outcome:
    """Return what a check of `monitor` finds, within its timeout.

    It is made in a thread of its own, which is given up when the time is over: there are waits
    that nothing can limit, such as the look-up of a name.
    """
    trial = _Trial(monitor)
    found: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: found.append(trial.outcome()), name=THREAD, daemon=True
    )
    thread.start()
    thread.join(monitor.timeout)
    if found:
        return found[0]
    trial.give_up()
    return Outcome(monitor.timeout, Reason.TIMEOUT, trial.too_late())


class _Trial:
    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._parts = urlsplit(monitor.url or f"//{monitor.tcp}")
        self._started = time.monotonic()
        self._doing = "looking up the name"
        self._socket: socket.socket | None = None

    def outcome(self) -> Outcome:
        """Return what is found; every error that the other side can cause has its reason."""
        try:
            self._perform()
        except _Failed as failed:
            return self._ended(failed.reason, str(failed))
        except TimeoutError:
            return self._ended(Reason.TIMEOUT, self.too_late())
        except ssl.SSLCertVerificationError as error:
            return self._ended(
                Reason.TLS, f"the certificate is not trusted: {error.verify_message}"
            )
        except (http.client.RemoteDisconnected, ssl.SSLEOFError):
            return self._ended(Reason.CUT, "the connection was cut")
        except ssl.SSLError as error:
            return self._ended(Reason.TLS, f"no encrypted connection: {error.reason}")
        except http.client.HTTPException:
            return self._ended(Reason.PROTOCOL, "what came is no answer of HTTP")
        except OSError as error:
            return self._ended(Reason.CUT, f"the connection was cut: {error.strerror}")
        finally:
            self._close()
        return Outcome(self._seconds())

    def too_late(self) -> str:
        """Return what took too long, in words."""
        return f"not done within {self._monitor.timeout:g} s: {self._doing}"

    def give_up(self) -> None:
        """Wake the thread up if it waits for the other side."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _ended(self, reason: Reason, detail: str) -> Outcome:
        return Outcome(self._seconds(), reason, detail)

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _left(self) -> float:
        left = self._monitor.timeout - self._seconds()
        if left <= 0:
            raise TimeoutError
        return left

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _perform(self) -> None:
        is_tls = self._parts.scheme == "https"
        trusted = self._trusted() if is_tls else None
        connected = self._connect(self._parts.port or (443 if is_tls else 80))
        if trusted is not None:
            connected = self._encrypt(connected, trusted)
        if self._monitor.url is not None:
            self._ask(connected)

    def _trusted(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._monitor.authority)
        except OSError as error:
            detail = f"{self._monitor.authority} holds no certificates: {error.strerror}"
            raise _Failed(Reason.AUTHORITY, detail) from None

    def _connect(self, port: int) -> socket.socket:
        host = self._parts.hostname or ""
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError):
            raise _Failed(Reason.DNS, f"the name {host} cannot be resolved") from None
        self._doing = "connecting"
        problem: OSError | None = None
        for family, kind, protocol, _, address in addresses:
            try:
                self._socket = socket.socket(family, kind, protocol)
                self._socket.settimeout(self._left())
                self._socket.connect(address)
            except TimeoutError:
                raise
            except OSError as error:
                problem = error
                self._close()
            else:
                return self._socket
        if isinstance(problem, ConnectionRefusedError):
            raise _Failed(Reason.REFUSED, f"nothing listens on port {port}")
        said = problem.strerror if problem else "it has no address"
        raise _Failed(Reason.UNREACHABLE, f"cannot be reached: {said}")

    def _encrypt(self, connected: socket.socket, trusted: ssl.SSLContext) -> socket.socket:
        self._doing = "agreeing on encryption"
        wrapped = trusted.wrap_socket(
            connected, server_hostname=self._parts.hostname, do_handshake_on_connect=False
        )
        self._socket = wrapped
        wrapped.settimeout(self._left())
        wrapped.do_handshake()
        return wrapped

    def _ask(self, connected: socket.socket) -> None:
        self._doing = "waiting for the answer"
        connected.settimeout(self._left())
        target = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        headers = f"Host: {self._parts.netloc}\r\nUser-Agent: analyticspro\r\nAccept: */*"
        connected.sendall(
            f"GET {target} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = http.client.HTTPResponse(connected, method="GET")
        try:
            answer.begin()
            self._judge(answer)
            self._doing = "waiting for the answer's end"
            self._read(answer, connected)
        finally:
            answer.close()

    def _judge(self, answer: http.client.HTTPResponse) -> None:
        if answer.status in self._monitor.expected:
            return
        wanted = " or ".join(map(str, self._monitor.expected))
        said = f"answered {answer.status}, where {wanted} was expected"
        if 300 <= answer.status < 400:
            target = (answer.getheader("location") or "").partition("?")[0]
            shown = "".join(filter(str.isprintable, target))[:200]
            raise _Failed(Reason.REDIRECT, f"{said}: a redirect to {shown}")
        raise _Failed(Reason.STATUS, said)

    def _read(self, answer: http.client.HTTPResponse, connected: socket.socket) -> None:
        size = 0
        while size < _LONGEST_BODY:
            connected.settimeout(self._left())
            piece = answer.read1(_PIECE)
            if not piece:
                break
            size += len(piece)
        else:
            return
        if answer.length:
            raise _Failed(Reason.CUT, f"the answer ended {answer.length} bytes too early")
