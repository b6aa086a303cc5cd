"""Hands one mail to a server, within a bounded time."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

from analyticspro.outbox.server import MailServer, Security

__all__ = ["NotNow", "Refused", "Unreachable", "send"]

_PATIENCE_S = 30.0  # for each answer
_LONGEST_REASON = 300
# It is closing down; it wants another sign-in than ours. The next mail would fare no better.
_NOT_ABOUT_THE_MAIL = {421, 530, 534, 535, 538}


class Refused(Exception):
    """The server will never take this mail."""


class NotNow(Exception):
    """The server does not take this mail now; it may later."""


class Unreachable(Exception):
    """The server takes no mail at all now, this or another."""


def send(
    server: MailServer,
    sender: str,
    recipient: str,
    content: bytes,
    *,
    at_most_s: float,
    patience_s: float = _PATIENCE_S,
) -> None:
    """Return once `server` has taken the mail.

    Args:
        server: Where to hand it in.
        sender: Who is told if it cannot be delivered in the end.
        recipient: One address.
        content: The message as it goes over the wire.
        at_most_s: When to hang up, however slowly the server goes on answering, in seconds.
        patience_s: How long to wait for each answer, in seconds.

    Raises:
        Refused: Never.
        NotNow: Not now.
        Unreachable: Nobody takes mail there now: whether this one was taken is not known
            if the connection ended in the middle.
    """
    end = time.monotonic() + at_most_s
    try:
        with (
            _connected(server, patience_s) as connection,
            _hung_up(connection, end - time.monotonic()),
        ):
            connection.sendmail(sender, [recipient], content)
    except smtplib.SMTPRecipientsRefused as error:
        raise _judged(*error.recipients[recipient]) from None
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _judged(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPAuthenticationError as error:
        raise Unreachable(f"It does not let us in: {error.smtp_code}.") from None
    except smtplib.SMTPResponseException as error:
        raise Unreachable(_told(error.smtp_code, error.smtp_error)) from None
    except (smtplib.SMTPException, ssl.SSLError, OSError, ValueError) as error:
        # ValueError: the socket was closed under it, by the time limit.
        raise Unreachable(_reason(error)) from None


@contextlib.contextmanager
def _connected(server: MailServer, patience_s: float) -> Iterator[smtplib.SMTP]:
    trusted = ssl.create_default_context(cafile=server.certificates)
    connection: smtplib.SMTP
    if server.security is Security.TLS:
        connection = smtplib.SMTP_SSL(server.host, server.port, timeout=patience_s, context=trusted)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=patience_s)
    try:
        if server.security is Security.STARTTLS:
            connection.starttls(context=trusted)
        if server.user is not None:
            connection.login(server.user, server.password or "")
        yield connection
        with contextlib.suppress(smtplib.SMTPException, OSError):
            connection.quit()  # the mail is taken: what comes after changes nothing
    finally:
        connection.close()


@contextlib.contextmanager
def _hung_up(connection: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """End the connection after `seconds`: a server that drips would never time out."""
    timer = threading.Timer(max(seconds, 0.0), _shut, [connection])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _shut(connection: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _judged(code: int, said: bytes | str) -> Exception:
    reason = _told(code, said)
    if code in _NOT_ABOUT_THE_MAIL:
        return Unreachable(reason)
    return Refused(reason) if 500 <= code < 600 else NotNow(reason)


def _told(code: int, said: bytes | str) -> str:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    plain = "".join(c if c.isprintable() else " " for c in text)
    return f"It answers {code} {plain}"[:_LONGEST_REASON]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error):  # smtplib wraps some
        return "It does not answer in time."
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"It cannot be spoken to: {said or type(error).__name__}"[:_LONGEST_REASON]
