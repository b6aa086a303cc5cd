"""The event collector over HTTP: `POST /v1/batch`, `/v1/track` and its siblings.

It answers the server's own calls, without the framework: these requests are many, small and
all alike. The order of the checks is that of their cost: the key before the body, the body's
size while it comes, its signature before it is expanded, its shape before its events.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import ParamSpec, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from analyticspro import clock, logs
from analyticspro.api.collector_answers import Work, answered, convert
from analyticspro.api.collector_requests import (
    LARGEST_UNKNOWN,
    PATHS,
    Bodies,
    Given,
    Refused,
    Route,
)
from analyticspro.api.gate import refusal
from analyticspro.collecting import (
    LARGEST_BODY,
    MESSAGES,
    Bucket,
    Read,
    Unacceptable,
    WriteKey,
    WriteKeys,
    expanded,
    is_signed,
    messages,
)
from analyticspro.errors import (
    AnalyticsProError,
    DefinitionError,
    Forbidden,
    RetriableError,
    SettingError,
)
from analyticspro.ingest.bus import Bus
from analyticspro.ingest.deliveries import Delivery, Taken
from analyticspro.ingest.intake import Limits
from analyticspro.workspace import Workspace

__all__ = ["Collector"]

P = ParamSpec("P")
T = TypeVar("T")

_READ_BESIDE = 64 << 10  # bytes from which on a body is read beside the loop, not in it
_DEMO_KEY = "demo"  # what the made-up company itself sends with; see demo_company/live.py
_RETRY_S = (2, 6)  # spread, so that all that were refused do not come back at once
_NEEDS_KEY = (
    "This needs a write key: send 'Authorization: Bearer <key>', or Basic with the key as the "
    "user name. 'analyticspro keys create NAME' makes one."
)


class Collector:
    """Takes events from whoever has a write key, and answers once they are durable."""

    def __init__(self, workspace: Workspace, *, limits: Limits | None = None) -> None:
        """Make the collector of an opened workspace; nothing of it is touched before a request.

        Args:
            workspace: Where to.
            limits: How much may wait; the usual if None.
        """
        self._workspace = workspace
        self._limits = limits
        self._intake: Bus | None = None
        self._buckets: dict[tuple[str, float], Bucket] = {}
        self._beside = asyncio.Semaphore(1)
        self._bodies = Bodies()

    @cached_property
    def _keys(self) -> WriteKeys:
        return WriteKeys.of(self._workspace.home)

    @property
    def waiting(self) -> int:
        """How many events wait to be stored."""
        return 0 if self._intake is None else self._intake.waiting

    def close(self) -> None:
        """Store and answer what waits, and take no more."""
        if self._intake is not None:
            self._intake.close()

    async def keep_time(self, every_s: float = 30.0) -> None:
        """Have the watermarks of what is pushed advance while nothing comes; until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self._way_in().keep_time)
            except AnalyticsProError as error:  # such as a full disk: they stand still meanwhile
                logs.warning("watermarks of pushed sources", reason=str(error))
            await asyncio.sleep(every_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to one of `PATHS`."""
        scope["route"] = Route(scope["path"])
        given = Given.of(scope)
        try:
            answer = await self._answer(scope, given, receive)
        except Refused as refused:
            answer = refused.answer
        except Unacceptable as error:
            answer = refusal(DefinitionError(str(error)), error.status)
        except RetriableError as error:
            answer = _later(error, 503, random.randint(*_RETRY_S))
        except SettingError as error:
            answer = refusal(error, 503)
        if given.origin:
            self._let_read(answer, given.origin)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, given: Given, receive: Receive) -> Response:
        if scope["method"] == "OPTIONS":
            return self._preflight(given)
        if scope["method"] != "POST":
            error = DefinitionError(f"{scope['method']} {scope['path']}: Method Not Allowed.")
            return refusal(error, 405, {"Allow": "POST, OPTIONS"})
        kind = PATHS[scope["path"]]
        key = None if given.key is None else self._admitted(given, given.key)
        given.check_type()
        most = LARGEST_BODY if key else LARGEST_UNKNOWN
        body = await self._bodies.read(given, receive, most=most)
        received_at = clock.now()
        if key is not None:
            _check_signature(key, given, body, received_at)
        elif given.encoding:  # nobody unknown has anything expanded
            raise Refused(_not_known())
        # What is compressed may be large, however small it looks.
        size = _READ_BESIDE if given.encoding else len(body)
        try:
            read = await self._beside_if(size, _read, body, given.encoding, kind)
        except Unacceptable as error:
            if key is None:  # nor is told what is wrong
                raise Refused(_not_known()) from error
            raise
        if key is None:
            key = self._admitted(given, read.write_key)
            _check_signature(key, given, body, received_at)
        scope.setdefault("state", {})["caller"] = f"write key {key.name}"
        work = await self._beside_if(size, convert, read, key.source, kind, received_at)
        return await self._stored(key, work, len(body))

    def _preflight(self, given: Given) -> Response:
        if not (given.origin and self._keys.allows(given.origin)):
            return refusal(Forbidden("No write key may be used from this web origin."), 403)
        headers = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": (
                "authorization, content-encoding, content-type, x-signature, x-timestamp"
            ),
            "Access-Control-Max-Age": "600",
        }
        return Response(status_code=204, headers=headers)

    def _let_read(self, answer: Response, origin: str) -> None:
        """Let a browser show its page the answer, if the page is one that may send."""
        answer.headers["Vary"] = "Origin"
        with suppress(SettingError):
            if self._keys.allows(origin):
                answer.headers["Access-Control-Allow-Origin"] = origin
                answer.headers["Access-Control-Expose-Headers"] = "Retry-After"

    def _admitted(self, given: Given, text: object) -> WriteKey:
        """Return the key that `text` is, if a delivery may come with it, now and from there."""
        key = self._keys.find(text) if isinstance(text, str) and text else None
        if key is None:
            raise Refused(_not_known())
        if given.origin and not key.allows(given.origin):
            reason = f"Write key {key.name!r} may not be used from the web origin {given.origin}."
            raise Refused(refusal(Forbidden(reason), 403))
        if self._workspace.home.settings.demo and key.name != _DEMO_KEY:
            reason = "This workspace holds demo data, which is never mixed with real data."
            raise Refused(refusal(Forbidden(reason), 403))
        wait = self._bucket(key).wait(time.monotonic()) if key.rate else 0
        if wait:
            error = RetriableError(f"Write key {key.name!r} may send {key.rate:g} events a second.")
            raise Refused(_later(error, 429, math.ceil(wait)))
        if self._intake is not None and self._intake.is_full():
            raise RetriableError("Too much is waiting to be stored. Send it again later.")
        return key

    def _bucket(self, key: WriteKey) -> Bucket:
        assert key.rate
        place = (key.digest, key.rate)
        if place not in self._buckets:
            self._buckets[place] = Bucket(key.rate, time.monotonic())
        return self._buckets[place]

    async def _beside_if(
        self, size: int, work: Callable[P, T], *given: P.args, **more: P.kwargs
    ) -> T:
        """Do what may take long beside the loop, one at a time; the rest right here."""
        if size < _READ_BESIDE:
            return work(*given, **more)
        async with self._beside:
            return await asyncio.to_thread(work, *given, **more)

    async def _stored(self, key: WriteKey, work: Work, size: int) -> Response:
        if key.rate:
            self._bucket(key).draw(len(work.ids), time.monotonic())
        if not work.ids:
            return answered(work, Taken([], {}))
        delivery = Delivery(
            key.source, MESSAGES, work.rows, work.rejects, 3 * size, work.refused, work.sent
        )
        return answered(work, await self._way_in().submit(delivery))

    def _way_in(self) -> Bus:
        if self._intake is None:
            self._intake = self._workspace.intake(self._limits)
        return self._intake


def _read(body: bytes, encoding: str, kind: str | None) -> Read:
    return messages(expanded(body, encoding), is_batch=kind is None)


def _check_signature(key: WriteKey, given: Given, body: bytes, at: datetime) -> None:
    if key.secret is None:
        return
    now = at.timestamp()
    if not is_signed(key.secret, given.signature, given.timestamp, body, now=now):
        reason = (
            f"Deliveries with write key {key.name!r} have to be signed: X-Timestamp with the "
            "seconds since 1970, at most 5 minutes from now, and X-Signature: "
            "sha256=<HMAC-SHA256, in hexadecimal, of the timestamp, a full stop and the body>."
        )
        raise Refused(refusal(Forbidden(reason), 401, {"WWW-Authenticate": "Bearer"}))


def _later(error: AnalyticsProError, status: int, seconds: int) -> Response:
    return refusal(error, status, {"Retry-After": str(seconds)})


def _not_known() -> Response:
    return refusal(Forbidden(_NEEDS_KEY), 401, {"WWW-Authenticate": "Bearer"})
