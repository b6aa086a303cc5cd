"""What somebody asks about: `revenue by country where plan=pro`, `field raw`, `/audit`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.metrics import catalog
from analyticspro.policy import FIELD_TAGS, PERMISSIONS, Capability, RowFilter, Tag

__all__ = ["Kind", "Thing", "names"]

_LONGEST = 500
_SHAPE = re.compile(
    r"(?P<name>\S+)(?:\s+by\s+(?P<by>[^=]+?))?(?:\s+where\s+(?P<where>.+))?", re.DOTALL
)


class Kind(StrEnum):
    """What can be asked about."""

    METRIC = "metric"
    FIELD = "field"
    DIMENSION = "dimension"
    TAG = "tag"
    CAPABILITY = "capability"
    PAGE = "page"
    PROPERTY = "property"


_PAGES = {entry.path: row.capability for row in PERMISSIONS for entry in row.menu}


@dataclass(frozen=True)
class Thing:
    """One thing that somebody may see, do or open.

    Attributes:
        by: Dimensions that a metric is cut by.
        where: What is known of a row, as `country=US`.
    """

    kind: Kind
    name: str
    by: tuple[str, ...] = ()
    where: tuple[RowFilter, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Thing:
        """Return what a person has written.

        A word before it says which is meant where one name is several things; a field of
        records comes before the dimension of its name.

        Raises:
            UnknownName: There is no such thing.
            DefinitionError: It cannot be read.

        >>> Thing.parse("revenue by country, plan")
        Thing(kind=<Kind.METRIC: 'metric'>, name='revenue', by=('country', 'plan'), where=())
        """
        first, _, rest = text.strip().partition(" ")
        said = Kind(first) if first in list(Kind) and rest.strip() else None
        found = _SHAPE.fullmatch(rest.strip() if said else text.strip())
        if found is None or len(text) > _LONGEST:
            raise DefinitionError(
                f"{text[:80]!r} cannot be read. Write a name, such as revenue, or "
                "'revenue by country where plan=pro'."
            )
        name = found["name"]
        by = tuple(each.strip() for each in (found["by"] or "").split(",") if each.strip())
        rows = tuple(map(_row, re.split(r"\s+and\s+", found["where"]))) if found["where"] else ()
        kind = said or _kind(name)
        if (by and kind is not Kind.METRIC) or (rows and kind in (Kind.CAPABILITY, Kind.PAGE)):
            raise DefinitionError(f"A {kind} has no rows to cut or to choose. Write {name} alone.")
        _check(kind, name)
        return cls(kind, name, by, rows)

    @property
    def capability(self) -> Capability:
        """What it takes to do it, or to open the page."""
        return _PAGES[self.name] if self.kind is Kind.PAGE else Capability(self.name)


def names() -> dict[Kind, tuple[str, ...]]:
    """Return the names that are known without asking the data."""
    return {
        Kind.METRIC: tuple(catalog.METRICS),
        Kind.FIELD: tuple(FIELD_TAGS),
        Kind.DIMENSION: tuple(catalog.DIMENSIONS),
        Kind.TAG: tuple(map(str, Tag)),
        Kind.CAPABILITY: tuple(map(str, Capability)),
        Kind.PAGE: tuple(_PAGES),
    }


def _kind(name: str) -> Kind:
    # A tag comes after the metric of its name: "revenue" is asked about as a figure.
    for kind, known in names().items():
        if name in known:
            return kind
    if "." in name.strip("."):
        return Kind.PROPERTY
    raise UnknownName.of(
        "metric, field, tag, capability or page",
        name,
        {each for known in names().values() for each in known},
    )


def _check(kind: Kind, name: str) -> None:
    # Tags are also words of one's own; dimensions also promoted properties.
    known = names().get(kind)
    if kind in (Kind.METRIC, Kind.FIELD, Kind.CAPABILITY, Kind.PAGE) and name not in known:  # type: ignore[operator]
        raise UnknownName.of(str(kind), name, known or ())


def _row(text: str) -> RowFilter:
    found = RowFilter.parse(text)
    if found.exclude or len(found.values) > 1:
        raise DefinitionError(f"{text!r} is no row: a row has one value, such as country=US.")
    return found
