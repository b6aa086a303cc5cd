"""The logs that the company's systems write: files that grow."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from analyticspro.demo import Tale
from analyticspro.demo_company.records import moment
from analyticspro.errors import SettingError

__all__ = ["LOGS", "append", "begin"]

# What stands in logs besides: a line that a crash cut off, and one that is none.
_CUT = '{"id": "guest-000000", "at": "20'
_NO_REQUEST = "*** log rotated by hand, please ignore ***"


def begin(name: str, folder: Path, tale: Tale, end: datetime) -> int:
    """Write log `name` up to `end` as a system would have left it; return its live file's size.

    What is older is in `NAME.2.gz` and `NAME.1`, as after two rotations.
    """
    lines = LOGS[name](tale, None, end)
    if name == "pictures":
        lines.insert(len(lines) // 3, _CUT)
    if name == "access":
        lines.insert(len(lines) // 2, _NO_REQUEST)
    live = folder / "logs" / f"{name}.log"
    live.parent.mkdir(exist_ok=True)
    for left in live.parent.glob(f"{live.name}*"):
        left.unlink()
    # No file may be empty: a log is known again by its first line.
    first, second = (len(lines) // 2, len(lines) * 7 // 8) if len(lines) > 8 else (0, 0)
    if second:
        packed = gzip.compress(_content(lines[:first]), 3, mtime=0)
        live.with_name(f"{live.name}.2.gz").write_bytes(packed)
        live.with_name(f"{live.name}.1").write_bytes(_content(lines[first:second]))
    content = _content(lines[second:])
    live.write_bytes(content)
    return len(content)


def append(
    name: str, folder: Path, tale: Tale, start: datetime, end: datetime, *, size: int
) -> int:
    """Write what log `name` has of `[start, end)` behind its first `size` bytes; return its size.

    If this was stopped half-way before, some of it stands there already: it is gone on with,
    since what is written depends on nothing but the story.

    Raises:
        SettingError: What stands there is none of it.
    """
    live = folder / "logs" / f"{name}.log"
    content = _content(LOGS[name](tale, start, end))
    with live.open("r+b") as stream:
        stream.seek(size)
        there = stream.read()
        if not (content.startswith(there) or there.startswith(content)):
            raise SettingError(
                f"{live} was changed by someone else, so the demo's story cannot go on. Begin "
                "another: analyticspro --home DIR demo"
            )
        stream.write(content[len(there) :])
        stream.flush()
        os.fsync(stream.fileno())
    return size + len(content)


def _content(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _access(tale: Tale, start: datetime | None, end: datetime) -> list[str]:
    records = tale.between("requests", start, end).with_columns(
        at=pl.col("at").dt.strftime("%d/%b/%Y:%H:%M:%S +0000")
    )
    line = pl.format(
        '{} - - [{}] "{} {} HTTP/1.1" {} {} "-" "{}" {}',
        *("client", "at", "method", "path", "status", "bytes", "agent", "seconds"),
    )
    return records.select(line).to_series().to_list()


def _pictures(tale: Tale, start: datetime | None, end: datetime) -> list[str]:
    records = tale.between("pictures", start, end)
    return _objects(
        records.select(
            "id",
            moment("at"),
            "country",
            "tier",
            "style",
            "category",
            "event",
            "user",
            "error",
            result=pl.concat_str(
                pl.when(pl.col("event").is_null()).then(pl.lit("home_")).otherwise(pl.lit("")),
                "status",
            ),
            account=pl.coalesce("partner", "user"),
            seconds="seconds",
            us=(pl.col("seconds") * 1_000_000).round().cast(pl.Int64),
        )
    )


def _checks(tale: Tale, start: datetime | None, end: datetime) -> list[str]:
    result = pl.when("is_passed").then(pl.lit("passed")).otherwise(pl.lit("failed"))
    records = tale.between("checks", start, end)
    return _objects(records.select(moment("at"), "monitor", "seconds", result=result))


def _audit(tale: Tale, start: datetime | None, end: datetime) -> list[str]:
    records = tale.between("audit", start, end)
    return _objects(records.select("id", moment("at"), "actor", "address", action="type"))


def _objects(records: pl.DataFrame) -> list[str]:
    return records.select(pl.struct(pl.all()).struct.json_encode()).to_series().to_list()


_Lines = Callable[[Tale, datetime | None, datetime], list[str]]
LOGS: Mapping[str, _Lines] = {
    "pictures": _pictures,
    "checks": _checks,
    "access": _access,
    "audit": _audit,
}
