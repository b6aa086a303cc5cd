"""Figures over HTTP: queries, and what can be asked for."""

from __future__ import annotations

import base64
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from analyticspro.api import guard
from analyticspro.api.arrow import ARROW, answer_in_arrow, arrow
from analyticspro.api.bodies import FiguresBody, QueriesBody, QueryBody
from analyticspro.api.callers import Caller
from analyticspro.api.departing import Work
from analyticspro.api.guard import Asking, needs
from analyticspro.errors import AnalyticsProError, Forbidden
from analyticspro.metrics import Answer
from analyticspro.policy import Capability
from analyticspro.warehouse import Ending
from analyticspro.workspace import Workspace

__all__ = ["figures_routes"]

_MOST_NOTED = 5  # reasons of one request
_FIGURES = needs(Capability.DASHBOARD_READ)


def figures_routes(workspace: Workspace, work: Work) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = guard.router()

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
    async def figures(body: FiguresBody, request: Request, asking: Asking) -> Response:
        """Answer all that a page asks for: the workspace, values of dimensions, and queries.

        Who asks and what time it is are told in headers, so that the body is the same, byte for
        byte, for all who see the same of the same data.
        """
        ending, refused = Ending(), set[str]()

        def answered() -> Response:
            told = workspace.info(asking.scope)
            now = told.pop("now")
            asked = [item.query() for item in body.queries]
            results = workspace.answers(asked, asking.scope, ending=ending)
            refused.update(str(each) for each in results if isinstance(each, Forbidden))
            answer = {
                "workspace": told,
                "values": {name: _values(workspace, name, asking) for name in body.values},
                "answers": [_shared(result) for result in results],
            }
            headers = {"Analyticspro-Now": now, "Analyticspro-Asked-By": quote(asking.name)}
            return JSONResponse(answer, headers=headers)

        answer = await work.of(request, answered, ending)
        for reason in sorted(refused)[:_MOST_NOTED]:
            guard.note(request.scope, asking, reason)
        return answer

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


def _values(workspace: Workspace, dimension: str, asking: Caller) -> dict[str, Any]:
    try:
        return {"values": workspace.values(dimension, asking.scope)}
    except AnalyticsProError as error:
        return {"error": error.payload()}


def _shared(result: Answer | AnalyticsProError) -> dict[str, Any]:
    """Return an answer as it is the same for all who see the same, whether it was kept or not."""
    if isinstance(result, AnalyticsProError):
        return {"error": result.payload()}
    frame = base64.b64encode(arrow(result.frame)).decode()
    told = {name: value for name, value in result.provenance.items() if name != "cached"}
    return {"arrow": frame, "provenance": told}


def _wire(result: Answer | AnalyticsProError, asking: Caller) -> dict[str, Any]:
    if isinstance(result, AnalyticsProError):
        return {"error": result.payload()}
    frame = base64.b64encode(arrow(result.frame)).decode()
    return {"arrow": frame, "provenance": _told(result, asking)}
