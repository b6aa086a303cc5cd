"""A process that is killed at any moment has lost nothing that it confirmed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analyticspro.audit import AuditLog
from analyticspro.config import Home
from analyticspro.state import PeopleTable, State

# Says what was confirmed, a line at a time: sign-ups, and changes of the role of p1.
BUSY = """
import sys
from pathlib import Path
from analyticspro import clock
from analyticspro.accounts import Accounts, Passwords
from analyticspro.audit import Actor, AuditLog
from analyticspro.config import Home
from analyticspro.policy import Role
from analyticspro.state import State
from tests.accounts.conftest import GOOD, QUICK

home, address, turn = Home(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
with State.open(address) as state:
    accounts = Accounts(state, AuditLog.of(home, state), passwords=Passwords(QUICK))
    for number in range(100_000):
        email = f"p{turn}-{number}@acme.example"
        accounts.joining.sign_up("Ada", email, GOOD, origin=email, now=clock.now())
        print("joined", email, flush=True)
        [role] = {Role.VIEWER, Role.ANALYST} - {Role(accounts.directory.get(1).role)}
        accounts.directory.set_role(1, role, by=Actor("test", "here"), now=clock.now())
        print("role", role, flush=True)
"""


def run(home: Home, address: str, turn: int, confirmations: int) -> list[list[str]]:
    """Let it confirm so much, kill it in the middle of what comes next; return all of it."""
    command = [sys.executable, "-c", BUSY, str(home.path), address, str(turn)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent.parent
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(confirmations)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    return [line.split() for line in lines if line.endswith("\n")]


def check(home: Home, address: str, turns: int) -> None:
    joined: set[str] = set()
    for turn in range(turns):
        confirmed = run(home, address, turn, confirmations=3 + turn)
        joined |= {value for what, value in confirmed if what == "joined"}
        roles = [value for what, value in confirmed if what == "role"]
        with State.open(address) as state:
            with state.reading() as connection:
                people = PeopleTable(connection).all()
            found = AuditLog.of(home, state)
            assert joined <= {person.email for person in people}
            told = [row.reason.split(" → ")[1] for row in found.newest(1000, action="people.role")]
            # One more may have been committed than was confirmed.
            assert told[: len(roles)] == roles[::-1] or told[1 : 1 + len(roles)] == roles[::-1]
            assert people[0].id == 1
            assert people[0].role == told[0]
            assert len(found.newest(1000, action="people.sign_up")) == len(people)
            assert found.verify().is_whole
    assert len(joined) >= turns


def test_a_kill_takes_nothing_back_that_was_confirmed(home: Home, fresh_address: str):
    check(home, fresh_address, turns=2)


@pytest.mark.soak
def test_fifty_kills_take_nothing_back_that_was_confirmed(home: Home, fresh_address: str):
    check(home, fresh_address, turns=50)
