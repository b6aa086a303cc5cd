"""The state database is opened, kept to its owner, and upgraded whole or not at all."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import StatementError

from analyticspro.errors import ServiceUnavailable, SettingError
from analyticspro.state import State, StateError, upgrade
from analyticspro.state.models import Changes, Tables
from tests.local import free_port

HOUR = timedelta(hours=1)
NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
STEPS = Path(upgrade.__file__).parent / "migrations"
NEXT_STEP = """
import sqlalchemy as sa
from alembic import op

revision = "0900"
down_revision = "{head}"

def upgrade():
    op.create_table("rules", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("schedules", sa.Column("note", sa.String))
    {then}
"""


def steps(folder: Path, then: str = "pass") -> Path:
    """Make the steps of a later version of the library."""
    shutil.copytree(STEPS, folder)
    (folder / "r0900_rules.py").write_text(NEXT_STEP.format(then=then, head=upgrade.HEAD))
    return folder


def test_the_tables_are_those_of_the_models(address: str):
    with State.open(address) as state, state.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": _differs})
        assert compare_metadata(context, Tables.metadata) == []


def _differs(_context, _inspected, _column, found, wanted) -> bool:
    """Whether a column was made with another type; text of any length is text."""
    affinity = getattr(wanted, "impl", wanted)._type_affinity
    return found._type_affinity is not affinity


def test_the_newest_step_is_the_one_that_is_told():
    assert ScriptDirectory(str(STEPS), version_locations=[str(STEPS)]).get_heads() == [upgrade.HEAD]


def test_opening_again_changes_nothing(address: str, tmp_path: Path):
    State.open(address).close()
    State.open(address).close()
    assert not (tmp_path / "backups").exists()


def test_many_may_open_a_new_one_at_once(address: str):
    failures: list[Exception] = []

    def open_it() -> None:
        try:
            State.open(address).close()
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_file_is_its_owners_alone_and_in_wal(tmp_path: Path):
    file = tmp_path / "state.db"
    file.touch(mode=0o644)
    with State.open(file) as state, state.writing() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        connection.execute(text("CREATE TABLE extra (number INTEGER)"))
        assert {path.name for path in tmp_path.iterdir()} >= {"state.db", "state.db-wal"}
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_an_upgrade_keeps_what_is_there_and_a_copy_of_the_file_before(tmp_path: Path):
    file = tmp_path / "state.db"
    with State.open(file) as state:
        with state.writing() as connection:
            connection.execute(text("CREATE TABLE kept (number INTEGER)"))
            connection.execute(text("INSERT INTO kept VALUES (7)"))
        with state.writing() as connection:
            upgrade.upgrade(connection, now=NOW, to="0900", folder=steps(tmp_path / "steps"))
        with state.reading() as connection:
            assert upgrade.version(connection) == "0900"
            assert "rules" in inspect(connection).get_table_names()
            assert connection.scalar(text("SELECT number FROM kept")) == 7
    [copy] = (tmp_path / "backups").iterdir()
    assert copy.name == f"state-{upgrade.HEAD}-20260504T123000Z.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    before = sqlite3.connect(copy)
    assert before.execute("SELECT number FROM kept").fetchall() == [(7,)]
    assert before.execute("SELECT version_num FROM alembic_version").fetchall() == [(upgrade.HEAD,)]
    before.close()


def test_a_step_that_fails_leaves_nothing_of_itself(address: str, tmp_path: Path):
    broken = steps(tmp_path / "steps", then="raise ZeroDivisionError")
    with State.open(address) as state:
        with pytest.raises(ZeroDivisionError), state.writing() as connection:
            upgrade.upgrade(connection, now=NOW, to="0900", folder=broken)
        with state.reading() as connection:
            assert upgrade.version(connection) == upgrade.HEAD
            assert "rules" not in inspect(connection).get_table_names()


def test_what_a_newer_version_has_made_is_refused(address: str):
    with State.open(address) as state, state.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(StateError, match="'0999', which a newer AnalyticsPro has made"):
        State.open(address)


def test_what_is_no_database_is_told_with_the_cure(tmp_path: Path):
    file = tmp_path / "state.db"
    file.write_bytes(b"not a database, and longer than the header of one " * 100)
    with pytest.raises(StateError, match="Restore it from the backups folder"):
        State.open(file)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(SettingError, match="No such file or directory"):
        State.open(tmp_path / "nowhere" / "state.db")


def test_a_server_that_does_not_answer_is_told_without_the_password(tmp_path: Path):
    address = f"postgresql://analyst:hunter2@127.0.0.1:{free_port()}/db"
    with pytest.raises(ServiceUnavailable, match="does not answer") as caught:
        State.open(address)
    assert "hunter2" not in str(caught.value)
    assert "analyst:***@127.0.0.1" in str(caught.value)


def test_a_wrong_password_is_told_without_it(postgresql):
    parts = urlsplit(postgresql.database())
    with pytest.raises(ServiceUnavailable, match="password authentication failed") as caught:
        State.open(f"postgresql://{parts.username}:hunter2@127.0.0.1:{parts.port}{parts.path}")
    assert "hunter2" not in str(caught.value)


def test_a_password_may_come_by_name_and_hold_any_character(postgresql):
    awkward = "p@ss/w:o?rd#%41 ${X}"
    postgresql.psql(f"CREATE ROLE awkward LOGIN SUPERUSER PASSWORD '{awkward}'")
    database = urlsplit(postgresql.database())
    address = f"postgresql://awkward:${{SECRET}}@127.0.0.1:{database.port}{database.path}"
    with State.open(address, names={"SECRET": awkward}) as state:
        assert state.schedules.all() == []
        assert awkward not in repr(state)
        assert "***" in repr(state)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://me:${NOT_SET}@host/db", r"\$\{NOT_SET\}, which is not set"),
        ("mysql://me:hunter2@host/db", "cannot be kept in 'mysql'"),
        ("postgresql://me:hunter2@host:port/db", "cannot be read"),
        ("http://", "cannot be"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_the_password(address: str, told: str):
    with pytest.raises(SettingError, match=told) as caught:
        State.open(address, names={})
    assert "hunter2" not in str(caught.value)


def test_a_lock_that_is_held_is_waited_for(tmp_path: Path):
    with State.open(tmp_path / "state.db") as state:
        other = sqlite3.connect(tmp_path / "state.db", check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, other.close).start()
        with state.writing() as connection:
            connection.execute(text("CREATE TABLE extra (number INTEGER)"))


def test_what_fails_is_not_committed(address: str):
    with State.open(address) as state:
        with state.writing() as connection:
            connection.execute(text("CREATE TABLE extra (number INTEGER)"))
        with suppress(ZeroDivisionError), state.writing() as connection:
            connection.execute(text("INSERT INTO extra VALUES (1)"))
            raise ZeroDivisionError
        with state.reading() as connection:
            assert connection.execute(text("SELECT * FROM extra")).all() == []


def change(at: datetime) -> dict[str, object]:
    told = dict.fromkeys(("who", "subject", "subject_id", "action"), "test")
    return {"at": at, "before": {}, "after": {"price": "7 €"}, **told}


def test_an_instant_is_the_same_from_wherever_it_is_told(address: str):
    moment = datetime(2026, 3, 8, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with State.open(address) as state:
        with state.writing() as connection:
            connection.execute(insert(Changes), [change(moment), change(moment + HOUR)])
        with state.reading() as connection:
            found = list(connection.scalars(select(Changes.at).where(Changes.at <= moment)))
    assert found == [moment]
    assert found[0].tzinfo is UTC


def test_a_time_without_a_zone_is_refused(address: str):
    with (
        State.open(address) as state,
        pytest.raises(StatementError, match="no time zone"),
        state.writing() as connection,
    ):
        connection.execute(insert(Changes), [change(datetime(2026, 1, 1))])


def test_the_time_is_the_databases_own_and_aware(address: str):
    with State.open(address) as state:
        assert state.now().tzinfo is UTC
        assert state.now() <= state.now()


def test_what_is_committed_stays_though_another_process_opens_and_closes_it(tmp_path: Path):
    """A second `State` in a process once gave up the locks of the first."""
    file = tmp_path / "state.db"
    counting = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "print(c.execute('SELECT count(*) FROM changes').fetchone()[0]); c.close()"
    )
    row = {"at": NOW, "who": "ada", "subject": "schedule", "subject_id": "1", "action": "added"}
    change = insert(Changes).values(**row, before={}, after={})
    State.open(file).close()
    with State.open(file) as first, State.open(file):
        for number in (1, 2, 3):
            with first.writing() as connection:
                connection.execute(change)
            command = [sys.executable, "-c", counting, str(file)]
            counted = subprocess.run(command, check=True, capture_output=True, text=True)
            assert counted.stdout.split() == [str(number)]
