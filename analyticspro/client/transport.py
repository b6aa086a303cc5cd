"""What a way to reach a workspace can do, whichever way it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from analyticspro.errors import AnalyticsProError
from analyticspro.metrics import Answer, Query

__all__ = ["Decision", "OnProgress", "Transport"]

OnProgress = Callable[[dict[str, Any]], None]
Decision = Literal["tag", "untag", "block", "unblock"]


class Transport(Protocol):
    """What can be asked of a workspace; plain JSON unless said otherwise."""

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        """Return an answer or an error for each query, all from one moment."""

    def sql(self, statement: str, values: Mapping[str, Any]) -> Answer:
        """Return the answer to a statement of one's own; see `Client.sql`."""

    def info(self) -> dict[str, Any]:
        """Return what a page needs to know of the workspace; see `Workspace.info`."""

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, the most frequent first."""

    def catalogue(self) -> dict[str, list[dict[str, Any]]]:
        """Return the metrics and dimensions there are."""

    def sources(self) -> list[dict[str, Any]]:
        """Return the state of each source."""

    def status(self) -> list[dict[str, Any]]:
        """Return how each source is; see `operation.Sources.status`."""

    def history(self, source: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest syncs of a source; raises UnknownName."""

    def pause(self, source: str, by: str) -> dict[str, Any]:
        """Let a source not be synced by itself; raises DefinitionError if it is not anyway."""

    def resume(self, source: str, by: str) -> dict[str, Any]:
        """Have a source be synced by itself again; raises as `pause`."""

    def backtest(self, rule: dict[str, Any], period: str, *, as_known: bool) -> dict[str, Any]:
        """Return what a rule of alerts would have done; see `alerts.backtest.Backtest`."""

    def rejects(self, source: str, limit: int) -> list[dict[str, Any]]:
        """Return records of a source that are set aside; raises UnknownName."""

    def sync(
        self, declarations: Sequence[dict[str, Any]], progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Sync sources; `progress` is called with each step. Return a report for each."""

    def schema(self, event: str | None) -> dict[str, Any]:
        """Return what properties events have, of all names or of one; raises UnknownName."""

    def explain(self, who: str, what: str) -> dict[str, Any]:
        """Return whether somebody sees something, and why; see `policies.explaining`."""

    def decide(self, action: Decision, event: str, path: str, tags: Sequence[str] = ()) -> None:
        """Tag or block a property, or undo that; tags only for `tag` and `untag`."""

    def catch_up(self, seconds: float) -> None:
        """Bring the registry of properties up to date, for about so many seconds at most."""

    def promote(
        self, event: str, path: str, name: str | None, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Have a property be a dimension; return which, as `sync` does a report."""

    def demote(self, dimension: str) -> None:
        """Have a dimension be a mere property again; raises UnknownName."""

    def violations(self) -> dict[str, Any]:
        """Return the contracts in force, and how often stored events broke them."""

    def demo(self, events: int, seed: int, progress: OnProgress) -> list[dict[str, Any]]:
        """Fill the workspace with demo data; as `sync`."""

    def replay(self, declaration: dict[str, Any], progress: OnProgress) -> list[dict[str, Any]]:
        """Map anew what was set aside of a source; as `sync`."""

    def backfill(
        self, declaration: dict[str, Any], since: str, until: str, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Read what a source had from `since` to `until` (ISO 8601), exclusive; as `sync`."""

    def ledger(self, *, ask: bool = False) -> list[dict[str, Any]]:
        """Return what became of all records ever seen; `ask` sources how many they have."""

    def archive(self, progress: OnProgress) -> list[dict[str, Any]]:
        """Move old events into the archive, as the settings say; as `sync`."""

    def check_archive(self, progress: OnProgress) -> list[dict[str, Any]]:
        """Read the archive to its last byte; as `sync`."""

    def erase(
        self,
        customers: Sequence[str],
        users: Sequence[str],
        by: str,
        reason: str | None,
        progress: OnProgress,
    ) -> list[dict[str, Any]]:
        """Erase a person, told by ids; return the receipt, as `sync` does a report."""

    def back_up(
        self, into: str | None, keep: int | None, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Copy the whole home into a folder, of which `keep` are kept; as `sync`."""
