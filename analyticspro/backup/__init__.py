"""Copies of a whole home, made and brought back; and what is kept in a home, and for how long."""

from analyticspro.backup.checking import check
from analyticspro.backup.keeping import Keeping, Told
from analyticspro.backup.making import Made, make, newest, prune
from analyticspro.backup.manifest import Manifest
from analyticspro.backup.restoring import finish, restore

__all__ = [
    "Keeping",
    "Made",
    "Manifest",
    "Told",
    "check",
    "finish",
    "make",
    "newest",
    "prune",
    "restore",
]
