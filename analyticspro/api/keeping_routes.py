"""Retention and erasure over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from analyticspro import clock
from analyticspro.api import guard
from analyticspro.api.guard import Asking, needs
from analyticspro.api.syncing import Load, Loads
from analyticspro.ingest import Progress
from analyticspro.policy import Capability
from analyticspro.warehouse import Subject
from analyticspro.workspace import Workspace

__all__ = ["keeping_routes"]

_KEEPING = needs(Capability.DATA_ADMIN)


class EraseBody(BaseModel):
    """Whom to erase: ids that events name the person with, at least one.

    `by` counts where the owner of the machine asks; anybody else is who they are.
    """

    model_config = ConfigDict(extra="forbid")

    customers: list[str] = Field(default_factory=list, max_length=100, examples=[["17850"]])
    users: list[str] = Field(default_factory=list, max_length=100)
    by: str = Field(max_length=200, examples=["alice"])
    reason: str | None = Field(default=None, max_length=1000)


def keeping_routes(workspace: Workspace, loads: Loads) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = guard.router()

    def streamed(load: Load) -> StreamingResponse:
        return StreamingResponse(loads.lines(load), media_type="application/x-ndjson")

    @router.post("/erase", openapi_extra=_KEEPING, response_model=None)
    def erase(body: EraseBody, asking: Asking) -> StreamingResponse:
        """Erase a person, for good; answers as sync does, with a receipt."""
        subject = Subject(tuple(body.customers), tuple(body.users))
        return streamed(
            # Who asked may go away: it is done nevertheless.
            lambda step: [
                workspace.keeping.erase(
                    subject,
                    by=asking.called(body.by),
                    reason=body.reason,
                    now=clock.now(),
                    progress=lambda done, total: None,
                )
            ]
        )

    @router.post("/archive", openapi_extra=_KEEPING, response_model=None)
    def archive() -> StreamingResponse:
        """Move old events into the archive, as the settings say; answers as sync does."""
        return streamed(
            lambda step: [
                workspace.keeping.archive(now=clock.now(), progress=_told("archive", step))
            ]
        )

    @router.post("/archive/verify", openapi_extra=_KEEPING, response_model=None)
    def verify() -> StreamingResponse:
        """Read the archive to its last byte; answers as sync does."""
        return streamed(lambda step: [workspace.keeping.verify(progress=_told("archive", step))])

    return router


def _told(what: str, step: Callable[[Progress], None]) -> Callable[[int, int], None]:
    return lambda done, total: step(Progress(what, "", done, total))
