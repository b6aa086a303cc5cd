"""Where the state database is: a file of the home, or a PostgreSQL."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from analyticspro.errors import SettingError

__all__ = ["located"]

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def located(address: str | os.PathLike[str], names: Mapping[str, str]) -> URL:
    """Return the address to connect to.

    Args:
        address: A file, or `postgresql://user:${NAME}@host/database`.
        names: What `${NAME}` stands for in the user, password, host and database. Filled in
            after the address was taken apart, so a password may hold any character.

    Raises:
        SettingError: Neither of the two, or a name that `names` has not. A password is in no
            message.
    """
    if isinstance(address, os.PathLike) or "://" not in address:
        return URL.create("sqlite", database=str(Path(address).absolute()))
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise SettingError(
            "The address of the state database cannot be read. "
            "Write postgresql://user:${NAME}@host:5432/database."
        ) from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingError(
            f"The state database cannot be kept in {url.get_backend_name()!r}. "
            "Write postgresql://user:${NAME}@host:5432/database, or leave it out for a file."
        )
    filled = {
        part: _filled(getattr(url, part), names)
        for part in ("username", "password", "host", "database")
    }
    return url.set(drivername="postgresql+psycopg", **filled)  # type: ignore[arg-type]


def _filled(text: str | None, names: Mapping[str, str]) -> str | None:
    def fill(match: re.Match[str]) -> str:
        value = names.get(match[1])
        if value is None:
            raise SettingError(
                f"The address of the state database uses ${{{match[1]}}}, which is not set. "
                f"Set it first: export {match[1]}=…"
            )
        return value

    return None if text is None else _NAME.sub(fill, text)
