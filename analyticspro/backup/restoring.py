"""Puts a backup in the place of what a home holds; what was there is set aside."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from analyticspro.backup import erasures
from analyticspro.backup.checking import check
from analyticspro.backup.copying import copy, settle
from analyticspro.backup.making import NOT_KEPT
from analyticspro.backup.manifest import Manifest
from analyticspro.config import Home
from analyticspro.errors import SourceError

__all__ = ["finish", "restore"]


def restore(
    home: Home, folder: Path, *, now: datetime, progress: Callable[[int, int], None]
) -> tuple[Manifest, Path | None]:
    """Make `home` what it was when the backup in `folder` was made.

    Nothing of the home may be running. Everything is copied and checked before anything of
    the home is touched; then names are changed, which `finish` goes on with if it is
    interrupted.

    Who was erased since then is to stay so: the receipts of that are added, and whoever opens
    the home next does it again (`Keeping.finish`), before anybody reads it.

    Args:
        home: The home; a new one, or one that holds something, which is set aside.
        folder: The backup.
        now: Names the folder for what is set aside.
        progress: Called with bytes done, and bytes in all.

    Returns:
        What was restored, and where what was there before is now (None if nothing was).

    Raises:
        SourceError: The backup is not whole; the home cannot be written.
    """
    finish(home)
    manifest = check(folder, progress=lambda done, total: progress(done, 2 * total))
    done = manifest.size

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(min(done, 2 * manifest.size), 2 * manifest.size)

    try:
        for name in ("", "run", "backups"):
            (home.path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix="restored-", dir=home.path / "run"))
        for name, entry in manifest.files.items():
            if copy(folder / name, staged / name, advance) != entry:
                raise SourceError(f"{name} changed while it was read. Try again.")
        later = erasures.since(home, folder, manifest.files)
        for receipt in later:
            copy(receipt, staged / erasures.FOLDER / receipt.name, lambda count: None)
        aside = _free(home.path / "backups" / f"before-restore-{now:%Y%m%dT%H%M%SZ}")
        names = sorted(set(_tops(manifest)) | ({erasures.FOLDER} if later else set()))
        plan = {"staged": str(staged), "aside": str(aside), "names": names}
        draft = home.path / "run" / "restore.new"
        draft.write_text(json.dumps(plan), encoding="utf-8")
        draft.replace(_plan(home))
        settle(home.path / "run")
    except OSError as error:
        raise SourceError(f"{home.path} cannot be restored: {error.strerror}.") from None
    aside_now = finish(home)
    home.prepare()
    return manifest, aside_now


def finish(home: Home) -> Path | None:
    """Go on with a restore that was interrupted; return where what was there before is.

    Every step is one change of a name, and can be told to be done or not.
    """
    try:
        plan = json.loads(_plan(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    staged, aside = Path(plan["staged"]), Path(plan["aside"])
    aside.mkdir(mode=0o700, exist_ok=True)
    for top in sorted(home.path.iterdir()):
        # What the backup brought is no longer among the staged.
        is_restored = top.name in plan["names"] and not (staged / top.name).exists()
        if top.name not in NOT_KEPT and not is_restored:
            top.rename(aside / top.name)
    for name in plan["names"]:
        if (staged / name).exists():
            (staged / name).rename(home.path / name)
    settle(home.path)
    _plan(home).unlink()
    staged.rmdir()
    if not any(aside.iterdir()):
        aside.rmdir()
        return None
    return aside


def _free(folder: Path) -> Path:
    """Return `folder`, or one numbered after it: two restores may fall into one second."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return next(each for each in chain([folder], numbered) if not each.exists())


def _plan(home: Home) -> Path:
    return home.path / "run" / "restore.json"


def _tops(manifest: Manifest) -> list[str]:
    return sorted({name.partition("/")[0] for name in manifest.files})
