"""Figures over HTTP: queries, and what can be asked for."""

from __future__ import annotations

import base64
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from analyticspro.api import guard
from analyticspro.api.arrow import ARROW, answer_in_arrow, arrow
from analyticspro.api.at_once import AtOnce
from analyticspro.api.bodies import FiguresBody, QueriesBody, QueryBody
from analyticspro.api.callers import Caller
from analyticspro.api.departing import Work
from analyticspro.api.figures import Wanted
from analyticspro.api.following import Following
from analyticspro.api.guard import Asking, needs
from analyticspro.errors import AnalyticsProError, DefinitionError, Forbidden
from analyticspro.metrics import Answer
from analyticspro.policy import Capability
from analyticspro.warehouse import Ending
from analyticspro.workspace import Workspace

__all__ = ["figures_routes"]

_MOST_NOTED = 5  # reasons of one request
_FIGURES = needs(Capability.DASHBOARD_READ)


def figures_routes(workspace: Workspace, work: Work, following: Following) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = guard.router()
    at_once = AtOnce(workspace)

    @router.post(
        "/query",
        openapi_extra=_FIGURES,
        response_model=None,
        responses={200: {"content": {ARROW: {}}}},
    )
    async def query(
        body: QueryBody, request: Request, asking: Asking, accept: Annotated[str, Header()] = ""
    ) -> Response:
        """Answer one query: as JSON, or as an Arrow IPC stream if that is accepted."""
        ending = Ending()

        def answered() -> Response:
            [result] = workspace.answers([body.query()], asking.scope, ending=ending)
            if isinstance(result, AnalyticsProError):
                raise result
            told = _told(result, asking)
            if ARROW in accept:
                return answer_in_arrow(result.frame, told)
            return JSONResponse({"rows": result.rows(), "provenance": told})

        return await work.of(request, answered, ending)

    @router.post("/queries", openapi_extra=_FIGURES)
    async def queries(body: QueriesBody, request: Request, asking: Asking) -> dict[str, Any]:
        """Answer several queries from one moment, frames as Arrow IPC in base64."""
        ending, refused = Ending(), set[str]()

        def answered() -> dict[str, Any]:
            asked = [item.query() for item in body.queries]
            results = workspace.answers(asked, asking.scope, ending=ending)
            refused.update(str(each) for each in results if isinstance(each, Forbidden))
            return {"answers": [_wire(result, asking) for result in results]}

        answer = await work.of(request, answered, ending)
        for reason in sorted(refused)[:_MOST_NOTED]:
            guard.note(request.scope, asking, reason)
        return answer

    @router.post("/figures", openapi_extra=_FIGURES)
    async def figures(
        body: FiguresBody,
        request: Request,
        asking: Asking,
        analyticspro_mark: Annotated[str, Header(max_length=64)] = "",
    ) -> Response:
        """Answer all that a page asks for: the workspace, values of dimensions, and queries.

        Who asks and what time it is are told in headers, so that the body is the same, byte for
        byte, for all who see the same of the same data. Whoever was told of a change gets what
        they were told of by its mark, while it is the newest.
        """
        wanted, ending = _wanted(body), Ending()
        found = following.kept(wanted, asking.scope, analyticspro_mark)
        if found is None:
            asked = partial(at_once.figures, wanted, asking.scope, ending)
            found = await work.of(request, asked, ending)
        for reason in found.refused[:_MOST_NOTED]:
            guard.note(request.scope, asking, reason)
        headers = {"Analyticspro-Now": found.now, "Analyticspro-Asked-By": quote(asking.name)}
        return Response(found.body, headers=headers, media_type="application/json")

    # Not in the document: it is for the page server, and its answer has no end.
    @router.post(
        "/figures/changes", openapi_extra=_FIGURES, response_model=None, include_in_schema=False
    )
    async def changes(body: FiguresBody, asking: Asking) -> StreamingResponse:
        """Tell when what `/v1/figures` answers to the same body has changed, a JSON object a line.

        `{"revision": …, "mark": …, "now": …}` at once and at each change, at most five times a
        second; an empty line is a sign of life. `{"error": …}` ends it.
        """
        wanted = _wanted(body)
        if wanted == Wanted((), ()):
            raise DefinitionError("Nothing is asked for, so nothing can change. Send queries.")
        following.check(wanted, asking)
        lines = following.lines(wanted, asking)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @router.get("/metrics", openapi_extra=_FIGURES)
    def metrics(asking: Asking) -> dict[str, Any]:
        """List the metrics and dimensions there are."""
        return workspace.catalogue(asking.scope)

    @router.get("/dimensions/{name}/values", openapi_extra=_FIGURES)
    def values(name: str, asking: Asking) -> dict[str, list[str]]:
        """List the values of a dimension, the most frequent first."""
        return {"values": workspace.values(name, asking.scope)}

    @router.get("/workspace", openapi_extra=_FIGURES)
    def info(asking: Asking) -> dict[str, Any]:
        """Tell name, zone, currency, revision, and first and last moment with data."""
        return workspace.info(asking.scope)

    return router


def _told(result: Answer, asking: Caller) -> dict[str, Any]:
    """Return the provenance, with who asked: whoever sees the same shares what is remembered.

    The owner is the scope itself, and is told the same as where no service runs.
    """
    if asking.is_owner:
        return result.provenance
    return {**result.provenance, "asked_by": asking.name}


def _wanted(body: FiguresBody) -> Wanted:
    return Wanted(tuple(item.query() for item in body.queries), tuple(body.values))


def _wire(result: Answer | AnalyticsProError, asking: Caller) -> dict[str, Any]:
    if isinstance(result, AnalyticsProError):
        return {"error": result.payload()}
    frame = base64.b64encode(arrow(result.frame)).decode()
    return {"arrow": frame, "provenance": _told(result, asking)}
