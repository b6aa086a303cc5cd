"""Reaches a workspace through its running api."""

from __future__ import annotations

import base64
import http.client
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import polars as pl

from analyticspro.client.sql_values import sent
from analyticspro.client.transport import Decision, OnProgress
from analyticspro.errors import AnalyticsProError, ServiceUnavailable, from_payload
from analyticspro.metrics import Answer, Query

__all__ = ["Remote", "answer_of"]

_ARROW = "application/vnd.apache.arrow.stream"
_TIMEOUT_S = 120.0
_SIGN_OF_LIFE_TIMEOUT_S = 5.0
_BROKEN = (OSError, http.client.HTTPException, ValueError)


class Remote:
    """Asks a running api."""

    def __init__(self, address: str, token: str, more: Mapping[str, str] | None = None) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._headers |= more or {}

    def is_alive(self) -> bool:
        """Return whether a service answers at the address. It is not sent the token."""
        try:
            connection, response = self._open("GET", "/healthz", None, {}, _SIGN_OF_LIFE_TIMEOUT_S)
        except ServiceUnavailable:
            return False
        connection.close()
        return response.status == http.client.OK

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        """Return an answer or an error for each query, all from one moment."""
        if not queries:
            return []
        body = {"queries": [query.to_json() for query in queries]}
        return [
            from_payload(item["error"]) if "error" in item else answer_of(item)
            for item in self._call("POST", "/v1/queries", body)["answers"]
        ]

    def sql(self, statement: str, values: Mapping[str, Any]) -> Answer:
        """Return the answer to a statement of one's own; leaving off ends it there."""
        body = {"statement": statement, "values": sent(values)}
        headers = self._headers | {"Accept": _ARROW}
        connection, response = self._open("POST", "/v1/sql", body, headers)
        try:
            if response.status >= http.client.BAD_REQUEST:
                raise _error(response)
            provenance = json.loads(response.headers["Analyticspro-Provenance"])
            return Answer(pl.read_ipc_stream(io.BytesIO(response.read())), provenance)
        except _BROKEN as error:
            raise ServiceUnavailable(f"The api's answer broke off ({error}). Try again.") from None
        finally:
            connection.close()

    def info(self) -> dict[str, Any]:
        """Return what a page needs to know of the workspace."""
        found: dict[str, Any] = self._call("GET", "/v1/workspace")
        return found

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, the most frequent first."""
        path = f"/v1/dimensions/{quote(dimension, safe='')}/values"
        found: list[str] = self._call("GET", path)["values"]
        return found

    def catalogue(self) -> dict[str, list[dict[str, Any]]]:
        """Return the metrics and dimensions there are."""
        found: dict[str, list[dict[str, Any]]] = self._call("GET", "/v1/metrics")
        return found

    def sources(self) -> list[dict[str, Any]]:
        """Return the state of each source."""
        found: list[dict[str, Any]] = self._call("GET", "/v1/sources")["sources"]
        return found

    def status(self) -> list[dict[str, Any]]:
        """Return how each source is."""
        return list(self._call("GET", "/v1/sources/status")["sources"])

    def history(self, source: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest syncs of a source; raises UnknownName."""
        return list(self._call("GET", f"{_source(source)}/history?limit={limit}")["syncs"])

    def pause(self, source: str, by: str) -> dict[str, Any]:
        """Let a source not be synced by itself; raises DefinitionError if it is not anyway."""
        return dict(self._call("POST", f"{_source(source)}/pause", {"by": by}))

    def resume(self, source: str, by: str) -> dict[str, Any]:
        """Have a source be synced by itself again; raises as `pause`."""
        return dict(self._call("POST", f"{_source(source)}/resume", {"by": by}))

    def backtest(self, rule: dict[str, Any], period: str, *, as_known: bool) -> dict[str, Any]:
        """Return what a rule of alerts would have done."""
        body = {"rule": rule, "period": period, "as_known": as_known}
        found: dict[str, Any] = self._call("POST", "/v1/alert-rules/backtest", body)
        return found

    def rejects(self, source: str, limit: int) -> list[dict[str, Any]]:
        """Return records of a source that are set aside; raises UnknownName."""
        path = f"/v1/sources/{quote(source, safe='')}/rejects?limit={limit}"
        found: list[dict[str, Any]] = self._call("GET", path)["rejects"]
        return found

    def sync(
        self, declarations: Sequence[dict[str, Any]], progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Sync sources; `progress` is called with each step until the reports come."""
        return self._load("/v1/sync", {"sources": list(declarations)}, progress)

    def replay(self, declaration: dict[str, Any], progress: OnProgress) -> list[dict[str, Any]]:
        """Map anew what was set aside of a source; `progress` is called with each step."""
        return self._load("/v1/replay", {"source": declaration}, progress)

    def backfill(
        self, declaration: dict[str, Any], since: str, until: str, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Read what a source had in a range; `progress` is called with each step."""
        body = {"source": declaration, "since": since, "until": until}
        return self._load("/v1/backfill", body, progress)

    def archive(self, progress: OnProgress) -> list[dict[str, Any]]:
        """Move old events into the archive, as the settings say; `progress` is called."""
        return self._load("/v1/archive", {}, progress)

    def check_archive(self, progress: OnProgress) -> list[dict[str, Any]]:
        """Read the archive to its last byte; `progress` is called."""
        return self._load("/v1/archive/verify", {}, progress)

    def erase(
        self,
        customers: Sequence[str],
        users: Sequence[str],
        by: str,
        reason: str | None,
        progress: OnProgress,
    ) -> list[dict[str, Any]]:
        """Erase a person, told by ids; return the receipt."""
        body = {"customers": list(customers), "users": list(users), "by": by, "reason": reason}
        return self._load("/v1/erase", body, progress)

    def back_up(
        self, into: str | None, keep: int | None, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Copy the whole home; `progress` is called with each step."""
        return self._load("/v1/backup", {"into": into, "keep": keep}, progress)

    def ledger(self, *, ask: bool = False) -> list[dict[str, Any]]:
        """Return what became of all records ever seen; `ask` sources how many they have."""
        return list(self._call("GET", f"/v1/ledger{'?ask=true' if ask else ''}")["ledger"])

    def schema(self, event: str | None) -> dict[str, Any]:
        """Return what properties events have, of all names or of one; raises UnknownName."""
        of = "" if event is None else f"?event={quote(event, safe='')}"
        found: dict[str, Any] = self._call("GET", f"/v1/schema{of}")
        return found

    def explain(self, who: str, what: str) -> dict[str, Any]:
        """Return whether somebody sees something, and why."""
        found: dict[str, Any] = self._call("POST", "/v1/explain", {"who": who, "what": what})
        return found

    def decide(self, action: Decision, event: str, path: str, tags: Sequence[str] = ()) -> None:
        """Tag or block a property, or undo that; tags only for `tag` and `untag`."""
        body = {"event": event, "property": path} | ({"tags": list(tags)} if tags else {})
        self._call("POST", f"/v1/schema/{action}", body)

    def catch_up(self, seconds: float) -> None:
        """Bring the registry of properties up to date, for about so many seconds at most."""
        self._call("POST", "/v1/schema/catch-up", {"seconds": seconds})

    def promote(
        self, event: str, path: str, name: str | None, progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Have a property be a dimension; return which, once its column is filled."""
        body = {"event": event, "property": path, "name": name}
        return self._load("/v1/schema/promote", body, progress)

    def demote(self, dimension: str) -> None:
        """Have a dimension be a mere property again; raises UnknownName."""
        self._call("POST", "/v1/schema/demote", {"dimension": dimension})

    def violations(self) -> dict[str, Any]:
        """Return the contracts in force, and how often stored events broke them."""
        found: dict[str, Any] = self._call("GET", "/v1/contracts")
        return found

    def demo(self, events: int, seed: int, progress: OnProgress) -> list[dict[str, Any]]:
        """Fill the workspace with demo data; answers as `sync` does."""
        return self._load("/v1/demo", {"events": events, "seed": seed}, progress)

    def link(self) -> str:
        """Return a one-time code that signs in a browser."""
        code: str = self._call("POST", "/v1/links")["code"]
        return code

    def _load(self, path: str, body: object, progress: OnProgress) -> list[dict[str, Any]]:
        connection, response = self._open("POST", path, body, self._headers)
        try:
            if response.status != http.client.OK:
                raise _error(response)
            while message := _next_message(response):
                if "progress" in message:
                    progress(message["progress"])
                elif "error" in message:
                    raise from_payload(message["error"])
                else:
                    reports: list[dict[str, Any]] = message["reports"]
                    return reports
        finally:
            connection.close()
        raise ServiceUnavailable(
            "The api stopped before it was done. What it committed stays; do the same again "
            "to go on from there."
        )

    def _call(self, method: str, path: str, body: object = None) -> Any:
        connection, response = self._open(method, path, body, self._headers)
        try:
            if response.status >= http.client.BAD_REQUEST:
                raise _error(response)
            return json.loads(response.read())
        except _BROKEN as error:
            raise ServiceUnavailable(f"The api's answer broke off ({error}). Try again.") from None
        finally:
            connection.close()

    def _open(
        self,
        method: str,
        path: str,
        body: object,
        headers: dict[str, str],
        timeout: float = _TIMEOUT_S,
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(self._address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        content = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, content, headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise ServiceUnavailable(
                f"The api does not answer at {self._address}. 'analyticspro status' tells "
                "whether it runs; 'analyticspro up' starts it."
            ) from None


def _source(name: str) -> str:
    return f"/v1/sources/{quote(name, safe='')}"


def _next_message(response: http.client.HTTPResponse) -> dict[str, Any] | None:
    """Return the next message of a stream; None if it broke off. Empty lines are passed over."""
    try:
        for line in response:
            if line.strip():
                message: dict[str, Any] = json.loads(line)
                return message
    except _BROKEN:
        pass  # as when it just ends: whoever asked says what that means
    return None


def _error(response: http.client.HTTPResponse) -> AnalyticsProError:
    try:
        return from_payload(json.loads(response.read())["error"])
    except (*_BROKEN, AttributeError, KeyError, TypeError):  # in a form of its own
        return AnalyticsProError(f"The api answered {response.status} {response.reason}.")


def answer_of(item: dict[str, Any]) -> Answer:
    """Return an answer from how the api sends it among others."""
    frame = pl.read_ipc_stream(io.BytesIO(base64.b64decode(item["arrow"])))
    return Answer(frame, item["provenance"])
