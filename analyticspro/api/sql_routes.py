"""A person's own SQL over HTTP: ended when whoever asked goes away."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from analyticspro.api import guard
from analyticspro.api.arrow import ARROW, answer_in_arrow
from analyticspro.api.bodies import SqlBody
from analyticspro.api.callers import Caller
from analyticspro.api.denials import Denials
from analyticspro.api.departing import Work
from analyticspro.api.gate import origin
from analyticspro.api.guard import Asking, needs
from analyticspro.api.observing import Figures
from analyticspro.errors import AnalyticsProError, Forbidden, RetriableError
from analyticspro.metrics import Answer
from analyticspro.policy import Capability
from analyticspro.warehouse import COLUMNS, Ending
from analyticspro.workspace import Workspace

__all__ = ["sql_routes"]

_AT_ONCE_EACH = 2
_AT_ONCE_ALL = 4


def sql_routes(
    workspace: Workspace, figures: Figures, work: Work, statements: Denials
) -> APIRouter:
    """Return the route for an opened workspace."""
    router = guard.router()
    turns = _Turns()
    figures.gauge("sql_statements", "Statements of persons that run.", lambda: turns.taken)

    @router.post(
        "/sql",
        openapi_extra=needs(Capability.NOTEBOOKS_WRITE),
        response_model=None,
        responses={200: {"content": {ARROW: {}}}},
    )
    async def sql(
        body: SqlBody, request: Request, asking: Asking, accept: Annotated[str, Header()] = ""
    ) -> Response:
        """Answer one SELECT on the governed views: as JSON, or as an Arrow IPC stream."""
        ending = Ending()
        ask = partial(
            workspace.sql, body.statement, body.bound(), asking.scope, is_gone=ending.is_due
        )
        with turns.one(asking.name):
            subject = await asyncio.to_thread(_subject, body.statement)
            with _noted(statements, request, asking, subject) as told:
                answer = await work.of(request, ask, ending)
                told.append(f"{answer.frame.height:,} rows")
        return await asyncio.to_thread(_response, answer, is_arrow=ARROW in accept)

    return router


def _subject(statement: str) -> str:
    from analyticspro.sql import traced  # brings sqlglot, as asking does

    trace = traced(statement, {name for view in COLUMNS.values() for name in view})
    return f"{trace.shape}: {trace}" if trace.shape else str(trace)


@contextmanager
def _noted(
    statements: Denials, request: Request, asking: Caller, subject: str
) -> Iterator[list[str]]:
    """Have the audit log say who ran what, and what became of it; never a value."""
    told: list[str] = []
    is_allowed = True
    try:
        yield told
    except Forbidden as error:
        is_allowed = False
        told.append(str(error))
        request.scope["state"]["noted"] = True
        raise
    except AnalyticsProError as error:
        told.append(f"failed: {error.code}")  # the message may hold what was typed
        raise
    finally:
        outcome = ", ".join(told) or "ended before it was done"
        statements.note_statement(
            asking.name, origin(request.scope), subject, outcome, allowed=is_allowed
        )


class _Turns:
    """How many statements run, of each person and of all: they share the processors."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        return self._running.total()

    @contextmanager
    def one(self, person: str) -> Iterator[None]:
        if self._running[person] >= _AT_ONCE_EACH:
            raise RetriableError(
                f"{_AT_ONCE_EACH} statements of yours run already. Wait until one is done."
            )
        if self.taken >= _AT_ONCE_ALL:
            raise RetriableError("Too many statements of others run already. Try again soon.")
        self._running[person] += 1
        try:
            yield
        finally:
            self._running[person] -= 1


def _response(answer: Answer, *, is_arrow: bool) -> Response:
    if is_arrow:
        return answer_in_arrow(answer.frame, answer.provenance)
    content = {"rows": _plain(answer.frame.to_dicts()), "provenance": answer.provenance}
    return Response(json.dumps(content), media_type="application/json")


def _plain(value: object) -> object:
    """Return a value as JSON can say it: what it cannot, as text; no number, as null."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)
