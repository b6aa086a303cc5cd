"""Sources over HTTP: how they are, what brings them up to date, and backups beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from analyticspro import connectors
from analyticspro.api import guard
from analyticspro.api.bodies import BackupBody, DemoBody, ReplayBody, SyncBody
from analyticspro.api.guard import Asking, needs
from analyticspro.api.reaching import check_folder, check_sources
from analyticspro.api.syncing import Load, Loads
from analyticspro.config import environment
from analyticspro.policy import OWNER, Capability
from analyticspro.workspace import Workspace

__all__ = ["source_routes"]


def source_routes(workspace: Workspace, loads: Loads) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = guard.router()

    def streamed(load: Load) -> StreamingResponse:
        return StreamingResponse(loads.lines(load), media_type="application/x-ndjson")

    @router.get("/sources", openapi_extra=needs(Capability.SOURCES_READ))
    def sources(asking: Asking) -> dict[str, Any]:
        """Tell the state of each source: last sync, watermark, records, rejects."""
        return {"sources": workspace.sources(asking.scope)}

    @router.get("/sources/{name}/rejects", openapi_extra=needs(Capability.SOURCES_WRITE))
    def rejects(
        name: str, asking: Asking, limit: Annotated[int, Query(ge=0, le=10_000)] = 100
    ) -> dict[str, Any]:
        """List records that were set aside, with line, field, value and reason."""
        return {"rejects": workspace.rejects(name, OWNER, limit=limit)}

    @router.post("/sync", openapi_extra=needs(Capability.SOURCES_WRITE), response_model=None)
    def sync(body: SyncBody, asking: Asking) -> StreamingResponse:
        """Sync sources; the answer is a JSON object a line: progress, then reports."""
        if body.sources is None:
            declared = connectors.load(workspace.home.sources_file, environment())
        else:
            declared = [
                connectors.parse(table, f"sources.{number}")
                for number, table in enumerate(body.sources)
            ]
            check_sources(declared, workspace.home, asking)
        return streamed(lambda step: workspace.sync(declared, progress=step))

    @router.post("/replay", openapi_extra=needs(Capability.SOURCES_WRITE), response_model=None)
    def replay(body: ReplayBody, asking: Asking) -> StreamingResponse:
        """Map anew what was set aside of a source; answers as sync does."""
        if body.source.get("connector") != "collector":
            source = connectors.parse(body.source, "source")  # refused before anything is begun
            check_sources([source], workspace.home, asking)
        return streamed(lambda step: workspace.replay(body.source, progress=step))

    @router.post("/backup", openapi_extra=needs(Capability.DATA_ADMIN), response_model=None)
    def back_up(body: BackupBody, asking: Asking) -> StreamingResponse:
        """Copy the whole home while it runs; answers as sync does."""
        check_folder(body.into, asking)
        into = None if body.into is None else Path(body.into)
        return streamed(lambda step: workspace.back_up(into, body.keep, progress=step))

    @router.get("/ledger", openapi_extra=needs(Capability.SOURCES_READ))
    def ledger(asking: Asking, *, ask: bool = False) -> dict[str, Any]:
        """Tell what became of all records ever seen; if asked to, ask how many there are."""
        return {"ledger": workspace.ledger(asking.scope, ask=ask)}

    @router.post("/demo", openapi_extra=needs(Capability.SOURCES_WRITE), response_model=None)
    def demo(body: DemoBody) -> StreamingResponse:
        """Fill an empty workspace with demo data; answers as sync does."""
        return streamed(lambda step: [workspace.load_demo(body.events, body.seed, progress=step)])

    return router
