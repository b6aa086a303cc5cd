"""Sources: what they declare, and how their records become canonical events."""

from analyticspro.connectors.batch import Batch, Part
from analyticspro.connectors.declaration import Source
from analyticspro.connectors.files import fingerprint, is_settled, parts, read_part
from analyticspro.connectors.files_source import FilesSource
from analyticspro.connectors.page import Connector, Counting, Page, PagedSource, Ranged
from analyticspro.connectors.sources_file import load, parse

__all__ = [
    "Batch",
    "Connector",
    "Counting",
    "FilesSource",
    "Page",
    "PagedSource",
    "Part",
    "Ranged",
    "Source",
    "fingerprint",
    "is_settled",
    "load",
    "parse",
    "parts",
    "read_part",
]
