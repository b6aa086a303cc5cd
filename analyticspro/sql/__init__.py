"""SQL of a person's own: what of it may run, as which text, on which views, for how long.

A statement passes two readings that know nothing of each other. `regenerated` parses it with
sqlglot, binds its tables to the governed views and writes it anew; `check` goes through the
tree that DuckDB itself makes of that text. Both refuse what they do not know.
"""

from analyticspro.sql.functions import FUNCTIONS, TABLE_FUNCTIONS
from analyticspro.sql.limits import Limits
from analyticspro.sql.reading import check
from analyticspro.sql.statement import VIEWS, regenerated
from analyticspro.sql.trace import Trace, traced

__all__ = [
    "FUNCTIONS",
    "TABLE_FUNCTIONS",
    "VIEWS",
    "Limits",
    "Trace",
    "check",
    "regenerated",
    "traced",
]
