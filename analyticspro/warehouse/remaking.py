"""Makes the warehouse's file anew, so that nothing is left in it of what was deleted.

DuckDB deletes a row by marking it, and frees a block without overwriting it; what statistics
say of a column keeps its smallest and its largest value. A file that is written anew has none
of this, and no more room than it needs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from analyticspro.errors import WarehouseError
from analyticspro.warehouse.opening import remaking
from analyticspro.warehouse.partitions import quoted, settle

__all__ = ["remade"]


def remade(connection: duckdb.DuckDBPyConnection, file: Path) -> Path:
    """Return another file with all that `file` holds, which `connection` has open.

    Raises:
        WarehouseError: It does not hold the same number of rows.
    """
    folder = remaking(file)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    draft = folder / file.name
    connection.execute(f"ATTACH {quoted(draft)} AS anew")
    try:
        _copy(connection)
        connection.execute("CHECKPOINT anew")
    finally:
        connection.execute("DETACH anew")
    draft.chmod(0o600)
    settle(draft)
    return draft


def _copy(connection: duckdb.DuckDBPyConnection) -> None:
    connection.begin()
    tables = connection.execute(
        "SELECT table_name, sql FROM duckdb_tables() WHERE database_name = current_database() "
        "AND NOT temporary AND NOT internal ORDER BY table_oid"
    ).fetchall()
    try:
        for name, sql in tables:
            connection.execute(sql.replace("CREATE TABLE ", "CREATE TABLE anew.main.", 1))
            connection.execute(f'INSERT INTO anew.main."{name}" FROM main."{name}"')
            [(old, new)] = connection.execute(
                f'SELECT (SELECT count(*) FROM main."{name}"), '
                f'(SELECT count(*) FROM anew.main."{name}")'
            ).fetchall()
            if old != new:
                raise WarehouseError(f"The copy of {name} has {new:,} rows of {old:,}. Try again.")
        # Whoever opens it has the views made.
        connection.execute("UPDATE anew.main.archive_place SET folder = ''")
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
