"""Files for the owner's eyes only, replaced whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analyticspro.errors import SettingError

__all__ = ["DRAFT", "alone", "read", "replace"]

# Whoever writes holds the folder, so that one name is enough, and what a kill left over is
# overwritten by the next.
DRAFT = ".new"


@contextmanager
def alone(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold `folder` against other processes and threads; `shared`: against writers only.

    The lock is the folder's own, so that reading works where nothing can be written, and it
    ends with the process that holds it, however that ends.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read(file: Path) -> bytes | None:
    """Return what is in `file`, None if there is no such file.

    Raises:
        SettingError: Others could read it, or this account cannot.
    """
    try:
        with file.open("rb") as stream:
            if os.fstat(stream.fileno()).st_mode & 0o077:
                raise SettingError(
                    f"{file} can be read by others. Run 'chmod 600 {file}', and set the "
                    "secrets anew if others may have read it."
                )
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingError(
            f"{file} cannot be read ({error.strerror}). Only the account that owns the "
            "workspace may use its secrets."
        ) from None


def replace(file: Path, content: bytes) -> None:
    """Put `content` into `file` for good: after a crash there is all of it, or what was before.

    Raises:
        OSError: It cannot be written; the file is as it was.
    """
    draft = file.with_name(file.name + DRAFT)
    draft.unlink(missing_ok=True)  # another's rights would stay on it
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        draft.replace(file)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    settle(file.parent)


def settle(folder: Path) -> None:
    """Make the names in `folder` outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
