"""Where answers are kept that are still right: the seam for Redis, which several readers share."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from analyticspro.metrics.answer import Answer
from analyticspro.metrics.known import Known
from analyticspro.metrics.query import Query

__all__ = ["AnswerCache"]


class AnswerCache(Protocol):
    """Answers by question, by who asks, by what was known and what day it was.

    It may forget any of them at any time; it never gives one for another moment, day or scope.
    `scope` is who asks and what they see of what is asked for, which only an equal one may have.
    What it has to keep besides is asked by `tests/seams/test_answer_cache.py`.
    """

    def get(
        self, query: Query, scope: Hashable, known: Known, now: datetime, zone: ZoneInfo
    ) -> Answer | None:
        """Return the answer, marked as remembered; None if there is none that is still right."""

    def put(
        self,
        query: Query,
        scope: Hashable,
        known: Known,
        now: datetime,
        zone: ZoneInfo,
        answer: Answer,
    ) -> None:
        """Keep an answer, unless it would change with the clock alone."""
