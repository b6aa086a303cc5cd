"""All the questions of a page asked at once, each of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from analyticspro.dashboards.context import Context, Provider
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.dashboards.views import View
from analyticspro.errors import AnalyticsProError
from analyticspro.metrics.query import Query

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["Batch", "Fetched"]

Fetched = dict[Query, "Answer | AnalyticsProError"]
_Marks = tuple[tuple[str, str], ...]


class Batch:
    """Asks all queries of a page in one go, so that every figure is of the same revision.

    Metrics that differ in nothing else are asked in one query from the second time on:
    by then it is known which share their sources. Those of other sources stay apart, as
    a query of both would be cut at the lower watermark of the two.
    """

    def __init__(self) -> None:
        self._marks: dict[str, _Marks] = {}

    def fetch(
        self, provider: Provider, figures: Sequence[Figure], context: Context
    ) -> tuple[list[View | AnalyticsProError], Fetched]:
        """Return what each figure shows, or the error that keeps it from it, and all answers."""
        asked = [figure.queries(context) for figure in figures]
        distinct = list(dict.fromkeys(query for queries in asked for query in queries))
        answers = self._ask(provider, distinct)
        views: list[View | AnalyticsProError] = []
        for figure, queries in zip(figures, asked, strict=True):
            given: list[Answer] = []
            error: AnalyticsProError | None = None
            for query in queries:
                answer = answers[query]
                if isinstance(answer, AnalyticsProError):
                    error = error or answer
                else:
                    given.append(answer)
            views.append(error or figure.view(context, given))
        return views, answers

    def _ask(self, provider: Provider, queries: Sequence[Query]) -> Fetched:
        groups = self._groups(queries)
        together = [_joined(group) for group in groups]
        answers: Fetched = {}
        alone: list[Query] = []
        for group, answer in zip(groups, provider.answers(together), strict=True):
            if isinstance(answer, AnalyticsProError):
                alone += group[1:] and group
                answers.update(dict.fromkeys(group, answer))
            else:
                answers.update((query, _part(answer, query)) for query in group)
        if alone:  # one of them spoilt it for the others
            answers.update(zip(alone, provider.answers(alone), strict=True))
        self._learn(answers)
        return answers

    def _groups(self, queries: Sequence[Query]) -> list[list[Query]]:
        groups: dict[object, list[Query]] = {}
        for query in queries:
            marks = {self._marks.get(metric) for metric in query.metrics}
            shared = marks.pop() if len(marks) == 1 and not query.by else None
            key = query if shared is None else (replace(query, metrics=()), shared)
            groups.setdefault(key, []).append(query)
        return list(groups.values())

    def _learn(self, answers: Fetched) -> None:
        for query, answer in answers.items():
            if isinstance(answer, AnalyticsProError):
                continue
            marks = tuple(sorted(answer.provenance["watermarks"].items()))
            for metric in query.metrics:
                # An answer about several metrics tells nothing of each.
                if len(query.metrics) == 1:
                    self._marks[metric] = marks


def _joined(group: Sequence[Query]) -> Query:
    names = dict.fromkeys(metric for query in group for metric in query.metrics)
    return replace(group[0], metrics=tuple(names))


def _part(answer: Answer, query: Query) -> Answer:
    """Return of an answer what `query` asked, as if it had been asked alone."""
    described = answer.provenance["metrics"]
    if len(described) == len(query.metrics):
        return answer
    parts = ("", "_previous", "_change", "_change_rate") if query.compare else ("",)
    columns = [*([query.grain.value] if query.grain else []), *query.by]
    columns += [f"{metric}{part}" for metric in query.metrics for part in parts]
    metrics = {name: described[name] for name in query.metrics}
    return replace(
        answer,
        frame=answer.frame.select(columns),
        provenance=answer.provenance | {"metrics": metrics},
    )
