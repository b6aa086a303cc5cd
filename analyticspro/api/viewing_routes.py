"""Beginning and ending to look as somebody else, over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from analyticspro.api import guard
from analyticspro.api.gate import origin
from analyticspro.api.guard import Asking, needs
from analyticspro.api.viewing import Viewing, Viewings
from analyticspro.client.viewing import HEADER
from analyticspro.errors import DefinitionError
from analyticspro.policy import Capability

__all__ = ["viewing_routes"]


class ViewBody(BaseModel):
    """As whom to look: a username or an e-mail.

    `by` and `origin` count where the owner of the machine asks; anybody else is who they are.
    """

    model_config = ConfigDict(extra="forbid")

    who: str = Field(min_length=1, max_length=254, examples=["p12"])
    by: str | None = Field(default=None, max_length=254)
    origin: str | None = Field(default=None, max_length=100)


class TicketBody(BaseModel):
    """Which view to end."""

    model_config = ConfigDict(extra="forbid")

    ticket: str = Field(min_length=1, max_length=100)


def viewing_routes(viewings: Viewings) -> APIRouter:
    """Return the routes."""
    router = guard.router()

    @router.post("/viewings", openapi_extra=needs(Capability.USERS_WRITE))
    async def start(body: ViewBody, request: Request, asking: Asking) -> dict[str, Any]:
        """Begin to look as somebody else; send the ticket along as X-AnalyticsPro-View-As."""
        told = body.origin if asking.is_owner else None
        viewing = await viewings.start(asking, body.who, body.by, told or origin(request.scope))
        return {**_told(viewing), "ticket": viewing.ticket}

    @router.post("/viewings/end", openapi_extra=needs(Capability.DASHBOARD_READ))
    async def end(body: TicketBody, asking: Asking) -> dict[str, bool]:
        """End it; of one that is over already nothing is said."""
        return {"ended": viewings.end(asking, body.ticket)}

    @router.get("/viewing", openapi_extra=needs(Capability.DASHBOARD_READ))
    async def viewing(request: Request, asking: Asking) -> dict[str, Any]:
        """Tell as whom one looks, for the banner of a page."""
        found = viewings.of(request.headers.get(HEADER, ""))
        if asking.viewing_as is None or found is None:
            raise DefinitionError("You look as yourself. POST /v1/viewings begins another view.")
        return _told(found)

    return router


def _told(viewing: Viewing) -> dict[str, Any]:
    return {
        "person": viewing.person,
        "name": viewing.name,
        "role": str(viewing.role),
        "until": viewing.until.isoformat(),
    }
