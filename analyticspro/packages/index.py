"""Which addresses packages may come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from analyticspro.errors import DefinitionError, SettingError

__all__ = ["Index", "project_of"]

# Narrow enough that no two readers of addresses can see two hosts in one: no user, no
# backslash, no space, no other alphabet.
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-\"$->A-\[\]-~]*)?(?:\?[!-\"$-\[\]-~]*)?",
    re.IGNORECASE,
)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")
_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_LONGEST = 100  # characters of a project's name
_PORTS = {"http": "80", "https": "443"}


def project_of(name: str) -> str:
    """Return the one form of a project's name that indexes know.

    Raises:
        DefinitionError: It is no name of a project.

    >>> project_of("Zope.Interface")
    'zope-interface'
    """
    found = re.sub(r"[-_.]+", "-", name).lower()
    if len(found) > _LONGEST or not _PROJECT.fullmatch(found):
        raise DefinitionError(f"{name[:_LONGEST]!r} is no name of a project.")
    return found


@dataclass(frozen=True)
class Index:
    """The index that an admin allows, and the hosts that its files may come from.

    Attributes:
        url: Where it begins, with a slash at the end.
        hosts: Hosts besides its own, each with its port where that is not the usual one.
    """

    url: str
    hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, index: str, hosts: str) -> Self | None:
        """Return the index that the settings name; None if they allow no packages.

        Args:
            index: Setting `package_index`.
            hosts: Setting `package_hosts`: hosts with spaces between them.

        Raises:
            SettingError: One of them is no address, or no host.
        """
        for host in hosts.split():
            if not _HOST.fullmatch(host):
                raise SettingError(
                    f"Setting package_hosts names {host!r}, which is no host. Write such as "
                    "files.pythonhosted.org."
                )
        if not index:
            return None
        found = _ADDRESS.fullmatch(index)
        if found is None or "?" in index:
            raise SettingError(
                f"Setting package_index is {index!r}, which is no address of an index. Write "
                "such as https://pypi.org/simple, without a name or password."
            )
        return cls(index.rstrip("/") + "/", frozenset(hosts.split()))

    def page(self, project: str) -> str:
        """Return the address of a project's page."""
        return f"{self.url}{project_of(project)}/"

    def refuses(self, url: str) -> str:
        """Return why nothing is fetched from `url`; empty if it may be.

        >>> index = Index("https://pypi.org/simple/", frozenset({"files.pythonhosted.org"}))
        >>> index.refuses("https://files.pythonhosted.org/packages/x.whl")
        ''
        >>> index.refuses("http://127.0.0.1:8750/x.whl")
        'its file is at 127.0.0.1:8750, which package_hosts does not name'
        """
        given, own = _ADDRESS.fullmatch(url), _ADDRESS.fullmatch(self.url)
        assert own is not None
        if given is None:
            return "its file is at no address that can be asked"
        host = _place(given)
        if (given["scheme"].lower(), host) == (own["scheme"].lower(), _place(own)):
            return ""
        if host not in self.hosts:
            return f"its file is at {host}, which package_hosts does not name"
        if given["scheme"].lower() == "http" and own["scheme"].lower() == "https":
            return f"its file at {host} would come unencrypted"
        return ""


def _place(address: re.Match[str]) -> str:
    host, port = address["host"].lower(), address["port"]
    usual = port is None or port == _PORTS[address["scheme"].lower()]
    return host if usual else f"{host}:{port}"
