"""The collector's addresses as the OpenAPI document tells them; `Collector` answers them."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from analyticspro.api import guard
from analyticspro.api.bodies import RefusalBody
from analyticspro.api.guard import Key, needs
from analyticspro.collecting import KINDS

__all__ = ["describing"]


class MessageBody(BaseModel):
    """A message in the form of Segment's spec; fields that are not listed are kept as well."""

    model_config = ConfigDict(extra="allow")

    messageId: str | None = Field(default=None, max_length=400)  # noqa: N815 - Segment's names
    type: Literal["track", "identify", "page", "screen", "group", "alias"] | None = None
    event: str | None = Field(default=None, examples=["Order Completed"])
    userId: str | None = Field(default=None, examples=["user-17"])  # noqa: N815
    anonymousId: str | None = None  # noqa: N815
    timestamp: str | None = Field(default=None, examples=["2026-11-21T16:00:00.000Z"])
    sentAt: str | None = None  # noqa: N815
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class BatchBody(BaseModel):
    """Many messages at once, each of which says its type."""

    batch: list[MessageBody] = Field(max_length=5_000)
    sentAt: str | None = None  # noqa: N815


class OutcomeBody(BaseModel):
    """What became of one message."""

    messageId: str | None  # noqa: N815
    status: Literal["accepted", "duplicate", "conflict", "rejected"]
    field: str | None = None
    value: str | None = None
    reason: str | None = None


class CollectedBody(BaseModel):
    """What became of a delivery, durably: counts, and each message in its order."""

    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    events: list[OutcomeBody]


_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": CollectedBody, "description": "Stored for good, but for what was rejected."},
    400: {
        "model": CollectedBody | RefusalBody,
        "description": "Not JSON of this shape; or every message was rejected.",
    },
    403: {"model": RefusalBody, "description": "Not with this key, from this web origin."},
    408: {"model": RefusalBody, "description": "The body did not come in time."},
    415: {"model": RefusalBody, "description": "Not JSON in UTF-8, plain or as gzip."},
    429: {"model": RefusalBody, "description": "More events a second than the key may send."},
}


def describing() -> APIRouter:
    """Return routes that describe the collector's. The gate hands over before they are reached."""
    router = guard.router()
    about = (
        "Takes a write key, not the workspace's token, as bearer or as the user name of Basic. "
        "The answer comes once all is stored."
    )

    def batch(body: BatchBody) -> None: ...
    def single(body: MessageBody) -> None: ...

    router.add_api_route(
        "/batch",
        batch,
        methods=["POST"],
        openapi_extra=needs(Key.WRITE),
        status_code=202,
        responses=_ANSWERS,
        summary="Take events in",
        description=f"Take messages of any type in. {about}",
    )
    for kind in KINDS:
        router.add_api_route(
            f"/{kind}",
            single,
            methods=["POST"],
            openapi_extra=needs(Key.WRITE),
            status_code=202,
            responses=_ANSWERS,
            summary=f"Take one {kind} message in",
            description=f"Take one message of type {kind} in. {about}",
            operation_id=f"collect_{kind}",
        )
    return router
