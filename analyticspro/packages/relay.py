"""Fetches from the index, and from nowhere else whatever the index or whoever asks may say."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from analyticspro.errors import Forbidden, RetriableError, SourceError
from analyticspro.packages.index import Index
from analyticspro.packages.page import File, files_of

if TYPE_CHECKING:
    import httpx

__all__ = ["Opened", "Relay"]

_LARGEST_PAGE = 30_000_000  # bytes
_LARGEST_FILE = 1_000_000_000
_KEPT_FOR_S = 300.0
_MOST_KEPT = 50
_MOST_HOPS = 3
_PATIENCE_S = 30.0
_PIECE = 1 << 16
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Opened:
    """A file that has begun to come.

    Attributes:
        size: How many bytes it has.
        _answer: What it comes in.
    """

    size: int
    _answer: httpx.Response

    async def pieces(self) -> AsyncIterator[bytes]:
        """Return the file piece by piece; one that breaks off is shorter than `size`."""
        import httpx

        try:
            async for piece in self._answer.aiter_raw(_PIECE):
                yield piece
        except httpx.HTTPError:
            return


class Relay:
    """What people's installers ask for is asked for anew here, by what the index's pages say.

    Of what somebody sends nothing gets further than the names of a project and of a file on
    its page: no address, no header, no body.
    """

    def __init__(
        self, *, largest_page: int = _LARGEST_PAGE, largest_file: int = _LARGEST_FILE
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            largest_page: Bytes of a project's page.
            largest_file: Bytes of a file.
        """
        self._largest_page, self._largest_file = largest_page, largest_file
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._pages: OrderedDict[tuple[Index, str], tuple[float, list[File]]] = OrderedDict()

    async def files(self, index: Index, project: str) -> list[File]:
        """Return the files of a project; none if the index does not know it.

        Raises:
            Forbidden: The index leads elsewhere.
            RetriableError: It cannot be reached.
            SourceError: It does not answer as an index does.
            DefinitionError: There can be no such project.
        """
        url, now = index.page(project), time.monotonic()
        at, found = self._pages.get((index, url), (-_KEPT_FOR_S, []))
        if now < at + _KEPT_FOR_S:
            return found
        async with self._asked(index, url) as answer:
            if answer.status_code == 404:
                return []
            _check(answer)
            text = await self._text(answer)
        found = files_of(text, str(answer.url))
        self._pages[(index, url)] = (now, found)
        while len(self._pages) > _MOST_KEPT:
            self._pages.popitem(last=False)
        return found

    @asynccontextmanager
    async def opened(self, index: Index, file: File) -> AsyncIterator[Opened]:
        """Give a file; raises as `files` does."""
        async with self._asked(index, file.url) as answer:
            _check(answer)
            size = answer.headers.get("content-length", "")
            if not size.isdigit():
                raise SourceError(f"The index does not say how large {file.name} is.")
            if int(size) > self._largest_file:
                raise SourceError(
                    f"{file.name} has {int(size):,} bytes; {self._largest_file:,} is the most."
                )
            yield Opened(int(size), answer)

    async def close(self) -> None:
        """Hang up."""
        while self._clients:
            await self._clients.popitem()[1].aclose()

    @asynccontextmanager
    async def _asked(self, index: Index, url: str) -> AsyncIterator[httpx.Response]:
        import httpx  # a tenth of a second, only where packages are installed

        try:
            answer = await self._followed(index, url)
            try:
                yield answer
            finally:
                await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RetriableError(
                f"The package index cannot be reached ({type(error).__name__})."
            ) from None

    async def _followed(self, index: Index, url: str) -> httpx.Response:
        for _ in range(_MOST_HOPS):
            if why := index.refuses(url):
                raise Forbidden(f"Refused: {why}. An admin can name it there.")
            client = self._client(is_local=urlsplit(url).hostname in _LOOPBACK)
            answer = await client.send(client.build_request("GET", url), stream=True)
            if answer.status_code not in (301, 302, 303, 307, 308):
                return answer
            await answer.aclose()
            try:
                url = urljoin(url, answer.headers.get("location", "")).partition("#")[0]
            except ValueError:
                break
        raise SourceError("The package index leads from one place to the next, and nowhere.")

    async def _text(self, answer: httpx.Response) -> str:
        pieces, size = [], 0
        async for piece in answer.aiter_raw(_PIECE):
            size += len(piece)
            if size > self._largest_page:
                raise SourceError(
                    f"A page of the index has more than {self._largest_page:,} bytes."
                )
            pieces.append(piece)
        return b"".join(pieces).decode("utf-8", "replace")

    def _client(self, *, is_local: bool) -> httpx.AsyncClient:
        import httpx

        if is_local not in self._clients:
            self._clients[is_local] = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=not is_local,  # proxies, as the machine says
                timeout=_PATIENCE_S,
                headers={
                    "user-agent": "analyticspro",
                    "accept": "text/html, application/octet-stream;q=0.9, */*;q=0.5",
                    "accept-encoding": "identity",
                },
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._clients[is_local]


def _check(answer: httpx.Response) -> None:
    """Raise if it is not what was asked for."""
    if answer.status_code != 200:
        raise SourceError(f"The package index answers {answer.status_code}.")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise SourceError("The package index packs what it sends, though it was asked not to.")
