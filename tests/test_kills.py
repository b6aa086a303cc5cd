"""A service that is killed at any moment loses nothing and doubles nothing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analyticspro.client import Remote
from analyticspro.config import Home
from analyticspro.connectors import Source, load, parse
from analyticspro.errors import ServiceUnavailable
from analyticspro.ingest import sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace
from tests.api.server import environment
from tests.local import NoSecrets, free_port
from tests.writers import THREADS, files, names, opened

ROOT = Path(__file__).parent.parent
PATIENCE_S = 120


@contextmanager
def api(home: Home) -> Iterator[tuple[subprocess.Popen[bytes], Remote]]:
    """Run the api of `home` in a process of its own; it is told to stop at the end."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "analyticspro.api", "--home", str(home.path)],
        env=environment(api_port=port),
    )
    try:
        yield process, Remote(f"http://127.0.0.1:{port}", home.token())
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def wait_until_alive(remote: Remote) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not remote.is_alive():
        assert time.monotonic() < deadline, "the api does not start"
        time.sleep(0.05)


def killed_in_the_middle(home: Home, source: Source, moment: random.Random, batches: int) -> bool:
    """Ask the api for a sync and kill it; return whether that ended the sync.

    The moment is drawn: at some step of the sync and a little later, or while it starts.
    """
    step, later_s = moment.randrange(-1, batches), moment.uniform(0, 0.5)
    steps = 0
    reached = threading.Event()
    ended: list[bool] = []

    def count(_: object) -> None:
        nonlocal steps
        steps += 1
        if steps >= step:
            reached.set()

    def ask(remote: Remote) -> None:
        try:
            remote.sync([source.to_json()], count)
        except ServiceUnavailable:
            ended.append(True)
        reached.set()

    with api(home) as (process, remote):
        asking = threading.Thread(target=ask, args=[remote])
        if step >= 0:
            wait_until_alive(remote)
            asking.start()
            if step:
                reached.wait(PATIENCE_S)
        time.sleep(later_s)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        if step >= 0:
            asking.join(PATIENCE_S)
    return bool(ended)


def kept(home: Home) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the live events and the open rejects."""
    warehouse = Warehouse.open(home.warehouse_file, backups=home.path / "backups")
    try:
        with warehouse.reader(OWNER) as reader:
            events = reader.frame(
                """
                SELECT event_id, part, name, occurred_at, is_late, customer_id, amount_minor,
                    currency, properties, raw
                FROM events WHERE retired IS NULL ORDER BY ALL
                """
            )
            rejects = reader.frame(
                "SELECT part, line, field, value, reason, raw FROM rejects "
                "WHERE resolved IS NULL ORDER BY ALL"
            )
    finally:
        warehouse.close()
    return events, rejects


def check(source: Source, folder: Path, *, kills: int, batches: int) -> None:
    moment = random.Random(20_111_209)
    unharmed, harmed = Home(folder / "unharmed").prepare(), Home(folder / "harmed").prepare()
    with Workspace.open(unharmed) as workspace:
        [expected] = workspace.sync([source], progress=lambda step: None)
    broken_off = [killed_in_the_middle(harmed, source, moment, batches) for _ in range(kills)]
    assert any(broken_off), "no kill came in the middle of a sync"
    with api(harmed) as (_, remote):
        wait_until_alive(remote)
        [report] = remote.sync([source.to_json()], lambda step: None)
        [again] = remote.sync([source.to_json()], lambda step: None)
    assert report["error"] is None
    assert report["new"] + report["unchanged"] == expected.new
    assert (report["changed"], report["retracted"]) == (0, 0)
    assert (again["read"], again["new"]) == (0, 0)
    events, rejects = kept(harmed)
    assert events["event_id"].n_unique() == events.height == expected.new
    assert rejects["line"].n_unique() == rejects.height == expected.rejected
    for found, wanted in zip((events, rejects), kept(unharmed), strict=True):
        assert_frame_equal(found, wanted)


def test_three_kills_in_the_middle_of_a_load_change_nothing(tmp_path: Path):
    rows = [
        f"2011-11-{n % 30 + 1:02},C{n % 977},{'free' if n % 1000 == 500 else n % 77}.5"
        for n in range(120_000)
    ]
    (tmp_path / "orders.csv").write_text("\n".join(["at,who,paid", *rows]))
    source = parse(
        {
            "name": "shop",
            "path": str(tmp_path / "*.csv"),
            "event": "order_placed",
            "occurred_at": "at",
            "customer_id": "who",
            "amount": "paid",
            "currency": "GBP",
        },
        "shop",
    )
    check(source, tmp_path, kills=3, batches=3)


@pytest.mark.soak
def test_twenty_kills_in_the_middle_of_online_retail_change_nothing(
    retail_folder: Path, tmp_path: Path
):
    [source] = load(
        ROOT / "examples" / "online-retail" / "sources.toml", {"ONLINE_RETAIL": str(retail_folder)}
    )
    check(source, tmp_path, kills=20, batches=11)


# Four writers beside a sync of files


def acknowledged(folder: Path, turn: int, moment: random.Random) -> list[tuple[int, int]]:
    """Have four threads store events, kill their process, return what it acknowledged.

    The moment is drawn: a little after it started, opened the warehouse, or stored something.
    """
    lines_first, later_s = moment.choice([0, 1, 2, 2, 2, 2, 2, 2]), moment.uniform(0, 0.5)
    said = b""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.writers", str(folder), str(turn)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        for _ in range(lines_first):
            said += process.stdout.readline()
        time.sleep(later_s)
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read()
    lines = [line for line in said.splitlines(keepends=True) if line.endswith(b"\n")]
    pairs = [line.decode().split() for line in lines if line != b"open\n"]
    return [(int(thread), int(number)) for thread, number in pairs]


def grow(folder: Path, turn: int) -> int:
    """Add rows to one of two files, and change one; return how many rows there are now."""
    file = folder / f"{turn % 2}.csv"
    rows = file.read_text().splitlines() if file.exists() else ["at,who"]
    rows += [f"2011-11-{n % 30 + 1:02},C{n}" for n in range(len(rows), len(rows) + 400)]
    rows[turn % (len(rows) - 1) + 1] = f"2011-11-30,changed in {turn}"
    file.write_text("\n".join(rows))
    return sum(len(file.read_text().splitlines()) - 1 for file in folder.glob("*.csv"))


def check_all_is_there(folder: Path, told: list[list[tuple[int, int]]], rows: int) -> None:
    warehouse = opened(folder)
    try:
        report = sync(files(folder), warehouse, secrets=NoSecrets(), progress=lambda step: None)
        assert report.error is None
        with warehouse.reader(OWNER) as reader:
            found = reader.frame("SELECT source, event_id FROM events WHERE retired IS NULL")
            [(seqs, versions)] = reader.frame(
                "SELECT count(DISTINCT seq), count(*) FROM events"
            ).rows()
            [ledger] = reader.frame(
                "SELECT count(DISTINCT revision) = max(revision), "
                "sum(new - retracted)::BIGINT, sum(new + changed)::BIGINT, "
                "sum(seen - new - changed - duplicates - rejected)::BIGINT FROM ledger"
            ).rows()
    finally:
        warehouse.close()
    assert found.is_unique().all()
    assert seqs == versions
    assert ledger == (True, found.height, versions, 0)
    assert found.filter(pl.col("source") == "shop").height == rows
    there = set(found.filter(pl.col("source") == "site")["event_id"])
    promised = {
        name
        for turn, pairs in enumerate(told)
        for thread, number in pairs
        for name in names(turn, thread, number)
    }
    assert promised <= there
    # Besides, at most the one commit of each thread that was made and not acknowledged.
    unsaid = {tuple(name.split("-")[:3]) for name in there - promised}
    assert len(unsaid) <= 3 * THREADS * len(told)


def check_writers(folder: Path, *, kills: int, checked_after: int) -> None:
    moment = random.Random(20_111_209)
    told: list[list[tuple[int, int]]] = []
    for turn in range(kills):
        rows = grow(folder, turn)
        told.append(acknowledged(folder, turn, moment))
        if len(told) % checked_after == 0:
            check_all_is_there(folder, told, rows)
    check_all_is_there(folder, told, rows)
    assert sum(len(pairs) for pairs in told) > kills, "hardly anything was stored"


def test_four_writers_that_are_killed_lose_and_double_nothing(tmp_path: Path):
    check_writers(tmp_path, kills=3, checked_after=2)


@pytest.mark.soak
def test_four_writers_that_are_killed_200_times_lose_and_double_nothing(tmp_path: Path):
    check_writers(tmp_path, kills=200, checked_after=20)
