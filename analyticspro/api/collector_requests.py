"""What a request to the collector says of itself, and its body, read no further than it may."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope

from analyticspro.api.gate import refusal
from analyticspro.collecting import KINDS, Unacceptable, too_large
from analyticspro.errors import RetriableError

__all__ = ["LARGEST_UNKNOWN", "PATHS", "Bodies", "Given", "Refused", "Route"]

# Each address with the type of its messages; None: they say it themselves.
PATHS: dict[str, str | None] = {"/v1/batch": None, **{f"/v1/{kind}": kind for kind in KINDS}}
# Bytes of a body that says itself whose it is: as much as a browser's beacon may have.
LARGEST_UNKNOWN = 64 << 10

_MOST_HELD = 64 << 20  # bytes
_PATIENCE_S = 30.0
_KEPT = frozenset(
    b"authorization content-encoding content-length content-type origin x-signature "
    b"x-timestamp".split()
)


@dataclass(frozen=True, slots=True)
class Route:
    """The address, for the log: the framework's own say it by the same name."""

    path: str


class Refused(Exception):
    """The request is answered as it stands: nothing of it was taken."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Given:
    """The headers that matter, as text; empty where there is none.

    Attributes:
        key: The write key, from Basic or Bearer; None if there is no `Authorization`, empty
            if there is one of another kind.
        size: What the body is said to have, bytes; 0 if nothing is said.
    """

    key: str | None
    encoding: str
    size: int
    type: str
    origin: str
    signature: str
    timestamp: str

    @classmethod
    def of(cls, scope: Scope) -> Given:
        """Return what the headers of a request say."""
        found = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _KEPT}
        size = found.get(b"content-length", "")
        return cls(
            key=_key(found.get(b"authorization")),
            encoding=found.get(b"content-encoding", "").strip().lower(),
            size=int(size) if size.isdigit() and len(size) < 19 else 0,
            type=found.get(b"content-type", ""),
            origin=found.get(b"origin", ""),
            signature=found.get(b"x-signature", ""),
            timestamp=found.get(b"x-timestamp", ""),
        )

    def check_type(self) -> None:
        """Raise Unacceptable (415) if the body is said to be something other than JSON in UTF-8.

        Browsers' beacons can only say `text/plain`; no type at all is let pass too.
        """
        if self.type in ("", "application/json"):
            return
        kind, *more = (part.strip().lower() for part in self.type.split(";"))
        if kind not in ("application/json", "text/plain"):
            raise Unacceptable(415, f"Content-Type is {kind!r}. Send application/json.")
        told = [part.partition("=")[2].strip('"') for part in more if part.startswith("charset")]
        charset = told[0] if told else "utf-8"
        if charset not in ("utf-8", "utf8", "us-ascii"):
            raise Unacceptable(415, f"The charset is {charset!r}. Send JSON in UTF-8.")


class Bodies:
    """Reads bodies, all of them together within a bound."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, given: Given, receive: Receive, *, most: int) -> bytes:
        """Return the body.

        Args:
            given: What is said of it.
            receive: The server's.
            most: How many bytes it may have.

        Raises:
            Unacceptable: It has more.
            RetriableError: Too many are being read.
            Refused: It did not come in time.
            ClientDisconnect: Whoever sent it has gone.
        """
        if given.size > most:
            raise too_large(most)
        body, is_whole = await _piece(receive)
        if is_whole:
            if len(body) > most:
                raise too_large(most)
            return body
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._rest(body, receive, most)
        except TimeoutError:
            error = RetriableError(f"The body did not come within {_PATIENCE_S:g} s.")
            raise Refused(refusal(error, 408, {"Connection": "close"})) from None

    async def _rest(self, first: bytes, receive: Receive, most: int) -> bytes:
        body = bytearray(first)
        held = 0
        try:
            while True:
                self._held += len(body) - held
                held = len(body)
                if held > most:
                    raise too_large(most)
                if self._held > _MOST_HELD:
                    raise RetriableError("Too many large bodies at once. Send it again later.")
                piece, is_whole = await _piece(receive)
                body += piece
                if is_whole and len(body) <= most:
                    return bytes(body)
        finally:
            self._held -= held


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), not message.get("more_body", False)


def _key(authorization: str | None) -> str | None:
    """Return the key in the header; Basic's password means nothing, as in Segment's libraries."""
    if authorization is None:
        return None
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode("latin-1").partition(":")[0]
    except (binascii.Error, ValueError):
        return ""
