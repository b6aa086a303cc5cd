"""The api: the only process that opens the warehouse. Thin: parse, authorise, call, serialise."""

from __future__ import annotations

import base64
import hmac
import io
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse

from analyticspro import clock, connectors
from analyticspro.api import syncing
from analyticspro.api.bodies import CodeBody, DemoBody, QueriesBody, QueryBody, SyncBody
from analyticspro.api.links import Links
from analyticspro.config import environment
from analyticspro.errors import (
    AnalyticsProError,
    DefinitionError,
    Forbidden,
    RetriableError,
    SourceError,
)
from analyticspro.ingest import Progress, Report
from analyticspro.metrics import Answer
from analyticspro.policy import OWNER, Scope
from analyticspro.workspace import Workspace, catalogue

__all__ = ["make_app"]

ARROW = "application/vnd.apache.arrow.stream"
_STATUS: dict[type[AnalyticsProError], int] = {
    DefinitionError: 422,
    SourceError: 422,
    Forbidden: 403,
    RetriableError: 503,
}


def make_app(workspace: Workspace, token: str) -> FastAPI:
    """Return the api of an opened workspace; whoever presents `token` is its owner."""
    app = FastAPI(
        title="AnalyticsPro",
        version="1",
        description="Governed metrics over HTTP. Every call but health needs "
        "`Authorization: Bearer <token>`; the token is in the workspace's folder.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_exception_handler(AnalyticsProError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_body)
    app.include_router(_health())
    guard = Depends(_guard(token))
    for router in (_figures(workspace), _sources(workspace), _links(Links()), _document(app)):
        app.include_router(router, prefix="/v1", dependencies=[guard])
    return app


def _guard(token: str) -> Callable[..., Scope]:
    def check(authorization: Annotated[str | None, Header()] = None) -> Scope:
        given = (authorization or "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise Forbidden(
                "This needs the workspace's token: send 'Authorization: Bearer <token>'."
            )
        return OWNER

    return check


def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, AnalyticsProError)
    kinds = (_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return JSONResponse({"error": error.payload()}, next(kinds, 500))


def _refuse_body(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = f"The request is wrong at {place}: {first['msg']}."
    return JSONResponse({"error": DefinitionError(message).payload()}, 422)


def _health() -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> dict[str, str]:
        """Tell that the process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz() -> dict[str, str]:
        """Tell that the warehouse is open: it is before this app is made."""
        return {"status": "ready"}

    return router


def _figures(workspace: Workspace) -> APIRouter:
    router = APIRouter()

    @router.post("/query", response_model=None)
    def query(body: QueryBody, accept: Annotated[str, Header()] = "") -> Response:
        """Answer one query: as JSON, or as an Arrow IPC stream if that is accepted."""
        [result] = workspace.answers([body.query()], OWNER)
        if isinstance(result, AnalyticsProError):
            raise result
        if ARROW in accept:
            provenance = {"Analyticspro-Provenance": json.dumps(result.provenance)}
            return Response(_arrow(result.frame), media_type=ARROW, headers=provenance)
        return JSONResponse({"rows": result.rows(), "provenance": result.provenance})

    @router.post("/queries")
    def queries(body: QueriesBody) -> dict[str, Any]:
        """Answer several queries from one moment, frames as Arrow IPC in base64."""
        results = workspace.answers([item.query() for item in body.queries], OWNER)
        return {"answers": [_wire(result) for result in results]}

    @router.get("/metrics")
    def metrics() -> dict[str, Any]:
        """List the metrics and dimensions there are."""
        return catalogue()

    @router.get("/dimensions/{name}/values")
    def values(name: str) -> dict[str, list[str]]:
        """List the values of a dimension, the most frequent first."""
        return {"values": workspace.values(name, OWNER)}

    @router.get("/workspace")
    def info() -> dict[str, Any]:
        """Tell name, zone, currency, revision, and first and last moment with data."""
        return workspace.info(OWNER)

    return router


def _sources(workspace: Workspace) -> APIRouter:
    router = APIRouter()

    @router.get("/sources")
    def sources() -> dict[str, Any]:
        """Tell the state of each source: last sync, watermark, records, rejects."""
        return {"sources": workspace.sources(OWNER)}

    @router.get("/sources/{name}/rejects")
    def rejects(name: str, limit: int = 100) -> dict[str, Any]:
        """List records that were set aside, with line, field, value and reason."""
        return {"rejects": workspace.rejects(name, OWNER, limit=max(0, min(limit, 10_000)))}

    @router.post("/sync", response_model=None)
    def sync(body: SyncBody) -> StreamingResponse:
        """Sync sources; the answer is a JSON object a line: progress, then reports."""
        if body.sources is None:
            declared = connectors.load(workspace.home.sources_file, environment())
        else:
            declared = [
                connectors.parse(table, f"sources.{number}")
                for number, table in enumerate(body.sources)
            ]
        return _streamed(lambda step: workspace.sync(declared, progress=step))

    @router.post("/demo", response_model=None)
    def demo(body: DemoBody) -> StreamingResponse:
        """Fill an empty workspace with demo data; answers as sync does."""
        return _streamed(
            lambda step: [workspace.load_demo(body.events, body.seed, progress=step)]
        )

    return router


def _streamed(load: Callable[[Callable[[Progress], None]], Sequence[Report]]) -> StreamingResponse:
    return StreamingResponse(syncing.lines(load), media_type="application/x-ndjson")


def _links(links: Links) -> APIRouter:
    router = APIRouter(prefix="/links")

    @router.post("")
    def make() -> dict[str, str]:
        """Make a code that signs in one browser, once, within 15 minutes."""
        code, expires_at = links.make(clock.now())
        return {"code": code, "expires_at": expires_at.isoformat()}

    @router.post("/redeem")
    def redeem(body: CodeBody) -> dict[str, str]:
        """Use up a code; the answer names who is signed in by it."""
        links.redeem(body.code, clock.now())
        return {"name": OWNER.name}

    return router


def _document(app: FastAPI) -> APIRouter:
    router = APIRouter()

    @router.get("/openapi.json", include_in_schema=False)
    def openapi() -> dict[str, Any]:
        """Give the OpenAPI document of this api."""
        return app.openapi()

    return router


def _wire(result: Answer | AnalyticsProError) -> dict[str, Any]:
    if isinstance(result, AnalyticsProError):
        return {"error": result.payload()}
    frame = base64.b64encode(_arrow(result.frame)).decode()
    return {"arrow": frame, "provenance": result.provenance}


def _arrow(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    # The oldest level is the one every Arrow reader knows (no string views).
    frame.write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()
