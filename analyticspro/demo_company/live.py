"""Keeps the story going in real time: sends, records, and has what was recorded synced."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from analyticspro.demo_company.company import Company
from analyticspro.errors import Forbidden, RetriableError
from analyticspro.secrets_store import private_files

__all__ = ["WRITE_KEY", "Feeder", "Pusher", "write_key"]

WRITE_KEY = "demo"  # what the feeder's key is called
_BATCH = 500
_SYNC_EVERY = timedelta(seconds=15)
_TIMEOUT_S = 30.0
_PROPERTIES = ("country", "channel", "plan", "path")


def write_key(home: Home, *, now: datetime) -> str:
    """Return the write key that the website of the demo sends with; it is made at first."""
    kept = home.path / "demo" / "write_key"
    text = (private_files.read(kept) or b"").decode()
    keys = WriteKeys.of(home)
    if text and keys.find(text) is not None:
        return text
    if any(key.name == WRITE_KEY for key in keys.all()):
        keys.revoke(WRITE_KEY)
    text = keys.create(WRITE_KEY, source="web", now=now).text
    private_files.replace(kept, text.encode())
    return text


class Pusher:
    """Sends messages to the collector of an api."""

    def __init__(self, address: str, key: str) -> None:
        self._address = urlsplit(address)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def __call__(self, messages: list[dict[str, Any]]) -> int:
        """Send a batch; return how many were new. Sent again, they are told as duplicates.

        Raises:
            RetriableError: Not now: nothing says that they were stored.
            Forbidden: The key is not taken.
        """
        host, port = self._address.hostname or "", self._address.port
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        try:
            body = json.dumps({"batch": messages}).encode()
            connection.request("POST", "/v1/batch", body, self._headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise RetriableError(f"The collector does not answer ({error}).") from None
        finally:
            connection.close()
        if response.status in (401, 403):
            raise Forbidden(f"The collector refuses the demo's write key: {content.decode()[:300]}")
        if response.status != 202:
            raise RetriableError(f"The collector answered {response.status}. It is tried again.")
        return int(json.loads(content)["accepted"])


class Feeder:
    """Goes on with the story, step by step.

    A step brings everything up to its moment, however long ago the last one was, so that a
    time in which nothing ran leaves no gap; and the ids of what is sent depend on nothing but
    the story, so that a step which is repeated doubles nothing.
    """

    def __init__(
        self,
        company: Company,
        *,
        push: Callable[[list[dict[str, Any]]], int],
        sync: Callable[[], int],
    ) -> None:
        """Make the feeder.

        Args:
            company: Whose story.
            push: Sends messages; returns how many were new.
            sync: Syncs the company's sources; returns how many events were new.
        """
        self._company = company
        self._push = push
        self._sync = sync
        self._synced_at: datetime | None = None

    def step(self, now: datetime) -> tuple[int, int | None]:
        """Tell what happened up to `now`; return what was new of it: sent, and synced.

        The second is None while no sync is due.

        Raises:
            RetriableError: Not now; the next step does what this one did not.
        """
        hour = now.replace(minute=0, second=0, microsecond=0)
        sent = 0
        for batch in _batches(self._messages(now)):
            sent += self._push(batch)
        self._company.pushed(now)
        self._company.record(now, exports=False)
        self._company.record(hour)
        if self._synced_at is not None and now - self._synced_at < _SYNC_EVERY:
            return sent, None
        synced = self._sync()
        self._synced_at = now
        return sent, synced

    def _messages(self, now: datetime) -> list[dict[str, Any]]:
        since = self._company.marks().until["web"]
        if since >= now:
            return []
        records = self._company.tale.between("web", since, now)
        return [_message(row) for row in records.iter_rows(named=True)]


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of the website as its tracker sends it, in Segment's form."""
    context = {"sessionId": row["session_id"], "groupId": row["customer_id"]}
    is_page = row["name"] == "page_viewed"
    return {
        "type": "page" if is_page else "track",
        **({} if is_page else {"event": row["name"]}),
        "messageId": row["id"],
        ("userId" if row["customer_id"] else "anonymousId"): row["user_id"],
        "timestamp": row["at"].isoformat(),
        "context": {name: value for name, value in context.items() if value is not None},
        "properties": {name: row[name] for name in _PROPERTIES if row[name] is not None},
    }


def _batches(messages: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(messages), _BATCH):
        yield messages[start : start + _BATCH]
