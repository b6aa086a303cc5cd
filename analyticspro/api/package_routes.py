"""Packages for people's own environments, as installers such as pip ask for them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from analyticspro.api import guard
from analyticspro.api.callers import Caller
from analyticspro.api.denials import Denials
from analyticspro.api.gate import origin, refusal
from analyticspro.api.guard import Asking, needs
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError, DefinitionError, SettingError
from analyticspro.packages import File, Index, Rations, Relay, project_of
from analyticspro.packages.page import JSON, page_of
from analyticspro.policy import Capability
from analyticspro.workspace import Workspace

__all__ = ["package_routes"]

_OFF = (
    "Packages cannot be installed here. An admin allows it by naming an index on the page "
    "Settings of the hub: package_index."
)
# An installer shows versions and addresses of what it cannot get, and nothing else of an answer.
_OFF_VERSION = "0+ask.an.admin.to.set.package.index"
_OFF_WORDS = "Packages cannot be installed here until an admin sets package_index"


def package_routes(workspace: Workspace, relay: Relay, notes: Denials) -> APIRouter:
    """Return the routes of the one index that the settings of now allow, if they do."""
    router, rations = guard.router("/packages"), Rations()

    def index() -> Index | None:
        # Read anew: what an admin takes back is gone at once.
        settings = Home(workspace.home.path).settings
        return Index.parse(settings.package_index, settings.package_hosts)

    @router.get(
        "/simple/{project}/", openapi_extra=needs(Capability.NOTEBOOKS_WRITE), response_model=None
    )
    async def simple(project: str, asking: Asking) -> Response:
        """List a project's files as an index does (PEP 691)."""
        name, allowed = project_of(project), index()
        if allowed is None:
            return _page(name, [(_named(name), _refused(_OFF_WORDS, _named(name)))])
        with rations.one(asking.name, time.monotonic()):
            found = await relay.files(allowed, name)
        if not found:
            return refusal(DefinitionError(f"The index has no project {name!r}."), 404)
        return _page(name, [(file, _address(allowed, name, file)) for file in found])

    @router.get(
        "/files/{project}/{file}",
        openapi_extra=needs(Capability.NOTEBOOKS_WRITE),
        response_model=None,
    )
    async def fetch(project: str, file: str, request: Request, asking: Asking) -> Response:
        """Give a file that is on a project's page, from where the page says it is."""
        name, allowed = project_of(project), index()
        if allowed is None:
            raise _not_here(notes, request, asking, f"{name} {file[:200]}")
        async with AsyncExitStack() as held:
            held.enter_context(rations.one(asking.name, time.monotonic()))
            try:
                known = {one.name: one for one in await relay.files(allowed, name)}
                if file not in known:
                    return refusal(DefinitionError(f"{name} has no file of this name."), 404)
                opened = await held.enter_async_context(relay.opened(allowed, known[file]))
            except AnalyticsProError as error:
                _note(notes, request, asking, f"{name} {file[:200]}", str(error), allowed=False)
                raise
            _note(notes, request, asking, f"{name} {file}", f"{opened.size:,} bytes", allowed=True)
            rations.took(asking.name, opened.size)
            return _Holding(opened.pieces(), opened.size, held.pop_all())

    @router.get(
        "/refused/{why}/{file}",
        openapi_extra=needs(Capability.NOTEBOOKS_WRITE),
        response_model=None,
    )
    async def refused(why: str, file: str, request: Request, asking: Asking) -> Response:
        """Refuse; the address tells why to whom an installer shows nothing else."""
        if index() is None:
            raise _not_here(notes, request, asking, file[:200])
        raise SettingError("This file is not to be had here: its address says why.")

    return router


class _Holding(StreamingResponse):
    """A file, whose connection to the index is closed when it is sent, or nobody wants it more."""

    def __init__(self, pieces: AsyncIterator[bytes], size: int, held: AsyncExitStack) -> None:
        self._held = held
        super().__init__(
            pieces, headers={"Content-Length": str(size)}, media_type="application/octet-stream"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        async with self._held:
            await super().__call__(scope, receive, send)


def _page(project: str, files: Sequence[tuple[File, str]]) -> Response:
    return JSONResponse(page_of(project, files), media_type=JSON)


def _named(project: str) -> File:
    wheel = project.replace("-", "_")
    return File(f"{wheel}-{_OFF_VERSION}-py3-none-any.whl", "", {})


def _address(index: Index, project: str, file: File) -> str:
    if why := index.refuses(file.url):
        return _refused(f"Ask an admin: {why}", file)
    return f"../../files/{project}/{quote(file.name)}"


def _refused(why: str, file: File) -> str:
    words = re.sub(r"[^A-Za-z0-9_.]+", "-", why).strip("-.")
    return f"../../refused/{words}/{quote(file.name)}"


def _not_here(notes: Denials, request: Request, who: Caller, subject: str) -> SettingError:
    _note(notes, request, who, subject, _OFF, allowed=False)
    return SettingError(_OFF)


def _note(
    notes: Denials, request: Request, who: Caller, subject: str, reason: str, *, allowed: bool
) -> None:
    notes.note_package(who.name, origin(request.scope), subject, reason, allowed=allowed)
