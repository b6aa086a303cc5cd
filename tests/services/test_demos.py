"""A service that only demo workspaces have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro import services
from analyticspro.config import Home
from analyticspro.services import Service, State
from analyticspro.services.processes import service_processes
from tests.services.conftest import SERVICES as OTHERS

ALL = (OTHERS[0], Service("feeder", "standin_feeder", stop_seconds=5, of_demos=True), OTHERS[1])
FEEDER = """
import argparse, threading
from pathlib import Path
from analyticspro.liveness import beating
parser = argparse.ArgumentParser()
parser.add_argument("--home")
with beating(Path(parser.parse_args().home) / "run" / "feeder.json"):
    threading.Event().wait()
"""


@pytest.fixture(autouse=True)
def feeder(tmp_path: Path, standins: None, home: Home) -> Iterator[None]:
    (tmp_path / "modules" / "standin_feeder.py").write_text(FEEDER)
    yield
    services.down(home, services=ALL)


def running(home: Home) -> dict[str, int]:
    found = service_processes(home, ALL)
    return {name: each[0].pid for name, each in found.items() if each}


def names(home: Home) -> list[str]:
    return [one.name for one in services.status(home, services=ALL)]


def test_a_home_of_real_data_does_without(home: Home):
    found = services.up(home, services=ALL)
    assert [one.name for one in found.services] == ["api", "dashboards"]
    assert names(home) == ["api", "dashboards"]
    assert running(home).keys() == {"api", "dashboards"}


def test_a_demo_has_it_and_down_ends_it(home: Home):
    home.write_settings(demo=True)
    services.up(home, services=ALL)
    [_, feeder, _] = services.status(home, services=ALL)
    assert (feeder.name, feeder.state, feeder.is_ready) == ("feeder", State.RUNNING, True)
    assert services.down(home, services=ALL) == ["api", "feeder", "dashboards"]
    assert running(home) == {}


def test_what_became_a_demo_while_it_ran_gets_it_at_the_next_up(home: Home):
    services.up(home, services=ALL)
    before = running(home)
    home.write_settings(demo=True)
    assert names(home) == ["api", "feeder", "dashboards"]
    assert services.up(home, services=ALL).was_running
    now = running(home)
    assert now.keys() == {"api", "feeder", "dashboards"}
    assert {name: now[name] for name in before} == before
    assert all(one.is_ready for one in services.status(home, services=ALL))
    # And again, that changes nothing.
    services.up(home, services=ALL)
    assert running(home) == now
