"""Checks of the processes: do they run and answer, are their ports theirs, what was left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analyticspro.client import presence
from analyticspro.errors import SettingError
from analyticspro.services.diagnosis.finding import Finding, Subject, count
from analyticspro.services.processes import check_port, supervisors
from analyticspro.services.states import ServiceStatus, State, is_ready, status
from analyticspro.services.supervision import Supervision

__all__ = ["leftovers", "ports", "running_api", "services"]

# A draft is there for a moment while a file is written.
_DRAFT_IS_LEFT_AFTER = timedelta(hours=1)
_DRAFTS = ("token.*", "new-*", "settings.new", "secrets/*.new", "run/*.new")
_UP = "'analyticspro up' starts what does not run; 'analyticspro down', then 'up', starts all anew."


def running_api(subject: Subject) -> str | None:
    """Return where the api of the home answers; None if it does not."""
    found = presence(subject.home)
    return found.url if found is not None and is_ready(f"{found.url}/readyz") else None


def services(subject: Subject) -> Iterator[Finding]:
    """Check that what runs answers, and that it is looked after."""
    states = status(subject.home, services=subject.services)
    is_supervised = bool(Supervision(subject.home).record())
    api = running_api(subject)
    if not is_supervised and not any(state.pid for state in states):
        alone = f"the api runs by itself at {api}" if api else "none runs; 'analyticspro up' starts"
        yield Finding.well("services", alone)
        return
    for state in states:
        yield _service(subject, state, is_supervised=is_supervised)


def _service(subject: Subject, state: ServiceStatus, *, is_supervised: bool) -> Finding:
    name = f"service {state.name}"
    found = f"{state.state.value}, {'' if state.is_ready else 'not '}ready at {state.address}"
    if state.state is State.UNSUPERVISED and is_supervised:
        return Finding.problem(name, f"{found}; what supervised it was killed", _UP)
    is_meant = state.state is State.STOPPED and not is_supervised  # another was started alone
    if state.is_ready or is_meant:
        return Finding.well(name, found)
    log = Supervision(subject.home).log_file(state.name)
    return Finding.problem(name, found, f"{_UP} What it said last is in {log}.")


def ports(subject: Subject) -> Iterator[Finding]:
    """Check that each port is free, or held by the service it is for."""
    states = {state.name: state for state in status(subject.home, services=subject.services)}
    api = running_api(subject)
    for service in subject.services:
        for setting, host, port in service.listens(subject.home):
            name = f"port {port}"
            if states[service.name].pid or api == service.address(subject.home):
                yield Finding.well(name, f"{service.name} has it")
                continue
            try:
                check_port(subject.home, setting, host, port)
                yield Finding.well(name, f"free for {service.name}")
            except SettingError as error:
                yield Finding.of(name, error)


def leftovers(subject: Subject) -> Iterator[Finding]:
    """Check for what a hard stop leaves behind."""
    place = subject.home
    found = []
    if place.api_file.exists() and running_api(subject) is None:
        found.append(
            Finding.problem(
                "leftovers",
                f"{place.api_file} tells of an api that does not answer",
                "'analyticspro up' starts it and writes the file anew; or delete the file.",
            )
        )
    run = place.path / "run"
    stale = [run / name for name in ("services.json", "supervisord.pid")]
    stale = [] if supervisors(place) else [file for file in stale if file.exists()]
    if stale:
        found.append(
            Finding.problem(
                "leftovers",
                f"{stale[0]} tells of services that nothing supervises",
                "'analyticspro down' ends what is left of them and clears it.",
            )
        )
    drafts = [file for pattern in _DRAFTS for file in place.path.glob(pattern)]
    drafts = [file for file in drafts if _is_left(file, subject.now)]
    if drafts:
        found.append(
            Finding.problem(
                "leftovers",
                count(len(drafts), "draft") + f" that a hard stop left, such as {drafts[0]}",
                f"Delete: rm -r {' '.join(map(str, drafts))}",
            )
        )
    yield from found or [Finding.well("leftovers", "none")]


def _is_left(file: Path, now: datetime) -> bool:
    try:
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return now - changed > _DRAFT_IS_LEFT_AFTER
