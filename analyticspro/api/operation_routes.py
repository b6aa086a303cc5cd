"""How sources are looked after, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from analyticspro import clock, connectors
from analyticspro.api import guard
from analyticspro.api.guard import Asking, needs
from analyticspro.api.reaching import check_sources
from analyticspro.api.syncing import Loads
from analyticspro.policy import Capability
from analyticspro.workspace import Workspace

__all__ = ["operation_routes"]

_READING = needs(Capability.SOURCES_READ)
_CHANGING = needs(Capability.SOURCES_WRITE)


class ByBody(BaseModel):
    """Who does it, for the history; anybody but the owner of the machine is who they are."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(max_length=200, examples=["alice"])


class BackfillBody(BaseModel):
    """Which source, as in sources.toml, and from when to when, the latter exclusive."""

    model_config = ConfigDict(extra="forbid")

    source: dict[str, Any]
    since: AwareDatetime = Field(examples=["2026-01-01T00:00:00Z"])
    until: AwareDatetime = Field(examples=["2026-02-01T00:00:00Z"])


def operation_routes(workspace: Workspace, loads: Loads) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = guard.router()

    @router.get("/sources/status", openapi_extra=_READING)
    def status(asking: Asking) -> dict[str, Any]:
        """Tell how each source is: health, freshness, lag, last error, next sync."""
        return {"sources": workspace.operation.status(asking.scope, now=clock.now())}

    @router.get("/sources/{name}/history", openapi_extra=_READING)
    def history(name: str, limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> dict[str, Any]:
        """List the newest syncs of a source: when, how long, counts, outcome."""
        return {"syncs": workspace.operation.history(name, limit=limit)}

    @router.post("/sources/{name}/pause", openapi_extra=_CHANGING)
    def pause(name: str, body: ByBody, asking: Asking) -> dict[str, Any]:
        """Let a source not be synced by itself until it is resumed."""
        return workspace.operation.pause(name, who=asking.called(body.by), now=clock.now())

    @router.post("/sources/{name}/resume", openapi_extra=_CHANGING)
    def resume(name: str, body: ByBody, asking: Asking) -> dict[str, Any]:
        """Have a paused source be synced by itself again."""
        return workspace.operation.resume(name, who=asking.called(body.by), now=clock.now())

    @router.post("/backfill", openapi_extra=_CHANGING, response_model=None)
    def backfill(body: BackfillBody, asking: Asking) -> StreamingResponse:
        """Read what a source had in a range of the past; answers as sync does."""
        source = connectors.parse(body.source, "source")
        check_sources([source], workspace.home, asking)
        since, until = body.since, body.until
        return StreamingResponse(
            loads.lines(lambda step: workspace.backfill(source, since, until, progress=step)),
            media_type="application/x-ndjson",
        )

    return router
