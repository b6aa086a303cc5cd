"""What metrics can be cut by: the catalogue's dimensions, and properties that were promoted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.metrics import catalog
from analyticspro.metrics.clauses import dimension
from analyticspro.metrics.model import Dimension, Metric, OfSessions, measures, version
from analyticspro.metrics.query import Query
from analyticspro.policy import FIELD_TAGS, UNTAGGED
from analyticspro.warehouse import Promotion, Reader

__all__ = ["Cuttable", "catalogue"]

_KINDS = """
    SELECT kind FROM registry_properties
    WHERE path = $path AND ($event IS NULL OR name = $event) AND kind <> 'null' AND events > 0
    GROUP BY ALL ORDER BY ALL"""


@dataclass(frozen=True)
class Cuttable:
    """The dimensions there are in the snapshot of a reader, and the columns they are."""

    reader: Reader

    @property
    def shown(self) -> tuple[Promotion, ...]:
        """The promoted properties of which the scope sees something."""
        reader = self.reader
        if reader.scope.is_unlimited:
            return reader.promoted
        return tuple(
            each
            for each in reader.promoted
            if not reader.scope.figures(self._tags(each), declared=False).is_none
        )

    def tags(self, name: str) -> frozenset[str]:
        """Return the tags that a dimension carries for policies; raises UnknownName."""
        promoted = self._promoted(name)
        if promoted is not None:
            return self._tags(promoted)
        own = catalog.DIMENSIONS[name]
        if own.of is None:
            return FIELD_TAGS[dimension(name)]
        tags = self.reader.property_tags(None, own.of.path) - {UNTAGGED}  # the catalogue looked
        return tags.union(own.tags)

    def is_declared(self, name: str) -> bool:
        """Whether it is one of the catalogue's: a property may be as good as the record."""
        return self._promoted(name) is None

    def _tags(self, promoted: Promotion) -> frozenset[str]:
        return self.reader.property_tags(promoted.event, promoted.path)

    def column(self, name: str) -> str:
        """Return the column of the events that holds a dimension; raises UnknownName."""
        promoted = self._promoted(name)
        return name if promoted is None else promoted.column

    def check(self, query: Query, metrics: Sequence[Metric]) -> None:
        """Raise a DefinitionError where `query` cuts one of `metrics` by what it is not cut by."""
        for name in _named(query):
            promoted = self._promoted(name)
            for metric in metrics:
                if promoted is not None and _carries(metric, promoted):
                    continue
                if promoted is not None or name not in metric.dimensions:
                    raise DefinitionError(self._refusal(metric, name, promoted))
        if len(set(query.by)) < len(query.by):
            raise DefinitionError(f"A dimension is named twice in {', '.join(query.by)}.")

    def notes(self, query: Query, metrics: Sequence[Metric]) -> list[str]:
        """Return what a person should know of the promoted dimensions of `query`."""
        found = []
        for name in _named(query):
            promoted = self._promoted(name)
            if promoted is None:
                continue
            without = _without(metrics, promoted)
            if without:
                found.append(
                    f"{name} is a property of {promoted.event} only; of what is counted here, "
                    f"{', '.join(without)} {'has' if len(without) == 1 else 'have'} none."
                )
            if not self.reader.sees_all_rows:
                continue  # the types are counted over all of them
            place = {"path": promoted.path, "event": promoted.event}
            kinds = self.reader.frame(_KINDS, place)["kind"].to_list()
            if len(kinds) > 1:
                found.append(
                    f"Values of {name} came as {', '.join(kinds[:-1])} and {kinds[-1]}: each "
                    "counts as it is written, so that the number 5 and the text 5 are one value, "
                    "and 5.0 is another."
                )
        return found

    def _promoted(self, name: str) -> Promotion | None:
        """Return the property that a dimension is; None if it is one of the catalogue's."""
        if name in catalog.DIMENSIONS:
            return None
        found = {each.dimension: each for each in self.reader.promoted}
        if name not in found:
            shown = [each.dimension for each in self.shown]
            raise UnknownName.of("dimension", name, [*catalog.DIMENSIONS, *shown])
        return found[name]

    def _refusal(self, metric: Metric, name: str, promoted: Promotion | None) -> str:
        can = ", ".join(_dimensions_of(metric, self.shown))
        why = "" if promoted is None else f", a property of {promoted.event or 'events'}"
        return f"{metric.name} cannot be cut by {name!r}{why}. It can by: {can}."


def catalogue(promoted: Sequence[Promotion] = ()) -> dict[str, list[dict[str, Any]]]:
    """Return metrics and dimensions, in the catalogue's order, as plain JSON.

    Args:
        promoted: Properties that are dimensions too; none are in what is shipped.
    """
    return {
        "metrics": [
            {
                "name": m.name,
                "title": m.title,
                "meaning": m.meaning,
                "unit": m.unit.value,
                "better": m.better,
                "kind": type(m).__name__.lower(),
                "dimensions": _dimensions_of(m, promoted),
                "tags": list(m.tags),
                "version": version(m),
            }
            for m in catalog.METRICS.values()
        ],
        "dimensions": [
            {"name": d.name, "title": d.title, "meaning": d.meaning}
            for d in (*catalog.DIMENSIONS.values(), *map(_described, promoted))
        ],
    }


def _dimensions_of(metric: Metric, promoted: Iterable[Promotion]) -> list[str]:
    """Return the names of all that `metric` can be cut by."""
    return [*metric.dimensions, *(p.dimension for p in promoted if _carries(metric, p))]


def _described(promoted: Promotion) -> Dimension:
    """Return what is told of a property as a dimension."""
    of = "all events" if promoted.event is None else promoted.event
    title = promoted.dimension.replace("_", " ").capitalize()
    return Dimension(promoted.dimension, title, f"The property {promoted.path} of {of}.")


def _named(query: Query) -> list[str]:
    return list(dict.fromkeys([*query.by, *(item.dimension for item in query.where)]))


def _carries(metric: Metric, promoted: Promotion) -> bool:
    """Return whether each measure of `metric` counts events that may have the property.

    A rate of which only one side has it would compare some of the one with none of the other.
    Sessions are stored without it.
    """
    return all(
        not isinstance(measure, OfSessions)
        and (promoted.event is None or not measure.events or promoted.event in measure.events)
        for measure in measures(metric)
    )


def _without(metrics: Sequence[Metric], promoted: Promotion) -> list[str]:
    """Return the events that `metrics` name and that are not of the property's name."""
    if promoted.event is None:
        return []
    names = {name for m in metrics for measure in measures(m) for name in measure.events}
    return sorted(names - {promoted.event})
