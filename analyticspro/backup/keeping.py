"""What is kept of a home, for how long, and what is erased from it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from analyticspro import logs
from analyticspro.backup import erasures
from analyticspro.backup.copying import settle
from analyticspro.backup.manifest import Manifest
from analyticspro.config import Home
from analyticspro.errors import DefinitionError, RetriableError, SourceError, WarehouseError
from analyticspro.warehouse import Subject, Warehouse, month_of

__all__ = ["Keeping", "Told"]

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Told:
    """What was done, as plain JSON."""

    what: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return it."""
        return self.what


class Keeping:
    """What is done about keeping, in an opened home."""

    def __init__(self, home: Home, warehouse: Warehouse) -> None:
        self._home = home
        self._warehouse = warehouse

    def finish(self, *, now: datetime) -> list[dict[str, Any]]:
        """Go on with erasures that were interrupted, and clear what was left in the archive.

        What cannot be finished now, as for want of space, is left for the next time: nobody
        sees the erased events meanwhile.

        Returns:
            The receipts of erasures that were done again, as the warehouse is an older copy.

        Raises:
            RetriableError: One of these cannot be begun, so the person would be seen.
        """
        repeated = self._repeat(now)
        try:
            self._finish(now)
        except RetriableError as error:
            logs.warning("keeping", reason=str(error))
        return repeated

    def _repeat(self, now: datetime) -> list[dict[str, Any]]:
        """Erase again whom the home's receipts tell of, and the warehouse does not."""
        erasing, repeated = self._warehouse.erasing, []
        for file, receipt in erasures.read(self._home):
            if erasing.is_known(receipt):
                continue
            if "trace" not in receipt:  # of an earlier version
                told = f"{file} does not tell how to erase again: ask who it was, and erase them"
                logs.warning("keeping", reason=told)
                continue
            try:
                repeated.append(erasing.repeat(receipt, at=now))
            except RetriableError:
                if not erasing.is_known(receipt):
                    raise
        return repeated

    def _finish(self, now: datetime) -> None:
        self._warehouse.erasing.finish(now)
        for receipt in self._warehouse.erasing.receipts():
            if not self._file(receipt).exists():
                self._keep(receipt)
        self._warehouse.archive.tidy()

    def erase(
        self,
        subject: Subject,
        *,
        by: str,
        reason: str | None,
        now: datetime,
        progress: OnProgress,
    ) -> Told:
        """Erase a person; return the receipt, of which a copy is kept in the home.

        Args:
            subject: Who.
            by: The account that asks for it.
            reason: Why; None if nobody said.
            now: Its time.
            progress: Called with stages done, and stages in all.

        Raises:
            DefinitionError: No id is given.
            RetriableError: It was interrupted, and goes on at the next start.
        """
        self.finish(now=now)
        receipt = self._warehouse.erasing.erase(
            subject, by=by, reason=reason, at=now, progress=progress
        )
        return Told(self._keep(receipt))

    def archive(self, *, now: datetime, progress: OnProgress) -> Told:
        """Move events into the archive, and delete what is too old even for that.

        Returns:
            files, events and bytes that were moved; expired, the months that were deleted.

        Raises:
            DefinitionError: No setting says what to move, or to delete.
            RetriableError: No space is left.
        """
        settings = self._home.settings
        if not settings.hot_days:
            raise DefinitionError(
                "Setting hot_days is 0: all events stay where they are. Write the number of "
                "days after which they are archived, such as hot_days = 400, into "
                f"{self._home.settings_file}."
            )
        self.finish(now=now)
        self._warehouse.compact()
        made = self._warehouse.archive.run(
            now - timedelta(days=settings.hot_days), at=now, progress=progress
        )
        expired = []
        if settings.keep_days:
            before = month_of(now - timedelta(days=settings.keep_days))
            expired = self._warehouse.expire(before, at=now)
        return Told(
            {
                "files": len(made),
                "events": sum(partition.rows for partition in made),
                "bytes": sum(partition.size for partition in made),
                "expired": [
                    {"month": f"{month.month:%Y-%m}", "events": month.rows} for month in expired
                ],
            }
        )

    def verify(self, *, progress: OnProgress) -> Told:
        """Read the archive to its last byte; return how many files, events and bytes it holds.

        Raises:
            WarehouseError: A file is missing, or is not what was written.
        """
        bad = self._warehouse.archive.check(progress)
        if bad:
            names = ", ".join(partition.file for partition in bad[:5])
            raise WarehouseError(
                f"{len(bad)} file(s) of {self._home.path / 'archive'} are not what was written: "
                f"{names}. Restore a backup of the workspace, or these files from it."
            )
        found = self._warehouse.archive.partitions()
        return Told(
            {
                "files": len(found),
                "events": sum(partition.rows for partition in found),
                "bytes": sum(partition.size for partition in found),
                "first_month": f"{found[0].month:%Y-%m}" if found else None,
                "last_month": f"{found[-1].month:%Y-%m}" if found else None,
            }
        )

    def _keep(self, receipt: dict[str, Any]) -> dict[str, Any]:
        told = receipt | {"backups": self._backups(receipt)}
        file = self._file(told)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        draft = file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(told, stream, indent=1, ensure_ascii=False)
            stream.flush()
            os.fsync(descriptor)
        draft.replace(file)
        settle(file.parent)
        told.pop("trace", None)  # for the program
        return told | {"file": str(file)}

    def _file(self, receipt: dict[str, Any]) -> Path:
        asked = datetime.fromisoformat(receipt["asked_at"])
        name = f"{asked:%Y%m%dT%H%M%SZ}-{receipt['erasure']}.json"
        return self._home.path / erasures.FOLDER / name

    def _backups(self, receipt: dict[str, Any]) -> list[str]:
        """Return what may hold still what was erased, of all that the home knows of."""
        first = receipt["first_revision"]
        if first is None and not (receipt["conflicts"] or receipt["set_aside"]):
            return []
        folder = self._home.path / "backups"
        found = [*folder.glob("before-restore-*"), *folder.glob("warehouse-schema*.duckdb")]
        for manifest in folder.glob("*/manifest.json"):
            try:
                is_older = Manifest.read(manifest.parent).revision < (first or 0)
            except SourceError:
                is_older = False  # nobody knows what is in it
            if not is_older:
                found.append(manifest.parent)
        return sorted(map(str, found))
