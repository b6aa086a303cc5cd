"""All that a page asks for, worked out: the same bytes for all who see the same of the data."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analyticspro.api.arrow import arrow
from analyticspro.errors import AnalyticsProError, Forbidden
from analyticspro.metrics import Answer, Query
from analyticspro.policy import Scope
from analyticspro.warehouse import Ending
from analyticspro.workspace import Workspace

__all__ = ["Figures", "Wanted", "worked_out"]

_TO_THE_MINUTE = 16  # characters of an instant


@dataclass(frozen=True)
class Wanted:
    """What a page asks for: queries, and dimensions whose values it offers."""

    queries: tuple[Query, ...]
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """What a page is told.

    Attributes:
        body: JSON: the workspace, values of dimensions, an answer to each query.
        now: Wall-clock time in the workspace's zone, ISO.
        revision: Of the newest commit in it.
        sign: The same as long as nothing that shows is another; revisions and rows read do
            not count, and moments count by the minute.
        refused: Why queries were refused.
        mark: SHA-256 of the body.
    """

    body: bytes
    now: str
    revision: int
    sign: str
    refused: tuple[str, ...] = ()
    mark: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mark", hashlib.sha256(self.body).hexdigest())


def worked_out(
    workspace: Workspace, scope: Scope, pages: Sequence[Wanted], ending: Ending | None = None
) -> list[Figures]:
    """Return what each page is told who is seen by `scope`; no query is answered twice.

    Raises:
        AnalyticsProError: Nothing can be told; what befell one query is told in its place.
        Stopped: `ending` had it end.
    """
    told = workspace.info(scope)
    now = told.pop("now")
    queries = list(dict.fromkeys(query for page in pages for query in page.queries))
    results = workspace.answers(queries, scope, ending=ending)
    refused = sorted({str(each) for each in results if isinstance(each, Forbidden)})
    answers = {query: _shared(result) for query, result in zip(queries, results, strict=True)}
    names = dict.fromkeys(name for page in pages for name in page.dimensions)
    values = {name: _values(workspace, name, scope) for name in names}
    general = _sign({**told, "revision": 0, "last": (told["last"] or "")[:_TO_THE_MINUTE]})
    found = []
    for page in pages:
        offered = {name: values[name] for name in page.dimensions}
        told_of = [answers[query] for query in page.queries]
        head = _json({"workspace": told, "values": offered})[:-1]
        body = f'{head},"answers":[{",".join(text for text, _ in told_of)}]}}'.encode()
        sign = _sign([general, offered, [sign for _, sign in told_of]])
        found.append(Figures(body, now, int(told["revision"]), sign, tuple(refused)))
    return found


def _json(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _sign(told: Any) -> str:
    return hashlib.sha256(_json(told).encode()).hexdigest()


def _values(workspace: Workspace, dimension: str, scope: Scope) -> dict[str, Any]:
    try:
        return {"values": workspace.values(dimension, scope)}
    except AnalyticsProError as error:
        return {"error": error.payload()}


def _shared(result: Answer | AnalyticsProError) -> tuple[str, str]:
    """Return an answer as it is the same whether it was kept or not, and the sign of it."""
    if isinstance(result, AnalyticsProError):
        told: dict[str, Any] = {"error": result.payload()}
        return _json(told), _sign(told)
    frame = base64.b64encode(arrow(result.frame)).decode()
    known = {name: value for name, value in result.provenance.items() if name != "cached"}
    marks = {name: (at or "")[:_TO_THE_MINUTE] for name, at in known["watermarks"].items()}
    sign = _sign([frame, marks, known["notes"]])
    return _json({"arrow": frame, "provenance": known}), sign
