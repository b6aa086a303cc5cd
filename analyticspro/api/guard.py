"""What each endpoint needs, said beside its route and checked here before its body is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Scope as Asgi

from analyticspro.api.callers import Caller
from analyticspro.api.gate import OPEN, origin
from analyticspro.errors import DefinitionError
from analyticspro.policy import Capability, Decision

__all__ = [
    "Asking",
    "Guarded",
    "Key",
    "Needs",
    "asked_for",
    "check",
    "needs",
    "note",
    "router",
    "still_may",
    "template",
]

_NEEDS = "x-needs"  # in the OpenAPI document too


class Key(StrEnum):
    """What is not a matter of roles."""

    OWNER = "the workspace's token"  # whoever runs the machine, on the machine
    WRITE = "a write key"  # the collector's own, which work without the hub


Needs = Capability | Key


def needs(what: Needs) -> dict[str, Any]:
    """Return what a route is given as `openapi_extra` to say what it needs."""
    return {_NEEDS: str(what)}


def router(prefix: str = "") -> APIRouter:
    """Return a router none of whose routes can be made without saying what it needs."""
    return APIRouter(prefix=prefix, route_class=Guarded)


class Guarded(APIRoute):
    """A route that asks whether its caller may, before anything else is looked at."""

    @property
    def needs(self) -> Needs:
        """What the route said that it needs.

        Raises:
            DefinitionError: Nothing.
        """
        said = (self.openapi_extra or {}).get(_NEEDS)
        for kind in (Capability, Key):
            if said in list(kind):
                return kind(said)
        raise DefinitionError(
            f"{self.path} does not say what it needs. Give the route "
            "openapi_extra=needs(Capability.…)."
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers, behind the question whether it may."""
        handle, wanted = super().get_route_handler(), self.needs

        async def guarded(request: Request) -> Response:
            caller: Caller = request.state.identity
            request.state.needs = wanted
            decision = _decide(caller, wanted)
            if not decision.allowed:
                note(request.scope, caller, decision.reason)
            decision.enforce()
            return await handle(request)

        return guarded


def note(scope: Asgi, caller: Caller, reason: str) -> None:
    """Have the refusal recorded, once for each request."""
    scope["state"]["noted"] = True
    scope["app"].state.denials.note(caller.name, origin(scope), asked_for(scope), reason)


def still_may(caller: Caller, scope: Asgi) -> Decision:
    """Return whether `caller` may have what is being answered; yes if that is not yet known."""
    wanted = scope["state"].get("needs")
    return Decision(allowed=True, reason="") if wanted is None else _decide(caller, wanted)


def _decide(caller: Caller, wanted: Needs) -> Decision:
    if caller.is_owner:
        return Decision(allowed=True, reason="Allowed to the owner of the workspace.")
    if isinstance(wanted, Key):
        return Decision(
            allowed=False,
            reason=f"Refused: this needs {wanted}. Whoever runs AnalyticsPro can do it by "
            "the command line, on the machine itself.",
        )
    return caller.decide(wanted)


async def _asking(request: Request) -> Caller:
    caller: Caller = request.state.identity
    return caller


Asking = Annotated[Caller, Depends(_asking)]


def asked_for(scope: Asgi) -> str:
    """Return method and template of what is asked for, such as GET /v1/sources/{name}/rejects."""
    return f"{scope.get('method', 'WEBSOCKET')} {template(scope) or 'nothing that is there'}"


def template(scope: Asgi) -> str | None:
    """Return the template of the route; None if the request reached none.

    The framework gives it without the prefix of its router, which has no parameters: it is
    what the path has more in front.
    """
    told = getattr(scope.get("route"), "path", None)
    if told is None:
        return None
    more = scope["path"].count("/") - told.count("/")
    return "/".join(scope["path"].split("/")[: more + 1]) + str(told)


def check(app: FastAPI) -> None:
    """Raise DefinitionError if a route of the app is neither guarded nor meant to be open."""
    for route in _walked(app.routes):
        if not isinstance(route, Guarded) and getattr(route, "path", None) not in OPEN:
            raise DefinitionError(
                f"{getattr(route, 'path', route)} is not guarded. Make its router by "
                "analyticspro.api.guard.router()."
            )


def _walked(routes: Any) -> Iterator[Any]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from _walked(included.routes)
