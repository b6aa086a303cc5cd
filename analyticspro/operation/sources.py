"""The sources of a workspace, as somebody looks after them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from analyticspro import ingest, logs
from analyticspro.config import Home, environment
from analyticspro.connectors import Source, load, parse
from analyticspro.errors import AnalyticsProError, DefinitionError, SettingError, UnknownName
from analyticspro.operation.health import Health, Judged, judge
from analyticspro.operation.timetable import expected, schedule_name, sync_schedule, told
from analyticspro.policy import OWNER, Scope
from analyticspro.secrets_store import Secrets
from analyticspro.warehouse import Warehouse

if TYPE_CHECKING:
    from analyticspro.scheduling import Schedules
    from analyticspro.state import Schedule

__all__ = ["Sources"]

_PUSHED = "collector"
_COUNTS = ("records", "new", "changed", "unchanged", "late", "retracted", "rejected")
# Longer than what is pushed may come late, and it takes to notice that.
_PUSHED_WITHIN = timedelta(minutes=8)
_NOTHING: dict[str, Any] = {
    "synced_at": None,
    "watermark": None,
    "files": 0,
    "records": 0,
    "rejected": 0,
    "rounded": 0,
    "last_sync": None,
}


class Sources:
    """What can be asked of, and done with, sources; those that are declared and those that were."""

    def __init__(self, home: Home, warehouse: Warehouse) -> None:
        self._home = home
        self._warehouse = warehouse

    def known(self, scope: Scope) -> list[dict[str, Any]]:
        """Return what was synced, by name; see `Reader.sources`."""
        with self._warehouse.reader(scope) as reader:
            rows = reader.sources().to_dicts()
        return [
            {
                "name": row["name"],
                "title": json.loads(row["declaration"]).get("title") or row["name"],
                "connector": json.loads(row["declaration"]).get("connector", "files"),
                "synced_at": row["synced_at"].isoformat(),
                "watermark": row["watermark"] and row["watermark"].isoformat(),
                "files": row["parts"],
                "records": row["records"],
                "rejected": row["rejected"],
                "rounded": row["rounded"],
                "last_sync": json.loads(row["outcome"]),
            }
            for row in rows
        ]

    def status(self, scope: Scope, *, now: datetime) -> list[dict[str, Any]]:
        """Return how each source is, declared or known, by name.

        Args:
            scope: Who asks.
            now: The present instant, UTC.

        Returns:
            What `known` says, and: `health` (see `Health`); `reason`, a sentence, null if it
            is well; `expected`, how often it should be synced, in words, null if nobody says;
            `due_at`, when the next good sync should begin; `succeeded_at`, when the last one
            did; `newest_at`, its newest event; `lag_seconds`, how far its watermark is behind;
            `next_at`, when it is synced by itself next; `is_at_work`. Instants are ISO 8601.
        """
        with self._warehouse.reader(scope) as reader:
            found = reader.sources()
            with reader.seeing(scope.figures(())) as seen:
                extents = seen.extents()
        declared = self._declared(dict(found.select("name", "declaration").iter_rows()))
        known = self.known(scope)
        rows = {row["name"]: row for row in known}
        latest = {row["source"]: row for row in self._warehouse.syncs.latest().to_dicts()}
        schedules = self._scheduled()
        newest = dict(extents.group_by("source").agg(pl.col("last").max()).iter_rows())
        return [
            self._row(
                name,
                rows.get(name),
                declared.get(name),
                latest.get(name, {}),
                schedules.get(schedule_name(name)),
                newest.get(name),
                now,
            )
            for name in sorted(rows.keys() | declared.keys())
        ]

    def _row(
        self,
        name: str,
        known: Mapping[str, Any] | None,
        source: Source | None,
        latest: Mapping[str, Any],
        schedule: Schedule | None,
        newest: datetime | None,
        now: datetime,
    ) -> dict[str, Any]:
        row: dict[str, Any] = {"name": name, **_NOTHING, **(known or {})}
        if source is not None:
            row |= {"title": source.title or name, "connector": source.connector}
        zone = self._home.settings.timezone
        succeeded_at = latest.get("succeeded_at")
        due = expected(source, zone, succeeded_at)
        watermark = row["watermark"] and datetime.fromisoformat(row["watermark"])
        error = json.loads(latest.get("error") or "null") or {}
        judged = judge(
            is_paused=schedule is not None and schedule.paused,
            failures=latest.get("failures", 0),
            error=error.get("message"),
            succeeded_at=succeeded_at,
            expected=due,
            now=now,
        )
        if row["connector"] == _PUSHED:
            judged = _judged_pushed(watermark, now)
        next_at = schedule.next_at if schedule and not schedule.paused else None
        return row | {
            "health": str(judged.health),
            "reason": judged.reason,
            "expected": told(source),
            "due_at": due and due.at.isoformat(),
            "succeeded_at": succeeded_at and succeeded_at.isoformat(),
            "newest_at": newest and newest.isoformat(),
            "lag_seconds": watermark and round((now - watermark).total_seconds()),
            "next_at": next_at and next_at.isoformat(),
            "is_at_work": bool(latest.get("is_at_work")),
        }

    def history(self, name: str, *, limit: int) -> list[dict[str, Any]]:
        """Return the newest syncs of a source, the newest first.

        Returns:
            For each: `started_at` (ISO 8601), `kind` (sync, replay, backfill), `seconds`
            (null while it is at work, and if it was killed), `outcome` (done, failed,
            interrupted, at work), its counts, and `error`, null if there was none.

        Raises:
            UnknownName: There is no such source.
        """
        self._check(name)
        found = self._warehouse.syncs.history(name, limit=limit)
        return [_told(row) for row in found.iter_rows(named=True)]

    def counted(self, secrets: Secrets) -> dict[tuple[str, str], int | str]:
        """Return how many records each stream has, as its source says now; see `ingest`."""
        with self._warehouse.reader(_LOOKING) as reader:
            known = dict(reader.sources().select("name", "declaration").iter_rows())
        found: dict[tuple[str, str], int | str] = {}
        for name, source in self._declared(known).items():
            counts = ingest.counted(source, secrets)
            found |= {(name, stream): count for stream, count in counts.items()}
        return found

    def pause(self, name: str, *, who: str, now: datetime) -> dict[str, Any]:
        """Let a source not be synced by itself until `resume`; by hand it still can be.

        Raises:
            UnknownName: There is no such source.
            DefinitionError: It is not synced by itself.
        """
        with self._steered(name, now) as schedules:
            return _place(schedules.pause(schedule_name(name), who=who, now=now))

    def resume(self, name: str, *, who: str, now: datetime) -> dict[str, Any]:
        """Have a source be synced by itself again; raises as `pause`."""
        with self._steered(name, now) as schedules:
            return _place(schedules.resume(schedule_name(name), who=who, now=now))

    def paused(self) -> set[str]:
        """Return the names of the sources that are paused; what cannot be known is none."""
        return {
            name.removeprefix(schedule_name(""))
            for name, schedule in self._scheduled().items()
            if schedule.paused and schedule.job == "sync"
        }

    def _check(self, name: str) -> Source | None:
        """Return what is declared of a source, if that can be read; raises UnknownName."""
        with self._warehouse.reader(_LOOKING) as reader:
            known = dict(reader.sources().select("name", "declaration").iter_rows())
        declared = self._declared(known)
        if name not in declared and name not in known:
            raise UnknownName.of("source", name, declared.keys() | known.keys())
        return declared.get(name)

    def _declared(self, known: Mapping[str, str]) -> dict[str, Source]:
        """Return the sources as the home's file declares them; else as at their last sync."""
        found = {}
        for name, text in known.items():
            try:
                found[name] = parse(json.loads(text) | {"name": name}, name)
            except DefinitionError:
                continue  # pushed, made up, or declared for an earlier version
        try:
            if self._home.sources_file.exists():
                found |= {s.name: s for s in load(self._home.sources_file, environment())}
        except SettingError as error:  # `sources check` and the doctor name it
            logs.warning("sources.toml", reason=str(error))
        return found

    def _scheduled(self) -> dict[str, Schedule]:
        try:
            with self._schedules() as schedules:
                return {} if schedules is None else {each.name: each for each in schedules.all()}
        except AnalyticsProError as error:  # another machine's database, perhaps: not now
            logs.warning("schedules", reason=str(error))
            return {}

    @contextmanager
    def _schedules(self, *, make: bool = False) -> Iterator[Schedules | None]:
        settings = self._home.settings
        if not make and not settings.state_url and not Path(self._home.state_address).exists():
            yield None
            return
        from analyticspro.scheduling import Schedules  # brings SQLAlchemy: a third of a second
        from analyticspro.state import State

        with State.open(self._home.state_address) as state:
            yield Schedules(state)

    @contextmanager
    def _steered(self, name: str, now: datetime) -> Iterator[Schedules]:
        """Give the schedules, among them that of the source, though none has run yet."""
        source = self._check(name)
        zone = self._home.settings.timezone
        definition = None if source is None else sync_schedule(source, zone)
        if definition is None:
            raise DefinitionError(
                f"Source {name} is not synced by itself, so there is nothing to pause. "
                + (
                    'Write every = "15m" into its table in sources.toml if it shall be.'
                    if source
                    else "It is pushed: 'analyticspro keys revoke' ends that."
                )
            )
        with self._schedules(make=True) as schedules:
            assert schedules is not None
            if definition.name not in {each.name for each in schedules.all()}:
                schedules.put(definition, who="declaration", now=now)
            yield schedules


_LOOKING = Scope("operation", OWNER.grants)


def _judged_pushed(watermark: datetime | None, now: datetime) -> Judged:
    if watermark is None or now - watermark <= _PUSHED_WITHIN:
        return Judged(Health.OK)
    return Judged(Health.LATE, "the collector does not run. 'analyticspro up' starts it.")


def _place(schedule: Schedule) -> dict[str, Any]:
    return {
        "paused": schedule.paused,
        "next_at": schedule.next_at.isoformat() if schedule.next_at else None,
    }


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    report = json.loads(row["outcome"] or "{}")
    error = report.get("error")
    outcome = "failed" if error else "done"
    if row["outcome"] is None:
        outcome = "at work" if row["is_at_work"] else "interrupted"
    return {
        "started_at": row["started_at"].isoformat(),
        "kind": row["kind"],
        "seconds": row["seconds"],
        "outcome": outcome,
        **{name: report.get(name, 0) for name in _COUNTS},
        "error": error and error["message"],
    }
