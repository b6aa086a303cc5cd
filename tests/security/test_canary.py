"""The canary says whether isolation holds, from what happens and not from what ought to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from analyticspro.errors import SettingError
from analyticspro.isolation import person
from analyticspro.isolation.attacks import ATTACKS
from tests.security.conftest import AS_USER, ORDINARY, PLAIN, Starter

CHECK = (
    "import dataclasses, json; from analyticspro.isolation import check; "
    "print(json.dumps(dataclasses.asdict(check())))"
)
ROOT_ONLY = pytest.mark.skipif(
    os.geteuid() != 0, reason="not tested: own uids and forbidden namespaces, which need root"
)


def checked(command: list[str]) -> dict[str, object]:
    done = subprocess.run(command, env=PLAIN, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_it_holds_here(starter: Starter):
    found = checked(starter.command([sys.executable, "-c", CHECK]))
    uids = "" if starter.uid is None else "an own uid per person and "
    assert found == {
        "holds": True,
        "found": f"holds by {uids}namespaces, {len(ATTACKS)} attacks failed",
        "cure": "",
    }


def test_it_holds_for_services_that_let_nobody_else_read_their_files(starter: Starter):
    """As `analyticspro up` and the units start them."""
    code = f"import os; os.umask(0o077); {CHECK}"
    found = checked(starter.command([sys.executable, "-c", code]))
    assert found["holds"] is True, found


def test_it_leaves_nothing_behind(starter: Starter):
    folder = Path(tempfile.mkdtemp(dir=starter.folder))
    starter.own(folder)
    code = f"import tempfile; tempfile.tempdir = {str(folder)!r}; {CHECK}"
    assert checked(starter.command([sys.executable, "-c", code]))["holds"] is True
    assert list(folder.iterdir()) == []


@ROOT_ONLY
def test_where_namespaces_are_forbidden_it_says_so_with_the_cure():
    command = [sys.executable, str(AS_USER), str(ORDINARY), "forbid", sys.executable, "-c", CHECK]
    found = checked(command)
    assert found["holds"] is False
    assert "No sandbox could be made" in str(found["found"])
    assert found["cure"] == "Run as root: sysctl -w user.max_user_namespaces=15000."


@ROOT_ONLY
def test_each_person_has_a_folder_and_a_uid_of_their_own(tmp_path: Path):
    ada, grace = person(tmp_path, "ada"), person(tmp_path, "grace@example.org")
    assert ada.folder != grace.folder
    assert ada.uid != grace.uid
    for one in (ada, grace):
        facts = one.folder.stat()
        assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (one.uid, one.uid, 0o700)
    assert person(tmp_path, "ada") == ada


@pytest.mark.parametrize("name", ["..", ".", "../../etc", "a/b", ".lock", "ü%2F"])
def test_no_name_leads_out_of_the_folder_of_persons(name: str, tmp_path: Path):
    assert person(tmp_path, name).folder.parent == tmp_path / "people"


def test_a_link_is_not_taken_for_a_folder(tmp_path: Path):
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "mallory").symlink_to("/etc")
    with pytest.raises(SettingError, match="is no folder"):
        person(tmp_path, "mallory")
