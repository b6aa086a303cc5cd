"""Sends one request and takes in its answer, within bounds of size and time."""

from __future__ import annotations

import logging
import ssl
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

import httpx

from analyticspro.errors import SettingError, SourceError
from analyticspro.extract.exchange import Again, Malformed, Request, Response, shown
from analyticspro.extract.timing import Timing

__all__ = ["Transport", "is_loopback"]

# They write whole addresses, and with them keys that stand in a query.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_PIECE = 65_536


class Transport:
    """Connections to sources, open while somebody is within `with transport`.

    Plain http is refused, unless to this machine or allowed; no cookie is kept; a redirect
    is handed back, not followed.
    """

    def __init__(
        self,
        timing: Timing,
        *,
        allow_http: bool = False,
        largest: int = 32_000_000,
        patience: float = 60,
        longest: float = 900,
    ) -> None:
        """Make a transport; nothing is connected yet.

        Args:
            timing: What time it is.
            allow_http: Whether to speak plain http with other machines.
            largest: Bytes of an answer, unpacked; a larger one is refused.
            patience: Seconds to wait for a connection, and for each piece of an answer.
            longest: Seconds that a whole answer may take, however many its pieces.
        """
        self._timing = timing
        self._allow_http = allow_http
        self._largest = largest
        self._patience = patience
        self._longest = longest
        self._clients: dict[bool, httpx.Client] = {}
        self._users = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Hold the connections open; several may, as streams that are read side by side."""
        with self._lock:
            self._users += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._users -= 1
            while self._clients and not self._users:
                self._clients.popitem()[1].close()

    def send(self, request: Request) -> Response:
        """Return the answer, whatever its status.

        Raises:
            Again: No connection, no answer in time, or one that was cut.
            SourceError: The answer is larger than allowed, or the certificate is not trusted.
            SettingError: The address cannot be asked.
        """
        client = self._client(request)
        started = self._timing.monotonic()
        with (
            _explained(request, self._patience),
            client.stream(
                request.method,
                request.address,
                headers={"accept-encoding": "gzip", **self._typed(request)},
                content=None if request.form is None else urlencode(request.form).encode(),
            ) as answer,
        ):
            headers = {name.lower(): value for name, value in answer.headers.items()}
            body = self._body(request, answer, headers, started)
        is_whole = "content-length" in headers or "transfer-encoding" in headers
        return Response(
            answer.status_code,
            headers,
            body,
            is_whole=is_whole or headers.get("content-encoding", "") == "gzip",
            seconds=self._timing.monotonic() - started,
        )

    @staticmethod
    def _typed(request: Request) -> dict[str, str]:
        if request.form is None:
            return dict(request.headers)
        return {**request.headers, "content-type": "application/x-www-form-urlencoded"}

    def _body(
        self, request: Request, answer: httpx.Response, headers: dict[str, str], started: float
    ) -> bytes:
        unpack = _unpacker(headers.get("content-encoding", "identity").lower())
        pieces = []
        size = 0
        for packed in answer.iter_raw(_PIECE):
            if self._timing.monotonic() - started > self._longest:
                raise Again(f"took longer than {self._longest:g} s to answer")
            for piece in unpack.pieces(packed):
                size += len(piece)
                if size > self._largest:
                    raise SourceError(
                        f"{request} answered more than {self._largest / 1e6:g} MB. Ask for smaller "
                        "pages (paging.size), or raise largest_page_mb."
                    )
                pieces.append(piece)
        unpack.finish()
        return b"".join(pieces)

    def _client(self, request: Request) -> httpx.Client:
        parts = urlsplit(request.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingError(f"{shown(request.url)!r} is no address. Write https://host/path.")
        is_local = is_loopback(parts.hostname)
        if parts.scheme == "http" and not (is_local or self._allow_http):
            raise SettingError(
                f"{shown(request.url)} is not encrypted: whoever stands between could read data "
                "and secrets. Write https://, or allow_http = true if you accept that."
            )
        with self._lock:
            if is_local not in self._clients:
                self._clients[is_local] = self._connected(is_local=is_local)
            return self._clients[is_local]

    def _connected(self, *, is_local: bool) -> httpx.Client:
        return httpx.Client(
            follow_redirects=False,
            trust_env=not is_local,  # proxies, as the machine says
            timeout=self._patience,
            verify=_trusted(),
            headers={"user-agent": "analyticspro", "accept": "application/json, */*;q=0.5"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )


@cache
def _trusted() -> ssl.SSLContext:
    """Return the authorities that are trusted; to read them in takes a while."""
    return httpx.create_ssl_context()


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("localhost.example.com")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Plain:
    def pieces(self, packed: bytes) -> Iterator[bytes]:
        yield packed

    def finish(self) -> None:
        """Whether it is whole is for the connection to tell."""


class _Gzip:
    """Unpacks piece by piece: a small packed piece may hold gigabytes."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._is_begun = False

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        self._is_begun = self._is_begun or bool(packed)
        while packed:
            if self._zlib.eof:  # several may follow each other
                self._zlib = zlib.decompressobj(wbits=31)
            try:
                piece = self._zlib.decompress(packed, _PIECE)
            except zlib.error:
                raise Malformed("is said to be gzip, and does not unpack") from None
            packed = self._zlib.unconsumed_tail or self._zlib.unused_data
            yield piece

    def finish(self) -> None:
        if self._is_begun and not self._zlib.eof:
            raise Again("was cut before the answer's end")


def _unpacker(encoding: str) -> _Plain | _Gzip:
    if encoding in ("gzip", "x-gzip"):
        return _Gzip()
    if encoding in ("", "identity"):
        return _Plain()
    raise Malformed("is packed in a way that was not asked for; only gzip was")


@contextmanager
def _explained(request: Request, patience: float) -> Iterator[None]:
    """Turn the library's errors into ours, without their texts, which may quote a header."""
    try:
        yield
    except httpx.TimeoutException:
        raise Again(f"did not answer within {patience:g} s") from None
    except httpx.ConnectError as error:
        if _is_untrusted(error):
            raise SourceError(
                f"{request}: the certificate of the server is not trusted. Mend it there, or "
                "name the file of your own authority in the environment: SSL_CERT_FILE."
            ) from None
        raise Again("cannot be reached") from None
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        raise Again("was cut before the answer's end") from None
    except httpx.ProxyError:
        raise Again("is not let through by the proxy") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise SettingError(
            f"{request} cannot be sent. Check url, path, parameters and headers."
        ) from None


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
