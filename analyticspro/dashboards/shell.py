"""The bar above a page: where else who looks may go, who that is, and the way out.

It is made for one person, so it is never part of what is drawn and kept for several.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from analyticspro.dashboards.identity import CookieIdentity, api_url
from analyticspro.dashboards.rendering import title_of
from analyticspro.dashboards.templating import render
from analyticspro.errors import ServiceUnavailable
from analyticspro.policy import places_of

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

    from analyticspro.config import Home

__all__ = ["Shells", "title"]

_PATIENCE_S = 2
_FRESH_FOR_S = 60.0
_MOST_KNOWN = 4096
_PREFIX = "/dashboards/"


def title(notebook: Path) -> str:
    """Return what a dashboard is called, the file's name if it cannot be read."""
    try:
        return _title(notebook, notebook.stat().st_mtime_ns)
    except (OSError, ValueError):
        return notebook.stem


@lru_cache(maxsize=256)
def _title(notebook: Path, _changed_at: int) -> str:
    return title_of(notebook)


class Shells:
    """Makes the bar of each page for whoever looks at it.

    Args:
        home: The workspace.
        identity: Who knows who looks.
    """

    def __init__(self, home: Home, identity: CookieIdentity) -> None:
        self._home, self._identity = home, identity
        self._called: dict[bytes, tuple[float, str]] = {}

    async def of(self, request: HTTPServerRequest, notebooks: Mapping[str, Path]) -> str:
        """Return the bar of a page that was asked for.

        Whoever comes without a hub is shown the dashboards alone: nothing else is there.

        Args:
            request: By somebody whom the gate has let in.
            notebooks: The dashboards: name in the address → file.
        """
        hub = self._identity.hub
        here = request.path.removeprefix(_PREFIX) if request.path.startswith(_PREFIX) else ""
        values: dict[str, Any] = {
            "dashboards": [(_PREFIX + name, title(file)) for name, file in notebooks.items()],
            "here": _PREFIX + here,
            "places": (),
            "start": "/",
            "called": "",
            "role": "",
        }
        token = hub.token_in(request)
        if token is not None and self._identity.name_in(request) is None:
            start = f"{hub.public}/hub"
            try:
                viewer = await hub.who(token)
            except ServiceUnavailable:
                viewer = None
            if viewer is not None and viewer.role is not None:
                values["places"] = places_of(viewer.role, hub=start, pages="")
                values["role"] = str(viewer.role)
                values["called"] = await self._name(token)
            values["start"] = f"{start}/home"
        return render("shell.html", **values)

    async def _name(self, token: str) -> str:
        """Return what the holder of a token is called; nothing while the api does not tell."""
        digest, now = hashlib.sha256(token.encode()).digest(), time.monotonic()
        asked_at, known = self._called.get(digest, (-_FRESH_FOR_S, ""))
        if now < asked_at + _FRESH_FOR_S:
            return known
        request = HTTPRequest(
            f"{api_url(self._home)}/v1/me",
            headers={"Authorization": f"Bearer {token}"},
            connect_timeout=_PATIENCE_S,
            request_timeout=_PATIENCE_S,
        )
        try:
            answer = await AsyncHTTPClient().fetch(request)
            known = str(json.loads(answer.body)["called"])
        except (HTTPClientError, OSError, ValueError, KeyError):
            return known  # asked again with the next page
        if len(self._called) >= _MOST_KNOWN:
            self._called.clear()
        self._called[digest] = now, known
        return known
