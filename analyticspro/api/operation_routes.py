"""How sources are looked after, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from analyticspro import clock
from analyticspro.policy import OWNER
from analyticspro.workspace import Workspace

__all__ = ["operation_routes"]


class ByBody(BaseModel):
    """Who does it, for the history."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(max_length=200, examples=["alice"])


def operation_routes(workspace: Workspace) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = APIRouter()

    @router.get("/sources/status")
    def status() -> dict[str, Any]:
        """Tell how each source is: health, freshness, lag, last error, next sync."""
        return {"sources": workspace.operation.status(OWNER, now=clock.now())}

    @router.get("/sources/{name}/history")
    def history(name: str, limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> dict[str, Any]:
        """List the newest syncs of a source: when, how long, counts, outcome."""
        return {"syncs": workspace.operation.history(name, limit=limit)}

    @router.post("/sources/{name}/pause")
    def pause(name: str, body: ByBody) -> dict[str, Any]:
        """Let a source not be synced by itself until it is resumed."""
        return workspace.operation.pause(name, who=body.by, now=clock.now())

    @router.post("/sources/{name}/resume")
    def resume(name: str, body: ByBody) -> dict[str, Any]:
        """Have a paused source be synced by itself again."""
        return workspace.operation.resume(name, who=body.by, now=clock.now())

    return router
