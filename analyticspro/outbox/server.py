"""The server that takes mail, as the setting `mail_url` names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from analyticspro.config import Home, environment
from analyticspro.errors import SettingError
from analyticspro.secrets_store import Secrets

__all__ = ["MailServer", "Security"]

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_EXAMPLE = "smtp+starttls://user:${MAIL_PASSWORD}@mail.example:587"


class Security(StrEnum):
    """How a connection is encrypted: not at all, after a plain greeting, or from the start."""

    NONE = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}


# Of the secrets store, and what stands for it in the setting; the environment's wins.
_SECRET = ("mail", "password")
_SECRET_NAME = "MAIL_PASSWORD"


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in.

    Attributes:
        certificates: File with the authorities to trust; those of the system if None.
    """

    security: Security
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    certificates: Path | None = None

    @classmethod
    def of(cls, home: Home) -> MailServer | None:
        """Return the server that a home's settings name, None if they name none.

        `${MAIL_PASSWORD}` is the environment's, else the secret `mail.password`.

        Raises:
            SettingError: It cannot be used, or the secret cannot be read.
        """
        address, names = home.settings.mail_url, dict(environment())
        if not address:
            return None
        if _SECRET_NAME not in names and f"${{{_SECRET_NAME}}}" in address:
            names[_SECRET_NAME] = Secrets.open(home).get(*_SECRET)
        return cls.parse(address, names)

    @classmethod
    def parse(
        cls, address: str, names: Mapping[str, str], *, certificates: Path | None = None
    ) -> MailServer:
        """Return the server of an address such as `smtp+starttls://user:${NAME}@host:587`.

        A password is sent over an encrypted connection only, or within the machine.

        Args:
            address: `smtp`, `smtp+starttls` or `smtps`, and where.
            names: What `${NAME}` in user and password stands for.
            certificates: File with the authorities to trust; those of the system if None.

        Raises:
            SettingError: It cannot be used. A password is in no message.
        """
        try:
            parts = urlsplit(address)
            security, port = Security(parts.scheme), parts.port
        except ValueError:
            raise SettingError(
                f"Setting mail_url cannot be read. Write it as {_EXAMPLE}."
            ) from None
        if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise SettingError(f"Setting mail_url cannot be read. Write it as {_EXAMPLE}.")
        user, password = _filled(parts.username, names), _filled(parts.password, names)
        if password and security is Security.NONE and parts.hostname not in _LOOPBACK:
            raise SettingError(
                f"Setting mail_url would send a password to {parts.hostname} unencrypted. "
                "Write smtp+starttls:// or smtps:// instead of smtp://."
            )
        return cls(security, parts.hostname, port or _PORTS[security], user, password, certificates)


def _filled(text: str | None, names: Mapping[str, str]) -> str | None:
    if not text:
        return None

    def fill(match: re.Match[str]) -> str:
        value = names.get(match[1])
        if value is None:
            raise SettingError(
                f"Setting mail_url uses ${{{match[1]}}}, which is not set. Set it first: "
                f"export {match[1]}=…"
            )
        return value

    return _NAME.sub(fill, unquote(text))
