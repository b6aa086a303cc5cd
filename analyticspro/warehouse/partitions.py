"""The files of the archive: how one is written and checked, and how readers come to see it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import file_digest
from pathlib import Path

import duckdb

from analyticspro.errors import WarehouseError
from analyticspro.warehouse.promotions import as_read, promotions

__all__ = [
    "Partition",
    "added",
    "at_hand",
    "digest",
    "point",
    "quoted",
    "removed",
    "settle",
    "write",
]

_GROUP = 122_880  # rows that are read together or passed over


@dataclass(frozen=True)
class Partition:
    """One file of the archive.

    Attributes:
        number: Which no other ever has.
        file: Within the folder of the archive.
        month: Of all events in it, UTC.
        rows: Versions of events in it; those that were taken back count too.
        size: Bytes.
        sha256: Of these bytes.
        last_seq: The highest number of a version in it.
        last_revision: The last commit that one came with.
    """

    number: int
    file: str
    month: date
    rows: int
    size: int
    sha256: str
    last_seq: int
    last_revision: int


def write(
    connection: duckdb.DuckDBPyConnection, folder: Path, number: int, month: date, rows: str
) -> Partition:
    """Write what the SQL `rows` gives into a new file; return it once it was read back.

    It is on the disk by then, and nobody knows of it: whoever makes it known does so with
    `added`. `connection` must see one moment from before this until then.

    Raises:
        WarehouseError: What can be read from it is not what was written.
    """
    place = f"{month:%Y-%m}/{number:06d}.parquet"
    target = folder / place
    for each in (folder, target.parent):
        each.mkdir(mode=0o700, exist_ok=True)
    told = f"SELECT {number:d}::BIGINT AS partition, * FROM ({rows})"
    connection.execute(
        f"COPY ({told} ORDER BY occurred_at, seq) TO {quoted(target)} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP})"
    )
    target.chmod(0o600)
    for settled in (target, target.parent, folder):
        settle(settled)
    wanted = _contents(connection, told)
    count, *_, last_seq, last_revision = wanted
    if _contents(connection, f"FROM read_parquet({quoted(target)})") != wanted:
        raise WarehouseError(
            f"{target} does not hold what was written to it. Check the disk; the events are "
            "where they were before."
        )
    size, sha256 = target.stat().st_size, digest(target)
    return Partition(number, place, month, count, size, sha256, last_seq or 0, last_revision or 0)


def added(connection: duckdb.DuckDBPyConnection, partition: Partition, at: datetime) -> None:
    """Have a file be one of the archive."""
    connection.execute(
        "INSERT INTO archive VALUES ($number, $file, $month, $rows, $size, $sha256, $last_seq, "
        "$last_revision, $at)",
        vars(partition) | {"at": at},
    )
    connection.execute(
        "UPDATE archive_place SET last_partition = greatest(last_partition, $number)",
        {"number": partition.number},
    )


def removed(connection: duckdb.DuckDBPyConnection, numbers: Sequence[int]) -> None:
    """Have files be none of the archive any more."""
    for table in ("archive", "taken_back"):
        connection.execute(
            f"DELETE FROM {table} WHERE partition = ANY($numbers)", {"numbers": list(numbers)}
        )


def at_hand(connection: duckdb.DuckDBPyConnection, folder: Path, *, is_changed: bool) -> None:
    """See to it that the archive is in `folder`, wherever it was when it was last opened.

    Args:
        connection: Of the file that is being opened.
        folder: Of its archive.
        is_changed: Whether the tables may have other columns than before.

    Raises:
        WarehouseError: A file of it is missing.
    """
    tables = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'archive'")
    if not tables.fetchall():
        return
    for (file,) in connection.execute("SELECT file FROM archive ORDER BY partition").fetchall():
        if not (folder / file).exists():
            raise WarehouseError(
                f"{folder / file} is missing: it holds archived events. Put it back, or restore "
                "a backup of the workspace, which holds it."
            )
    [(place,)] = connection.execute("SELECT folder FROM archive_place").fetchall()
    if is_changed or place != str(folder):
        connection.begin()
        point(connection, folder)
        connection.execute("UPDATE archive_place SET folder = $place", {"place": str(folder)})
        connection.commit()


def point(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Have `archived` be what the files of the archive hold, and `events` all there is.

    In the transaction that changes what the files are: who reads sees the old files with the
    old rows, or the new with the new.
    """
    found = connection.execute("SELECT file FROM archive ORDER BY partition").fetchall()
    of_table, of_files = as_read(promotions(connection))
    archived = "SELECT 0::BIGINT AS partition, * FROM hot WHERE false"
    if found:
        files = ", ".join(quoted(folder / file) for (file,) in found)
        archived = (
            f"SELECT {of_files} FROM read_parquet([{files}]) "
            "ANTI JOIN taken_back USING (partition, seq)"
        )
    everything = f"SELECT {of_table} FROM hot"
    if found:
        everything += " UNION ALL SELECT * EXCLUDE (partition) FROM archived"
    connection.execute(f"CREATE OR REPLACE VIEW archived AS {archived}")
    connection.execute(f"CREATE OR REPLACE VIEW events AS {everything}")


def digest(file: Path) -> str:
    """Return the SHA-256 of what `file` holds."""
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def settle(place: Path) -> None:
    """Have a file's content, or a folder's names, be on the disk."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _contents(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[int, ...]:
    """Return how many rows there are, what tells them apart from others, and their ends."""
    [found] = connection.execute(
        f"SELECT count(*), bit_xor(hash(e)), sum(seq)::HUGEINT, max(seq), max(revision) "
        f"FROM ({rows}) e"
    ).fetchall()
    return tuple(found)


def quoted(file: Path | str) -> str:
    """Return a path as SQL: what COPY, a view and a list of files take binds no values."""
    return "'" + str(file).replace("'", "''") + "'"
