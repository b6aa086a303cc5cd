"""The schema over HTTP: what properties events have, what is decided on them, contracts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from analyticspro import clock
from analyticspro.api import guard
from analyticspro.api.guard import Asking, needs
from analyticspro.api.syncing import Loads
from analyticspro.ingest import Progress
from analyticspro.policy import Capability
from analyticspro.workspace import Workspace

__all__ = ["schema_routes"]

_READING = needs(Capability.SOURCES_READ)
_CHANGING = needs(Capability.SOURCES_WRITE)


class PropertyBody(BaseModel):
    """A property of the events of one name, or `*` for those of all."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(max_length=100, examples=["order_placed"])
    property: str = Field(max_length=1000, examples=["context.ip"])


class TagsBody(PropertyBody):
    """The same, and tags."""

    tags: list[Annotated[str, Field(max_length=100)]] = Field(
        min_length=1, max_length=20, examples=[["personal"]]
    )


class CatchUpBody(BaseModel):
    """How long the registry may be brought up to date."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(default=60, gt=0, le=60)


class PromoteBody(PropertyBody):
    """The same, and what the dimension is called: the last key of the property if not said."""

    name: str | None = Field(default=None, max_length=100, examples=["coupon"])


class DemoteBody(BaseModel):
    """A dimension that is a property."""

    model_config = ConfigDict(extra="forbid")

    dimension: str = Field(max_length=100, examples=["coupon"])


def schema_routes(workspace: Workspace, loads: Loads) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = guard.router()

    @router.get("/schema", openapi_extra=_READING)
    def described(asking: Asking, event: str | None = None) -> dict[str, Any]:
        """Tell the properties of each event: types, when seen, how often, examples, tags."""
        return workspace.described(event, asking.scope)

    @router.post("/schema/tag", openapi_extra=_CHANGING)
    def tag(body: TagsBody) -> dict[str, str]:
        """Tag a property."""
        workspace.schema.tag(body.event, body.property, body.tags, now=clock.now())
        return _DONE

    @router.post("/schema/untag", openapi_extra=_CHANGING)
    def untag(body: TagsBody) -> dict[str, str]:
        """Take tags off a property."""
        workspace.schema.untag(body.event, body.property, body.tags)
        return _DONE

    @router.post("/schema/block", openapi_extra=_CHANGING)
    def block(body: PropertyBody) -> dict[str, str]:
        """Have a property not be stored from now on."""
        workspace.schema.block(body.event, body.property, now=clock.now())
        return _DONE

    @router.post("/schema/unblock", openapi_extra=_CHANGING)
    def unblock(body: PropertyBody) -> dict[str, str]:
        """Have a property be stored again."""
        workspace.schema.unblock(body.event, body.property)
        return _DONE

    @router.post("/schema/catch-up", openapi_extra=_CHANGING)
    def catch_up(body: CatchUpBody) -> dict[str, str]:
        """Count in the registry what came since; whoever asks for it next need not wait."""
        workspace.schema.catch_up(seconds=body.seconds)
        return _DONE

    @router.post("/schema/promote", openapi_extra=_CHANGING, response_model=None)
    def promote(body: PromoteBody) -> StreamingResponse:
        """Have a property be a dimension; answers as sync does, once its column is filled.

        Figures can be cut by it from the first line on. Who asked may go away.
        """
        return StreamingResponse(
            loads.lines(
                lambda step: [
                    workspace.dimensions.promote(
                        body.event,
                        body.property,
                        body.name,
                        now=clock.now(),
                        progress=lambda done, total: step(Progress("promote", "", done, total)),
                    )
                ]
            ),
            media_type="application/x-ndjson",
        )

    @router.post("/schema/demote", openapi_extra=_CHANGING)
    def demote(body: DemoteBody) -> dict[str, str]:
        """Have a dimension be a mere property again; its values stay in the events."""
        workspace.dimensions.demote(body.dimension, now=clock.now())
        return _DONE

    @router.get("/contracts", openapi_extra=_READING)
    def violations(asking: Asking) -> dict[str, Any]:
        """Tell the contracts in force, and how often stored events broke them."""
        return workspace.violations(asking.scope)

    return router


_DONE = {"status": "done"}
