"""What systemd makes of the unit files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.services import SERVICES, units
from tests.cli.terminal import run


def test_a_home_has_a_unit_for_each_of_its_services(home: Home):
    found = units(home)
    expected = {f"analyticspro-{one.name}.service" for one in SERVICES if not one.of_demos}
    assert found.keys() == expected | {"analyticspro.target"}
    for name in expected:
        assert name in found["analyticspro.target"]
        assert "Restart=always" in found[name]
    home.write_settings(demo=True)
    assert "analyticspro-feeder.service" in units(Home(home.path))


def test_the_command_writes_them(home: Home, tmp_path: Path):
    done = run("units", "--user", "analytics", "--into", tmp_path / "units", home=home.path)
    assert done.code == 0, done.err
    hub = tmp_path / "units" / "analyticspro-hub.service"
    assert str(hub) in done.out.splitlines()
    assert f'"-m" "analyticspro.hub" "--home" "{home.path.resolve()}"' in hub.read_text()
    assert "User=analytics" in hub.read_text()


@pytest.mark.parametrize("name", ["home", "a b", "100% $HOME 'x' \"y\"", "größe"])
def test_systemd_reads_them_whatever_the_home_is_called(
    make_home: Callable[[str], Home], tmp_path: Path, name: str
):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze: Debian's package 'systemd' has it")
    files = []
    for file, text in units(make_home(name)).items():
        files.append(tmp_path / file)
        files[-1].write_text(text, encoding="utf-8")
    told = subprocess.run(
        [analyze, "verify", "--man=no", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")
