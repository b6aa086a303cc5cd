"""What a store may answer, and what may be declared of one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import fingerprint, parts
from analyticspro.connectors.object_store_settings import ObjectStore
from analyticspro.errors import DefinitionError, RetriableError, SourceError
from tests.connectors.objects import declared

LISTING = (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>exports</Name>'
    "<IsTruncated>false</IsTruncated><Contents><Key>a.csv</Key><Size>2</Size>"
    "<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents></ListBucketResult>"
)


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, list[Any]]]:
    """Answer with these statuses, the last one for good; give the address and what was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = statuses[min(len(asked), len(statuses) - 1)]
            asked.append((self.path, self.headers))
            body = LISTING.encode() if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_without_keys_nobody_is_named():
    with answering(200) as (endpoint, asked):
        [part] = parts(declared(path="s3://exports/*.csv", store={"endpoint": endpoint}))
    assert part.name == "a.csv"
    assert [path.partition("?")[0] for path, _ in asked] == ["/exports"]
    assert not [headers for _, headers in asked if "authorization" in headers]


def test_a_store_that_gives_no_etag_is_known_by_size_and_time():
    with answering(200) as (endpoint, _):
        [part] = parts(declared(path="s3://exports/*.csv", store={"endpoint": endpoint}))
    assert fingerprint(part) == f"etag-2-{part.changed_ns}"
    assert fingerprint(replace(part, etag="x")) == "etag-x"


def test_a_store_that_is_busy_is_asked_again():
    with answering(503, 500, 200) as (endpoint, asked):
        assert len(parts(declared(path="s3://exports/*.csv", store={"endpoint": endpoint}))) == 1
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (400, SourceError, "the store answers 400. Check endpoint, region"),
        (403, SourceError, "Name its keys in the source's store"),
        (503, RetriableError, "the store does not answer"),
    ],
)
def test_a_store_that_refuses_is_told_from_one_that_fails(
    status: int, error: type[Exception], said: str
):
    with answering(status) as (endpoint, _), pytest.raises(error) as caught:
        parts(declared(path="s3://exports/*.csv", store={"endpoint": endpoint}))
    assert said in str(caught.value)


# The declaration


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"path": "s3://"}, "write one such as s3://bucket/folder"),
        ({"path": "s3://bucket"}, "write one such as s3://bucket/folder"),
        ({"path": "*.csv", "store": {}}, "store is for a path that begins with s3://"),
        ({"store": {"endpoint": "s3.example.com"}}, "is no address of a store"),
        ({"store": {"endpoint": "https://s3.example.com/x"}}, "is no address of a store"),
        ({"store": {"endpoint": "https://ann:pw@s3.example.com"}}, "a user or a password"),
        ({"store": {"endpoint": "http://s3.example.com"}}, "endpoint is not encrypted"),
        ({"store": {"access_key_id": "s3_id"}}, "needs both access_key_id and secret_access_key"),
        ({"store": {"region": "http://x"}}, "region"),
        ({"store": {"regoin": "x"}}, "Did you mean 'region'?"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(table: dict[str, Any], problem: str):
    with pytest.raises(DefinitionError) as caught:
        declared(**{"path": "s3://exports/*.csv", **table})
    assert problem in str(caught.value)
    assert "ann:pw" not in str(caught.value)


def test_a_path_in_a_store_is_not_taken_from_a_folder(tmp_path: Path):
    assert declared(path="s3://exports/*.csv").within(tmp_path).path == "s3://exports/*.csv"


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://s3.us-east-1.amazonaws.com"),
        ({"region": "eu-west-2"}, "https://s3.eu-west-2.amazonaws.com"),
        ({"endpoint": "https://minio.example:9000/"}, "https://minio.example:9000"),
    ],
)
def test_a_store_without_an_address_is_amazons(settings: dict[str, str], address: str):
    assert ObjectStore(**settings).url == address  # type: ignore[arg-type]
