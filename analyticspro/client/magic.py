"""The cell magic `%%sql`: a cell of SQL gives a frame.

    %load_ext analyticspro

    %%sql per_country
    SELECT country, count(*) AS events FROM events WHERE name = $name GROUP BY country

The frame is `per_country` from then on, and what the cell shows. `$name` is the notebook's
variable of that name: its value is bound, never written into the statement.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from analyticspro.client.client import connect
from analyticspro.errors import AnalyticsProError, DefinitionError

if TYPE_CHECKING:
    import polars as pl
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load"]

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)


def load(shell: InteractiveShell) -> None:
    """Have `shell` know `%%sql`."""
    register: Callable[..., None] = shell.register_magic_function
    register(_magic(shell), magic_kind="cell", magic_name="sql")


def _magic(shell: InteractiveShell) -> Callable[[str, str], pl.DataFrame]:
    def sql(line: str, cell: str) -> pl.DataFrame:
        """Run the cell as SQL: `%%sql [name]`; `$x` in it is the notebook's variable x."""
        try:
            name = _name(line)
            known = {each: shell.user_ns[each] for each in _named(cell) if each in shell.user_ns}
            frame = connect().sql(cell, known)
        except AnalyticsProError as error:
            # All is in the message: a trace through this library would only hide it.
            raise UsageError(str(error)) from None
        if name:
            shell.user_ns[name] = frame
        return frame

    return sql


def _name(line: str) -> str:
    name = line.strip()
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise DefinitionError(f"{name!r} is no name for a variable. Write %%sql name, or %%sql.")
    return name


def _named(cell: str) -> set[str]:
    """Return the names after a $, but for those in texts, quoted names and comments."""
    return set(re.findall(r"\$([A-Za-z_]\w*)", _QUOTED.sub(" ", cell)))
