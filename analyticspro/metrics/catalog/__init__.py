"""The catalogue: every metric and dimension there is. Definitions only."""

from __future__ import annotations

from analyticspro.errors import UnknownName
from analyticspro.metrics.catalog import audience, commerce, dimensions, operations
from analyticspro.metrics.model import Dimension, Metric

__all__ = ["DIMENSIONS", "METRICS", "metric"]

METRICS: dict[str, Metric] = {
    m.name: m for m in (*commerce.METRICS, *audience.METRICS, *operations.METRICS)
}
DIMENSIONS: dict[str, Dimension] = {d.name: d for d in dimensions.DIMENSIONS}


def metric(name: str) -> Metric:
    """Return the metric called `name`; raises UnknownName with the nearest."""
    try:
        return METRICS[name]
    except KeyError:
        raise UnknownName.of("metric", name, METRICS) from None
