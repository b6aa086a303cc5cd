"""OAuth2 client credentials: a secret that buys tokens, each of which lives for a while.

Source: RFC 6749, sections 4.4 and 5.2.
"""

from __future__ import annotations

import base64
import json
import threading
from typing import Literal
from urllib.parse import quote

from analyticspro.errors import SourceError
from analyticspro.extract.exchange import Malformed, Request, Response
from analyticspro.extract.secret import Secret
from analyticspro.extract.session import Session
from analyticspro.extract.timing import Timing

__all__ = ["ClientCredentials"]

# A token is replaced that long before its end, or at nine tenths of its life if that is later.
_MARGIN = 60.0
# Of a service that does not say how long its tokens live; one refused is replaced anyway.
_LIFE = 3600.0
_LONGEST_LIFE = 31_536_000.0


class ClientCredentials:
    """Signs with a token that it fetches, replaces before its end, and again when refused."""

    hidden: frozenset[str] = frozenset()

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: Secret,
        *,
        session: Session,
        timing: Timing,
        scope: str | None = None,
        proof: Literal["header", "body"] = "header",
    ) -> None:
        """Make it; nothing is fetched yet.

        Args:
            token_url: Where tokens are to be had.
            client_id: Who asks.
            client_secret: What proves it.
            session: How to ask; it has no authentication of its own.
            timing: What time it is.
            scope: What the token shall be good for; the service's default without.
            proof: Where id and secret stand: RFC 6749 prefers the header, some services
                know the body only.
        """
        self._ask = Request(token_url, form=_form(client_id, scope, proof))
        self._client_id = client_id
        self._secret = client_secret
        self._proof = proof
        self._session = session
        self._timing = timing
        self._token: str | None = None
        self._good_until = 0.0
        self._lock = threading.Lock()

    @property
    def cure(self) -> str:
        """How to set another secret."""
        return f"Check auth.client_id and auth.scope. {self._secret.cure}"

    def sign(self, request: Request) -> Request:
        """Return the request with a token that is still good."""
        with self._lock:
            if self._token is None or self._timing.monotonic() >= self._good_until:
                self._fetch()
            return request.adding(headers={"authorization": f"Bearer {self._token}"})

    def renew(self) -> bool:
        """Fetch another token: that one was refused before its time."""
        with self._lock:
            self._secret.renew()
            self._fetch()
        return True

    def _fetch(self) -> None:
        asked_at = self._timing.monotonic()
        _, (token, life) = self._session.fetch(self._signed(), _token, cure=self.cure)
        self._token = token
        self._good_until = asked_at + life - min(_MARGIN, life / 10)

    def _signed(self) -> Request:
        secret = self._secret.value
        if self._proof == "body":
            form = {**(self._ask.form or {}), "client_secret": secret}
            return Request(self._ask.url, form=form)
        pair = f"{quote(self._client_id, safe='')}:{quote(secret, safe='')}".encode()
        return self._ask.adding(
            headers={"authorization": f"Basic {base64.b64encode(pair).decode()}"}
        )


def _form(client_id: str, scope: str | None, proof: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials"}
    if scope is not None:
        form["scope"] = scope
    if proof == "body":
        form["client_id"] = client_id
    return form


def _token(response: Response) -> tuple[str, float]:
    """Return the token and how many seconds it lives."""
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        raise Malformed("is no JSON") from None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise Malformed("has no access_token")
    if str(answer.get("token_type", "bearer")).lower() != "bearer":
        raise SourceError("The token service gives tokens of another type than bearer.")
    try:
        life = float(answer.get("expires_in") or _LIFE)
    except (TypeError, ValueError, OverflowError):
        life = _LIFE
    return token, min(life, _LONGEST_LIFE) if life > 0 else _LIFE
