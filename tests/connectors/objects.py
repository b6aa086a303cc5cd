"""Sources of objects in a store, as tests declare and read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analyticspro.connectors import FilesSource, parse, parts
from analyticspro.errors import SettingError
from tests.servers.s3 import Server

BUCKET = "exports"
PAGE = 10  # so many objects at most are listed at once
CSV = "id,at,who,paid\n1,2011-11-05,Zoë,1.50\n2,2011-11-06,C2,2\n3,soon,C3,3\n"
JSONL = '{"id": 1, "at": "2011-11-05", "who": "Zoë", "paid": 1.50}\n{"id": 2}\n'


class Secrets(dict[str, str]):
    def get(self, source: str, name: str) -> str:  # type: ignore[override]
        if name not in self:
            raise SettingError(f"There is no secret {source}.{name}.")
        return self[name]


@dataclass
class Store:
    """A server of S3 with one bucket, and a person who may read it."""

    endpoint: str
    secrets: Secrets
    console: Server

    def put(self, key: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        self.console.ask("s3", "put_object", Bucket=BUCKET, Key=key, Body=data)

    def source(self, pattern: str, **more: Any) -> FilesSource:
        settings = {
            "endpoint": self.endpoint,
            "access_key_id": "s3_id",
            "secret_access_key": "s3_key",
            **more.pop("store", {}),
        }
        return declared(path=f"s3://{BUCKET}/{pattern}", store=settings, **more)

    def names(self, pattern: str) -> list[str]:
        return [part.name for part in parts(self.source(pattern), self.secrets)]


def declared(**more: Any) -> FilesSource:
    table = {
        "name": "shop",
        "key": ["id"],
        "event": "order_placed",
        "occurred_at": "at",
        "customer_id": "who",
        "amount": "paid",
        "currency": "GBP",
        **more,
    }
    found = parse({name: value for name, value in table.items() if value is not None}, "shop")
    assert isinstance(found, FilesSource)
    return found
