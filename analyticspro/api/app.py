"""The api: the only process that opens the warehouse. Thin: parse, authorise, call, serialise."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from analyticspro import clock, logs
from analyticspro.api import guard
from analyticspro.api.alert_routes import alert_routes
from analyticspro.api.alerting import Alerting
from analyticspro.api.bodies import (
    CodeBody,
    RefusalBody,
)
from analyticspro.api.callers import Callers
from analyticspro.api.collector import Collector
from analyticspro.api.collector_document import describing
from analyticspro.api.collector_requests import PATHS
from analyticspro.api.denials import Denials
from analyticspro.api.departing import Work
from analyticspro.api.edge import Edge
from analyticspro.api.figures_routes import figures_routes
from analyticspro.api.following import Following
from analyticspro.api.gate import LARGEST_BODY, Gate, refusal, too_large
from analyticspro.api.granted import Granted
from analyticspro.api.guard import Key, check, needs
from analyticspro.api.hub_answers import HubAnswers
from analyticspro.api.keeping_routes import keeping_routes
from analyticspro.api.links import Links
from analyticspro.api.observed import Observed
from analyticspro.api.observing import scraping, told_of
from analyticspro.api.operation_routes import operation_routes
from analyticspro.api.package_routes import package_routes
from analyticspro.api.policy_routes import policy_routes
from analyticspro.api.schema_routes import schema_routes
from analyticspro.api.source_routes import source_routes
from analyticspro.api.sql_routes import sql_routes
from analyticspro.api.syncing import Loads
from analyticspro.api.viewing import Viewings
from analyticspro.api.viewing_routes import viewing_routes
from analyticspro.api.watching import Watched
from analyticspro.errors import (
    AnalyticsProError,
    DefinitionError,
    Forbidden,
    RetriableError,
    SourceError,
)
from analyticspro.packages import Relay
from analyticspro.policy import OWNER, Capability
from analyticspro.workspace import Workspace

__all__ = ["make_app"]

_MOST_STATEMENTS = 500  # of different shapes or persons in a minute, with an entry each
_STATUS: dict[type[AnalyticsProError], int] = {
    DefinitionError: 422,
    SourceError: 422,
    Forbidden: 403,
    RetriableError: 503,
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": RefusalBody, "description": "No token, or one that is nobody's."},
    403: {"model": RefusalBody, "description": "Not allowed; the message says what is missing."},
    413: {"model": RefusalBody, "description": "The request is too large."},
    422: {"model": RefusalBody, "description": "The question is wrong; the message says how."},
    503: {"model": RefusalBody, "description": "Not now; try again unchanged."},
}


def make_app(workspace: Workspace, token: str) -> FastAPI:
    """Return the api of an opened workspace; whoever presents `token` is its owner.

    Everybody else is who the hub says. A route that does not say what it needs, or whose router
    does not ask, fails here, before anything listens.

    Whoever serves it ends `app.state.loads` before the warehouse is closed, and closes
    `app.state.following`, whose answers else go on.
    """
    collector = Collector(workspace)
    hub = HubAnswers(lambda: workspace.home)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # What is there by now stays: looking through it again and again for garbage took a
        # fifth of the collector's time.
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)
        keeping_time = asyncio.create_task(collector.keep_time())
        workspace.dimensions.start()
        audit_events = workspace.audit_feed()
        audit_events.start()
        alerting.start()
        yield
        keeping_time.cancel()
        await asyncio.to_thread(alerting.close)
        await asyncio.to_thread(audit_events.close)
        await asyncio.to_thread(collector.close)
        callers.close()
        await denials.close()
        await statements.close()
        await viewings.close()
        granted.close()
        await hub.close()
        await packages.close()
        gc.unfreeze()  # else what is to be put away at the end is not found

    app = FastAPI(
        title="AnalyticsPro",
        lifespan=lifespan,
        version="1",
        description="Governed metrics over HTTP. Every call but health needs "
        "`Authorization: Bearer <token>`: an API key made at the hub, or the token in the "
        "workspace's folder. `x-needs` says what a key must be allowed.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    alerting = Alerting(workspace)
    app.state.loads = loads = Loads()
    app.state.figures = figures = told_of(workspace)
    figures.gauge("intake_events", "Events that wait to be stored.", lambda: collector.waiting)
    work = Work()
    app.state.following = following = Following(workspace)
    figures.gauge("pages_followed", "Pages told of changes.", lambda: following.count)
    figures.gauge("answers_at_work", "Answers that are being worked out.", lambda: work.count)
    for name, (meaning, read) in alerting.figures().items():
        figures.gauge(name, meaning, read)
    app.state.denials = denials = Denials(lambda: workspace.home)
    figures.gauge("refusals", "Requests refused so far, by whose.", lambda: denials.counts)
    statements = Denials(lambda: workspace.home, most_kinds=_MOST_STATEMENTS)
    packages = Relay()
    callers, granted = Callers(token, hub), Granted(lambda: workspace.home)
    viewings = Viewings(granted.known)
    app.add_middleware(Watched)
    own = dict.fromkeys(PATHS, collector)
    app.add_middleware(
        Gate, callers=callers, granted=granted, denials=denials, own=own, viewings=viewings
    )
    app.add_middleware(Observed, figures=figures)
    app.add_middleware(Edge)  # the last one added stands first
    app.add_exception_handler(AnalyticsProError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_body)
    app.add_exception_handler(HTTPException, _refuse_route)
    app.include_router(_health())
    # The gate checks the token; this only says so in the document.
    needs_token = Security(HTTPBearer(auto_error=False))
    app.include_router(scraping(figures), dependencies=[needs_token], responses=_REFUSALS)
    routers = (
        figures_routes(workspace, work, following),
        source_routes(workspace, loads),
        _links(Links()),
        _document(app),
    )
    more = (
        describing(),
        schema_routes(workspace, loads),
        keeping_routes(workspace, loads),
        operation_routes(workspace, loads),
        sql_routes(workspace, figures, work, statements),
        policy_routes(workspace, granted.known),
        viewing_routes(viewings),
        package_routes(workspace, packages, statements),
        alert_routes(workspace, alerting),
    )
    for router in (*routers, *more):
        app.include_router(
            router,
            prefix="/v1",
            dependencies=[needs_token],
            responses=_REFUSALS,
            max_body_size=LARGEST_BODY,
        )
    check(app)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnalyticsProError)
    state = request.scope["state"]
    if isinstance(error, Forbidden) and "identity" in state and "noted" not in state:
        guard.note(request.scope, state["identity"], str(error))  # by a data policy
    kinds = (_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    status = next(kinds, 500)
    if status >= 500:
        logs.error("refused", error)
    return refusal(error, status)


def _refuse_body(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return refusal(DefinitionError(f"The request is wrong at {place}: {first['msg']}."), 422)


def _refuse_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return too_large()
    reason = f"{request.method} {request.url.path}: {error.detail}."
    return refusal(DefinitionError(reason), error.status_code, error.headers)


def _health() -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Tell that the process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> dict[str, str]:
        """Tell that the warehouse is open: it is before this app is made."""
        return {"status": "ready"}

    return router


def _links(links: Links) -> APIRouter:
    router = guard.router("/links")

    @router.post("", openapi_extra=needs(Key.OWNER))
    def make() -> dict[str, str]:
        """Make a code that signs in one browser, once, within 15 minutes."""
        code, expires_at = links.make(clock.now())
        return {"code": code, "expires_at": expires_at.isoformat()}

    @router.post(
        "/redeem",
        openapi_extra=needs(Key.OWNER),
        responses={403: {"model": RefusalBody, "description": "No more."}},
    )
    def redeem(body: CodeBody) -> dict[str, str]:
        """Use up a code; the answer names who is signed in by it."""
        links.redeem(body.code, clock.now())
        return {"name": OWNER.name}

    return router


def _document(app: FastAPI) -> APIRouter:
    router = guard.router()

    @router.get(
        "/openapi.json", openapi_extra=needs(Capability.DASHBOARD_READ), include_in_schema=False
    )
    def openapi() -> dict[str, Any]:
        """Give the OpenAPI document of this api."""
        return app.openapi()

    return router
