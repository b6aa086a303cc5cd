"""Reaches a workspace by opening it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from analyticspro import clock
from analyticspro.client.transport import Decision, OnProgress
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError
from analyticspro.metrics import Answer, Query
from analyticspro.policy import OWNER

if TYPE_CHECKING:
    from analyticspro.workspace import Workspace

__all__ = ["Local"]

T = TypeVar("T")
_WAIT_FOR_WAREHOUSE_S = 10.0


class Local:
    """Opens the workspace for each call, and lets go of it at once."""

    def __init__(self, home: Home, *, wait_for_s: float = _WAIT_FOR_WAREHOUSE_S) -> None:
        self._home = home
        self._wait_for_s = wait_for_s

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        """Return an answer or an error for each query, all from one moment."""
        return self._with(lambda workspace: workspace.answers(queries, OWNER))

    def sql(self, statement: str, values: Mapping[str, Any]) -> Answer:
        """Return the answer to a statement of one's own."""
        return self._with(lambda workspace: workspace.sql(statement, values, OWNER))

    def info(self) -> dict[str, Any]:
        """Return what a page needs to know of the workspace."""
        return self._with(lambda workspace: workspace.info(OWNER))

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, the most frequent first."""
        return self._with(lambda workspace: workspace.values(dimension, OWNER))

    def catalogue(self) -> dict[str, list[dict[str, Any]]]:
        """Return the metrics and dimensions there are."""
        if not self._home.warehouse_file.exists():
            from analyticspro.workspace import catalogue

            return catalogue()
        return self._with(lambda workspace: workspace.catalogue(OWNER))

    def sources(self) -> list[dict[str, Any]]:
        """Return the state of each source."""
        return self._with(lambda workspace: workspace.sources(OWNER))

    def status(self) -> list[dict[str, Any]]:
        """Return how each source is."""
        return self._with(lambda workspace: workspace.operation.status(OWNER, now=clock.now()))

    def history(self, source: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest syncs of a source; raises UnknownName."""
        return self._with(lambda workspace: workspace.operation.history(source, limit=limit))

    def pause(self, source: str, by: str) -> dict[str, Any]:
        """Let a source not be synced by itself; raises DefinitionError if it is not anyway."""
        return self._with(lambda found: found.operation.pause(source, who=by, now=clock.now()))

    def resume(self, source: str, by: str) -> dict[str, Any]:
        """Have a source be synced by itself again; raises as `pause`."""
        return self._with(lambda found: found.operation.resume(source, who=by, now=clock.now()))

    def backtest(self, rule: dict[str, Any], period: str, *, as_known: bool) -> dict[str, Any]:
        """Return what a rule of alerts would have done; opens the data."""
        from analyticspro.alerts import Rule
        from analyticspro.alerts.backtest import backtest  # with SQLAlchemy, half a second

        parsed, now = Rule.parse(rule), clock.now()
        return self._with(
            lambda workspace: backtest(
                parsed, workspace.watched(), period, OWNER, now=now, as_known=as_known
            ).plain()
        )

    def rejects(self, source: str, limit: int) -> list[dict[str, Any]]:
        """Return records of a source that are set aside; raises UnknownName."""
        return self._with(lambda workspace: workspace.rejects(source, OWNER, limit=limit))

    def sync(
        self, declarations: Sequence[dict[str, Any]], progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Sync sources; `progress` is called with each step."""
        from analyticspro.connectors import parse

        sources = [parse(table, f"source {table.get('name')}") for table in declarations]
        return self._with(
            lambda workspace: [
                report.to_json()
                for report in workspace.sync(sources, progress=lambda step: progress(asdict(step)))
            ]
        )

    def replay(self, declaration: dict[str, Any], progress: OnProgress) -> list[dict[str, Any]]:
        """Map anew what was set aside of a source; `progress` is called with each step."""
        return self._with(
            lambda workspace: [
                report.to_json()
                for report in workspace.replay(
                    declaration, progress=lambda step: progress(asdict(step))
                )
            ]
        )

    def backfill(
        self, declaration: dict[str, Any], since: str, until: str, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Read what a source had in a range; `progress` is called with each step."""
        from analyticspro.connectors import parse

        source = parse(declaration, f"source {declaration.get('name')}")
        span = datetime.fromisoformat(since), datetime.fromisoformat(until)
        return self._with(
            lambda workspace: [
                report.to_json()
                for report in workspace.backfill(
                    source, *span, progress=lambda step: progress(asdict(step))
                )
            ]
        )

    def archive(self, progress: OnProgress) -> list[dict[str, Any]]:
        """Move old events into the archive, as the settings say; `progress` is called."""
        return self._with(
            lambda workspace: [
                workspace.keeping.archive(now=clock.now(), progress=_counted(progress)).to_json()
            ]
        )

    def check_archive(self, progress: OnProgress) -> list[dict[str, Any]]:
        """Read the archive to its last byte; `progress` is called."""
        return self._with(
            lambda workspace: [workspace.keeping.verify(progress=_counted(progress)).to_json()]
        )

    def erase(
        self,
        customers: Sequence[str],
        users: Sequence[str],
        by: str,
        reason: str | None,
        progress: OnProgress,
    ) -> list[dict[str, Any]]:
        """Erase a person, told by ids; return the receipt."""
        from analyticspro.warehouse import Subject

        subject = Subject(tuple(customers), tuple(users))
        return self._with(
            lambda workspace: [
                workspace.keeping.erase(
                    subject, by=by, reason=reason, now=clock.now(), progress=_counted(progress)
                ).to_json()
            ]
        )

    def back_up(
        self, into: str | None, keep: int | None, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Copy the whole home; `progress` is called with each step."""
        return self._with(
            lambda workspace: [
                made.to_json()
                for made in workspace.back_up(
                    None if into is None else Path(into),
                    keep,
                    progress=lambda step: progress(asdict(step)),
                )
            ]
        )

    def ledger(self, *, ask: bool = False) -> list[dict[str, Any]]:
        """Return what became of all records ever seen; `ask` sources how many they have."""
        return self._with(lambda workspace: workspace.ledger(OWNER, ask=ask))

    def schema(self, event: str | None) -> dict[str, Any]:
        """Return what properties events have, of all names or of one; raises UnknownName."""
        return self._with(lambda workspace: workspace.described(event, OWNER))

    def explain(self, who: str, what: str) -> dict[str, Any]:
        """Return whether somebody sees something, and why; opens the data if it has to."""
        from analyticspro.policies.explaining import explain  # with SQLAlchemy, half a second
        from analyticspro.policies.policies import Policies
        from analyticspro.policies.seers import admins, seer
        from analyticspro.state import State

        with State.open(self._home.state_address) as state:
            of = seer(state, Policies.of(self._home, state), who, now=clock.now())
            return explain(what, of, self, admins(state)).plain()

    def dimension_tags(self, name: str) -> tuple[frozenset[str], bool]:
        """Return the tags of a dimension, and whether it is declared; raises UnknownName."""
        return self._with(lambda workspace: workspace.dimension_tags(name))

    def tags_of_property(self, event: str, path: str) -> frozenset[str]:
        """Return the tags of a property of an event; raises UnknownName."""
        return self._with(lambda workspace: workspace.tags_of_property(event, path))

    def decide(self, action: Decision, event: str, path: str, tags: Sequence[str] = ()) -> None:
        """Tag or block a property, or undo that; tags only for `tag` and `untag`."""

        def work(workspace: Workspace) -> None:
            match action:
                case "tag":
                    workspace.schema.tag(event, path, tags, now=clock.now())
                case "untag":
                    workspace.schema.untag(event, path, tags)
                case "block":
                    workspace.schema.block(event, path, now=clock.now())
                case "unblock":
                    workspace.schema.unblock(event, path)

        self._with(work)

    def catch_up(self, seconds: float) -> None:
        """Bring the registry of properties up to date, for about so many seconds at most."""
        self._with(lambda workspace: workspace.schema.catch_up(seconds=seconds))

    def promote(
        self, event: str, path: str, name: str | None, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Have a property be a dimension; return which, once its column is filled."""
        return self._with(
            lambda workspace: [
                workspace.dimensions.promote(
                    event, path, name, now=clock.now(), progress=_counted(progress)
                ).to_json()
            ]
        )

    def demote(self, dimension: str) -> None:
        """Have a dimension be a mere property again; raises UnknownName."""
        self._with(lambda workspace: workspace.dimensions.demote(dimension, now=clock.now()))

    def violations(self) -> dict[str, Any]:
        """Return the contracts in force, and how often stored events broke them."""
        return self._with(lambda workspace: workspace.violations(OWNER))

    def demo(self, events: int, seed: int, progress: OnProgress) -> list[dict[str, Any]]:
        """Fill the workspace with demo data; `progress` is called with each step."""
        return self._with(
            lambda workspace: [
                workspace.load_demo(
                    events, seed, progress=lambda step: progress(asdict(step))
                ).to_json()
            ]
        )

    def _with(self, work: Callable[[Workspace], T]) -> T:
        # The engine is loaded only by whoever has to do the work: it would triple the time
        # that a notebook needs to import this library.
        from analyticspro.workspace import Workspace

        with Workspace.open(self._home, wait_for_s=self._wait_for_s) as workspace:
            return work(workspace)


def _counted(progress: OnProgress) -> Callable[[int, int], None]:
    return lambda done, total: progress({"done": done, "total": total})
