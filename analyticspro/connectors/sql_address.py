"""Where a database is: the address of a source, which never holds a password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["Address"]

# What each scheme of an address means.
_KINDS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}
_PORTS = {"postgresql": 5432, "mysql": 3306}


@dataclass(frozen=True)
class Address:
    """The parts of `postgresql://user@host:port/database`, or of `sqlite:///path`.

    Attributes:
        kind: postgresql, mysql (MariaDB too) or sqlite.
        host: A name or an address; or the absolute path of a Unix socket (of its folder, for
            PostgreSQL). Empty for SQLite.
        database: Its name; for SQLite the path of its file.
    """

    kind: str
    user: str
    host: str
    port: int
    database: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Return the parts of `url`.

        Raises:
            ValueError: It is none; the message says what is wrong and does not show `url`,
                which may hold a password.
        """
        scheme, divider, rest = url.partition("://")
        kind = _KINDS.get(scheme)
        if not divider or kind is None:
            raise ValueError(
                "url must start with postgresql://, mysql://, mariadb:// or sqlite:///"
            )
        if kind == "sqlite":
            if not rest.startswith("/") or len(rest) == 1:
                raise ValueError("url must be sqlite:///PATH, or sqlite:////PATH for one from /")
            return cls(kind, "", "", 0, unquote(rest[1:]))
        place, _, database = rest.partition("/")
        account, _, host_and_port = place.rpartition("@")
        if ":" in account:
            raise ValueError(
                "url holds a password, and sources.toml is no place for one; keep it with "
                "'analyticspro secrets set' and name it: password = \"NAME\""
            )
        if re.search(r"[?#]", place + database):
            raise ValueError(
                "url ends in settings (?…), which are not passed on; leave them out. TLS is set "
                "by tls and tls_ca; a Unix socket is the host, its / written as %2F"
            )
        host, port = _host(host_and_port, _PORTS[kind])
        if not (account and host and database):
            raise ValueError(f"url must name all of {kind}://USER@HOST/DATABASE")
        return cls(kind, unquote(account), host, port, unquote(database))

    @property
    def is_socket(self) -> bool:
        """Whether the host is a Unix socket."""
        return self.host.startswith("/")

    def __str__(self) -> str:
        """Return what a person recognises it by."""
        if self.kind == "sqlite":
            return self.database
        place = self.host if self.is_socket else f"{self.host}:{self.port}"
        return f"{self.database} at {place}"


def _host(text: str, usual_port: int) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:]*)(?::([0-9]{1,5}))?", text)
    if found is None:
        raise ValueError("url must name its server as HOST or HOST:PORT")
    return unquote(found[1].strip("[]")), int(found[2] or usual_port)
