"""Makes a backup of a home that may be at work meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analyticspro.backup.copying import copy, measured, settle
from analyticspro.backup.manifest import Entry, Manifest
from analyticspro.config import Home
from analyticspro.errors import RetriableError, SourceError
from analyticspro.warehouse import Warehouse

__all__ = ["NOT_KEPT", "SQLITE", "Made", "make", "newest", "prune"]

# What another run makes anew; and the backups themselves.
NOT_KEPT = frozenset({"run", "logs", "backups"})
SQLITE = ("state.db", "hub/hub.sqlite")
_DATABASES = ("warehouse.duckdb", *SQLITE)
_ROOM_TO_SPARE = 50_000_000


@dataclass(frozen=True)
class Made:
    """A backup that was made.

    Attributes:
        folder: Where it is.
        files: How many it holds.
        size: Bytes in them.
        revision: Of the warehouse's last commit.
        deleted: Folders of older ones that were deleted.
    """

    folder: str
    files: int
    size: int
    revision: int
    deleted: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def make(
    home: Home,
    warehouse: Warehouse,
    *,
    now: datetime,
    into: Path | None = None,
    progress: Callable[[int, int], None],
) -> Made:
    """Copy all of `home` into a new folder; return what was made.

    Readers go on meanwhile; whoever writes waits while the warehouse's file is copied. A
    folder without a manifest is none: a backup that was interrupted leaves nothing.

    Args:
        home: What to copy. Secrets are copied with the key that opens them.
        warehouse: The home's, open.
        now: Its time, which names the folder.
        into: The folder to make it in; `backups` of the home if None.
        progress: Called with bytes copied, and bytes in all.

    Raises:
        RetriableError: There is no room for it.
        SourceError: It cannot be written there.
    """
    with warehouse.archive.still():
        return _make(home, warehouse, now, into or home.path / "backups", progress)


def _make(
    home: Home,
    warehouse: Warehouse,
    now: datetime,
    place: Path,
    progress: Callable[[int, int], None],
) -> Made:
    files = list(_files(home))
    total = sum(file.stat().st_size for file in files) + home.warehouse_file.stat().st_size
    target = place / now.strftime("%Y%m%dT%H%M%SZ")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_room(place, total)
        if target.exists():
            raise SourceError(f"{target} is there already. Try again in a second.")
        draft = Path(tempfile.mkdtemp(prefix=".partial-", dir=place))
    except OSError as error:
        raise SourceError(f"No backup can be made in {place}: {error.strerror}.") from None
    try:
        manifest = _filled(home, warehouse, files, draft, now, _Advance(progress, total))
        manifest.write(draft)
        draft.rename(target)
        settle(place)
    except OSError as error:
        raise SourceError(f"The backup into {place} failed: {error.strerror}.") from None
    except sqlite3.Error as error:
        raise RetriableError(
            f"The backup into {place} failed: a database of {home.path} cannot be read: {error}. "
            "Try again."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Made(str(target), len(manifest.files), manifest.size, manifest.revision)


def newest(home: Home) -> Path | None:
    """Return the newest backup in the home's own folder."""
    found = _whole(home.path / "backups")
    return found[-1] if found else None


def prune(home: Home, *, keep: int) -> list[Path]:
    """Delete the older backups of the home's own folder, but for the newest `keep`."""
    old = _whole(home.path / "backups")[:-keep]
    for folder in old:
        shutil.rmtree(folder)
    return old


class _Advance:
    """Adds up what was copied."""

    def __init__(self, progress: Callable[[int, int], None], total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self, count: int) -> None:
        self._done += count
        self._progress(min(self._done, self._total), self._total)


def _filled(
    home: Home,
    warehouse: Warehouse,
    files: list[Path],
    draft: Path,
    now: datetime,
    advance: Callable[[int], None],
) -> Manifest:
    found: dict[str, Entry] = {}
    for file in files:
        name = file.relative_to(home.path).as_posix()
        try:
            found[name] = copy(file, draft / name, advance)
        except FileNotFoundError:
            continue  # a report or a notebook that was deleted since
    for name in SQLITE:
        found |= _database(home.path / name, draft / name, name)
    copied = draft / home.warehouse_file.name

    def keep(file: Path) -> None:
        found[copied.name] = copy(file, copied, advance)

    revision = warehouse.standing_still(keep)
    return Manifest(now, version("analyticspro"), revision, found)


def _database(file: Path, target: Path, name: str) -> dict[str, Entry]:
    """Copy a database of SQLite, if the home holds it, by SQLite's own means."""
    if not file.exists():
        return {}
    target.parent.mkdir(mode=0o700, exist_ok=True)
    target.touch(mode=0o600)
    with (
        # Not "ro": that reads a database of which another is just letting go with an error.
        closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
    return {name: measured(target)}


def _files(home: Home) -> Iterator[Path]:
    for top in sorted(home.path.iterdir()):
        if top.name in NOT_KEPT or top.name.startswith((*_DATABASES, ".")):
            continue
        # Whoever follows a link may be led out of the home.
        within = [top] if not top.is_dir() or top.is_symlink() else sorted(top.rglob("*"))
        # Databases are copied otherwise, with what is in their journals.
        plain = (file for file in within if not _is_database(file.relative_to(home.path)))
        yield from (file for file in plain if file.is_file() and not file.is_symlink())


def _is_database(file: Path) -> bool:
    journals = ("", "-journal", "-wal", "-shm")
    return any(file.as_posix() == f"{name}{end}" for name in SQLITE for end in journals)


def _whole(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("[0-9]*T*Z/manifest.json"))


def _check_room(place: Path, needed: int) -> None:
    free = shutil.disk_usage(place).free
    if free < needed + _ROOM_TO_SPARE:
        raise RetriableError(
            f"The backup takes {needed / 1e6:,.0f} MB, and {place} has {free / 1e6:,.0f} MB left. "
            "Make room, delete older backups, or name another folder with --into."
        )
