"""The folder of each person, and the uid that its code runs as where root starts it."""

from __future__ import annotations

import fcntl
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from analyticspro.errors import SettingError

__all__ = ["Person", "own_uids", "person"]

# Ranges that neither distributions, systemd nor containers give away; the second for a
# container that has only 65,536 users of its own.
_RANGES = (range(1_879_048_192, 1_879_148_192), range(50_000, 60_000))


@dataclass(frozen=True)
class Person:
    """Where one person's files are.

    Attributes:
        folder: That person's own; nobody else's code can look in.
        uid: Whose it is where root runs the services, else None: it is this account's.
    """

    folder: Path
    uid: int | None


def person(home: Path, name: str) -> Person:
    """Return where the files of `name` are, made at the first time.

    Whose a folder is says which uid its person has: there is no other list that could be lost,
    and a uid is never given twice while the folder is there.

    Raises:
        SettingError: Something else stands where the folder should be.
    """
    around = home / "people"
    around.mkdir(mode=0o700, exist_ok=True)
    folder = around / _file_name(name)
    with (around / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.lexists(folder):
            _make(folder, around)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        raise SettingError(f"{folder} is no folder. Move it away; the next start makes one.")
    if os.geteuid() != 0:
        return Person(folder, None)
    if facts.st_uid not in own_uids():
        raise SettingError(
            f"{folder} belongs to uid {facts.st_uid}, from before root ran the services. Give it "
            f"one of its own: chown -R {_free(around)}:{_free(around)} {folder}"
        )
    return Person(folder, facts.st_uid)


def own_uids() -> range:
    """Return the uids that persons are given here; raises SettingError if there are none."""
    mapped = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    for uids in _RANGES:
        for first, _, count in mapped:
            if int(first) <= uids[0] and uids[-1] < int(first) + int(count):
                return uids
    raise SettingError(
        "This container has too few users for one per person. Start it with at least 65,536, "
        "or run the services as an ordinary user."
    )


def _make(folder: Path, around: Path) -> None:
    draft = folder.with_name(f".{folder.name}.new")
    draft.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        uid = _free(around)
        os.chown(draft, uid, uid)
    draft.rename(folder)


def _free(around: Path) -> int:
    uids = own_uids()
    taken = {one.lstat().st_uid for one in around.iterdir()} & set(uids)
    return max(taken, default=uids[0]) + 1  # the first is the canary's


def _file_name(name: str) -> str:
    """Return a person's name so that it is one file name, different for each.

    >>> _file_name("ada@example.org"), _file_name("../x")
    ('ada%40example.org', '%2E.%2Fx')
    """
    quoted = quote(name, safe="")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted
