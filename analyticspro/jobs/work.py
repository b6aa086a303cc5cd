"""The kinds of jobs there are. Each asks the api, as a person would by a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from analyticspro import clock
from analyticspro.client import Remote, reach
from analyticspro.client.transport import OnProgress, Transport
from analyticspro.config import Home, environment
from analyticspro.connectors import load
from analyticspro.errors import ServiceUnavailable, UnknownName, from_payload
from analyticspro.scheduling import Job, RunContext
from analyticspro.state import State

__all__ = ["jobs"]


def jobs(home: Home) -> Mapping[str, Job]:
    """Return each kind of job by its name, done in `home`."""

    def sync(context: RunContext) -> Any:
        """Sync the source that the parameter `source` names, as it is declared now."""
        name = context.parameters["source"]
        sources = {source.name: source for source in load(home.sources_file, environment())}
        if name not in sources:
            raise UnknownName.of("source", name, sources, where=str(home.sources_file))
        [report] = _api(home).sync([sources[name].to_json()], _watched(context))
        if report["error"]:
            raise from_payload(report["error"])
        return {count: report[count] for count in _COUNTS}

    def back_up(context: RunContext) -> Any:
        """Back the home up, keeping as many backups as the parameter `keep` says."""
        [made] = _api(home).back_up(None, context.parameters["keep"], _watched(context))
        return made

    def retain(context: RunContext) -> Any:
        """Move old events into the archive, as the settings say."""
        [done] = _api(home).archive(_watched(context))
        return done

    def register(context: RunContext) -> Any:
        """Count in the registry of properties what came since, a minute at most."""
        _api(home).catch_up(_REGISTER_FOR_S)

    def forget_runs(context: RunContext) -> Any:
        """Delete what ran more than 90 days ago: the registry alone runs 144 times a day."""
        with State.open(home.state_address) as state:
            return {"forgotten": state.runs.forget(clock.now() - _RUNS_KEPT_FOR)}

    return {
        "sync": sync,
        "backup": back_up,
        "retention": retain,
        "registry": register,
        "old runs": forget_runs,
    }


_REGISTER_FOR_S = 60.0
_RUNS_KEPT_FOR = timedelta(days=90)
_COUNTS = ("records", "new", "changed", "unchanged", "conflicts", "late", "retracted", "rejected")


def _api(home: Home) -> Transport:
    """Return the running api: a job that held the warehouse itself would keep it from starting."""
    found = reach(home)
    if not isinstance(found, Remote):
        raise ServiceUnavailable("The api does not run. 'analyticspro up' starts it.")
    return found


def _watched(context: RunContext) -> OnProgress:
    check: Callable[[], None] = context.check
    return lambda _: check()
