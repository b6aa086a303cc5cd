"""What a source of files declares besides its mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from analyticspro.connectors.declaration import Mapped, Source
from analyticspro.connectors.object_store_settings import SCHEME, ObjectStore, split

__all__ = ["FilesSource"]


def _encoding(name: str) -> str:
    try:
        "a".encode(name)
    except (LookupError, ValueError):
        raise ValueError("is no encoding; write one such as utf-8 or cp1252") from None
    return name


def _delimiter(character: str) -> str:
    if character in '"\r\n\0':
        raise ValueError("cannot part fields; write one such as , or ; or \\t")
    return character


# The settings that say nothing about a file of that format.
_NOT_OF_FORMAT = {
    "csv": (),
    "jsonl": ("delimiter", "decimal", "thousands"),
    "parquet": ("delimiter", "decimal", "thousands", "encoding"),
}


class FilesSource(Source, Mapped):
    """A folder of files, each replaced as a whole: which files, and how they are written.

    Attributes:
        path: Files to read, with `*`, `?` and `**`; relative to the folder of
            sources.toml, or `s3://bucket/…`. `${NAME}` stands for an environment variable.
        store: Where a path that begins with `s3://` leads to.
        key: Columns that identify a row for good; without them, its file's path and its
            row number do.
        settled_for: Seconds that a file must have been still before it is read.
    """

    connector: Literal["files"] = "files"
    path: str
    store: ObjectStore | None = None
    format: Literal["csv", "jsonl", "parquet"] = "csv"
    delimiter: Annotated[str, AfterValidator(_delimiter)] = Field(
        default=",", min_length=1, max_length=1
    )
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    settled_for: Annotated[float, Field(ge=0, le=604_800, allow_inf_nan=False)] = 0

    @model_validator(mode="after")
    def _fits_its_format(self) -> Self:
        for name in _NOT_OF_FORMAT[self.format]:
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} is {value!r}, which a file of format {self.format!r} does not have; "
                    f"remove {name}"
                )
        return self

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if not self.is_stored and self.store is not None:
            raise ValueError(f"store is for a path that begins with {SCHEME}; remove store")
        if self.is_stored and not all(split(self.path)):
            raise ValueError(f"path is {self.path!r}; write one such as s3://bucket/folder/*.csv")
        return self

    @property
    def is_stored(self) -> bool:
        """Whether the files are in an object store."""
        return self.path.startswith(SCHEME)

    def within(self, folder: Path) -> Self:
        """Return the source with its relative paths taken from `folder`."""
        if self.is_stored:
            return self
        path = (folder / Path(self.path).expanduser()).absolute()
        return self.model_copy(update={"path": str(path)})
