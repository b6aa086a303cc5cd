"""Questions of the hub's pages to the api: as the owner of the machine, for who is signed in.

The page has asked before whether they may.
"""

from __future__ import annotations

import json
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from analyticspro.client.presence import presence
from analyticspro.config import Home
from analyticspro.errors import ServiceUnavailable, from_payload

__all__ = ["ask_api"]

_PATIENCE_S = 20


async def ask_api(home: Home, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what the api answers to a question.

    Raises:
        AnalyticsProError: What the api says is wrong with it.
        ServiceUnavailable: It does not answer.
    """
    found, settings = presence(home), home.settings
    url = found.url if found else f"http://{settings.host}:{settings.api_port}"
    request = HTTPRequest(
        f"{url}{path}",
        method="POST",
        headers={"Authorization": f"Bearer {home.token()}", "Content-Type": "application/json"},
        body=json.dumps(body),
        request_timeout=_PATIENCE_S,
        connect_timeout=_PATIENCE_S,
    )
    try:
        answer = await AsyncHTTPClient().fetch(request)
        told: dict[str, Any] = json.loads(answer.body)
    except HTTPClientError as error:
        raise _told(error) from None
    except (OSError, ValueError):
        raise ServiceUnavailable(
            "The api does not answer. Try again; 'analyticspro status' tells how it is."
        ) from None
    return told


def _told(error: HTTPClientError) -> Exception:
    try:
        return from_payload(json.loads(error.response.body)["error"])  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError, ValueError):
        return ServiceUnavailable(
            f"The api does not answer as it should ({error.code}). Try again."
        )
