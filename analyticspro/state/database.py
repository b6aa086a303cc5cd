"""The state database: what the platform itself has to remember."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, text

from analyticspro import clock
from analyticspro.config import environment
from analyticspro.errors import SettingError
from analyticspro.state.address import located
from analyticspro.state.engine import WRITING, connected
from analyticspro.state.failures import translated
from analyticspro.state.mails import MailStore
from analyticspro.state.runs import RunStore
from analyticspro.state.schedules import ScheduleStore
from analyticspro.state.upgrade import HEAD, upgrade, version

__all__ = ["State"]


class State:
    """Schedules and their runs, persons, the audit log, mails; rules and alerts as they come.

    Any number of processes may have it open at once. Use it as a context manager, or close it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.place = engine.url.render_as_string(hide_password=True)
        self.schedules = ScheduleStore(self)
        self.runs = RunStore(self)
        self.mails = MailStore(self)

    @classmethod
    def open(
        cls, address: str | os.PathLike[str], *, names: Mapping[str, str] | None = None
    ) -> Self:
        """Open the database at `address`, making or upgrading its tables first.

        Args:
            address: A file, or `postgresql://user:${NAME}@host/database`.
            names: What `${NAME}` stands for; the process environment by default.

        Raises:
            SettingError: An address that cannot be used.
            ServiceUnavailable: The server does not answer.
            StateError: A newer version of the library has been here, or the file is damaged.
        """
        url = located(address, environment() if names is None else names)
        try:
            state = cls(connected(url))
        except OSError as error:
            raise SettingError(
                f"The state database cannot be kept in {error.filename}: {error.strerror}."
            ) from None
        try:
            with state.reading() as connection:
                stands_at = version(connection)
            if stands_at != HEAD:
                with state.writing() as connection:
                    upgrade(connection, now=clock.now())
        except BaseException:
            state.close()
            raise
        return state

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"State({self.place!r})"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection whose reads agree with each other on SQLite, and each with itself."""
        with translated(self.place), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose writes are committed together at the end, or not at all."""
        engine = self._engine.execution_options(**{WRITING: True})
        with translated(self.place), engine.begin() as connection:
            yield connection

    def now(self) -> datetime:
        """Return the database's own time, which is the same for all who share it.

        An SQLite file is shared by processes of one machine, so it is the machine's.
        """
        if self._engine.dialect.name == "sqlite":
            return clock.now()
        with self.reading() as connection:
            told = connection.scalar(text("SELECT clock_timestamp()"))
        assert isinstance(told, datetime)
        return told.astimezone(UTC)
