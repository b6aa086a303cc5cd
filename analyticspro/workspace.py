"""A workspace opened for work: the one room where warehouse, sources and metrics meet.

Whoever opens it holds the warehouse. That is the api service while it runs, else the
command at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyticspro import backup, clock, ingest
from analyticspro.asking import Asking
from analyticspro.backup import Made
from analyticspro.config import Home
from analyticspro.connectors import Source, parse
from analyticspro.errors import (
    AnalyticsProError,
    DefinitionError,
    Forbidden,
    Stopped,
    UnknownName,
)
from analyticspro.events import AUDIT, OWN_SOURCE
from analyticspro.ingest import Progress, Report
from analyticspro.ingest.bus import Bus
from analyticspro.ingest.intake import Intake, Limits
from analyticspro.ingest.schema import Schema
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.cuttable import Cuttable, catalogue
from analyticspro.metrics.promotable import Promotable
from analyticspro.operation import AuditFeed, Sources
from analyticspro.policy import OWNER, Scope, Tag, property_tags
from analyticspro.secrets_store import Secrets
from analyticspro.warehouse import Ending, Warehouse

if TYPE_CHECKING:
    from analyticspro import sql
    from analyticspro.alerts.figures import Figures

__all__ = ["Workspace", "catalogue"]


class Workspace:
    """An opened home."""

    def __init__(self, home: Home, warehouse: Warehouse) -> None:
        self.home = home
        self._warehouse = warehouse
        self._asking = Asking(home, warehouse)
        self.schema = Schema(home.path / "contracts.toml", warehouse)
        self.dimensions = Promotable(warehouse)
        self.keeping = backup.Keeping(home, warehouse)
        self.repeated: list[dict[str, Any]] = []  # erasures that an older copy did not know of
        self.operation = Sources(home, warehouse)

    @classmethod
    @contextmanager
    def open(cls, home: Home, *, wait_for_s: float = 0) -> Iterator[Workspace]:
        """Open `home`, waiting up to `wait_for_s` seconds for whoever holds its warehouse.

        Raises:
            WarehouseBusy: It is held still.
            WarehouseError: It cannot be opened as it is.
        """
        backup.finish(home)  # a restore that was interrupted
        warehouse = Warehouse.open(
            home.warehouse_file,
            backups=home.path / "backups",
            zone=home.settings.timezone,
            wait_for_s=wait_for_s,
            memory_mb=home.settings.memory_mb,
        )
        try:
            workspace = cls(home, warehouse)
            workspace.repeated = workspace.keeping.finish(now=clock.now())
            yield workspace
        finally:
            warehouse.close()

    def answers(
        self, queries: Sequence[Query], scope: Scope, *, ending: Ending | None = None
    ) -> list[Answer | AnalyticsProError]:
        """Return an answer to each query, or the error it ran into; all from one moment.

        Those that ask for what was known earlier are answered from that moment each.

        Raises:
            Stopped: `ending` had it end.
        """
        return self._asking.answers(queries, scope, ending or Ending())

    def catalogue(self, scope: Scope) -> dict[str, list[dict[str, Any]]]:
        """Return the metrics and dimensions there are; of promoted properties, what is shown."""
        with self._warehouse.reader(scope) as reader:
            return catalogue(Cuttable(reader).shown)

    def values(self, dimension: str, scope: Scope) -> list[str]:
        """Return the values of a dimension, the most frequent first.

        Raises:
            Forbidden: The dimension is not granted.
        """
        with self._asking.governed(scope) as governed:
            return governed.values(dimension)

    def dimension_tags(self, name: str) -> tuple[frozenset[str], bool]:
        """Return the tags of a dimension, and whether it is declared; raises UnknownName."""
        with self._warehouse.reader(OWNER) as reader:
            cuttable = Cuttable(reader)
            return cuttable.tags(name), cuttable.is_declared(name)

    def tags_of_property(self, event: str, path: str) -> frozenset[str]:
        """Return the tags of a property of an event, for policies; raises UnknownName."""
        [described] = self.schema.described(event)["events"]
        known = {each["path"]: each["tags"] for each in described["properties"]}
        if path not in known:
            raise UnknownName.of("property", path, known, where=event)
        return property_tags(known[path])

    def sql(
        self,
        statement: str,
        values: Mapping[str, Any],
        scope: Scope,
        *,
        is_gone: Callable[[], bool] = lambda: False,
        limits: sql.Limits | None = None,
    ) -> Answer:
        """Return the answer to a person's own statement; see `warehouse.asked.ask`.

        Its provenance tells `revision`, `policy`, `rows`, `cut` (whether there were more) and
        `notes`, in sentences.
        """
        from analyticspro.sql import Limits as SqlLimits  # brings sqlglot: nothing else needs it

        limits = limits or SqlLimits()
        with self._warehouse.reader(scope) as reader:
            revision = reader.revision()
            told = reader.ask(statement, values, limits, is_gone)
        rows = told.frame.height
        cut = f"Only the first {rows:,} rows are shown: an answer has up to {limits.rows:,}, and "
        cut += f"{limits.bytes >> 20} MB. Narrow it down, or add it up."
        provenance = {"revision": revision, "policy": scope.name, "rows": rows}
        notes = [cut] if told.is_cut else []
        return Answer(told.frame, provenance | {"cut": told.is_cut, "notes": notes})

    def info(self, scope: Scope) -> dict[str, Any]:
        """Return what a page needs to know of the workspace.

        `first` and `last` are the wall-clock times of the first and last event (null in an
        empty workspace; an event in the future does not count as last). `currencies` are
        those of amounts, the most frequent first; `currency` is the setting.
        """
        return self._asking.info(scope)

    def sources(self, scope: Scope) -> list[dict[str, Any]]:
        """Return the state of each source that was synced; see `operation.Sources.known`."""
        return self.operation.known(scope)

    def rejects(self, source: str, scope: Scope, *, limit: int = 100) -> list[dict[str, Any]]:
        """Return the records of `source` that are set aside: part, line, field, value, reason.

        Raises:
            UnknownName: No such source was ever synced.
        """
        with self._warehouse.reader(scope) as reader:
            known = reader.sources()["name"].to_list()
            if source not in known:
                raise UnknownName.of("source", source, known)
            return reader.rejects(source, limit=limit).to_dicts()

    def described(self, event: str | None, scope: Scope) -> dict[str, Any]:
        """Return what is known of properties, see `Schema.described`; examples of what shows.

        Raises:
            UnknownName: There is no such event.
            Forbidden: The scope sees some of the rows only, and the counts are of all.
        """
        with self._warehouse.reader(scope) as reader:
            reader.check_counts()
            sees_own = reader.sees_own
        if not sees_own and (event or "").startswith(AUDIT):
            raise Forbidden(scope.explain_field(f"The event {event}", {Tag.SECURITY}).reason)
        found = self.schema.described(event)
        if not sees_own:
            found["events"] = [e for e in found["events"] if not e["name"].startswith(AUDIT)]
        for each in () if scope.is_unlimited else found["events"]:
            for told in each["properties"]:
                if not scope.records(property_tags(told["tags"])).is_all:
                    told["examples"] = []
        return found

    def violations(self, scope: Scope) -> dict[str, Any]:
        """Return which contracts were broken, see `Schema.violations`.

        Raises:
            Forbidden: The scope sees some of the rows only, and the counts are of all.
        """
        with self._warehouse.reader(scope) as reader:
            reader.check_counts()
            sees_own = reader.sees_own
        found = self.schema.violations()
        if not sees_own:
            told = found["violations"]
            found["violations"] = [row for row in told if row["source"] != OWN_SOURCE]
        for row in () if scope.is_unlimited else found["violations"]:
            row["examples"] = []  # whatever came, which nobody has tagged
        return found

    def intake(self, limits: Limits | None = None) -> Bus:
        """Return the way in for what is pushed."""
        return Intake(self._warehouse, limits=limits)

    def audit_feed(self) -> AuditFeed:
        """Return what makes events of the audit log, while the workspace is open."""
        return AuditFeed(self.home, self._warehouse)

    def ledger(self, scope: Scope, *, ask: bool = False) -> list[dict[str, Any]]:
        """Return what became of all records ever seen, by source and part.

        Beside it stands how many the source has, as far as that is known: of files as they
        were read; of databases and APIs if they are to be asked now.
        """
        with self._warehouse.reader(scope) as reader:
            rows, accounted = reader.ledger().to_dicts(), reader.accounted().to_dicts()
        counts = self.operation.counted(Secrets.open(self.home)) if ask else {}
        return ingest.reconciled(rows, accounted, counts)

    def watched(self) -> Figures:
        """Return what rules of alerts are judged by."""
        from analyticspro.alerts.figures import Figures  # nothing but alerts needs the detector

        return Figures(self._warehouse, self.home.settings)

    def revision(self, scope: Scope) -> int:
        """Return the number of the newest commit."""
        with self._warehouse.reader(scope) as reader:
            return reader.revision()

    @property
    def newest(self) -> tuple[int, int]:
        """See `Warehouse.newest`."""
        return self._warehouse.newest

    def back_up(
        self, into: Path | None, keep: int | None, *, progress: Callable[[Progress], None]
    ) -> list[Made]:
        """Copy the whole home; delete older copies in the home but for `keep`."""
        made = backup.make(
            self.home,
            self._warehouse,
            now=clock.now(),
            into=into,
            progress=lambda done, total: progress(Progress("backup", "", done, total)),
        )
        if keep is not None and into is None:
            deleted = tuple(map(str, backup.prune(self.home, keep=keep)))
            made = replace(made, deleted=deleted)
        return [made]

    def replay(
        self, declaration: dict[str, Any], *, progress: Callable[[Progress], None]
    ) -> list[Report]:
        """Map anew what was set aside of a source; see `ingest.replay`.

        Args:
            declaration: As in sources.toml; of a pushed source its name and
                `connector = "collector"`.
            progress: Called after each commit.

        Raises:
            DefinitionError: No source is declared so, or something is wrong in the file of
                contracts.
        """
        self.schema.take_in_contracts()
        if declaration.get("connector") == "collector":
            name = str(declaration.get("name"))
            return [ingest.replay_pushed(name, self._warehouse, progress=progress)]
        source = parse(declaration, f"source {declaration.get('name')}")
        secrets = Secrets.open(self.home)
        return [ingest.replay(source, self._warehouse, secrets=secrets, progress=progress)]

    def sync(
        self, sources: Sequence[Source], *, progress: Callable[[Progress], None]
    ) -> list[Report]:
        """Bring the warehouse up to date with each source; return a report for each.

        An error of one source spares the others; being stopped ends them all.

        Raises:
            DefinitionError: This is a demo workspace, whose data is never mixed with real; or
                something is wrong in the file of contracts.
        """
        self._check_own(sources)
        self.schema.take_in_contracts()
        reports = []
        paused = self.operation.paused()
        for source in sources:
            report = ingest.sync(
                source, self._warehouse, secrets=Secrets.open(self.home), progress=progress
            )
            if source.name in paused:
                report.notes.append(
                    f"{source.name} is paused: it was synced this once. "
                    f"'analyticspro sources resume {source.name}' has it synced by itself again."
                )
            reports.append(report)
            if report.error and report.error["code"] == Stopped.code:
                break
        return reports

    def backfill(
        self,
        source: Source,
        since: datetime,
        until: datetime,
        *,
        progress: Callable[[Progress], None],
    ) -> list[Report]:
        """Read what a source had in a range of the past; see `ingest.backfill`."""
        self._check_own([source])
        self.schema.take_in_contracts()
        secrets, span = Secrets.open(self.home), {"since": since, "until": until}
        return [
            ingest.backfill(source, self._warehouse, **span, secrets=secrets, progress=progress)
        ]

    def _check_own(self, sources: Sequence[Source]) -> None:
        if not self.home.settings.demo:
            return
        from analyticspro.demo_company import are_own  # see load_demo

        if not are_own(self.home.path, sources):
            raise DefinitionError(
                f"{self.home.path} holds demo data, which is never mixed with real data. "
                "Give your own a home: analyticspro --home DIR sources sync"
            )

    def load_demo(self, events: int, seed: int, *, progress: Callable[[Progress], None]) -> Report:
        """Found a made-up company in an empty workspace, and sync its systems up to this hour.

        In the workspace of such a company its story goes on: what was told stays as it is.

        Args:
            events: About how many it begins with.
            seed: Another seed tells another story of the same company.
            progress: Called after each batch, in hundredths of a source.

        Raises:
            DefinitionError: It holds data of another kind, or another story.
        """
        # It brings numpy: a tenth of a second for every command, most of which need neither.
        from analyticspro import demo, demo_company

        with self._warehouse.reader(_DEMO_MAKER) as reader:
            others = set(reader.extents()["source"]) - {OWN_SOURCE, *demo_company.NAMES}
        if others:
            raise DefinitionError(
                f"{self.home.path} holds real data, or the demo of an earlier version; demo data "
                "needs a home of its own: analyticspro --home DIR demo"
            )
        until = clock.now().replace(minute=0, second=0, microsecond=0)
        company = demo_company.Company.open(self.home.path, events=events, seed=seed, now=until)
        self.home.write_settings(demo=True, name=demo.COMPANY, currency=demo.CURRENCY)
        total = Report(_DEMO)
        return demo_company.sync_up(company, until, total, sync=self.sync, progress=progress)


_DEMO = "demo"
_DEMO_MAKER = Scope("demo", OWNER.grants)
