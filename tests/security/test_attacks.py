"""Whatever a person's code tries against the services and others, in a real sandbox.

Each attack is made twice: where nothing stops it, it must succeed, or it would prove nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from analyticspro.isolation.attacks import ATTACKS
from tests.security.conftest import Starter

ARENA = str(Path(__file__).parent / "arena.py")


@pytest.fixture(scope="module")
def succeeded(starter: Starter) -> dict[str, list[str]]:
    uid = [] if starter.uid is None else [str(starter.uid)]
    done = starter.run([sys.executable, ARENA, str(starter.folder), *uid])
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_fails_in_a_sandbox(attack: str, succeeded: dict[str, list[str]]):
    assert attack not in succeeded["sandbox"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_succeeds_without(attack: str, succeeded: dict[str, list[str]]):
    assert attack in succeeded["none"]
