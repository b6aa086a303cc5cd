"""The doctor says what is wrong and what to do, to people and to programs."""

from __future__ import annotations

from pathlib import Path

from analyticspro.config import Home
from tests.cli.terminal import run
from tests.local import free_port


def test_all_is_well(home: Home):
    home.write_settings(port=free_port(), api_port=free_port())
    done = run("doctor", home=home.path)
    assert (done.code, done.err) == (0, "All is well.\n")
    heading, *lines = done.out.splitlines()
    assert heading.split() == ["check", "state", "found"]
    assert len(lines) > 10
    assert all("  ok  " in line for line in lines)


def test_a_problem_has_its_cure_below(home: Home):
    home.write_settings(port=free_port(), api_port=free_port())
    home.token_file.chmod(0o644)
    done = run("doctor", home=home.path)
    assert (done.code, done.err) == (7, "")
    table, _, cures = done.out.partition("\n\n")
    assert [line.split()[0] for line in table.splitlines() if "  problem  " in line] == ["token"]
    assert f"Run 'chmod 600 {home.token_file}'" in cures


def test_programs_get_json(tmp_path: Path):
    done = run("doctor", "--format", "json", home=tmp_path / "none")
    assert (done.code, done.err) == (7, "")
    assert [set(one) for one in done.json] == [{"check", "is_ok", "found", "cure"}] * 3
    assert [one["check"] for one in done.json if not one["is_ok"]] == ["home"]
    assert not (tmp_path / "none").exists()
