"""Files in an S3-compatible store, of a real server that checks who asks."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow
import pytest

from analyticspro.connectors import FilesSource, fingerprint, is_settled, parts, read_part
from analyticspro.connectors.object_store import Bucket
from analyticspro.errors import RetriableError, SettingError, SourceError
from analyticspro.ingest import sync
from analyticspro.warehouse import Warehouse
from tests.connectors.objects import BUCKET, CSV, JSONL, PAGE, Secrets, Store, declared
from tests.local import free_port
from tests.servers import s3
from tests.servers.s3 import Server


@pytest.fixture(scope="module")
def console() -> Iterator[Server]:
    """A server, at whose console sits somebody who may do anything there."""
    with s3.store(PAGE) as server:
        server.ask("iam", "create_user", UserName="reader")
        made = server.ask("iam", "create_access_key", UserName="reader")["AccessKey"]
        right = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [right]})
        named = {"UserName": "reader", "PolicyName": "all", "PolicyDocument": policy}
        server.ask("iam", "put_user_policy", **named)
        server.keys = {
            "aws_access_key_id": made["AccessKeyId"],
            "aws_secret_access_key": made["SecretAccessKey"],
        }
        yield server


@pytest.fixture(scope="module")
def server(console: Server) -> str:
    """Where the server is."""
    return console.endpoint


@pytest.fixture(scope="module")
def keys(console: Server) -> Secrets:
    """The keys of somebody who may do anything there."""
    return Secrets(
        s3_id=console.keys["aws_access_key_id"], s3_key=console.keys["aws_secret_access_key"]
    )


@pytest.fixture
def store(console: Server, keys: Secrets) -> Iterator[Store]:
    console.ask("s3", "create_bucket", Bucket=BUCKET)
    yield Store(console.endpoint, keys, console)
    while listed := console.ask("s3", "list_objects_v2", Bucket=BUCKET).get("Contents"):
        gone = {"Objects": [{"Key": item["Key"]} for item in listed]}
        console.ask("s3", "delete_objects", Bucket=BUCKET, Delete=gone)
    console.ask("s3", "delete_bucket", Bucket=BUCKET)


@dataclass
class Read:
    """What came out of a file."""

    events: pl.DataFrame
    rejects: pl.DataFrame
    positions: list[int]


def read(source: FilesSource, secrets: Secrets | None = None) -> Read:
    [part] = parts(source, secrets)
    batches = list(read_part(source, part, secrets))
    return Read(
        pl.concat([batch.events for batch in batches]),
        pl.concat([batch.rejects for batch in batches]),
        [batch.position for batch in batches],
    )


# Which objects


NAMES = ["a.csv", "b.csv", "2011/c.csv", "2011/12/d.csv", "2012/e.csv", "e.txt", "a b+ü%2F.csv"]


@pytest.mark.parametrize(
    "pattern",
    [
        "a.csv",
        "*.csv",
        "**/*.csv",
        "2011*/*.csv",
        "2011/**/*.csv",
        "?.[ct]*",
        "2011/12/d.csv",
        "a *",
    ],
)
def test_a_pattern_means_what_it_means_in_a_folder(store: Store, tmp_path: Path, pattern: str):
    for name in NAMES:
        store.put(name, CSV)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CSV)
    local = [part.name for part in parts(declared(path=str(tmp_path / pattern)))]
    assert store.names(pattern) == local != []


def test_a_part_knows_what_the_store_knows(store: Store):
    store.put("2011/a.csv", CSV)
    [part] = parts(store.source("2011/*.csv"), store.secrets)
    assert (part.name, part.size) == ("a.csv", len(CSV.encode()))
    assert part.location == f"s3://{BUCKET}/2011/a.csv"
    now = datetime.now(UTC)
    assert part.changed_ns == part.touched_ns
    assert abs(part.changed_ns / 1e9 - now.timestamp()) < 60
    source = store.source("2011/*.csv", settled_for=3600)
    assert not is_settled(source, part, now)
    assert is_settled(source, part, now + timedelta(hours=2))


def test_a_fingerprint_is_of_the_content(store: Store):
    def now() -> str:
        [part] = parts(store.source("a.csv"), store.secrets)
        return fingerprint(part)

    store.put("a.csv", CSV)
    first = now()
    store.put("a.csv", CSV)
    assert now() == first
    store.put("a.csv", CSV.replace("Zoë", "Zoe"))
    assert now() != first


def test_more_objects_than_a_page_lists_are_all_found(store: Store):
    for number in range(2 * PAGE + 5):
        store.put(f"many/{number:04}.csv", "x")
    answer = store.console.ask("s3", "list_objects_v2", Bucket=BUCKET)
    assert answer["KeyCount"] == PAGE
    assert store.names("many/*.csv") == [f"{number:04}.csv" for number in range(2 * PAGE + 5)]


def test_what_a_console_calls_a_folder_is_no_file(store: Store):
    store.put("2011/", "")
    store.put("2011/a.csv", CSV)
    store.put("2011/empty.csv", "")
    assert store.names("2011/*") == ["a.csv", "empty.csv"]
    assert store.names("*/*") == ["2011/a.csv", "2011/empty.csv"]


def test_a_pattern_that_fits_nothing_says_so(store: Store):
    with pytest.raises(SourceError, match=r"Source shop: no object fits s3://exports/\*\.tsv"):
        store.names("*.tsv")


# What is in them


def _zstd(text: str) -> bytes:
    return bytes(pyarrow.Codec("zstd").compress(text.encode(), asbytes=True))


def _parquet(rows: int = 3) -> bytes:
    frame = pl.DataFrame(
        {
            "id": range(rows),
            "at": [datetime(2011, 11, 5, tzinfo=UTC)] * rows,
            "who": [f"C{number}" for number in range(rows)],
            "paid": ["1.50"] * rows,
        }
    )
    file = pyarrow.BufferOutputStream()
    frame.write_parquet(file, row_group_size=1_000)
    return bytes(file.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("form", "content"),
    [
        pytest.param("csv", CSV.encode(), id="CSV"),
        pytest.param("csv", gzip.compress(CSV.encode()), id="CSV, gzip"),
        pytest.param("csv", _zstd(CSV), id="CSV, zstd"),
        pytest.param("jsonl", JSONL.encode(), id="JSONL"),
        pytest.param("parquet", _parquet(), id="Parquet"),
        pytest.param("parquet", _parquet(5_000), id="Parquet in row groups"),
    ],
)
def test_an_object_is_read_as_a_file_is(store: Store, tmp_path: Path, form: str, content: bytes):
    store.put("x/ü a+b%20", content)
    (tmp_path / "ü a+b%20").write_bytes(content)
    local = read(declared(path=str(tmp_path / "ü*"), format=form))
    stored = read(store.source("x/ü*", format=form), store.secrets)
    assert stored.events.height > 0
    assert stored.events.equals(local.events)
    assert stored.rejects.equals(local.rejects)
    assert stored.positions[-1] == len(content)


def test_an_object_larger_than_a_range_is_read_to_its_end(store: Store):
    rows = [f"{number},2011-11-05,{'x' * 60_000},1\n" for number in range(150)]
    store.put("large.csv", "id,at,who,paid\n" + "".join(rows))
    found = read(store.source("large.csv"), store.secrets)
    assert found.events.height == 150
    assert found.events["event_id"].n_unique() == 150


def test_a_cut_archive_is_refused(store: Store):
    store.put("a.csv.gz", gzip.compress(CSV.encode())[:-6])
    with pytest.raises(SourceError, match="is not a whole gzip file"):
        read(store.source("a.csv.gz"), store.secrets)


def test_an_empty_object_has_no_records(store: Store):
    store.put("a.csv", "")
    source = store.source("a.csv")
    [part] = parts(source, store.secrets)
    assert list(read_part(source, part, store.secrets)) == []


def test_an_object_that_changed_since_it_was_listed_is_left_for_the_next_sync(store: Store):
    store.put("a.csv", CSV)
    source = store.source("a.csv")
    [part] = parts(source, store.secrets)
    store.put("a.csv", CSV + "4,2011-11-07,C4,4\n")
    with pytest.raises(RetriableError, match="was changed while it was read"):
        list(read_part(source, part, store.secrets))


def test_an_object_that_changes_between_two_ranges_is_not_mixed(store: Store):
    first, second = b"a" * 9_000_000, b"b" * 9_000_000
    store.put("a.csv", first)
    source = store.source("a.csv")
    assert source.store is not None
    bucket = Bucket("Source shop", source.path, source.store, store.secrets, "shop")
    [part] = bucket.parts()
    with bucket.open(part) as (file, told):
        assert file.read(5) == b"aaaaa"
        assert 5 <= told() < len(first)
        store.put("a.csv", second)
        with pytest.raises(RetriableError, match="was changed"):
            file.read()


def test_an_object_that_is_gone_says_so(store: Store):
    store.put("a.csv", CSV)
    source = store.source("a.csv")
    [part] = parts(source, store.secrets)
    store.console.ask("s3", "delete_object", Bucket=BUCKET, Key="a.csv")
    with pytest.raises(SourceError, match=r"s3://exports/a\.csv is not there"):
        list(read_part(source, part, store.secrets))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    try:
        yield opened
    finally:
        opened.close()


def test_a_sync_reads_what_changed_and_retracts_what_vanished(store: Store, warehouse: Warehouse):
    def synced() -> tuple[int, ...]:
        report = sync(source, warehouse, secrets=store.secrets, progress=lambda _: None)
        assert report.error is None
        return report.parts, report.read, report.new, report.changed, report.retracted

    source = store.source("2011/*.csv*", key=None)
    store.put("2011/a.csv", CSV)
    store.put("2011/b.csv.gz", gzip.compress(CSV.encode()))
    assert synced() == (2, 2, 4, 0, 0)
    assert synced() == (2, 0, 0, 0, 0)
    store.put("2011/a.csv", CSV.replace("2,2011-11-06,C2,2\n", ""))
    assert synced() == (2, 1, 0, 0, 1)


# Who asks, and where


def test_wrong_keys_are_named_and_never_shown(store: Store):
    store.put("a.csv", CSV)
    wrong = Secrets(s3_id=store.secrets["s3_id"], s3_key="a-wrong-one")
    with pytest.raises(SourceError) as caught:
        parts(store.source("*.csv"), wrong)
    said = str(caught.value)
    assert "may not be listed" in said
    assert "analyticspro secrets set shop.s3_key" in said
    assert store.secrets["s3_id"] not in said
    assert "a-wrong-one" not in said


def test_a_secret_that_is_not_there_is_asked_for(store: Store):
    for secrets in (Secrets(), None):
        with pytest.raises(SettingError, match="s3_id"):
            parts(store.source("*.csv"), secrets)


def test_a_bucket_that_is_not_there_says_so(store: Store):
    source = store.source("*.csv").model_copy(update={"path": "s3://nowhere/*.csv"})
    with pytest.raises(SourceError, match=r"bucket 'nowhere' of http.* is not there"):
        parts(source, store.secrets)


def test_a_store_that_does_not_answer_is_tried_again_later():
    settings = {"endpoint": f"http://127.0.0.1:{free_port()}"}
    with pytest.raises(RetriableError, match="the store does not answer"):
        parts(declared(path="s3://exports/*.csv", store=settings))


def test_keys_and_addresses_of_the_environment_are_not_used(store: Store):
    store.put("a.csv", CSV)
    program = (
        "import json, sys; from analyticspro.connectors import parse, parts;"
        "table, keys = json.load(sys.stdin);"
        "secrets = type('S', (), {'get': lambda self, source, name: keys[name]})();"
        "print([part.name for part in parts(parse(table, 'shop'), secrets)])"
    )
    elsewhere = {
        "AWS_ACCESS_KEY_ID": "theirs",
        "AWS_SECRET_ACCESS_KEY": "theirs",
        "AWS_SESSION_TOKEN": "theirs",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "mars-1",
    }
    table = store.source("*.csv").model_dump(mode="json", exclude_defaults=True)
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([{**table, "name": "shop"}, store.secrets]),
        env={**os.environ, **elsewhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("['a.csv']\n", 0), done.stderr
