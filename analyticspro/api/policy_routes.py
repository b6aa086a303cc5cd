"""Why somebody sees something, and what a change of grants would do, over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from analyticspro.api import guard
from analyticspro.api.guard import Asking, needs
from analyticspro.api.known_people import KnownPeople, may_ask_about_others
from analyticspro.errors import AnalyticsProError, Forbidden
from analyticspro.metrics import Query, catalog
from analyticspro.policy import Capability, Grant, RowFilter, Scope
from analyticspro.workspace import Workspace

__all__ = ["policy_routes"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ExplainBody(_Body):
    """What is asked, and of whom: a role, a username or an e-mail; oneself if nobody is named.

    `by` counts where the owner of the machine asks; anybody else is who they are.
    """

    what: str = Field(min_length=1, max_length=500, examples=["revenue by country"])
    who: str | None = Field(default=None, min_length=1, max_length=254, examples=["viewer"])
    by: str | None = Field(default=None, max_length=254)


class GrantBody(_Body):
    """A grant that is not made yet, as the command `analyticspro policies grant` takes it."""

    tags: list[str] = Field(default_factory=list, max_length=100)
    where: list[str] = Field(default_factory=list, max_length=50, examples=[["country=US,CA"]])
    aggregates_only: bool = False

    def grant(self) -> Grant:
        """Return it; raises DefinitionError where something is no tag or no row filter."""
        from analyticspro.policies.policies import check_tags

        where = tuple(map(RowFilter.parse, self.where))
        given = Grant(frozenset(self.tags), where, aggregates_only=self.aggregates_only)
        check_tags(given)
        return given


class PreviewBody(_Body):
    """A change of grants, and on whom it is tried: a role, a username or an e-mail.

    `by` counts where the owner of the machine asks; anybody else is who they are.
    """

    who: str = Field(min_length=1, max_length=254, examples=["manager"])
    grant: GrantBody | None = None
    withdraw: list[int] = Field(default_factory=list, max_length=100)
    by: str | None = Field(default=None, max_length=254)


def policy_routes(workspace: Workspace, known: KnownPeople) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = guard.router()

    @router.get("/me", openapi_extra=needs(Capability.DASHBOARD_READ))
    def me(asking: Asking) -> dict[str, str | None]:
        """Tell who asks: the name that the hub has, what the person is called, and the role."""
        return {
            "name": asking.name,
            "called": known.called(asking.name),
            "role": None if asking.role is None else str(asking.role),
        }

    @router.post("/explain", openapi_extra=needs(Capability.DASHBOARD_READ))
    def explain(body: ExplainBody, asking: Asking) -> dict[str, Any]:
        """Tell whether somebody sees or may do something, and why; of others, to admins."""
        from analyticspro.policies.explaining import explain as explained

        me = known.asking(asking, body.by)
        of = me if body.who is None or body.who == me.name else None
        if of is None:
            if not may_ask_about_others(asking):
                raise Forbidden(
                    f"Refused: what others see is for who holds {Capability.USERS_WRITE}. "
                    "Leave out who to ask about yourself."
                )
            of = known.seer(str(body.who))
        return explained(body.what, of, workspace, known.admins()).plain()

    @router.post("/policies/preview", openapi_extra=needs(Capability.USERS_WRITE))
    def preview(body: PreviewBody, asking: Asking) -> dict[str, Any]:
        """Tell what somebody would see after a change, with a few figures; changes nothing.

        No figure is of more than who asks may see themselves.
        """
        from analyticspro.policies import previewing

        of, me = known.seer(body.who), known.asking(asking, body.by)
        given = None if body.grant is None else body.grant.grant()
        stored = known.policies.all()
        now = previewing.after(of, stored)
        later = previewing.after(of, stored, added=given, withdrawn=body.withdraw)
        lines = previewing.lines(now, later)
        names = previewing.sample(now, later)
        pairs = (now.within(me.scope), later.within(me.scope))
        return {
            "who": of.title,
            "lines": [
                {"kind": line.kind, "names": list(line.names), "now": line.now,
                 "after": line.after, "changes": line.changes}
                for line in lines
            ],
            "figures": _figures(workspace, names, *pairs),
        }  # fmt: skip

    return router


def _figures(
    workspace: Workspace, names: tuple[str, ...], now: Scope, later: Scope
) -> list[dict[str, Any]]:
    queries = [Query(metrics=(name,)) for name in names]
    both = zip(workspace.answers(queries, now), workspace.answers(queries, later), strict=True)
    return [
        {
            "metric": name,
            "title": catalog.metric(name).title,
            "now": _told(before, name),
            "after": _told(then, name),
        }
        for name, (before, then) in zip(names, both, strict=True)
    ]


def _told(answer: object, name: str) -> dict[str, Any]:
    if isinstance(answer, AnalyticsProError):
        return {"refused": str(answer)}
    described = answer.provenance["metrics"][name]  # type: ignore[attr-defined]
    rows = answer.rows()  # type: ignore[attr-defined]
    return {"value": rows[0][name] if rows else None, "unit": described}
