"""What notebooks ask their questions with."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from analyticspro.client.reach import from_lab, reach
from analyticspro.client.transport import Transport
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.restated import restated

__all__ = ["Client", "connect"]


def connect(home: str | os.PathLike[str] | None = None) -> Client:
    """Return a client of the workspace at `home`, by default that of `ANALYTICSPRO_HOME`.

    It asks the running services; where none run it opens the workspace itself, for the
    time of each question, which only the account that owns it can do. In a JupyterLab that
    the hub started it asks the hub's workspace, and sees what the person may see.
    """
    is_in_lab = home is None and from_lab() is not None
    return Client(None if is_in_lab else Home.find(home))


class Client:
    """Asks one workspace; with no home, that of the hub that started this Lab."""

    def __init__(self, home: Home | None) -> None:
        self._home = home

    @property
    def transport(self) -> Transport:
        """The way to the workspace as it is now: services may come and go between calls."""
        way = from_lab() if self._home is None else None
        return way or reach(self._home or Home.find())

    def query(
        self,
        *metrics: str,
        grain: str | None = None,
        by: str | Sequence[str] = (),
        period: str = "all",
        where: Mapping[str, str | list[str]] | None = None,
        compare: bool = False,
        as_of: datetime | str | None = None,
    ) -> pl.DataFrame:
        """Return the figures as a frame, one row per bucket and combination of dimensions.

        Args:
            metrics: Names from the catalogue; `metrics()` lists them.
            grain: hour, day, week, month, quarter or year; without it one figure over the
                whole period.
            by: Dimension or dimensions to break down by.
            period: Such as `2011-11`, `2011-01-01..2011-12-01` (end excluded),
                `last-30-days`, `latest` or `all`, in the workspace's zone.
            where: Dimension → value, or list of values, that rows must have.
            compare: Add each figure's previous comparable value and its change.
            as_of: Answer with what was known at this moment (with a zone, or Z).

        Returns:
            The frame that `Answer.frame` describes.

        Raises:
            DefinitionError: A name that is not known (with the nearest), or a bad period.
            RetriableError: The services do not answer, or another process is at work.
        """
        return self.answer(
            Query.of(
                *metrics,
                grain=grain,
                by=tuple(by) if not isinstance(by, str) else by,
                period=period,
                where=where,
                compare=compare,
                as_of=as_of,
            )
        ).frame

    def restated(self, query: Query, *, since: datetime) -> pl.DataFrame:
        """Return which figures were complete at a moment and are others now.

        Late events and corrections do that. What was still going on then is not restated when
        it goes on.

        Args:
            query: The question; of `Query.of("revenue", grain="day")`, for example.
            since: When the figures were shown, with a zone.

        Returns:
            One row per bucket and combination of dimensions with a change: the keys, and for
            each metric `<metric>_then` and the metric as it is now.
        """
        then, now = self.answers([replace(query, as_of=since), replace(query, as_of=None)])
        return restated(query, _raised(then), _raised(now))

    def answer(self, query: Query) -> Answer:
        """Return the frame and its provenance; raises as `query` does."""
        [result] = self.answers([query])
        return _raised(result)

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        """Return an answer, or the error, for each query, all from one moment."""
        return self.transport.answers(queries)

    def sql(self, statement: str, values: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Return what a SELECT of one's own gives, on the views that docs/sql.md describes.

        It runs in the service, under one's own data policy and within limits; an answer that
        was cut off says so in a warning. Interrupting the call ends the statement there too.

        Args:
            statement: One SELECT or WITH in DuckDB's SQL, on events, sessions and customers.
            values: What `$name` stands for, by name.

        Returns:
            The columns that the statement names. Moments are UTC, without a zone.

        Raises:
            DefinitionError: The statement is wrong, or takes more than the limits allow.
            Forbidden: It is no query, or calls what it may not.
            RetriableError: Too many run, or the services do not answer.
        """
        answer = self.transport.sql(statement, values or {})
        for note in answer.provenance["notes"]:
            warnings.warn(note, UserWarning, stacklevel=2)
        return answer.frame

    def workspace(self) -> dict[str, Any]:
        """Return name, zone, currency, revision, and first and last moment with data."""
        return self.transport.info()

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, the most frequent first."""
        return self.transport.values(dimension)

    def metrics(self) -> pl.DataFrame:
        """Return the catalogue: one row per metric with name, title, unit and meaning."""
        listed = self.transport.catalogue()["metrics"]
        return pl.DataFrame(listed).select("name", "title", "unit", "better", "meaning")


def _raised(result: Answer | AnalyticsProError) -> Answer:
    if isinstance(result, AnalyticsProError):
        raise result
    return result
