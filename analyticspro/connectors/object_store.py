"""Files in an S3-compatible store: listed, and read by ranges, so that any of them can seek."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from glob import has_magic
from itertools import takewhile
from typing import IO, TYPE_CHECKING, Any, NoReturn

from analyticspro.connectors.batch import Part
from analyticspro.connectors.object_store_settings import SCHEME, ObjectStore, split
from analyticspro.errors import RetriableError, SettingError, SourceError
from analyticspro.extract.secret import Secret, Secrets

if TYPE_CHECKING:
    from obstore.store import S3Store

__all__ = ["Bucket"]

# One request each. A file is read from its start to its end, or a column of Parquet after
# the other: what is behind the last range is seldom wanted again.
_RANGE = 8_000_000
_PATIENCE = timedelta(seconds=60)
_STATUS = re.compile(r"status code: ([0-9]{3})")
_LARGEST_NAME = 1_024


class Bucket:
    """The objects that a pattern of keys fits. No connection is held open between ranges."""

    def __init__(
        self, whose: str, path: str, settings: ObjectStore, secrets: Secrets | None, source: str
    ) -> None:
        """Make it; nothing is asked yet.

        Args:
            whose: The source as an error names it.
            path: `s3://bucket/pattern`.
            settings: Of the store.
            secrets: Gives those that `settings` names.
            source: The name under which they are kept.
        """
        self._whose = whose
        self._path = path
        self._settings = settings
        names = (settings.access_key_id, settings.secret_access_key)
        self._keys = [Secret(secrets or _NoSecrets(), source, name) for name in names if name]
        self._name, pattern = split(path)
        self._pattern = pattern.split("/")
        fixed = list(takewhile(lambda step: not has_magic(step), self._pattern[:-1]))
        self._root = "".join(f"{step}/" for step in fixed)
        self._opened: S3Store | None = None

    def parts(self) -> list[Part]:
        """Return the objects, by name.

        Raises:
            SourceError: None fits, or the store does not let us look.
            RetriableError: The store cannot be reached.
        """
        import obstore

        found = []
        with self._explained("listed"):
            for some in obstore.list(self._store(), prefix=self._root.rstrip("/") or None):
                found += [item for item in some if self._fits(item["path"], item["size"])]
        if not found:
            raise SourceError(
                f"{self._whose}: no object fits {self._path}. Check path in sources.toml."
            )
        return [self._part(item) for item in sorted(found, key=lambda i: i["path"].split("/"))]

    def _fits(self, key: str, size: int) -> bool:
        # A store's own console makes "folders": objects of no size, named like nothing else.
        is_folder = size == 0 and "." not in key.rpartition("/")[2]
        return not is_folder and _fits(key.split("/"), self._pattern)

    def _part(self, item: Mapping[str, Any]) -> Part:
        key: str = item["path"]
        changed_ns = round(item["last_modified"].timestamp() * 1e9)
        return Part(
            key.removeprefix(self._root),
            f"{SCHEME}{self._name}/{key}",
            item["size"],
            changed_ns,
            touched_ns=changed_ns,
            etag=item["e_tag"] or f"{item['size']}-{changed_ns}",
        )

    @contextmanager
    def open(self, part: Part) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
        """Give the object's bytes, and what tells how many of them were fetched.

        Raises:
            RetriableError: It was changed since it was listed.
        """
        ranges = _Ranges(part.size, lambda start, end: self._range(part, start, end))
        with io.BufferedReader(ranges, _RANGE) as file:
            yield file, ranges.tell

    def _range(self, part: Part, start: int, end: int) -> bytes:
        import obstore

        key = split(part.location)[1]
        with self._explained("read", part.location):
            found = obstore.get(
                self._store(), key, options={"range": (start, end), "if_match": part.etag}
            )
            return bytes(found.bytes())

    def _store(self) -> S3Store:
        from obstore.store import S3Store

        if self._opened is None:
            values = [secret.value for secret in self._keys]
            # Else the library looks for keys in the environment and asks the cloud for some.
            given = {"credential_provider": _Given(values)} if values else {"skip_signature": True}
            self._opened = S3Store(
                self._name,
                endpoint=self._endpoint(),
                region=self._settings.region,
                virtual_hosted_style_request=self._settings.addressing == "virtual",
                client_options={"allow_http": True, "timeout": _PATIENCE},
                retry_config={"max_retries": 4, "retry_timeout": _PATIENCE},
                **given,
            )
        return self._opened

    def _endpoint(self) -> str:
        scheme, _, host = self._settings.url.partition("://")
        if self._settings.addressing == "virtual":
            return f"{scheme}://{self._name}.{host}"
        return self._settings.url

    @contextmanager
    def _explained(self, done: str, location: str | None = None) -> Iterator[None]:
        """Turn the library's errors into ours, without their texts, which quote answers."""
        from obstore.exceptions import BaseError, PreconditionError

        what = location or f"bucket {self._name!r} of {self._settings.url}"
        try:
            yield
        except PreconditionError:
            raise RetriableError(
                f"{self._whose}: {what} was changed while it was read. Sync again."
            ) from None
        except (BaseError, OSError) as error:
            self._refused(error, f"{self._whose}: {what}", done)

    def _refused(self, error: Exception, what: str, done: str) -> NoReturn:
        status = _STATUS.search(str(error))
        if isinstance(error, FileNotFoundError) or (status and status[1] == "404"):
            raise SourceError(f"{what} is not there. Check path in sources.toml.") from None
        if isinstance(error, PermissionError) or (status and status[1] in ("401", "403")):
            cure = self._keys[-1].cure if self._keys else "Name its keys in the source's store"
            raise SourceError(
                f"{what} may not be {done} by whoever these keys belong to. Give them the right to "
                f"list and to read it. Else: {cure}."
            ) from None
        if status and status[1].startswith(("3", "4")):
            raise SourceError(
                f"{what} cannot be {done}: the store answers {status[1]}. Check endpoint, region "
                "and addressing of the source's store."
            ) from None
        raise RetriableError(f"{what} cannot be {done}: the store does not answer.") from None


class _NoSecrets:
    def get(self, source: str, name: str) -> str:
        raise SettingError(f"Source {source} needs its secret {name!r}, and was given none.")


class _Given:
    """Hands the library the declared keys, and no others."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    def __call__(self) -> Any:
        access, secret = self._keys
        return {
            "access_key_id": access,
            "secret_access_key": secret,
            "token": None,
            "expires_at": None,
        }


class _Ranges(io.RawIOBase):
    """A file whose bytes are fetched when they are asked for."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self._size = size
        self._fetch = fetch
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        content = self._fetch(self._position, end)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


def _fits(steps: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether the steps of a key fit those of a pattern; `**` is any number of steps."""
    if not pattern:
        return not steps
    if pattern[0] == "**":
        return _fits(steps, pattern[1:]) or (bool(steps) and _fits(steps[1:], pattern))
    return bool(steps) and fnmatchcase(steps[0], pattern[0]) and _fits(steps[1:], pattern[1:])
