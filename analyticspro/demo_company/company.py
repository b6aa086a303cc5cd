"""The company at work: brings each of its systems up to a moment of its story."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from analyticspro.demo import Tale, tell
from analyticspro.demo_company import database, declared, files, log_files, platform
from analyticspro.demo_company.marks import Marks
from analyticspro.errors import DefinitionError
from analyticspro.secrets_store import private_files

__all__ = ["Company"]


class Company:
    """A story, and the folder in which its systems have recorded it so far."""

    def __init__(self, home: Path, tale: Tale) -> None:
        self.folder = home / "demo"
        self.tale = tale
        self._port: int | None = None

    @classmethod
    def open(cls, home: Path, *, events: int, seed: int, now: datetime) -> Company:
        """Return the company of `home`; it is begun if there is none yet.

        Args:
            home: Folder of the workspace.
            events: About how many happened before `now`.
            seed: Which company of its kind.
            now: Its present if it is begun; the hour counts.

        Raises:
            DefinitionError: There is another one already.
        """
        kept = Marks.load(home / "demo")
        if kept is None:
            tale = tell(events=events, seed=seed, first=now)
            return cls._begun(home, tale, Marks(seed, events, tale.first, _free_port()))
        if (kept.events, kept.seed) != (events, seed):
            raise DefinitionError(
                f"{home} holds the demo story of --events {kept.events} --seed {kept.seed}, which "
                f"goes on as it was begun. One of --events {events} --seed {seed} needs a home of "
                "its own: analyticspro --home DIR demo"
            )
        return cls(home, tell(events=events, seed=seed, first=kept.first))

    @classmethod
    def _begun(cls, home: Path, tale: Tale, marks: Marks) -> Company:
        (home / "demo").mkdir(mode=0o700, exist_ok=True)
        declared.write(home / "demo" / "sources.toml", marks.port)
        marks.save(home / "demo")
        return cls(home, tale)

    @property
    def sources_file(self) -> Path:
        """Where the systems are declared."""
        return self.folder / "sources.toml"

    def record(self, until: datetime, *, exports: bool = True) -> None:
        """Let every system write down what happened up to `until`.

        Stopped at any moment it goes on from there: nothing is left out or written twice.

        Args:
            until: UTC. What was recorded later than that already stays.
            exports: Whether files are exported too, which systems do once in a while.
        """
        with private_files.alone(self.folder):
            marks = self.marks()
            systems = ("shop", *log_files.LOGS, *(files.EXPORTS if exports else ()))
            for system in systems:
                start = marks.until.get(system)
                if start is None or start < until:
                    self._record(system, marks, start, until)
                    marks.until[system] = until
                    marks.save(self.folder)

    def _record(self, system: str, marks: Marks, start: datetime | None, until: datetime) -> None:
        if system == "shop":
            database.update(self.folder / "shop.db", self.tale, start, until)
        elif system in files.EXPORTS:
            files.export(system, self.folder, self.tale, start, until)
        elif start is None:
            marks.sizes[system] = log_files.begin(system, self.folder, self.tale, until)
        else:
            size = marks.sizes[system]
            size = log_files.append(system, self.folder, self.tale, start, until, size=size)
            marks.sizes[system] = size

    def marks(self) -> Marks:
        """Return how far each system is."""
        marks = Marks.load(self.folder)
        assert marks is not None, f"{self.folder} was begun"
        return marks

    def pushed(self, until: datetime) -> None:
        """Note that what the website recorded up to `until` was sent to the collector."""
        with private_files.alone(self.folder):
            marks = self.marks()
            marks.until["web"] = max(until, marks.until["web"])
            marks.save(self.folder)

    @contextmanager
    def platform(self, now: Callable[[], datetime]) -> Iterator[None]:
        """Let the partner platform answer, where `sources.toml` says; it knows what is at `now`."""
        with platform.serving(self.tale, now, port=self.marks().port) as port:
            self._port = port
            self.declare()
            yield

    def declare(self) -> None:
        """Say in `sources.toml` that the platform answers here, whoever said otherwise since."""
        port = self._port
        assert port is not None, "the platform does not answer"
        with private_files.alone(self.folder):
            marks = self.marks()
            if marks.port != port:
                replace(marks, port=port).save(self.folder)
        declared.write(self.sources_file, port)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
