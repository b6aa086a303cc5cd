"""The two ways to reach a workspace: through its running api, or by opening it oneself."""

from __future__ import annotations

import base64
import http.client
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import polars as pl

from analyticspro.config import Home
from analyticspro.errors import (
    AnalyticsProError,
    ServiceUnavailable,
    SettingError,
    from_payload,
)
from analyticspro.metrics import Answer, Query
from analyticspro.policy import OWNER

__all__ = ["Local", "OnProgress", "Remote", "Transport", "reach"]

_TIMEOUT_S = 120
_WAIT_FOR_WAREHOUSE_S = 10.0

OnProgress = Callable[[dict[str, Any]], None]


class Transport(Protocol):
    """What can be asked of a workspace; plain JSON unless said otherwise."""

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]: ...
    def info(self) -> dict[str, Any]: ...
    def values(self, dimension: str) -> list[str]: ...
    def catalogue(self) -> dict[str, list[dict[str, Any]]]: ...
    def sources(self) -> list[dict[str, Any]]: ...
    def rejects(self, source: str, limit: int) -> list[dict[str, Any]]: ...
    def sync(
        self, declarations: Sequence[dict[str, Any]], progress: OnProgress
    ) -> list[dict[str, Any]]: ...
    def demo(self, events: int, seed: int, progress: OnProgress) -> list[dict[str, Any]]: ...


def reach(home: Home) -> Transport:
    """Return the way to reach `home`: its api if that answers, else opening it oneself.

    Raises:
        SettingError: There is no workspace at `home`, or it belongs to another account.
    """
    token = home.token()
    try:
        address = json.loads(home.api_file.read_text())["url"]
    except (FileNotFoundError, ValueError, KeyError):
        return Local(home)
    remote = Remote(address, token)
    return remote if remote.is_alive() else Local(home)


class Remote:
    """Asks a running api."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token

    def is_alive(self) -> bool:
        """Return whether a service answers at the address."""
        try:
            self._call("GET", "/healthz")
        except AnalyticsProError:
            return False
        return True

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        """Return an answer or an error for each query, all from one moment."""
        body = {"queries": [query.to_json() for query in queries]}
        return [
            from_payload(item["error"]) if "error" in item else _answer(item)
            for item in self._call("POST", "/v1/queries", body)["answers"]
        ]

    def info(self) -> dict[str, Any]:
        """Return what a page needs to know of the workspace."""
        return self._call("GET", "/v1/workspace")

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, the most frequent first."""
        found: list[str] = self._call("GET", f"/v1/dimensions/{quote(dimension, safe='')}/values")[
            "values"
        ]
        return found

    def catalogue(self) -> dict[str, list[dict[str, Any]]]:
        """Return the metrics and dimensions there are."""
        return self._call("GET", "/v1/metrics")

    def sources(self) -> list[dict[str, Any]]:
        """Return the state of each source."""
        found: list[dict[str, Any]] = self._call("GET", "/v1/sources")["sources"]
        return found

    def rejects(self, source: str, limit: int) -> list[dict[str, Any]]:
        """Return records of a source that are set aside."""
        path = f"/v1/sources/{quote(source, safe='')}/rejects?limit={limit}"
        found: list[dict[str, Any]] = self._call("GET", path)["rejects"]
        return found

    def sync(
        self, declarations: Sequence[dict[str, Any]], progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Sync sources; `progress` is called with each step until the reports come."""
        return self._load("/v1/sync", {"sources": list(declarations)}, progress)

    def demo(self, events: int, seed: int, progress: OnProgress) -> list[dict[str, Any]]:
        """Fill the workspace with demo data; answers as `sync` does."""
        return self._load("/v1/demo", {"events": events, "seed": seed}, progress)

    def _load(self, path: str, body: object, progress: OnProgress) -> list[dict[str, Any]]:
        connection, response = self._open("POST", path, body)
        try:
            if response.status != http.client.OK:
                raise self._error(response)
            for line in response:
                message = json.loads(line)
                if "progress" in message:
                    progress(message["progress"])
                elif "error" in message:
                    raise from_payload(message["error"])
                else:
                    reports: list[dict[str, Any]] = message["reports"]
                    return reports
        except (OSError, http.client.HTTPException, ValueError):
            pass  # said below: the answer ended before its last line
        finally:
            connection.close()
        raise ServiceUnavailable(
            "The api stopped before it was done. What it committed stays; do the same again "
            "to go on from there."
        )

    def link(self) -> str:
        """Return a one-time code that signs in a browser."""
        code: str = self._call("POST", "/v1/links")["code"]
        return code

    def _call(self, method: str, path: str, body: object = None) -> Any:
        connection, response = self._open(method, path, body)
        try:
            if response.status >= http.client.BAD_REQUEST:
                raise self._error(response)
            return json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ServiceUnavailable(f"The api's answer broke off ({error}). Try again.") from None
        finally:
            connection.close()

    def _open(
        self, method: str, path: str, body: object
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(self._address)
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT_S
        )
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body).encode() if body else None, headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise ServiceUnavailable(
                f"The api does not answer at {self._address}. 'analyticspro status' tells "
                "whether it runs; 'analyticspro up' starts it."
            ) from None

    @staticmethod
    def _error(response: http.client.HTTPResponse) -> AnalyticsProError:
        try:
            return from_payload(json.loads(response.read())["error"])
        except (ValueError, KeyError, TypeError):
            return AnalyticsProError(f"The api answered {response.status} {response.reason}.")


def _answer(item: dict[str, Any]) -> Answer:
    frame = pl.read_ipc_stream(io.BytesIO(base64.b64decode(item["arrow"])))
    return Answer(frame, item["provenance"])


class Local:
    """Opens the workspace for each call, and lets go of it at once."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        """Return an answer or an error for each query, all from one moment."""
        return self._with(lambda workspace: workspace.answers(queries, OWNER))

    def info(self) -> dict[str, Any]:
        """Return what a page needs to know of the workspace."""
        return self._with(lambda workspace: workspace.info(OWNER))

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, the most frequent first."""
        return self._with(lambda workspace: workspace.values(dimension, OWNER))

    def catalogue(self) -> dict[str, list[dict[str, Any]]]:
        """Return the metrics and dimensions there are."""
        from analyticspro.workspace import catalogue

        return catalogue()

    def sources(self) -> list[dict[str, Any]]:
        """Return the state of each source."""
        return self._with(lambda workspace: workspace.sources(OWNER))

    def rejects(self, source: str, limit: int) -> list[dict[str, Any]]:
        """Return records of a source that are set aside."""
        return self._with(lambda workspace: workspace.rejects(source, OWNER, limit=limit))

    def sync(
        self, declarations: Sequence[dict[str, Any]], progress: OnProgress
    ) -> list[dict[str, Any]]:
        """Sync sources; `progress` is called with each step."""
        from analyticspro.connectors import parse

        sources = [parse(table, f"source {table.get('name')}") for table in declarations]
        return self._with(
            lambda workspace: [
                report.to_json()
                for report in workspace.sync(sources, progress=lambda step: progress(vars(step)))
            ]
        )

    def demo(self, events: int, seed: int, progress: OnProgress) -> list[dict[str, Any]]:
        """Fill the workspace with demo data; `progress` is called with each step."""
        return self._with(
            lambda workspace: [
                workspace.load_demo(
                    events, seed, progress=lambda step: progress(vars(step))
                ).to_json()
            ]
        )

    def _with(self, work: Callable[[Any], Any]) -> Any:
        # The engine is loaded only by whoever has to do the work: it would triple the time
        # that a notebook needs to import this library.
        from analyticspro.workspace import Workspace

        if not self._home.path.is_dir():
            raise SettingError(f"There is no workspace at {self._home.path}.")
        with Workspace.open(self._home, wait_for_s=_WAIT_FOR_WAREHOUSE_S) as workspace:
            return work(workspace)
