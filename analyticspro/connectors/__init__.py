"""Sources: what they declare, and how their records become canonical events."""

from analyticspro.connectors.batch import Batch, Part
from analyticspro.connectors.declaration import Source, load, parse
from analyticspro.connectors.files import fingerprint, parts, read_part

__all__ = ["Batch", "Part", "Source", "fingerprint", "load", "parse", "parts", "read_part"]
