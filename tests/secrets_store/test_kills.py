"""Killed at any moment, or written by several at once, the store loses nothing."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.secrets_store import Secrets
from tests.api.server import environment

WRITER = Path(__file__).with_name("writer.py")
ENDLESS = 1_000_000
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


def writing(home: Home, prefix: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(home.path), prefix, str(count)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def killed(home: Home, prefix: str, after: int, later_s: float) -> set[str]:
    """Kill a writer a little after it has kept `after` secrets; return what it had kept."""
    process = writing(home, prefix, ENDLESS)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(after)]
    time.sleep(later_s)
    process.kill()
    rest = process.communicate()[0].splitlines()
    # The last line may be cut short; a number cut short is a number that was kept too.
    return {f"shop.{prefix}{line.strip()}" for line in [*said, *rest] if line.strip()}


def check(home: Home, *, kills: int) -> None:
    moment = random.Random(16)
    secrets = Secrets.open(home)
    kept: set[str] = set()
    for number in range(kills):
        kept |= killed(home, f"k{number}_", moment.randrange(1, 4), moment.uniform(0, 0.01))
        for name in kept:
            _, _, rest = name.partition(".")
            assert secrets.get("shop", rest) == f"value {rest.partition('_')[2]}"
        assert kept <= {one.name for one in secrets.names()}
    secrets.set("shop", "last", "value", now=NOW)
    assert len((home.path / "secrets" / "key").read_bytes().split()) == 1
    assert {file.name for file in (home.path / "secrets").iterdir()} == {"key", "values"}


def test_a_kill_leaves_a_store_that_opens(home: Home):
    check(home, kills=10)


@pytest.mark.soak
def test_many_kills_leave_a_store_that_opens(home: Home):
    check(home, kills=200)


def test_writers_at_once_do_not_lose_each_other_s(home: Home):
    writers = [writing(home, prefix, 12) for prefix in "abc"]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    expected = {f"shop.{prefix}{number}" for prefix in "abc" for number in range(12)}
    assert {one.name for one in Secrets.open(home).names()} == expected
