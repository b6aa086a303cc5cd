"""Governed metrics: definitions, the questions asked of them, and the answers.

`evaluate` (which needs the warehouse) is imported by whoever holds one, so that a client
can ask without loading the engine.
"""

from analyticspro.metrics.answer import Answer
from analyticspro.metrics.query import Filter, Query

__all__ = ["Answer", "Filter", "Query"]
