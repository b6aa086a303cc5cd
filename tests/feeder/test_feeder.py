"""A demo goes on by itself: one feeder for a home, none for another's, killed or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.demo_company import Company
from analyticspro.errors import DefinitionError
from analyticspro.feeder import go_on
from tests.api.server import serving
from tests.demo_company.homes import begun, live, synced
from tests.local import until

FIRST = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)


@contextmanager
def feeding(home: Home) -> Iterator[subprocess.Popen[str]]:
    """The service, as it is started by the supervisor."""
    command = [sys.executable, "-m", "analyticspro.feeder", "--home", str(home.path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def signs(home: Home) -> Path:
    return home.path / "run" / "feeder.json"


def is_told(company: Company, until: datetime) -> bool:
    """Whether all that happened up to then was told, but what is exported by the hour."""
    done = company.marks().until
    return min(done["web"], done["shop"]) >= until


def test_killed_again_and_again_it_leaves_no_gap_and_no_double(tmp_path: Path):
    home, company = begun(tmp_path / "home", FIRST)
    synced(home, company, FIRST)
    with serving(home) as server:
        for wait_s in (0.5, 2.0, 4.0):
            with feeding(home) as process:
                until(signs(home).exists)
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(wait_s)
                os.kill(process.pid, signal.SIGKILL)
        with feeding(home) as process:
            moment = clock.now()
            until(lambda: is_told(company, moment), 60)
            process.terminate()
            assert process.wait(30) == 0
        assert not signs(home).exists()
        server.stop()
    end = clock.now()
    synced(home, company, end)

    other, whole = begun(tmp_path / "other", FIRST)
    synced(other, whole, end)
    seen, expected = live(home), live(other)
    assert seen.keys() == expected.keys()
    pages = ("page_viewed", "session_started")  # a visitor's anonymous id is told besides
    for key, event in expected.items():
        width = 7 if event[0] in pages else None
        assert seen[key][:width] == event[:width]


def test_it_waits_for_the_api(tmp_path: Path):
    home, company = begun(tmp_path / "home", FIRST)
    synced(home, company, FIRST)
    stop, said = threading.Event(), list[str]()
    thread = threading.Thread(target=go_on, args=(home, stop), kwargs={"say": said.append})
    thread.start()
    until(lambda: said)
    moment = clock.now()
    with serving(home):
        until(lambda: is_told(company, moment), 60)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert said[0].endswith("Trying again.")


def test_a_home_that_is_no_demo_has_no_story_to_go_on_with(home: Home):
    with feeding(home) as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == DefinitionError.exit_code
    assert "is not a demo" in told
    assert not (home.path / "demo").exists()


def test_a_home_whose_demo_was_given_up_is_left_alone(tmp_path: Path):
    home, _ = begun(tmp_path / "home", FIRST)
    home.write_settings(demo=False)
    with pytest.raises(DefinitionError, match="is not a demo"):
        go_on(Home(home.path), threading.Event(), say=print)


def test_there_is_one_at_a_time(tmp_path: Path):
    home, _ = begun(tmp_path / "home", FIRST)
    stop = threading.Event()
    with feeding(home) as first:
        until(lambda: (home.path / "demo" / "feeder.lock").exists() and signs(home).exists())
        until(lambda: _is_held(home))
        with pytest.raises(DefinitionError, match="goes on already"):
            go_on(home, stop, say=print)
        waiting = threading.Thread(
            target=go_on, args=(home, stop), kwargs={"say": print, "is_patient": True}
        )
        waiting.start()
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        # The kill let go of it, so the one that waited goes on.
        until(lambda: _is_held(home))
        stop.set()
        waiting.join(30)
        assert not waiting.is_alive()


def _is_held(home: Home) -> bool:
    try:
        go_on(home, _STOPPED, say=print)
    except DefinitionError:
        return True
    return False


_STOPPED = threading.Event()
_STOPPED.set()
