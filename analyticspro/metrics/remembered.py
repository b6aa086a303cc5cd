"""Answers that were given already, for as long as they are still right."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from datetime import date, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from analyticspro.metrics.answer import Answer
from analyticspro.metrics.known import Known
from analyticspro.metrics.query import Query
from analyticspro.period import to_wall

__all__ = ["Remembered"]

_MOST = 512

_Key: TypeAlias = tuple[Query, Hashable, int, int, date]


class Remembered:
    """The newest answers, by question and by what was known when they were given.

    `scope` is who asks and what they see of what is asked for: only the very same may have it.
    An answer follows from the data, from who asks and from what day it is. It is not kept
    while an event lies in the future: then it would change with the clock alone.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[_Key, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, query: Query, scope: Hashable, known: Known, now: datetime, zone: ZoneInfo
    ) -> Answer | None:
        """Return the answer, marked as remembered; None if there is none that is still right."""
        key = _key(query, scope, known, now, zone)
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            self._answers.move_to_end(key)
        return replace(found, provenance=found.provenance | {"cached": True})

    def put(
        self,
        query: Query,
        scope: Hashable,
        known: Known,
        now: datetime,
        zone: ZoneInfo,
        answer: Answer,
    ) -> None:
        """Keep an answer."""
        newest = [
            at for at in (known.extents["last"].max(), known.sources["watermark"].max()) if at
        ]
        if any(at >= now for at in newest):  # type: ignore[operator]
            return
        with self._lock:
            self._answers[_key(query, scope, known, now, zone)] = answer
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)


def _key(query: Query, scope: Hashable, known: Known, now: datetime, zone: ZoneInfo) -> _Key:
    return query, scope, known.revision, known.noted, to_wall(now, zone).date()
