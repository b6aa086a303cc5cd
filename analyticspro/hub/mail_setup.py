"""How mail is set up, and tried: a real mail through the outbox, and what became of it."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.errors import SettingError, UnknownName
from analyticspro.outbox import MailServer, Message, Outbox, Security, Worker
from analyticspro.outbox.message import sender_of
from analyticspro.secrets_store import Secrets
from analyticspro.state import Mail, MailState, State

__all__ = ["MailSetup", "forget", "try_out"]

_ENDED = (MailState.SENT, MailState.DEAD)
_PATIENCE_S = 15.0


@dataclass(frozen=True)
class MailSetup:
    """The settings of mail as they stand in a form; the password is never among them."""

    security: str = str(Security.STARTTLS)
    host: str = ""
    port: str = "587"
    user: str = ""
    sender: str = ""

    @classmethod
    def of(cls, home: Home) -> Self:
        """Return what the settings of now say."""
        settings = home.settings
        if not settings.mail_url:
            return cls(sender=settings.mail_from)
        parts = urlsplit(settings.mail_url)
        port = str(parts.port or "")
        user = unquote(parts.username or "")
        return cls(parts.scheme, parts.hostname or "", port, user, settings.mail_from)

    def save(self, home: Home, password: str, *, now: datetime) -> None:
        """Check it, and keep it: the password among the secrets, the rest in settings.toml.

        Args:
            home: The workspace.
            password: The new one; the one that is kept already goes on if empty.
            now: When that is, UTC.

        Raises:
            SettingError: It cannot be used; nothing is changed.
        """
        url, kept = self._url(), Secrets.open(home)
        is_kept = any(one.name == "mail.password" for one in kept.names())
        if self.user and not password and not is_kept:
            raise SettingError(f"The password of {self.user} is missing. Type it in.")
        sender_of(self.sender)
        MailServer.parse(url, {"MAIL_PASSWORD": password or "kept"})
        home.imagined(mail_url=url, mail_from=self.sender)
        if self.user and password:
            kept.set("mail", "password", password, now=now)
        home.write_settings(mail_url=url, mail_from=self.sender)

    def _url(self) -> str:
        host = self.host.strip()
        if re.fullmatch(r"[A-Za-z0-9._-]{1,253}|\[?[0-9A-Fa-f:]{2,45}\]?", host) is None:
            raise SettingError(f"{host!r} is no name of a server. Write one as mail.acme.example.")
        if not self.port.isdecimal() or not 1 <= int(self.port[:6]) <= 65535:
            raise SettingError(f"{self.port!r} is no port. Write a number up to 65535, as 587.")
        try:
            security = Security(self.security)
        except ValueError:
            raise UnknownName.of("encryption", self.security, list(Security)) from None
        shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
        account = f"{quote(self.user, safe='')}:${{MAIL_PASSWORD}}@" if self.user else ""
        return f"{security}://{account}{shown}:{int(self.port)}"


def forget(home: Home) -> None:
    """Send no mail any more, and keep no password for it."""
    home.write_settings(mail_url="")
    kept = Secrets.open(home)
    if any(one.name == "mail.password" for one in kept.names()):
        kept.remove("mail", "password")


def try_out(home: Home, state: State, recipient: str) -> Mail:
    """Queue a mail, have it sent at once, and return what became of it.

    It is tried this once. Other mail that is due goes first; where that takes long, the mail
    is returned as it stands after 15 s.

    Raises:
        SettingError: Mail is not set up, or cannot be.
        DefinitionError: Nobody can be written to so.
    """
    server = MailServer.of(home)
    if server is None:
        raise SettingError("Mail is not set up. Name a server first.")
    now, key, sender = clock.now(), f"test:{secrets.token_hex(8)}", home.settings.mail_from
    text = "This mail shows that AnalyticsPro can send mail. Nothing is to be done.\n"
    message = Message(recipient, "Mail from AnalyticsPro works", text, "test", key=key)
    with state.writing() as connection:
        Outbox(state, sender=sender).enqueue(connection, message, now=now, attempts=1)
    worker = Worker(
        state, server, sender=sender, name=f"hub:{os.getpid()}", at_most_s=_PATIENCE_S,
        patience_s=_PATIENCE_S,
    )  # fmt: skip
    end = time.monotonic() + _PATIENCE_S
    while (mail := _found(state, key)).state not in _ENDED and time.monotonic() < end:
        worker.deliver()
        threading.Event().wait(0.1)  # another worker may have it in hand
    return mail


def _found(state: State, key: str) -> Mail:
    found = state.mails.keyed(key)
    assert found is not None
    return found
