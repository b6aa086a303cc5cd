"""The proxy is the one that the lock names, from wherever it came."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "hub" / "proxy" / "package-lock.json"
INSTALLED = Path(sys.prefix) / "share" / "analyticspro" / "proxy"

Packages = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def locked() -> Packages:
    found: Packages = json.loads(LOCK.read_text())["packages"]
    return {name: facts for name, facts in found.items() if name}


def test_the_lock_names_no_address():
    assert "://" not in LOCK.read_text()


def test_the_lock_pins_every_package_by_hash(locked: Packages):
    assert "node_modules/configurable-http-proxy" in locked
    for name, facts in locked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", str(facts["version"])), name
        assert re.fullmatch(r"sha512-[\w+/]{86}==", str(facts["integrity"])), name


def test_no_package_runs_code_when_it_is_installed(locked: Packages):
    assert [name for name, facts in locked.items() if facts.get("hasInstallScript")] == []


def test_what_is_installed_is_what_is_locked(locked: Packages):
    versions = {
        str(file.parent.relative_to(INSTALLED)): json.loads(file.read_text())["version"]
        for file in INSTALLED.glob("node_modules/**/package.json")
        if str(file.parent.relative_to(INSTALLED)) in locked
    }
    assert versions == {name: facts["version"] for name, facts in locked.items()}


def test_a_second_set_up_has_nothing_to_do_and_needs_no_network():
    closed = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "npm_config_offline": "true"}
    command = ["sh", "scripts/install", "dev"]
    done = subprocess.run(command, cwd=ROOT, env=closed, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
