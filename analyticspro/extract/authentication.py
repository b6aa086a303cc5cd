"""Ways to tell a source who asks."""

from __future__ import annotations

import base64
from typing import Protocol

from analyticspro.extract.exchange import Request
from analyticspro.extract.secret import Secret

__all__ = ["Anonymous", "Authentication", "Basic", "Bearer", "HeaderKey", "QueryKey"]


class Authentication(Protocol):
    """Signs requests.

    Attributes:
        hidden: Parameters of a query that hold a secret. A source may repeat them in the
            address of its next page; they are taken out before that is kept.
    """

    hidden: frozenset[str]

    def sign(self, request: Request) -> Request:
        """Return the request with what proves who asks."""

    def renew(self) -> bool:
        """Get a newer proof, since this one was refused; return whether there is one."""

    @property
    def cure(self) -> str:
        """What to do when it is refused for good."""


class Anonymous:
    """No proof."""

    hidden: frozenset[str] = frozenset()
    cure = "Declare auth for the source"

    def sign(self, request: Request) -> Request:
        """Return the request as it is."""
        return request

    def renew(self) -> bool:
        """There is nothing to renew."""
        return False


class _BySecret:
    """A secret that stands in every request."""

    hidden: frozenset[str] = frozenset()

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def renew(self) -> bool:
        """Return whether the secret has been changed since it was read."""
        return self._secret.renew()

    @property
    def cure(self) -> str:
        """How to set another secret."""
        return self._secret.cure


class Bearer(_BySecret):
    """`Authorization: Bearer …`."""

    def sign(self, request: Request) -> Request:
        """Return the request with the token."""
        return request.adding(headers={"authorization": f"Bearer {self._secret.value}"})


class HeaderKey(_BySecret):
    """A key in a header of its own, such as `X-Api-Key`."""

    def __init__(self, secret: Secret, header: str) -> None:
        super().__init__(secret)
        self._header = header.lower()

    def sign(self, request: Request) -> Request:
        """Return the request with the key."""
        return request.adding(headers={self._header: self._secret.value})


class QueryKey(_BySecret):
    """A key among the parameters. It may end in the source's logs: prefer a header."""

    def __init__(self, secret: Secret, parameter: str) -> None:
        super().__init__(secret)
        self._parameter = parameter
        self.hidden = frozenset({parameter})

    def sign(self, request: Request) -> Request:
        """Return the request with the key."""
        return request.adding(parameters={self._parameter: self._secret.value})


class Basic(_BySecret):
    """`Authorization: Basic …`, of an account's name and a password."""

    def __init__(self, user: str, password: Secret) -> None:
        super().__init__(password)
        self._user = user

    def sign(self, request: Request) -> Request:
        """Return the request with name and password."""
        pair = f"{self._user}:{self._secret.value}".encode()
        return request.adding(headers={"authorization": f"Basic {base64.b64encode(pair).decode()}"})
