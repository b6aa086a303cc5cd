"""The folder of one workspace, and its secret."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from analyticspro.config.settings import Settings
from analyticspro.config.settings_file import read, write
from analyticspro.config.surroundings import environment
from analyticspro.errors import SettingError

__all__ = ["Home"]

_SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Home:
    """The folder of one workspace."""

    path: Path

    @classmethod
    def find(cls, path: str | os.PathLike[str] | None = None) -> Home:
        """Return the home at `path`, else at `ANALYTICSPRO_HOME`, else `~/.analyticspro`."""
        chosen = path or environment().get("ANALYTICSPRO_HOME") or "~/.analyticspro"
        return cls(Path(chosen).expanduser().absolute())

    def prepare(self) -> Home:
        """Make the folder and its token if they are missing, for the owner's eyes only."""
        try:
            for name in ("", "run", "logs", "backups", "reports", "notebooks"):
                folder = self.path / name
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_mode & 0o077:
                self.path.chmod(0o700)  # it was there before, open to others
            if not self.token_file.exists():
                self.make_secret(self.token_file)
        except OSError as error:
            raise SettingError(
                f"{self.path} cannot be used as a workspace: {error.strerror} "
                f"({error.filename}). Choose another with --home or ANALYTICSPRO_HOME."
            ) from None
        return self

    def make_secret(self, file: Path) -> None:
        """Put a new secret into `file` of this home, whole or not at all, unless one is there."""
        descriptor, draft = tempfile.mkstemp(prefix=f"{file.name}.", dir=self.path)  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_urlsafe(32))
                stream.flush()
                os.fsync(descriptor)
            os.link(draft, file)
        except FileExistsError:
            pass  # another process made it first: theirs stands
        finally:
            os.unlink(draft)

    @property
    def settings_file(self) -> Path:
        """What a person may change."""
        return self.path / "settings.toml"

    @property
    def sources_file(self) -> Path:
        """The sources to sync."""
        return self.path / "sources.toml"

    @property
    def token_file(self) -> Path:
        """The api's secret."""
        return self.path / "token"

    @property
    def warehouse_file(self) -> Path:
        """The data."""
        return self.path / "warehouse.duckdb"

    @property
    def state_address(self) -> str:
        """Where schedules and the like are kept: what `State.open` takes."""
        return self.settings.state_url or str(self.path / "state.db")

    @property
    def api_file(self) -> Path:
        """Written by a running api: its address and process id."""
        return self.path / "run" / "api.json"

    @cached_property
    def settings(self) -> Settings:
        """The settings in force, read once."""
        return read(self.settings_file, environment())

    def token(self) -> str:
        """Return the api's secret; raises SettingError if others could read it, or guess it."""
        try:
            mode = self.token_file.stat().st_mode
            text = self.token_file.read_text().strip()
        except FileNotFoundError:
            raise SettingError(
                f"There is no workspace at {self.path}. Start one with "
                f"'analyticspro --home {self.path} up'."
            ) from None
        except PermissionError:
            raise SettingError(
                f"{self.token_file} belongs to another account; only the one that owns the "
                "workspace may use it directly."
            ) from None
        if mode & 0o077:
            raise SettingError(
                f"{self.token_file} can be read by others. Run 'chmod 600 {self.token_file}'."
            )
        if len(text) < _SHORTEST_TOKEN:
            raise SettingError(
                f"{self.token_file} holds no usable token. Delete it; the next start makes "
                "a new one."
            )
        return text

    def imagined(self, **changes: object) -> Home:
        """Return this home as it would be with other settings; nothing is written.

        Raises:
            SettingError: They could not be used.
        """
        other = Home(self.path)
        # Where a cached property is kept: what it would read is not what is asked for.
        other.__dict__["settings"] = replace(self.settings, **changes)  # type: ignore[arg-type]
        return other

    def write_settings(self, **changes: object) -> None:
        """Write `changes` into settings.toml, keeping what else stands there."""
        write(self.settings_file, changes)
        self.__dict__.pop("settings", None)
