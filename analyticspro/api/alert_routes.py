"""Rules and alerts over HTTP. Nobody is shown an alert of a figure that they may not see."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from analyticspro import clock
from analyticspro.api import guard
from analyticspro.api.alerting import Alerting
from analyticspro.api.callers import Caller
from analyticspro.api.guard import Asking, needs
from analyticspro.errors import UnknownName
from analyticspro.policy import Capability
from analyticspro.workspace import Workspace

__all__ = ["alert_routes"]

_READING = needs(Capability.ALERTS_READ)
_WRITING = needs(Capability.ALERTS_WRITE)
_MOST_SHOWN = 1_000


# As large as a database keeps one.
_Number = Annotated[int, Field(ge=1, lt=2**63)]


class _Body(BaseModel):
    """`by` counts where the owner of the machine asks; anybody else is who they are."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(default="owner", max_length=200)


class RulesBody(_Body):
    """Rules as in alerts.toml; `prune` removes those that are not among them."""

    rules: list[dict[str, Any]] = Field(max_length=10_000)
    prune: bool = False


class BacktestBody(BaseModel):
    """A rule, stored or not, and a period as queries take it."""

    model_config = ConfigDict(extra="forbid")

    rule: dict[str, Any]
    period: str = Field(default="last-30-days", max_length=100)
    as_known: bool = False


class ActBody(_Body):
    """What is done with which alerts, with all or none."""

    alerts: list[_Number] = Field(min_length=1, max_length=_MOST_SHOWN)
    action: Literal["acknowledge", "assign", "comment", "snooze", "resolve"]
    text: str = Field(default="", max_length=4_000)
    until: AwareDatetime | None = None


class SilenceBody(_Body):
    """Of which alerts nobody is told, for how long, and why."""

    matcher: dict[str, Any]
    hours: float = Field(gt=0, le=90 * 24)
    reason: str = Field(min_length=1, max_length=4_000)


def alert_routes(workspace: Workspace, alerting: Alerting) -> APIRouter:
    """Return the routes for an opened workspace."""
    router = guard.router()
    _of_rules(router, workspace, alerting)
    _of_alerts(router, workspace, alerting)
    return router


def _sight(workspace: Workspace, asking: Caller) -> Any:
    from analyticspro.alerts.seeing import Sight  # brings SQLAlchemy, as all of alerts' storing

    return Sight(asking.scope, workspace.dimension_tags, workspace.tags_of_property)


def _of_rules(router: APIRouter, workspace: Workspace, alerting: Alerting) -> None:
    @router.get("/alert-rules", openapi_extra=_READING)
    def rules(asking: Asking) -> dict[str, Any]:
        """List the rules: what each is, its version, what it waits for, why it cannot be judged."""
        sight = _sight(workspace, asking)
        shown = [
            {**rule.plain(), "version": row.version, "changed_at": row.changed_at.isoformat(),
             "progress": row.progress}
            for row, rule in alerting.book().rules()
            if sight.of_rule(rule)
        ]  # fmt: skip
        return {"rules": shown}

    @router.post("/alert-rules", openapi_extra=_WRITING)
    def put(body: RulesBody, asking: Asking) -> dict[str, Any]:
        """Make these the rules of their names, all or none."""
        from analyticspro.alerts import Rule

        wanted, book = [Rule.parse(each) for each in body.rules], alerting.book()
        sight = _sight(workspace, asking)
        names = {rule.name for rule in wanted}
        known = [rule for _, rule in book.rules() if body.prune or rule.name in names]
        for rule in (*wanted, *known):  # nobody changes, or removes, what they may not see
            sight.check(rule)
        who = asking.called(body.by)
        done = book.put(wanted, who=who, now=clock.now(), prune=body.prune)
        return {kind: list(found) for kind, found in vars(done).items()}

    @router.post("/alert-rules/backtest", openapi_extra=_WRITING)
    def try_out(body: BacktestBody, asking: Asking) -> dict[str, Any]:
        """Tell what a rule would have done in a period; changes nothing."""
        from analyticspro.alerts import Rule
        from analyticspro.alerts.backtest import backtest

        rule, figures, now = Rule.parse(body.rule), workspace.watched(), clock.now()
        as_known = body.as_known
        return backtest(
            rule, figures, body.period, asking.scope, now=now, as_known=as_known
        ).plain()


def _of_alerts(router: APIRouter, workspace: Workspace, alerting: Alerting) -> None:
    def checked(numbers: list[int], asking: Caller) -> None:
        sight, book = _sight(workspace, asking), alerting.book()
        for number in numbers:
            if not sight.of_alert(book.show(number)[0]):
                raise UnknownName(f"No alert {number}.")  # as if there were none

    @router.get("/alerts", openapi_extra=_READING)
    def alerts(
        asking: Asking,
        state: Annotated[list[Literal["open", "acknowledged", "resolved"]] | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=_MOST_SHOWN)] = 100,
    ) -> dict[str, Any]:
        """List the newest alerts, the newest first; those that are not resolved by default."""
        from analyticspro.state import AlertState

        states = [AlertState(each) for each in state or ("open", "acknowledged")]
        sight = _sight(workspace, asking)
        found = alerting.book().alerts(states, limit=_MOST_SHOWN)
        return {"alerts": [_told(each) for each in found if sight.of_alert(each)][:limit]}

    @router.get("/alerts/{number}", openapi_extra=_READING)
    def alert(number: _Number, asking: Asking) -> dict[str, Any]:
        """Tell of one alert: its evidence, and its log."""
        checked([number], asking)
        found, log = alerting.book().show(number)
        return _told(found) | {
            "evidence": found.evidence,
            "log": [
                {"at": each.at.isoformat(), "who": each.who, "action": each.action,
                 "detail": each.detail}
                for each in log
            ],
        }  # fmt: skip

    @router.post("/alerts/act", openapi_extra=_WRITING)
    def act(body: ActBody, asking: Asking) -> dict[str, Any]:
        """Acknowledge, assign, comment, snooze or resolve alerts, all or none of them."""
        from analyticspro.alerts.book import Action

        checked(body.alerts, asking)
        who, now, action = asking.called(body.by), clock.now(), Action(body.action)
        done = alerting.book().act(
            body.alerts, action, who=who, now=now, text=body.text, until=body.until
        )
        return {"alerts": [_told(each) for each in done]}

    @router.get("/alert-silences", openapi_extra=_READING)
    def silences() -> dict[str, Any]:
        """List the silences that hold now."""
        found = alerting.book().silences(clock.now())
        return {
            "silences": [
                {"id": each.id, "matcher": each.matcher, "reason": each.reason,
                 "made_by": each.made_by, "ends_at": each.ends_at.isoformat()}
                for each in found
            ]
        }  # fmt: skip

    @router.post("/alert-silences", openapi_extra=_WRITING)
    def silence(body: SilenceBody, asking: Asking) -> dict[str, int]:
        """Let nobody be told of some alerts for a while."""
        who, lasts = asking.called(body.by), timedelta(hours=body.hours)
        book = alerting.book()
        made = book.silence(body.matcher, lasts=lasts, reason=body.reason, who=who, now=clock.now())
        return {"id": made}


def _told(alert: Any) -> dict[str, Any]:
    told = dict(vars(alert))
    del told["evidence"]
    for name in ("fired_at", "opened_at", "resolved_at", "snoozed_until"):
        told[name] = None if told[name] is None else told[name].isoformat()
    return told
