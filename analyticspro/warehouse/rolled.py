"""How far the rollups are, in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

__all__ = ["Rolled", "rolled"]


@dataclass(frozen=True)
class Rolled:
    """How far the rollups are.

    Attributes:
        up_to: They hold what is true as of this revision; 0 if they hold nothing.
        zone: Whose days and months they are.
        newest: The newest revision there is.
        has_members: Whether who was there each day may be read too.
        has_tail: Whether what came since is at hand as `TAILS`.
    """

    up_to: int
    zone: str
    newest: int = -1
    has_members: bool = True
    has_tail: bool = False

    @property
    def is_current(self) -> bool:
        """Whether nothing has been committed since."""
        return self.up_to == self.newest

    @property
    def reads_events(self) -> bool:
        """Whether what came since is read from the events: then `$up_to` is to be bound."""
        return not (self.is_current or self.has_tail)


def rolled(connection: duckdb.DuckDBPyConnection, zone: str) -> Rolled:
    """Return how far the rollups for `zone` are."""
    # Every question begins with this: two plain statements take half the time of one of both.
    [(newest,)] = connection.execute("SELECT max(revision) FROM ledger").fetchall()
    rows = connection.execute("SELECT zone, engine, up_to FROM rolled").fetchall()
    known = {(of, engine): up_to for of, engine, up_to in rows}
    return Rolled(known.get((zone, duckdb.__version__), 0), zone, newest or 0)
