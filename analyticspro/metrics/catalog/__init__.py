"""The catalogue: every metric and dimension there is. Definitions only."""

from __future__ import annotations

from analyticspro.errors import UnknownName
from analyticspro.metrics.catalog import (
    app,
    audience,
    audit,
    commerce,
    dimensions,
    operations,
    partners,
    pictures,
    subscriptions,
    support,
)
from analyticspro.metrics.model import Dimension, Metric

__all__ = ["DIMENSIONS", "METRICS", "metric"]

_ROOMS = (
    *(commerce, audience, partners, pictures, app),
    *(subscriptions, support, operations, audit),
)
METRICS: dict[str, Metric] = {metric.name: metric for room in _ROOMS for metric in room.METRICS}
DIMENSIONS: dict[str, Dimension] = {d.name: d for d in dimensions.DIMENSIONS}


def metric(name: str) -> Metric:
    """Return the metric called `name`; raises UnknownName with the nearest."""
    try:
        return METRICS[name]
    except KeyError:
        raise UnknownName.of("metric", name, METRICS) from None
