"""Packages for people's own environments: from the one index that an admin names, and no other."""

from analyticspro.packages.index import Index, project_of
from analyticspro.packages.page import File
from analyticspro.packages.rations import Rations
from analyticspro.packages.relay import Opened, Relay

__all__ = ["File", "Index", "Opened", "Rations", "Relay", "project_of"]
