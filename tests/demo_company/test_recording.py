"""The company's systems record its story, in steps or at once, and nothing twice."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from analyticspro import connectors
from analyticspro.demo import tell
from analyticspro.demo_company import NAMES, Company, Marks, database, declarations
from analyticspro.errors import DefinitionError, SettingError

FIRST = datetime(2026, 5, 20, 14, tzinfo=UTC)
LATER = FIRST + timedelta(days=3, minutes=17, seconds=3)
STEPS = (FIRST, FIRST + timedelta(hours=5), FIRST + timedelta(days=1, minutes=1), LATER)


def opened(home: Path, **changes: int) -> Company:
    given = {"events": 3000, "seed": 5} | changes
    return Company.open(home, now=FIRST, **given)


def logged(folder: Path, name: str) -> list[str]:
    """Return all lines of a log, the oldest first."""
    live = folder / "logs" / f"{name}.log"
    parts = [live.with_name(f"{live.name}.2.gz"), live.with_name(f"{live.name}.1"), live]
    texts = [
        gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in parts
    ]
    return b"".join(texts).decode().splitlines()


def rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / "shop.db")) as database:
        tables = ("accounts", "orders", "reversals", "people", "packs")
        return {name: sorted(database.execute(f'SELECT * FROM "{name}"')) for name in tables}


def visited(folder: Path) -> list[str]:
    frames = [pl.read_parquet(file)["id"].to_list() for file in (folder / "web").iterdir()]
    return sorted(key for keys in frames for key in keys)


def exported(folder: Path, name: str) -> list[str]:
    """Return the ids in all files that a system exported."""
    ids: list[str] = []
    for file in (folder / name).iterdir():
        content = file.read_bytes()
        text = gzip.decompress(content) if file.suffix == ".gz" else content
        lines = text.decode("cp1252" if name == "bank" else "utf-8").splitlines()
        ids += [line for line in lines if not line.startswith(("Buchungstag", "Kontostand", "id,"))]
    return sorted(ids)


def everything(folder: Path) -> dict[str, object]:
    found: dict[str, object] = dict(rows(folder))
    found |= {name: logged(folder, name) for name in ("pictures", "checks", "access", "audit")}
    # Where the hand-made notes are differs with the length of the first part.
    found |= {name: exported(folder, name) for name in ("billing", "invoices", "bank", "support")}
    return found | {"web": visited(folder)}


@pytest.fixture(scope="module")
def at_first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that recorded all up to the hour it was begun."""
    home = tmp_path_factory.mktemp("first")
    opened(home).record(FIRST)
    return home


@pytest.fixture
def home(at_first: Path, tmp_path: Path) -> Path:
    return shutil.copytree(at_first, tmp_path / "home")


def test_recorded_in_steps_or_at_once_it_is_the_same(home: Path, tmp_path: Path):
    shutil.copytree(home, tmp_path / "other")
    for until in STEPS:
        opened(home).record(until)
    opened(tmp_path / "other").record(LATER)
    assert everything(home / "demo") == everything(tmp_path / "other" / "demo")


def test_recorded_again_nothing_changes(home: Path):
    before = everything(home / "demo")
    opened(home).record(FIRST)
    opened(home).record(FIRST - timedelta(hours=1))
    assert everything(home / "demo") == before


@pytest.mark.parametrize("lost", ["shop", "pictures", "access", "web", "support"])
def test_stopped_before_it_was_noted_it_goes_on(home: Path, tmp_path: Path, lost: str):
    """What was written and not noted is there already; a log may even end in half a line."""
    shutil.copytree(home, tmp_path / "other")
    opened(tmp_path / "other").record(LATER)
    before = opened(home).marks()
    opened(home).record(STEPS[1])
    marks = opened(home).marks()
    marks.until[lost] = before.until[lost]
    if lost in marks.sizes:
        marks.sizes[lost] = before.sizes[lost]
        log = home / "demo" / "logs" / f"{lost}.log"
        content = log.read_bytes()
        log.write_bytes(content[: max(len(content) - 7, marks.sizes[lost])])
    marks.save(home / "demo")
    opened(home).record(LATER)
    assert everything(home / "demo") == everything(tmp_path / "other" / "demo")


def test_what_was_told_stays_in_the_files(home: Path):
    """A log only grows, and a file that was exported is not touched again."""
    folder = home / "demo"
    files = {file: file.read_bytes() for file in folder.rglob("*") if file.suffix in _EXPORTED}
    logs = {name: logged(folder, name) for name in ("pictures", "checks", "access", "audit")}
    opened(home).record(LATER)
    assert all(file.read_bytes() == content for file, content in files.items())
    for name, lines in logs.items():
        assert logged(folder, name)[: len(lines)] == lines
        assert len(logged(folder, name)) > len(lines), name


_EXPORTED = (".parquet", ".jsonl", ".csv", ".gz")


def test_orders_are_changed_once_they_are_delivered(tmp_path: Path):
    tale = tell(events=20_000, seed=5, first=FIRST)

    def under_way() -> dict[str, str]:
        with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
            return dict(connection.execute("SELECT order_id, delivery FROM orders"))

    database.update(tmp_path / "shop.db", tale, None, FIRST)
    before = under_way()
    database.update(tmp_path / "shop.db", tale, FIRST, LATER)
    after = under_way()
    changed = {order: after[order] for order, state in before.items() if after[order] != state}
    assert changed
    assert set(changed.values()) == {"delivered"}
    assert set(before.values()) == {"delivered", "on its way"}


def test_another_story_needs_another_home(home: Path):
    for changes in ({"events": 4000}, {"seed": 6}):
        with pytest.raises(DefinitionError, match="home of its own"):
            opened(home, **changes)


def test_a_log_that_someone_else_wrote_into_is_left_alone(home: Path):
    with (home / "demo" / "logs" / "access.log").open("a") as log:
        log.write("hello\n")
    with pytest.raises(SettingError, match=r"access\.log was changed by someone else"):
        opened(home).record(LATER)


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', '{"format": 99}'])
def test_a_damaged_or_newer_note_is_refused(home: Path, content: str):
    (home / "demo" / "story.json").write_text(content)
    with pytest.raises(DefinitionError, match=r"story\.json"):
        Marks.load(home / "demo")


def test_the_sources_are_declared_as_anybodys(home: Path):
    declared = connectors.load(home / "demo" / "sources.toml", {})
    assert tuple(source.name for source in declared) == NAMES
    assert {type(source).__name__ for source in declared} == {
        *("FilesSource", "LogsSource", "RestSource", "SqlSource")
    }
    assert set(declarations(1)) == set(NAMES)
