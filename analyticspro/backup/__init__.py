"""Copies of a whole home: made while it runs, checked, and brought back."""

from analyticspro.backup.checking import check
from analyticspro.backup.making import Made, make, newest, prune
from analyticspro.backup.manifest import Manifest
from analyticspro.backup.restoring import finish, restore

__all__ = ["Made", "Manifest", "check", "finish", "make", "newest", "prune", "restore"]
