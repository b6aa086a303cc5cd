"""Answers questions about the data of a workspace, and remembers answers that are still right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.answer_cache import AnswerCache
from analyticspro.metrics.governed import Governed
from analyticspro.metrics.known import Known
from analyticspro.metrics.remembered import Remembered
from analyticspro.period import to_wall
from analyticspro.policy import Rows, Scope
from analyticspro.warehouse import Ending, Warehouse

__all__ = ["Asking"]


class Asking:
    """Asks one opened warehouse."""

    def __init__(self, home: Home, warehouse: Warehouse) -> None:
        self._home = home
        self._warehouse = warehouse
        self._known: Known | None = None
        self._narrowed: dict[Rows, Known] = {}
        self._remembered: AnswerCache = Remembered()

    def answers(
        self, queries: Sequence[Query], scope: Scope, ending: Ending
    ) -> list[Answer | AnalyticsProError]:
        """Return an answer to each query, or the error it ran into; see `Workspace.answers`."""
        found = []
        with self.governed(scope) as governed, ending.of(governed.reader):
            for query in queries:
                ending.check()
                is_now = query.as_of is None
                answer = (
                    self._now(governed, query) if is_now else self._earlier(query, scope, ending)
                )
                found.append(answer)
        return found

    def info(self, scope: Scope) -> dict[str, Any]:
        """Return what a page needs to know of the workspace; see `Workspace.info`."""
        settings = self._home.settings
        now = clock.now()
        with self.governed(scope) as governed:
            known = governed.extent()
            currencies = governed.values("currency")
        span = known.business
        return {
            "name": settings.name,
            "demo": settings.demo,
            "timezone": settings.timezone,
            "week_start": settings.week_start,
            "currency": settings.currency,
            "currencies": currencies,
            "revision": known.revision,
            "first": self._wall(span["first"].min()),
            "last": self._wall(span["last"].clip(upper_bound=now).max()),
            "now": self._wall(now),
        }

    @contextmanager
    def governed(self, scope: Scope) -> Iterator[Governed]:
        """Give what answers from this moment; what is known of the data is read once a commit."""
        with self._warehouse.reader(scope) as reader:
            governed = Governed.read(
                reader,
                self._home.settings,
                clock.now(),
                before=self._known,
                narrowed=self._narrowed,
            )
            self._known = governed.known
            yield governed

    def _now(self, governed: Governed, query: Query) -> Answer | AnalyticsProError:
        moment = (governed.known, governed.now, governed.settings.zone)
        try:
            seen = governed.seen(query)  # before what is remembered: it may be granted no more
        except AnalyticsProError as error:
            return error
        found = self._remembered.get(query, seen, *moment)
        if found is not None:
            return found
        answer = _answered(governed, query)
        if isinstance(answer, Answer):
            self._remembered.put(query, seen, *moment, answer)
        return answer

    def _earlier(self, query: Query, scope: Scope, ending: Ending) -> Answer | AnalyticsProError:
        with self._warehouse.reader(scope, as_of=query.as_of) as reader, ending.of(reader):
            governed = Governed.read(reader, self._home.settings, clock.now())
            return _answered(governed, query)

    def _wall(self, instant: Any) -> str | None:
        if not isinstance(instant, datetime):
            return None
        return to_wall(instant, self._home.settings.zone).isoformat()


def _answered(governed: Governed, query: Query) -> Answer | AnalyticsProError:
    try:
        answer = governed.answer(query)
    except AnalyticsProError as error:
        return error
    told = [answer.provenance["period"], answer.provenance["compared_with"]]
    first = min(datetime.fromisoformat(each["start"]) for each in told if each)
    answer.provenance["notes"] += governed.reader.caveats(first.date())
    return answer
